"""How the training step grows with the image, model and loss together:  python -m benchmarks.sizes

For some architectures, with images of its size, the time of a step of 4 images in steps of conv28 with
l2, taken in turns; below, the same in steps of its own with l2.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow, use_threads_for

LOSSES = ("l2", "ours")
ARCHITECTURES = ("conv28", "conv32", "conv64", "conv128", "conv256", "author256", "ambient28", "ambient32", "ambient64")
BATCH = 4
ROUNDS = 3


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
    use_threads_for(pixels=0)
    import models

    found = times({(name, loss): train_step(name, loss) for name in ARCHITECTURES for loss in LOSSES}, ROUNDS)
    unit = found["conv28", "l2"]
    rows = []
    for loss in LOSSES:
        ratios = [f"{ratio(found[name, loss], unit):.1f}" for name in ARCHITECTURES]
        rows.append([f"{loss}, in those of l2 on conv28", *ratios])
    shares = [f"{ratio(found[name, 'ours'], found[name, 'l2']):.2f}" for name in ARCHITECTURES]
    rows.append(["ours, in those of l2 there", *shares])
    publish(
        "sizes",
        [
            "training step",
            *(
                f"{name}, {size} x {size}"
                for name, size in ((name, models.ARCHITECTURES[name].size) for name in ARCHITECTURES)
            ),
        ],
        rows,
    )


if __name__ == "__main__":
    run(main)
