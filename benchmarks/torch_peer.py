"""The training step against the same in PyTorch:  python -m benchmarks.torch_peer

Needs `pip install -r requirements-benchmarks.txt` and, for torch.compile, a C++ compiler, and takes
about a minute a row. PyTorch runs in processes of its own, which wait while ours runs, so that neither's
threads are in the other's way. Of eager and compiled, channels first and last, the fastest is the
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


def peer(process, loss, size, variant, repeats):
    """That time, measured in `process`."""
    return process.submit(peer_seconds, loss, size, variant, repeats).result()


def compare(loss, size, **settings):
    """The times of our step and of every variant of PyTorch's that runs, by name."""
    import losses

    context = multiprocessing.get_context("spawn")
    actions = {"ours": functools.partial(seconds, train_step(losses.build(loss), first_digits(size)))}
    with contextlib.ExitStack() as processes:
        for variant in VARIANTS:
            process = processes.enter_context(ProcessPoolExecutor(1, context))
            actions[variant] = functools.partial(peer, process, loss, size, variant)
            try:
                actions[variant](repeats=1)
            except Exception as error:  # without a C++ compiler torch.compile fails, in many ways
                if "compile" not in variant:
                    raise
                print(f"{variant} does not run: {error!r:.200}")
                del actions[variant]
        return times(actions, timer=lambda action, repeats: action(repeats=repeats), **settings)


def main(names=LOSSES, batches=BATCHES, **settings):
    """Print the table; `settings` are those of `times`."""
    import_tensorflow()
    rows = []
    for size, name in itertools.product(batches, names):
        found = compare(name, size, **settings)
        medians = {rival: 1e3 * statistics.median(values) for rival, values in found.items()}
        best = min(found.keys() - {"ours"}, key=medians.get)
        share = ratio(found[best], found["ours"])
        rows.append([name, str(size), f"{medians['ours']:.1f}", f"{medians[best]:.1f}", f"{share:.2f}", best])
        print(*rows[-1], flush=True)
    publish("torch_peer", ["loss", "batch", "ours, ms", "PyTorch, ms", "PyTorch / ours", "PyTorch's fastest"], rows)


if __name__ == "__main__":
    main()
