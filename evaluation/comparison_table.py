"""Tables of configurations: means over seeds, and paired differences from baselines."""

from itertools import chain
from typing import NamedTuple

import numpy as np

import config
from config.system.errors import UserError
from evaluation import bootstrap, comparison, controls, markdown, scoring
from evaluation.markdown import display_name
from evaluation.metrics import METRICS

CAPTION_OF_DIFFERENCES = (
    "Differences with 95 % intervals over seeds and test images, paired by image and, where both have the same seeds, "
    "by seed. The intervals hold all differences of this table at once: each is {factor:.2f} times as wide as it would "
    "be alone. Bold: the interval lies beyond the margin. ≈: it lies within the margin, so the two are equal in "
    "practice. Margins: {margins}; 0 for the other metrics. Seeds: the smaller number of the two. With one seed the "
    "interval is over test images alone and not widened, and nothing is bold or ≈."
)

# what the captions of tables with these metrics say of them
MEANINGS = {
    "shape_blur": " Blur of shapes: the same of shapes alone, in which contrast and noise do not count.",
    "digit_read": " Digit read: the share of reconstructions that a small network reads as the same digit as the "
    "image.",
    "colour_kept": " Colour kept: the mean chroma of the reconstructions, the standard deviation of the channels of a "
    "pixel, divided by that of the images.",
}
OF_INTERVALS = (
    " The intervals of precision and recall take the neighbourhoods as they are; those of FID are over seeds alone."
)


def baseline_rows(labels, names, flag="baseline"):
    """Return the rows that the comma-separated `labels` of a flag mean, label → name of the row.

    Raises:
        UserError: a label means no row, or more than one.
    """
    return {label.strip(): baseline_row(label.strip(), names, flag) for label in labels.split(",") if label.strip()}


def baseline_row(label, names, flag="baseline"):
    """Return the row of the name `label` or, if there is one such row, that of the loss or control `label`.

    Raises:
        UserError: there is none, or more than one.
    """
    fitting = [name for name in names if name == label] or [name for name in names if name.split()[0] == label]
    if len(fitting) != 1:
        raise UserError(f"{flag}: expected one of {', '.join(names)}, got {label[:80]!r}")
    return fitting[0]


def differences(found, baselines):
    """Return the Estimate of each difference, "ours - l2", each pair once.

    Args: `found`, name → Estimate; `baselines`, label → name.
    """
    estimates, seen = {}, set()
    for label, baseline in baselines.items():
        seen.add(baseline)
        others = {name: one for name, one in found.items() if name not in seen}
        estimates |= {f"{name} - {label}": comparison.difference(one, found[baseline]) for name, one in others.items()}
    return estimates


def row(name, one):
    """Return the row of the Estimate `one`: of each metric the mean, the deviation over seeds, the interval."""
    metrics = {
        metric: {"mean": float(means[0]), "sd": deviation(one, metric), "interval": bootstrap.interval(means)}
        for metric, means in one.means.items()
    }
    return {"name": name, "seeds": [run.seed for run in one.runs], **metrics}


def row_of_difference(name, one, factor):
    """Return the row of a difference, its intervals `factor` times as wide.

    A metric is `clear` where its interval lies beyond its margin, and `equal` where it lies within. With a single seed
    the interval does not cover other seeds, so it is as it is, and nothing is clear or equal.
    """
    found, has_seeds = row(name, one), len(one.runs) > 1
    for metric in one.means:
        value, margin = found[metric], METRICS[metric].margin
        ends = bootstrap.widened(value["mean"], *value["interval"], factor if has_seeds else 1)
        clear, equal = bootstrap.is_beyond(*ends, margin), bootstrap.is_within(*ends, margin)
        found[metric] = value | {"interval": ends, "clear": has_seeds and clear, "equal": has_seeds and equal}
    return found


def widening(differences, names):
    """Return the factor for the intervals of metrics, by `names`, of Estimates with several seeds; 1 if none has."""
    found = [one.means[name] for one in differences if len(one.runs) > 1 for name in names]
    return bootstrap.widening(np.stack(found)) if found else 1.0


