"""The runs of a sweep: every combination of the keys that were given several values."""

import itertools

from config import KEYS, complete, defaults, is_read, require_read
from config.system.errors import UserError


def stages(given):
    """Return what is given to every run of every stage: lists of dicts of values.

    Args: `given`, a dict for each stage, with one value or a list of them for each key.

    Raises:
        UserError: no run reads a key that is given to it, or the runs of a stage cannot be named (`combinations`).
    """
    for stage in given:
        for key, value in stage.items():
            sharing = [run for other in given if other.get(key) == value for run in every_combination(other)]
            require_read([key], [complete(run) for run in sharing])
    return [combinations(stage) for stage in given]


def swept_keys(given):
    """Return those keys of the dict `given` that have several values, with their values."""
    return {key: values for key, values in given.items() if isinstance(values, list)}


def every_combination(given):
    """Return the dict `given` with one value for each key that has several: a dict for each combination."""
    swept = swept_keys(given)
    return [given | dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values())]


def combinations(given):
    """Return what is given to every run: `given` with one value for each key that has several, and a tag.

    The tag is the given one, then the loss and each swept value that is not the default: ours, ours_seed1,
    ours_beta0.001_seed1. A key that nothing in a run reads is left out of it.

    Raises:
        UserError: the tag is a list, the tag of a run is no valid name, or two runs have the same tag.
    """
    if isinstance(given.get("tag"), list):
        raise UserError(f"tag: expected one name, with which every run's begins, got {', '.join(given['tag'])}")
    swept, found = swept_keys(given), every_combination(given)
    named = [
        {key: value for key, value in run.items() if is_read(key, values)} | {"tag": tag(given, swept, values)}
        for run, values in zip(found, map(complete, found), strict=True)
    ]
    tags = [KEYS["tag"].parse("sweep: tag", run["tag"]) for run in named]
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise UserError(f"sweep: expected every run once, got two of the tag {min(twice)}")
    return named


def tag(given, swept, values):
    """Return the tag of the run with all these `values`, of which the keys `swept` differ in the sweep `given`."""
    stem = [given["tag"]] if given.get("tag") else []
    if not stem or {"loss", "model"} & {*swept}:
        stem.append(values["loss"])
    others = [key for key in swept if key not in ("loss", "model") and values[key] != defaults()[key]]
    return "_".join([*stem, *(f"{key}{values[key]}" for key in others if is_read(key, values))])
