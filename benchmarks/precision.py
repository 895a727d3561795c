"""The training step in half precision:  python -m benchmarks.precision

For three sizes of images, the median ratio of a step of `ours` in bfloat16 and in float16 to the same in float32, taken
in turns.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

PRECISIONS = ("float32", "bfloat16", "float16")
# architecture: images of a batch
CASES = {"conv28": 50, "conv64": 16, "conv256": 8}


def train_step(architecture, size, precision):
    """A function that takes one training step of `architecture` in a precision, on `size` random images."""
    import tensorflow as tf

    import config
    import models
    from training import loop

    side = models.ARCHITECTURES[architecture].size
    images = tf.random.stateless_uniform([size, side, side, 1 if side == 28 else 3], [0, 0])
    model = loop.compiled(config.resolve({"architecture": architecture, "precision": precision}), images.shape[1:])
    step = tf.function(model.step, autograph=False)
    return lambda: bool(step(images))


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    rows = []
    for architecture, size in CASES.items():
        found = times({precision: train_step(architecture, size, precision) for precision in PRECISIONS})
        ratios = [f"{ratio(found[precision], found['float32']):.2f}" for precision in PRECISIONS[1:]]
        rows.append([f"{architecture}, batches of {size}", *ratios])
    publish("precision", ["training step of ours, in those of float32", *PRECISIONS[1:]], rows)


if __name__ == "__main__":
    run(main)
