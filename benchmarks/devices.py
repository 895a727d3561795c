"""Two devices against one:  python -m benchmarks.devices

The processor is split into two logical devices. For two sizes of batches, the median ratio of a step of `ours` with
--strategy=mirrored, half of the batch on each device, to one with --strategy=none, taken in turns. Two real devices
would share the work; these share one processor, so the ratio is what the strategy itself costs.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

BATCHES = (50, 500)


def train_step(strategy, size):
    """A function that takes one training step of conv28 under a strategy, on `size` digits."""
    import tensorflow as tf

    import config
    from benchmarks.step import first_digits
    from training import devices, loop

    images = first_digits(size)
    with devices.strategy(strategy).scope():
        model = loop.compiled(config.resolve({"architecture": "conv28"}), images.shape[1:])
    step = tf.function(model.step, autograph=False)
    return lambda: bool(step(images))


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import tensorflow as tf

    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    rows = []
    for size in BATCHES:
        found = times({strategy: train_step(strategy, size) for strategy in ("none", "mirrored")})
        rows.append([str(size), f"{ratio(found['mirrored'], found['none']):.2f}"])
    publish("devices", ["batch", "two logical devices / one"], rows)


if __name__ == "__main__":
    run(main)
