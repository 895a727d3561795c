"""How the price of a loss grows with the image, the window and the stride:  python -m benchmarks.growth

The time of a loss and its gradient for a batch of 8 images, in units of l2's at the same size.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

SIZES = (28, 64, 128, 256)
BATCH = 8
LOSSES = {"ssim": {}, "dft+ssim": {}, "ours": {}, "sharp": {}, "sharp-colour": {}}
LOSSES |= {
    f"ours, window {window}, stride {stride}": {"stft_f": window, "stft_s": stride}
    for window, stride in ((8, 2), (8, 4), (16, 2), (16, 8), (28, 4))
}


def gradient(loss, images):
    """A function that computes a loss and its gradient for random reconstructions of `images`."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def compiled(reconstruction):
        with tf.GradientTape() as tape:
            tape.watch(reconstruction)
            values = loss.call(images, reconstruction)
        return tape.gradient(values, reconstruction)

    reconstruction = tf.random.stateless_uniform(images.shape, [0, 1])
    return lambda: compiled(reconstruction)


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import tensorflow as tf

    import losses

    columns = []
    for size in SIZES:
        images = tf.random.stateless_uniform([BATCH, size, size, 1], [0, 0])
        rivals = {name: losses.build(name.split(",")[0], **keys) for name, keys in LOSSES.items()}
        rivals["l2"] = losses.build("l2")
        found = times({name: gradient(loss, images) for name, loss in rivals.items()}, rounds=7)
        columns.append({name: f"{ratio(found[name], found['l2']):.0f}" for name in LOSSES})
    rows = [[name, *(column[name] for column in columns)] for name in LOSSES]
    publish("growth", ["loss and gradient, in those of l2", *(f"{size} x {size}" for size in SIZES)], rows)


if __name__ == "__main__":
    run(main)
