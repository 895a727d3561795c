"""The training loop against one in PyTorch:  python -m benchmarks.torch_peer

Needs `pip install -r requirements-benchmarks.txt` and, for torch.compile, a C++ compiler, and takes
about a minute a row. Both loops shuffle the images of an epoch and read one batch after the other: ours with tf.data
inside the graph, PyTorch's with a DataLoader. Every loop has a process of its own, which waits while another's runs,
so that no one's threads are in the other's way. Of eager and compiled, channels first and last, the fastest is the
peer. The table has the median times of a step and the median ratio of those taken in turns. The machine should be idle
otherwise: PyTorch's threads wait for one another, and lose far more than ours to other processes.
"""

import contextlib
import functools
import itertools
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks import publish
from benchmarks.interleaved import ratio, seconds, times
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow, use_threads_for

# side of the images in pixels and size of the batch: the losses
CASES = {
    (28, 5): ("l2", "ssim", "ours"),
    (28, 50): ("l2", "l1", "bce", "ssim", "dft+ssim", "ours"),
    (28, 500): ("l2", "ssim", "ours"),
    (64, 16): ("l2", "ssim", "ours"),
    (256, 4): ("l2", "ssim", "ours"),
}
# images of an epoch, in batches
EPOCH = 20
VARIANTS = [", ".join(parts) for parts in itertools.product(("eager", "compile"), ("channels first", "channels last"))]


def images(side, size):
    """The images of an epoch, float32 [N, side, side, C]: digits, or random colours."""
    import data

    if side == 28:
        return data.load("mnist", "train").images[: EPOCH * size].astype("float32") / 255
    return np.random.default_rng(0).random((EPOCH * size, side, side, 3), "float32")


@functools.cache
def peer_loop(loss, side, size, variant):
    """PyTorch's training loop, a function that takes so many steps; made once a process."""
    import torch

    from benchmarks import torch_vae

    layout = torch.channels_last if "last" in variant else torch.contiguous_format
    planes = torch.tensor(images(side, size)).permute(0, 3, 1, 2).contiguous()
    step = torch_vae.training_step(loss, planes, size, "compile" in variant, layout)
    return lambda count: [step() for _ in range(count)]


@functools.cache
def our_loop(loss, side, size, _):
    """Our training loop, a function that takes so many steps, with the threads of a training; made once a process."""
    import_tensorflow()
    use_threads_for(size * side * side)
    import config
    from data import batches
    from training import loop

    given = {"loss": loss, "architecture": f"conv{side}", "latent_dim": 2 if side == 28 else 64}
    pixels = images(side, size)
    model = loop.compiled(config.resolve(given), pixels.shape[1:])
    take, endless = loop.steps_in_one_call(model), iter(batches.epoch(pixels, size, 0, 0).repeat())
    return lambda count: take(endless, count)


def step_seconds(variant, loss, side, size, count):
    """The mean time of a step over `count` steps, in seconds."""
    take = (our_loop if variant == "ours" else peer_loop)(loss, side, size, variant)
    return seconds(lambda: take(count)) / count


def compare(loss, side, size, **settings):
    """The times of a step of our loop and of every variant of PyTorch's that runs, by name."""
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as processes:
        steps = {}
        for variant in ("ours", *VARIANTS):
            process = processes.enter_context(ProcessPoolExecutor(1, context))
            step = functools.partial(process.submit, step_seconds, variant, loss, side, size)
            if runs(variant, step):
                steps[variant] = step
        return times(steps, timer=result, **settings)


def result(step, repeats):
    """The result of a step's process."""
    return step(repeats).result()


def runs(variant, step):
    """Whether a variant takes a step: without a C++ compiler torch.compile fails, in many ways."""
    try:
        result(step, 1)
    except Exception as error:
        if "compile" not in variant:
            raise
        print(f"{variant} does not run: {error!r:.200}")
        return False
    return True


def measure(cases, **settings):
    """Print the table; `settings` are those of `times`."""
    rows = []
    for (side, size), names in cases.items():
        for name in names:
            found = compare(name, side, size, **settings)
            medians = {rival: 1e3 * statistics.median(values) for rival, values in found.items()}
            best = min(found.keys() - {"ours"}, key=medians.get)
            numbers = f"{medians['ours']:.1f}", f"{medians[best]:.1f}", f"{ratio(found[best], found['ours']):.2f}"
            rows.append([f"{name}, {side} pixels, batch {size}", *numbers, best])
            print(*rows[-1], flush=True)
    header = [
        "training loop",
        "this repository, ms",
        "PyTorch, ms",
        "PyTorch / this repository",
        "PyTorch's fastest",
    ]
    publish("torch_peer", header, rows)


def main(argv):
    """Print the whole table."""
    Parser(__doc__).parse(argv)
    measure(CASES)


if __name__ == "__main__":
    run(main)
