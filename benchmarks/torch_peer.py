"""The training step against the same in PyTorch:  python -m benchmarks.torch_peer

Needs `pip install -r requirements-benchmarks.txt` and, for torch.compile, a C++ compiler, and takes
about a minute a row. Every step has a process of its own, which waits while another's runs, so that no
one's threads are in the other's way. Of eager and compiled, channels first and last, the fastest is the
peer. The table has, for batches of 5, 50 and 500, the median times of a step and the median ratio of those
taken in turns. The machine should be idle otherwise: PyTorch's threads wait for one another, and
lose far more than ours to other processes.
"""

import contextlib
import functools
import itertools
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor

from benchmarks import publish
from benchmarks.interleaved import ratio, seconds, times
from benchmarks.step import first_digits, train_step
from config.command_line import Parser
from config.system.errors import run
from config.system.runtime import import_tensorflow, use_threads_for

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


@functools.cache
def our_step(loss, size, _):
    """Our training step, made once a process, with the threads that training would have."""
    import_tensorflow()
    use_threads_for(size * 28 * 28)
    import losses

    return train_step(losses.build(loss), first_digits(size))


def step_seconds(variant, loss, size, repeats):
    """The mean time of a step over `repeats` calls, in seconds."""
    step = our_step if variant == "ours" else peer_step
    return seconds(step(loss, size, variant), repeats)


def compare(loss, size, **settings):
    """The times of our step and of every variant of PyTorch's that runs, by name."""
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as processes:
        steps = {}
        for variant in ("ours", *VARIANTS):
            process = processes.enter_context(ProcessPoolExecutor(1, context))
            step = functools.partial(process.submit, step_seconds, variant, loss, size)
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


def measure(names=LOSSES, batches=BATCHES, **settings):
    """Print the table; `settings` are those of `times`."""
    rows = []
    for size, name in itertools.product(batches, names):
        found = compare(name, size, **settings)
        medians = {rival: 1e3 * statistics.median(values) for rival, values in found.items()}
        best = min(found.keys() - {"ours"}, key=medians.get)
        share = ratio(found[best], found["ours"])
        rows.append([name, str(size), f"{medians['ours']:.1f}", f"{medians[best]:.1f}", f"{share:.2f}", best])
        print(*rows[-1], flush=True)
    publish("torch_peer", ["loss", "batch", "ours, ms", "PyTorch, ms", "PyTorch / ours", "PyTorch's fastest"], rows)


def main(argv):
    """Print the whole table."""
    Parser(__doc__).parse(argv)
    measure()


if __name__ == "__main__":
    run(main)
