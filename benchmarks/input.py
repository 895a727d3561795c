"""The input pipeline alone against the step of l2:  python -m benchmarks.input"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from benchmarks.step import first_digits, train_step
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

BATCHES = (5, 50, 500)


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import data
    import losses
    from data import batches

    images = data.load("mnist", "train").images
    shares = []
    for size in BATCHES:
        endless = iter(batches.epoch(images, size, 0, 0).repeat())
        actions = {"batch": lambda endless=endless: next(endless)}
        found = times(actions | {"step": train_step(losses.build("l2"), first_digits(size))})
        shares.append(f"{100 * ratio(found['batch'], found['step']):.1f} %")
    publish("input", ["", *(f"batch {size}" for size in BATCHES)], [["next batch, share of the step of l2", *shares]])


if __name__ == "__main__":
    run(main)
