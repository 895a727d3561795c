"""Where the files of a run are, and those of the repository."""

from pathlib import Path
from typing import NamedTuple

from config.schema import ROOT


class Files(NamedTuple):
    """The files of a run."""

    model: Path  # weights and configuration
    previous: Path  # the model that stood there before
    state: Path  # all that is needed to resume
    failure: Path  # the record of a step that was not finite
    metrics: Path
    samples: Path
    evolution: Path
    perceptual: Path  # LPIPS and FID
    logs: Path  # the folder of TensorBoard's files


def files(settings):
    """The Files of the run that `settings` describe."""
    model_dir, results_dir = (Path(folder) / settings.tag for folder in (settings.model_dir, settings.results_dir))
    return Files(
        model=model_dir / "model.npz",
        previous=model_dir / "model.previous.npz",
        state=model_dir / "training.state.npz",
        failure=model_dir / "failed_step.npz",
        metrics=results_dir / "metrics.csv",
        samples=results_dir / "samples.png",
        evolution=results_dir / "evolution.npz",
        perceptual=results_dir / "perceptual.npz",
        logs=Path(settings.logs_dir) / settings.tag,
    )


def present(path):
    """Return a path to read from: itself or, if nothing is there, that of the repository where it has one."""
    path = Path(path)
    try:
        return path if path.exists() or not (ROOT / path).exists() else ROOT / path
    except OSError:  # the name is too long for a file
        return path


def is_prefix(path):
    """Whether `path` is the prefix of a TensorFlow checkpoint, as the paper's author has them: PATH.index exists."""
    return Path(f"{path}.index").exists()
