"""Training time until SSIM 0.47 on held-out images:  python -m benchmarks.convergence

The time is steps times the time of a step. The steps are counted in a training with our loss, the
plain reference having the same values and gradients; the times of steps are medians, taken in turns, first,
and want an idle machine. A recipe that is not there after LIMIT images is shown with the SSIM it reached.
"""

import itertools
import statistics
from typing import NamedTuple

from benchmarks import publish
from benchmarks.interleaved import times
from benchmarks.step import first_digits, train_step
from config.runtime import import_tensorflow

TARGET, LIMIT = 0.47, 1_500_000
# held-out images measured, and training images between two measurements
MEASURED, EVERY = 1000, 20_000


class Recipe(NamedTuple):
    """Batch size and bounds of the learning rate's first cycle."""

    batch_size: int
    min_lr: float
    max_lr: float


RECIPES = {
    "batch 100, rates to 0.005 (config/shipped.yml)": Recipe(100, 1e-4, 5e-3),
    "batch 50, rates to 0.001 (the paper's)": Recipe(50, 1e-4, 1e-3),
    "batch 5, rates 0.001 to 0.005 (released)": Recipe(5, 1e-3, 5e-3),
}


def steps_until_target(recipe):
    """The steps until `ours` reaches TARGET, or LIMIT, and the SSIM there."""
    import keras
    import tensorflow as tf

    import data
    import losses
    from data import batches
    from evaluation.quality import reconstruction_quality
    from models import VAE, conv28
    from training.cyclical import CyclicalLearningRate

    images, held_out = (data.load("mnist", split).images for split in ("rest", "held-out"))
    keras.utils.set_random_seed(0)
    model = VAE(*conv28(images.shape[1:], 2), losses.build("ours"))
    model.compile(keras.optimizers.Adam(CyclicalLearningRate(recipe.min_lr, recipe.max_lr)), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, autograph=False, reduce_retracing=True)
    epochs = (batches.epoch(images, recipe.batch_size, 0, number) for number in itertools.count())
    stream, every = itertools.chain.from_iterable(epochs), EVERY // recipe.batch_size
    steps, ssim = 0, 0
    while ssim < TARGET and steps * recipe.batch_size < LIMIT:
        for batch in itertools.islice(stream, every):
            step(batch)
        steps += every
        ssim = reconstruction_quality(model, held_out[:MEASURED])["ssim"].mean()
    return steps, ssim


def step_times():
    """The median times of a step, in seconds, of `ours` and of the loop over windows at every batch size."""
    import losses
    from benchmarks.references import Windows

    rivals = {"ours": losses.build("ours"), "loop": Windows()}
    sizes = [recipe.batch_size for recipe in RECIPES.values()]
    steps = {(name, size): train_step(loss, first_digits(size)) for name, loss in rivals.items() for size in sizes}
    return {which: statistics.median(values) for which, values in times(steps).items()}


def main():
    """Print the table."""
    import_tensorflow()
    seconds, rows = step_times(), []
    for name, recipe in RECIPES.items():
        steps, ssim = steps_until_target(recipe)
        reached = "" if ssim >= TARGET else f" (SSIM {ssim:.3f})"
        each = [f"{steps * seconds[rival, recipe.batch_size]:.0f} s" for rival in ("ours", "loop")]
        rows.append([name, f"{steps:,}{reached}", *each])
        print(*rows[-1], flush=True)
    publish("convergence", [f"until SSIM {TARGET}", "steps", "ours", "loop over windows"], rows)


if __name__ == "__main__":
    main()
