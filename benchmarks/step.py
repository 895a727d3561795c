"""The training step of every loss against l2's:  python -m benchmarks.step

Prints, for batches of 5, 50 and 500, the median ratio of each step to that of l2 taken in turns
with it, and the share of the matrix-product rate that l2's step reaches.
"""

import statistics

from benchmarks.interleaved import ratio, times
from config.runtime import import_tensorflow

LOSSES = ("l2", "l1", "bce", "ssim", "dft+ssim", "ours", "ours-released")
BATCHES = (5, 50, 500)
# multiplications and additions of conv28 for one image, forwards and backwards (three times forwards)
FLOPS = 3 * 2 * (13 * 13 * 9 * 32 + 6 * 6 * 9 * 32 * 64 + 2304 * 4 + 2 * 1568 + 9 * (49 * 2048 + 196 * 2048 + 784 * 32))


def main():
    """Print the tables."""
    import_tensorflow()
    import keras
    import tensorflow as tf

    import data
    import losses
    from benchmarks import references
    from data.batches import to_float
    from models import VAE, conv28

    def step(loss, batch):
        model = VAE(*conv28(batch.shape[1:], 2), loss)
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        compiled = tf.function(model.train_step, autograph=False)
        return lambda: compiled(batch)

    matrix = tf.random.normal([1024, 1024])
    product = tf.function(lambda: matrix @ matrix)
    images = data.load("mnist", "train").images
    rivals = {name: losses.build(name) for name in LOSSES}
    rivals |= {"ours by patches and fft2d": references.Patches(), "ours by a loop over windows": references.Windows()}
    for size in BATCHES:
        batch = to_float(tf.constant(images[:size]))
        found = times({name: step(loss, batch) for name, loss in rivals.items()} | {"product": product})
        print(f"batch {size}: l2 {1e3 * statistics.median(found['l2']):.2f} ms")
        for name in rivals:
            print(f"  {name:28} {ratio(found[name], found['l2']):6.2f} x l2")
        share = FLOPS * size / (2 * 1024**3) * ratio(found["product"], found["l2"])
        print(f"  l2 runs at {100 * share:.0f} % of the rate of a 1024 x 1024 matrix product")


if __name__ == "__main__":
    main()
