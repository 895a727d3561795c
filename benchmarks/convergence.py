"""Training time until SSIM 0.47 on a thousand test images:  python -m benchmarks.convergence

The time is steps times the time of a step. The steps are those in the logs of our own trainings, for the plain
reference has the same values and gradients; the times of a step are medians, taken in turns. The logs of RUNS:

    python train.py --config=config/experiments/shipped.yml
    python train.py --config=config/experiments/convergence.yml
"""

import csv
import statistics
from pathlib import Path

from benchmarks import publish
from benchmarks.interleaved import times
from benchmarks.step import first_digits, train_step
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

TARGET = 0.47
# folder of the run's log: its name in the table, and the batch size
RUNS = {
    "results/ours": ("batch 100, rates to 0.005 (config/experiments/shipped.yml)", 100),
    "results/convergence/ours-paper": ("batch 50, rates to 0.001 (the paper's)", 50),
    "results/convergence/ours-batch5": ("batch 5, rates 0.001 to 0.005 (released)", 5),
}


def steps_until_target(path):
    """The step at which the log `path` first has an SSIM of TARGET, or the last one, and the best SSIM until then."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        measured = [(int(row["step"]), float(row["test_ssim"])) for row in csv.DictReader(file) if row["test_ssim"]]
    steps = next((step for step, ssim in measured if ssim >= TARGET), measured[-1][0])
    return steps, max(ssim for step, ssim in measured if step <= steps)


def step_times(sizes):
    """The median times of a step, in seconds, of `ours` and of the loop over windows at every batch size."""
    import losses
    from benchmarks.references import Windows

    rivals = {"ours": losses.build("ours"), "loop": Windows()}
    steps = {(name, size): train_step(loss, first_digits(size)) for size in sizes for name, loss in rivals.items()}
    return {which: statistics.median(values) for which, values in times(steps).items()}


def row(folder, seconds):
    """The row of the run in `folder`; `seconds` are the times of steps, by rival and batch size."""
    name, size = RUNS[folder]
    steps, ssim = steps_until_target(f"{folder}/metrics.csv")
    more, reached = ("", "") if ssim >= TARGET else ("over ", f", SSIM {ssim:.3f}")
    return [name, f"{steps:,}{reached}", *(f"{more}{steps * seconds[rival, size]:.0f} s" for rival in ("ours", "loop"))]


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    seconds = step_times([size for _, size in RUNS.values()])
    rows = [row(folder, seconds) for folder in RUNS]
    publish("convergence", [f"until SSIM {TARGET}", "steps", "ours", "loop over windows"], rows)


if __name__ == "__main__":
    run(main)
