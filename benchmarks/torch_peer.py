"""The training step against the same in PyTorch:  python -m benchmarks.torch_peer

Needs `pip install -r requirements-benchmarks.txt` and, for torch.compile, a C++ compiler, and takes
about a minute a row. PyTorch runs in a process of its own, which waits while ours runs, so that neither's
threads are in the other's way. Of eager and compiled, channels first and last, the fastest is the
peer. Prints, for batches of 5, 50 and 500, the median times of a step and the median ratio of those
taken in turns. The machine should be idle otherwise: PyTorch's threads wait for one another, and
lose far more than ours to other processes.
"""

import functools
import itertools
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor

from benchmarks.interleaved import ratio, seconds, times
from config.runtime import import_tensorflow

LOSSES = ("l2", "l1", "bce", "ssim", "dft+ssim", "ours")
BATCHES = (5, 50, 500)
VARIANTS = [", ".join(parts) for parts in itertools.product(("eager", "compile"), ("channels first", "channels last"))]


@functools.cache
def peer_step(loss, size, variant):
    """PyTorch's training step, made once a process."""
    import torch

    import data
    from benchmarks import torch_vae

    images = torch.tensor(data.load("mnist", "train").images[:size]).permute(0, 3, 1, 2) / 255
    layout = torch.channels_last if "last" in variant else torch.contiguous_format
    return torch_vae.training_step(loss, images, "compile" in variant, layout)


def peer_seconds(loss, size, variant, repeats):
    """The mean time of PyTorch's step over `repeats` calls, in seconds."""
    return seconds(peer_step(loss, size, variant), repeats)


def our_step(loss, size):
    """Our training step."""
    import keras
    import tensorflow as tf

    import data
    import losses
    from data.batches import to_float
    from models import VAE, conv28

    batch = to_float(tf.constant(data.load("mnist", "train").images[:size]))
    model = VAE(*conv28(batch.shape[1:], 2), losses.build(loss))
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    compiled = tf.function(model.train_step, autograph=False)
    return lambda: compiled(batch)


def compare(loss, size, **settings):
    """The times of our step and of every variant of PyTorch's that runs, by name."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as process:

        def peer(variant, repeats):
            return process.submit(peer_seconds, loss, size, variant, repeats).result()

        actions = {"ours": functools.partial(seconds, our_step(loss, size))}
        for variant in VARIANTS:
            try:
                peer(variant, 1)
                actions[variant] = functools.partial(peer, variant)
            except Exception as error:  # without a C++ compiler torch.compile fails, in many ways
                if "compile" not in variant:
                    raise
                print(f"{variant} does not run: {error!r:.200}")
        return times(actions, timer=lambda action, repeats: action(repeats=repeats), **settings)


def main(losses=LOSSES, batches=BATCHES, **settings):
    """Print the table; `settings` are those of `times`."""
    import_tensorflow()
    print(f"batch  {'loss':8}  ours, ms  PyTorch, ms  PyTorch / ours  PyTorch's fastest")
    for size, loss in itertools.product(batches, losses):
        found = compare(loss, size, **settings)
        medians = {name: 1e3 * statistics.median(values) for name, values in found.items()}
        best = min(found.keys() - {"ours"}, key=medians.get)
        share = ratio(found[best], found["ours"])
        print(f"{size:5}  {loss:8}  {medians['ours']:8.2f}  {medians[best]:11.2f}  {share:14.2f}  {best}", flush=True)


if __name__ == "__main__":
    main()