def caption_of_differences(factor, names):
    """Return how the differences in the metrics `names` were made, whose intervals are `factor` times as wide."""
    margins = (f"{METRICS[name].heading} {METRICS[name].margin:g}" for name in names if METRICS[name].margin)
    return CAPTION_OF_DIFFERENCES.format(factor=factor, margins=", ".join(margins))


def deviation(one, metric):
    """Return the standard deviation over the seeds of an Estimate, None if there are not two."""
    return float(one.of_runs[metric][0].std(ddof=1)) if one.of_runs and len(one.runs) > 1 else None


def with_deviation(value, decimals):
    """Return the mean over seeds and their standard deviation: "11.94 ± 0.02"."""
    spread = "" if value["sd"] is None else f" ± {markdown.number(value['sd'], decimals)}"
    return f"{markdown.number(value['mean'], decimals)}{spread}"


def with_interval(value, decimals):
    """Return the mean and its interval: "11.94 [11.90, 11.98]"."""
    return markdown.interval(value["mean"], *value["interval"], decimals)


def with_sign(value, decimals):
    """Return a difference and its interval, bold where it is clear, ≈ where it is equal: "**+0.52 [0.48, 0.57]**"."""
    text = f"{markdown.number(value['mean'], decimals, '+')} {markdown.span(*value['interval'], decimals)}"
    return f"**{text}**" if value["clear"] else f"≈ {text}" if value["equal"] else text


def table(heading, rows, cell, names):
    """Return rows in Markdown, with a column for each metric in `names`; `cell(value, decimals)` is the text."""
    header = [heading, "seeds", *(METRICS[name].heading for name in names)]
    texts = [[cell(row[name], METRICS[name].decimals) for name in names] for row in rows]
    firsts = [[display_name(row["name"]), str(len(row["seeds"]))] for row in rows]
    return markdown.table(header, [first + text for first, text in zip(firsts, texts, strict=True)])


class Wanted(NamedTuple):
    """The controls that a table has."""

    rows: str = ""  # of these rows, labels separated by commas
    as_sharp_as: str = ""  # as sharp as this row, a label; empty: of any sharpness
    images: np.ndarray | None = None  # held-out images for their constants, uint8 [N, H, W, C]


def with_controls(groups, wanted):
    """Return `groups`, name → runs, with the controls Wanted.

    Raises:
        UserError: a row of which there is to be a control does not exist.
    """
    return controls.with_controls(groups, [*baseline_rows(wanted.rows, groups, "controls").values()])


def edits(groups, protocol, wanted):
    """Return the Edit of each of the `groups`, name → runs, and the sentences about those that are controls.

    Raises:
        UserError: the row as sharp as which they are to be does not exist.
    """
    label, images = wanted.as_sharp_as, wanted.images
    row = baseline_row(label, groups, "as_sharp_as") if label else None
    target = controls.blur_of(groups[row], images, protocol) if row else np.inf
    found = {name: controls.chosen(name, group, images, protocol, target) for name, group in groups.items()}
    return found, controls.caption(found, row, target)


def report(found, images, protocol, baselines, wanted=None):
    """Return the table of all configurations of the runs `found`: (rows, text).

    Args: `images`, uint8 [N, H, W, C]; `protocol`, a comparison.Protocol; `baselines`, names separated by commas;
    `wanted`, the controls Wanted, None for none.

    Raises:
        UserError: a baseline, or a row of a control, is no row.
    """
    wanted = wanted or Wanted()
    groups = with_controls(bootstrap.configurations(found), wanted)
    chosen = baseline_rows(baselines, groups)
    changes, about = edits(groups, protocol, wanted)
    estimates = comparison.estimates(groups, images, protocol, changes)
    first = "Mean ± standard deviation over seeds; the value of a seed is that of all test images."
    last = caption(found, images, protocol) + about
    return tables(estimates, chosen, first, with_deviation, protocol.metrics(), last)


