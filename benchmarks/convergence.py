"""Training time until SSIM 0.47 on held-out images:  python -m benchmarks.convergence

The rivals train in turns of a few seconds, each on a clock of its own that measuring does not
count in. A rival that is not there within LIMIT seconds is shown with the SSIM it reached.
"""

import itertools
import time
from types import SimpleNamespace

from benchmarks import publish
from config.runtime import import_tensorflow

TARGET = 0.47
LIMIT, TURN = 300, 10
MEASURED = 1000


def training(loss, batch_size, min_lr, max_lr):
    """A rival: its model, a function that takes one step, and its clock."""
    import keras
    import tensorflow as tf

    import data
    from data import batches
    from models import VAE, conv28
    from training.cyclical import CyclicalLearningRate

    images = data.load("mnist", "train").images[:50_000]
    keras.utils.set_random_seed(0)
    model = VAE(*conv28(images.shape[1:], 2), loss)
    model.compile(keras.optimizers.Adam(CyclicalLearningRate(min_lr, max_lr)), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    compiled = tf.function(model.train_step, autograph=False, reduce_retracing=True)
    epochs = (batches.epoch(images, batch_size, 0, number) for number in itertools.count())
    stream = itertools.chain.from_iterable(epochs)
    compiled(next(stream))
    return SimpleNamespace(model=model, step=lambda: compiled(next(stream)), seconds=0.0, ssim=0.0)


def train_a_turn(rival, images):
    """Train for TURN seconds and measure SSIM on uint8 `images`."""
    from evaluation.quality import reconstruction_quality

    begin = time.perf_counter()
    while time.perf_counter() - begin < TURN:
        rival.step()
    rival.seconds += time.perf_counter() - begin
    rival.ssim = reconstruction_quality(rival.model, images)["ssim"].mean()


def main():
    """Print the table."""
    import_tensorflow()
    import data
    import losses
    from benchmarks.references import Windows

    rivals = {
        "ours, batch 100, rates to 0.005 (config/shipped.yml)": training(losses.build("ours"), 100, 1e-4, 5e-3),
        "ours, batch 50, rates to 0.001 (the paper's)": training(losses.build("ours"), 50, 1e-4, 1e-3),
        "loop over windows, batch 50, rates to 0.001": training(Windows(), 50, 1e-4, 1e-3),
        "loop over windows, batch 5, rates 0.001 to 0.005 (released)": training(Windows(), 5, 1e-3, 5e-3),
    }
    images = data.load("mnist", "held-out").images[:MEASURED]
    while running := [r for r in rivals.values() if r.ssim < TARGET and r.seconds < LIMIT]:
        for rival in running:
            train_a_turn(rival, images)
    rows = []
    for name, rival in rivals.items():
        reached = rival.ssim >= TARGET
        steps = int(rival.model.optimizer.iterations)
        time_taken = f"{rival.seconds:.0f} s" if reached else f"over {LIMIT} s (SSIM {rival.ssim:.3f})"
        rows.append([name, f"{steps:,}", time_taken])
    publish("convergence", [f"until SSIM {TARGET}", "steps", "training time"], rows)


if __name__ == "__main__":
    main()
