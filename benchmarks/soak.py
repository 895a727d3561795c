"""Whether anything is lost when trainings are ill-treated:  python -m benchmarks.soak --minutes=60

Draws small configurations at random: models, losses, data sets, measurements, precisions. Trains each one undisturbed.
Trains it again, killed and resumed, with the clock set back in between. Lets two processes write to one folder. Fills
the disk, where a small one can be mounted. Changes bytes of the files.

Prints what was wrong, and counts. The exit code is 1 if a file was lost, if a training ended in other bits than the
undisturbed one, or if a command ended in a traceback. It needs Linux or macOS.
"""

import collections
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import config
from benchmarks import children
from config.command_line import Parser
from config.schema import KEYS, Key
from config.system.errors import UserError, run
from config.system.runtime import import_tensorflow

MINUTES = Key(float, "minutes, after which no further configuration begins", low=0, high=10_000)
SEED = Key(int, "seed of the choices", low=0)
# keys whose value is one of a few, each drawn at random
DRAWN = ("model", "loss", "dataset", "measurement", "precision", "optimizer", "lr_mode", "variance", "kernel_gradient")
SMALL = {"train_size": 12, "test_size": 2, "monitor_size": 2, "num_samples": 2, "epochs": 3, "log_freq": 1}
NUM_IMAGES, DAY = 60, 86400
# of a disk that a training fills, in KB
DISK = 400
# and its size afterwards
ENOUGH = "4g"
FOLDERS = ("model", "results", "logs")
TAG = "soak"


def main(argv):
    """Print counts, and exit with 1 if something was wrong."""
    parser = Parser(__doc__)
    parser.add_value("minutes", MINUTES, 60)
    parser.add_value("seed", SEED, 0)
    flags = parser.parse(argv)
    if not hasattr(os, "fork"):
        raise UserError("soak: expected a system that can fork a process, Linux or macOS, got another")
    import_tensorflow()

    import generate  # noqa: F401  before a child is forked
    import train  # noqa: F401
    from training import callbacks, sweep  # noqa: F401

    counts, end = collections.Counter(), time.monotonic() + 60 * flags.minutes
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        write_data(data)
        while not counts or time.monotonic() < end:
            generator = random.Random(f"{flags.seed} {counts['configurations']}")
            counts += Soak(Path(folder), configuration(generator, data), generator).run()
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if any(counts[wrong] for wrong in WRONG):
        sys.exit(1)


# the file of the data set array_file
STACK = "stack.npy"