def report_at_equal_kl(found, images, protocol, baselines, wanted=None, kl=None):
    """Return the table of losses at equal KL divergence: (rows, text).

    Args: as of `report`; `kl` in nats, None: within what the losses share.

    Raises:
        UserError: no loss has runs at several beta, or a baseline, or a row of a control, is no row.
    """
    wanted = wanted or Wanted()
    every = {name: at_each_beta(runs) for name, runs in bootstrap.configurations(found, apart=("beta",)).items()}
    families = {name: at_betas for name, at_betas in every.items() if len(at_betas) > 1}
    if not families:
        raise UserError(f"match: expected runs at several values of beta, got one of each of {', '.join(every)}")
    families = with_controls(families, wanted)
    chosen = baseline_rows(baselines, families)
    changes, about = edits({name: [*chain(*at_betas)] for name, at_betas in families.items()}, protocol, wanted)
    estimates = comparison.estimates_of_families(families, images, protocol, changes)
    matched, outside, kl = comparison.at_equal_kl(estimates, kl)
    if not matched:
        raise UserError(f"kl: expected a KL divergence that a loss reaches, got {kl:g} nats.{left_out(outside, [])}")
    chosen = {label: name for label, name in chosen.items() if name in matched}
    first = (
        f"At a KL divergence of {kl:.2f} nats, linear between runs at several beta. Mean with its 95 % interval over "
        "seeds and test images. Seeds: the fewest at a beta; with one seed the interval is over test images alone."
        f"{left_out(outside, [name for name in every if name not in families])}"
    )
    names = [name for name in protocol.metrics() if name != "kl_divergence"]
    last = caption(found, images, protocol, apart=("beta",)) + about
    return tables(matched, chosen, first, with_interval, names, last)


def at_each_beta(runs):
    """Return `runs` that differ in their seeds and beta as lists of runs with one beta each."""
    return list(bootstrap.configurations(runs).values())


def left_out(outside, single):
    """Return a sentence on the losses that have other KL divergences, name → range, or a `single` beta; "" if none."""
    found = [f"{display_name(name)} ({low:.2f} to {high:.2f} nats)" for name, (low, high) in outside.items()]
    found += [f"{display_name(name)} (one beta)" for name in single]
    return f" Left out: {', '.join(found)}." if found else ""


def tables(estimates, baselines, first, cell, names, last):
    """Return the rows of `estimates`, name → Estimate, and of their differences if any, and both in Markdown.

    Args: `baselines`, label → name; `first`, the caption of the first table, whose cells are of `cell`; `names`, those
    of the metrics; `last`, the caption of both.
    """
    rows = [row(name, one) for name, one in estimates.items()]
    found = differences(estimates, baselines)
    factor = widening(found.values(), names)
    apart = [row_of_difference(name, one, factor) for name, one in found.items()]
    parts = [first, table("loss", rows, cell, names)]
    if apart:
        parts += [caption_of_differences(factor, names), table("difference", apart, with_sign, names)]
    return rows + apart, "\n\n".join([*parts, last]) + "\n"


def caption(found, images, protocol, apart=()):
    """Return how the numbers were made, and the settings that the runs `found` share, but for the keys `apart`."""
    usual = bootstrap.usual_settings(found)
    differing = bootstrap.differences(config.Settings(**config.defaults()), usual)
    shared = ", ".join(f"{key}={getattr(usual, key)}" for key in differing if key not in apart)
    measured = f"{len(images):,} {protocol.split} images of {protocol.dataset}"
    meanings = "".join(text for name, text in MEANINGS.items() if name in protocol.metrics())
    return (
        f"{scoring.caption(measured, protocol.latents, protocol.seed)} Blur: the "
        "Gaussian, sigma in pixels, that makes the test images as soft as the reconstructions, or as samples of the "
        f"prior.{meanings} The runs have the default settings"
        f"{f', except {shared}' if shared else ''}; the name of a row says what else differs."
        f"{scoring.perceptual_caption(protocol.metrics(), protocol.perceptual, images.shape[-1])}"
        f"{OF_INTERVALS if 'kid' in protocol.metrics() else ''}"
    )
