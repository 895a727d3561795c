"""What benchmarks/soak.py tries, and that it sees what is wrong."""

import collections
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import config
import data
from benchmarks import soak
from config.schema import ALIASES, DATASETS, KEYS, MEASUREMENTS, MODELS, TERMS
from models import checkpoint

ROOT = Path(__file__).parent.parent
# a seed whose first configuration is quick
QUICK = "--seed=742"
# the order of the images is another one in every process
UNSTEADY = """
import os
from config.system.runtime import import_tensorflow
import_tensorflow()
from data import batches
epoch = batches.epoch
batches.epoch = lambda images, size, seed, *place: epoch(images, size, os.getpid(), *place)
from benchmarks import soak
soak.main(["--minutes=0", "SEED"])
"""


@pytest.fixture
def images(tmp_path):
    """A folder with a few images of every data set."""
    soak.write_data(tmp_path / "data")
    return tmp_path / "data"


def test_everything_is_tried():
    """Every model, loss, data set, measurement and precision; no configuration contradicts itself."""
    given = [soak.configuration(random.Random(i), "DIR") for i in range(1000)]
    settings = [config.resolve(one) for one in given]
    names = {"model": MODELS, "dataset": DATASETS, "measurement": MEASUREMENTS, "loss": {*TERMS, *ALIASES, *MODELS[1:]}}
    for key, expected in (names | {"precision": KEYS["precision"].choices}).items():
        assert {getattr(one, key) for one in settings} == {*expected}
    assert len({str(one) for one in given}) == 1000


@pytest.mark.parametrize("name", DATASETS)
def test_there_are_images_of_every_data_set(name, images):
    for split, size in (("train", "train_size"), ("test", "test_size")):
        assert len(data.load(name, split, soak.place(name, images), 32).images) >= soak.SMALL[size]


class TestWhatIsWrong:
    @pytest.fixture
    def trained(self, tmp_path):
        """A Soak whose folder "cut" has what the undisturbed training has."""
        found = soak.Soak(tmp_path, {"loss": "l2"}, random.Random(0))
        folder = tmp_path / "cut"
        for path in (soak.model(folder), soak.state(folder)):
            checkpoint.write(path, {"weights": np.arange(3)})
        log = folder / "results" / soak.TAG / "metrics.csv"
        log.parent.mkdir(parents=True)
        log.write_text("step\n1\n", encoding="utf-8")
        found.expected = soak.outcome(folder)
        return found

    def wrong(self, trained):
        """What was counted as wrong."""
        trained.readable("cut")
        trained.compare("cut") if not trained.counts["lost"] else None
        return {name: trained.counts[name] for name in soak.WRONG if trained.counts[name]}

    def test_nothing(self, trained):
        assert self.wrong(trained) == {}

    def test_another_weight(self, trained):
        checkpoint.write(soak.model(trained.folder / "cut"), {"weights": np.arange(1, 4)})
        assert self.wrong(trained) == {"differed": 1}

    def test_another_log(self, trained):
        (trained.folder / "cut/results/soak/metrics.csv").write_text("step\n2\n", encoding="utf-8")
        assert self.wrong(trained) == {"differed": 1}

    def test_half_a_file(self, trained):
        path = soak.state(trained.folder / "cut")
        path.write_bytes(path.read_bytes()[:100])
        assert self.wrong(trained) == {"lost": 1}

    def test_what_is_left_of_a_write(self, trained):
        (trained.folder / "cut/model/soak/.model.npz.x.part").write_bytes(b"half")
        assert self.wrong(trained) == {"lost": 1}

    def test_a_change_that_is_not_seen(self, trained, monkeypatch):
        """Reading gives other weights each time and complains of nothing."""
        counts = iter(range(1000))
        monkeypatch.setattr(checkpoint, "read", lambda path: ({"weights": np.array(next(counts))}, {}))
        monkeypatch.setattr(trained, "command", lambda *arguments: None)
        trained.flipped()
        assert trained.counts == collections.Counter(configurations=1, flips=20, differed=20)


@pytest.mark.slow
class TestShort:
    def test_nothing_is_lost(self):
        command = [sys.executable, "-m", "benchmarks.soak", "--minutes=0", QUICK]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.startswith("1 configurations, ")
        assert "20 flips" in done.stdout
        assert not any(name in done.stdout for name in soak.WRONG)

    def test_what_differs_is_seen(self):
        command = [sys.executable, "-c", UNSTEADY.replace("SEED", QUICK)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 1
        assert "differed: cut: " in done.stderr
        assert os.linesep not in done.stdout.strip()
