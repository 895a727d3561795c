"""The training step of every loss against l2's:  python -m benchmarks.step

For batches of 5, 50 and 500, the median ratio of each step to the step of l2 taken in turns with it;
two plain ways to write `ours` among them (benchmarks/references.py). Below, the share of the rate of
matrix products that l2's step reaches, and what an image costs in the released code's batches of 5.
"""

from benchmarks import publish
from benchmarks.interleaved import ratio, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow

LOSSES = (
    "l2", "l1", "bce", "ssim", "dft+ssim", "ours", "ours-corrected", "ours-released", "sharp", "sharp-colour",
    "log-spectral", "multiscale-corrected",
)  # fmt: skip
BATCHES = (5, 50, 500)
# multiplications and additions of conv28 for one image, forwards and backwards (three times forwards)
FLOPS = 3 * 2 * (13 * 13 * 9 * 32 + 6 * 6 * 9 * 32 * 64 + 2304 * 4 + 2 * 1568 + 9 * (49 * 2048 + 196 * 2048 + 784 * 32))
SIDE = 1024


def train_step(loss, batch):
    """A function that takes one training step of conv28 with `loss` on `batch` [B, 28, 28, 1]."""
    import keras
    import tensorflow as tf

    from models import VAE
    from models.networks.conv28 import conv28

    model = VAE(*conv28(batch.shape[1:], 2), loss)
    model.build(batch.shape)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    compiled = tf.function(model.train_step, autograph=False)
    return lambda: compiled(batch)


def matrix_product():
    """A function that multiplies two matrices of SIDE x SIDE."""
    import tensorflow as tf

    matrix = tf.random.normal([SIDE, SIDE])
    return tf.function(lambda: matrix @ matrix)


def first_digits(size):
    """The first `size` training images, float32 [size, 28, 28, 1]."""
    import data
    from data.batches import to_float

    return to_float(data.load("mnist", "train").images[:size])


def main(argv):
    """Print the table."""
    Parser(__doc__).parse(argv)
    import_tensorflow()
    import losses
    from benchmarks import references

    rivals = {name: losses.build(name) for name in LOSSES}
    rivals |= {"ours, patches and fft2d": references.Patches(), "ours, a loop over windows": references.Windows()}
    found = {}
    for size in BATCHES:
        batch = first_digits(size)
        found[size] = times({name: train_step(loss, batch) for name, loss in rivals.items()} | {"": matrix_product()})
    rows = [[name, *(f"{ratio(found[size][name], found[size]['l2']):.2f}" for size in BATCHES)] for name in rivals]
    shares = [FLOPS * size / (2 * SIDE**3) * ratio(found[size][""], found[size]["l2"]) for size in BATCHES]
    rows.append(["l2, in % of the speed of a plain matrix product", *(f"{100 * share:.0f} %" for share in shares)])
    loop, ours = found[5]["ours, a loop over windows"], found[50]["ours"]
    rows.append(["time of an image: loop at batch 5 / ours at 50", f"{10 * ratio(loop, ours):.1f}", "", ""])
    publish("step", ["step, in steps of l2", *(f"batch {size}" for size in BATCHES)], rows)


if __name__ == "__main__":
    run(main)
