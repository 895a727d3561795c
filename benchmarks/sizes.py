"""How the training step grows with the image, model and loss together:  python -m benchmarks.sizes

For some architectures, with images of their size: the time of a step of 16 images in steps of l2, taken in turns. The
first row is that of l2 in steps of conv28 with l2.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

LOSSES = ("l2", "ours", "sharp", "sharp-colour")
ARCHITECTURES = ("conv28", "conv64", "conv128", "conv256", "author256")
BATCH = 16
ROUNDS = 5


def train_step(architecture, loss):
    """A function that takes one training step of `architecture` with `loss` on BATCH random images."""
    import keras
    import tensorflow as tf

    import config
    import models

    size = models.ARCHITECTURES[architecture].size
    batch = tf.random.stateless_uniform([BATCH, size, size, 1 if size == 28 else 3], [0, 0])
    model = models.build(config.resolve({"architecture": architecture, "loss": loss}), batch.shape[1:])
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    compiled = tf.function(model.train_step, autograph=False)
    return lambda: compiled(batch)


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import models

    columns = []
    for name in ARCHITECTURES:
        steps = {loss: train_step(name, loss) for loss in LOSSES} | {"conv28": train_step("conv28", "l2")}
        found = times(steps, ROUNDS)
        growth = f"{ratio(found['l2'], found['conv28']):.1f}"
        columns.append([growth, *(f"{ratio(found[loss], found['l2']):.2f}" for loss in LOSSES[1:])])
    labels = ["l2, in those of l2 on conv28", *(f"{loss}, in those of l2" for loss in LOSSES[1:])]
    sizes = [f"{name}, {models.ARCHITECTURES[name].size} pixels" for name in ARCHITECTURES]
    rows = [[label, *cells] for label, *cells in zip(labels, *columns, strict=True)]
    publish("sizes", ["training step", *sizes], rows)


if __name__ == "__main__":
    run(main)