def write_data(folder):
    """Write a few images of every data set that is not part of this repository into a folder."""
    generator = np.random.default_rng(0)
    grey, colour = (
        generator.integers(256, size=(NUM_IMAGES, *shape), dtype=np.uint8) for shape in ((28, 28), (32, 32, 3))
    )
    pictures = folder / "img_align_celeba"
    pictures.mkdir(parents=True)
    for name, images in (("mnist", grey), ("fashion_mnist", grey), ("cifar10", colour)):
        labels = np.zeros(NUM_IMAGES, np.uint8)
        np.savez(folder / f"{name}.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    np.save(folder / STACK, colour)
    for split in ("train", "valid", "test"):
        np.savetxt(folder / f"binarized_mnist_{split}.amat", grey.reshape(NUM_IMAGES, -1) // 128, "%d")
    for i, image in enumerate(colour):
        Image.fromarray(image).save(pictures / f"{i}.png")
    rows = "".join(f"{i}.png {i % 3}\n" for i in range(NUM_IMAGES))
    (folder / "list_eval_partition.txt").write_text(rows, encoding="utf-8", newline="\n")


def place(dataset, data):
    """Return the `data_dir` of a data set whose files `write_data` has written into the folder `data`."""
    return f"{data}/{STACK}" if dataset == "array_file" else str(data)


def configuration(generator, data):
    """Return the values of a small run that a random.Random draws, with images from the folder `data`."""
    drawn = {key: generator.choice(KEYS[key].choices) for key in DRAWN}
    if drawn["model"] != "vae":
        del drawn["loss"]
    drawn |= {
        "batch_size": generator.randrange(2, 6),
        "latent_dim": generator.randrange(1, 9),
        "seed": generator.randrange(100),
    }
    drawn |= {
        "image_size": generator.choice((32, 64)),
        "save_model_freq": generator.randrange(1, 8),
        "data_dir": place(drawn["dataset"], data),
    }
    drawn |= {"target_kl": generator.choice((0, 5)), "visualise_freq": generator.randrange(1, 20), "tag": TAG}
    values = config.complete(drawn)
    return SMALL | {key: value for key, value in drawn.items() if config.is_read(key, values)}


class Soak:
    """What one configuration goes through.

    Args: `folder`, for its files, which it removes; `given`, values by key; `generator`, a random.Random.
    """

    def __init__(self, folder, given, generator):
        self.folder, self.given, self.generator = folder, given, generator
        self.counts = collections.Counter(configurations=1)

    def run(self):
        """Go through all of it and return what was counted."""
        try:
            with contextlib.suppress(Stopped):
                self.go()
        except UserError as error:
            self.wrong("lost", str(error))
        for name in ("whole", "cut", "two", "full"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.counts

    def go(self):
        """Train undisturbed, then under each of the disturbances."""
        if (end := self.command("train", self.flags("whole"))).code == 2:
            self.counts["refused"] += 1
            print(f"refused: {end.stderr.strip()}", file=sys.stderr)
            return
        self.expected = outcome(self.folder / "whole")
        for disturbed in (self.killed, self.two_writers, self.full_disk, self.flipped):
            disturbed()

    def killed(self):
        """Kill the training a few times, resume it each time, and let the clock go back in between."""
        for _ in range(self.generator.randrange(1, 4)):
            choice = random.Random(self.generator.random())
            self.train("cut", lambda choice=choice: children.die_at_random(choice))
            self.readable("cut")
            self.set_clock_back(self.folder / "cut")
        self.train("cut")
        self.compare("cut")
        self.command("generate", [f"--checkpoint={model(self.folder / 'cut')}", f"--out_dir={self.folder / 'cut'}"])

    def two_writers(self):
        """Let two processes train into one folder: one is refused, or both write the same."""
        logs = self.folder / "first", self.folder / "second"
        pair = [self.start("train", self.flags("two"), log) for log in logs]
        ends = [self.ended("train", children.wait(child, log)) for child, log in zip(pair, logs, strict=True)]
        if {end.code for end in ends} == {2}:
            self.wrong("lost", "two writers, and none of them wrote")
        self.counts["two writers"] += 1
        self.compare("two")

    def full_disk(self):
        """Train on a disk that is too small, then make it larger and resume."""
        place = self.folder / "full"
        place.mkdir()
        if not mount(place, f"size={DISK}k"):
            return
        try:
            self.counts["full disks"] += self.command("train", self.flags("full")).code == 2
            self.readable("full")
            mount(place, f"remount,size={ENOUGH}")
            self.train("full")
            self.compare("full")
        finally:
            subprocess.run(["umount", "-l", place], check=False)

    def flipped(self):
        """Change a byte of a file, many times: it is refused, or nothing that it holds has changed."""
        from models import checkpoint

        for path in (model(self.folder / "cut"), state(self.folder / "cut")):
            content, before = path.read_bytes(), tensors(path)
            for _ in range(10):
                changed = bytearray(content)
                changed[self.generator.randrange(len(content))] ^= 1 << self.generator.randrange(8)
                path.write_bytes(changed)
                self.counts["flips"] += 1
                try:
                    with contextlib.suppress(UserError):
                        checkpoint.read(path)
                        if tensors(path) != before:
                            self.wrong("differed", f"{path.name} was changed, and is read as if it were not")
                except Exception as error:
                    self.wrong("tracebacks", f"{path.name} was changed: {error!r}")
            path.write_bytes(changed)
            self.command("train", ["--resume", *self.places("cut")])
            path.write_bytes(content)

    def train(self, name, before=lambda: None):
        """Train in the folder `name`, from the saved state where there is one."""
        is_begun = state(self.folder / name).exists()
        end = self.command("train", ["--resume", *self.places(name)] if is_begun else self.flags(name), before)
        self.counts["kills"] += end.code is None
        if end.code == 2:
            self.wrong("lost", f"{'resumed' if is_begun else 'begun'} in {name}: {end.stderr}")
        if is_begun and not state(self.folder / name).exists():
            self.wrong("lost", f"the state in {name}")

    def command(self, name, argv, before=lambda: None):
        """Return the End of a command in a child process."""
        log = self.folder / "stderr"
        return self.ended(name, children.wait(self.start(name, argv, log, before), log))

    def start(self, name, argv, log, before=lambda: None):
        """Start a command in a child process and return its number."""
        return children.start(sys.modules[name].main, argv, log, before)

    def ended(self, name, end):
        """Return the End of a command, after a look whether it is one of those promised."""
        if end.code not in (0, 2, None) or "Traceback" in end.stderr:
            self.wrong("tracebacks", f"{name}, exit code {end.code}: {end.stderr[-3000:]}")
            raise Stopped
        return end

    def flags(self, name):
        """Return the flags of the training in the folder `name`."""
        return [*(f"--{key}={value}" for key, value in self.given.items()), *self.places(name)]

    def places(self, name):
        """Return the flags that say where the training in the folder `name` is."""
        return [f"--tag={TAG}", *(f"--{kind}_dir={self.folder / name / kind}" for kind in FOLDERS)]

    def readable(self, name):
        """Check that what stands in the folder `name` can be read."""
        from models import checkpoint

        for path in (self.folder / name).rglob("*.npz"):
            try:
                checkpoint.read(path)
            except UserError as error:
                self.wrong("lost", str(error))

    def set_clock_back(self, folder):
        """Make the files look as if they were written on another day, some before and some after today."""
        for path in folder.rglob("*"):
            day = time.time() + DAY * self.generator.randrange(-400, 400)
            os.utime(path, (day, day))
        self.counts["clocks"] += 1

    def compare(self, name):
        """Check that the folder `name` has what the undisturbed training has, and nothing half written."""
        found = outcome(self.folder / name)
        if differing := [key for key in self.expected | found if self.expected.get(key) != found.get(key)]:
            self.wrong("differed", f"{name}: {', '.join(differing[:5])}")
        if parts := list((self.folder / name).rglob("*.part")):
            self.wrong("lost", f"{name}: half-written files are left: {parts}")

    def wrong(self, kind, text):
        """Say what was wrong, and with what configuration."""
        self.counts[kind] += 1
        print(f"{kind}: {text}\n  {' '.join(self.flags(''))}", file=sys.stderr)


WRONG = ("lost", "differed", "tracebacks")


class Stopped(Exception):
    """A configuration that is not gone on with."""


def model(folder):
    """Return the path of the weights below a folder."""
    return folder / "model" / TAG / "model.npz"


def state(folder):
    """Return the path of the training's state below a folder."""
    return folder / "model" / TAG / "training.state.npz"


def tensors(path):
    """Return the bytes of every tensor of a checkpoint, by name."""
    from models import checkpoint

    return {name: tensor.tobytes() for name, tensor in checkpoint.read(path)[0].items()}


def outcome(folder):
    """Return what a training is to end in, bytes by name: its weights, its state and its log."""
    log = folder / "results" / TAG / "metrics.csv"
    return {
        **tensors(model(folder)),
        **{f"state {k}": v for k, v in tensors(state(folder)).items()},
        "log": log.read_bytes(),
    }


def mount(place, options):
    """Mount a disk in memory at a folder and return whether that is allowed here."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    run(main)
