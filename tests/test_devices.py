"""Several devices, and several machines: the same weights as with one, one writer, continuation, refusals."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_training import SMALL, folders, outcome

import config
import train
from config.system.errors import UserError
from models import checkpoint, runs
from training import devices, loop, state

ROOT = Path(__file__).parent.parent
AMBIENT = ["--model=ambient_vae_gan", "--architecture=ambient28", "--latent_dim=8", "--measurement=drop_independent"]
WITHOUT_LOSS = [flag for flag in SMALL if flag != "--loss=l2"]


def started(script, *flags, **environment):
    """A process that trains."""
    command = [sys.executable, script, *flags]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables
    )


def ended(process, code=0):
    """What a process said that must end with `code`."""
    said = process.communicate(timeout=900)[0]
    assert process.returncode == code, said[-3000:]
    return said


def difference(one, other):
    """The largest difference of two weights."""
    first, second = (checkpoint.read(next((path / "model").glob("*/model.npz")))[0] for path in (one, other))
    assert first.keys() == second.keys()
    return max(np.abs(first[name] - second[name]).max() for name in first)


# what trains, its optimizer, and how far its weights may differ after 60 steps; the last batch of an epoch is short
CASES = [
    (["--loss=l2"], "Adam", 1e-5),
    (["--loss=l2", "--target_kl=0.01"], "Adam", 1e-5),
    (["--model=blur_error_vae", "--beta=1", "--blur_start_epoch=2"], "Adam", 1e-5),
    # Adam and RMSprop make full steps of gradients that are nothing but rounding
    (["--loss=amplitude+l2", "--batch_size=21"], "SGD", 1e-6),
    ([*AMBIENT, "--seed=1"], "SGD", 1e-6),
]


@pytest.mark.slow
def test_two_devices_end_in_the_weights_of_one(tmp_path):
    """So do their running means."""
    processes = []
    for strategy in ("none", "mirrored"):
        words = []
        for number, (flags, optimizer, _) in enumerate(CASES):
            place = tmp_path / f"{number}/{strategy}"
            given = [*WITHOUT_LOSS, *flags, "--epochs=5", f"--strategy={strategy}", "--tag=run", *folders(place)]
            words += [",", optimizer, *given]
        processes.append(started("tests/two_devices.py", *words))
    for process in processes:
        ended(process)
    for number, (flags, _, limit) in enumerate(CASES):
        places = [tmp_path / f"{number}/{strategy}" for strategy in ("none", "mirrored")]
        assert 0 < difference(*places) < limit, flags
        one, two = (np.genfromtxt(place / "results/run/metrics.csv", delimiter=",", names=True) for place in places)
        for name in one.dtype.names:
            np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-6, err_msg=f"{flags} {name}")


def free_ports():
    """Two ports that nothing listens on, below those that the system gives to outgoing connections."""
    ports = random.sample(range(20_000, 32_000), 50)
    with contextlib.ExitStack() as sockets:
        taken = [sockets.enter_context(socket.socket()).connect_ex(("127.0.0.1", port)) == 0 for port in ports]
    return [port for port, is_taken in zip(ports, taken, strict=True) if not is_taken][:2]


@contextlib.contextmanager
def two_machines(*flags, script=("train.py",)):
    """Two processes that train as two machines, the chief first; none outlives the test."""
    workers = [f"127.0.0.1:{port}" for port in free_ports()]
    cluster = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}) for index in range(2)
    ]
    both = [started(*script, "--strategy=multi_worker", *flags, TF_CONFIG=config) for config in cluster]
    try:
        yield both
    finally:
        for process in both:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.skipif("TWO_MACHINES" not in os.environ, reason="needs a quiet machine: TWO_MACHINES=1 make test")
class TestTwoMachines:
    """Two processes of one machine, which share its folders."""

    FLAGS = (*SMALL, "--epochs=12")

    @pytest.fixture(scope="class")
    def whole(self, tmp_path_factory):
        """The folder of a run that nothing interrupted."""
        folder = tmp_path_factory.mktemp("whole")
        with two_machines(*self.FLAGS, *folders(folder)) as (chief, worker):
            assert "PSNR" in ended(chief)
            assert re.fullmatch("settings .*\n", ended(worker))
        return folder

    @pytest.mark.parametrize("flags,optimizer,limit", CASES)
    def test_they_end_in_the_weights_of_one(self, tmp_path, flags, optimizer, limit):
        script, given = ("tests/two_devices.py", optimizer), [*WITHOUT_LOSS, *flags, "--epochs=5", "--tag=run"]
        ended(started(*script, *given, *folders(tmp_path / "one")))
        with two_machines(*given, *folders(tmp_path / "two"), script=script) as both:
            for process in both:
                ended(process)
        assert 0 < difference(tmp_path / "one", tmp_path / "two") < limit

    def test_the_chief_alone_writes(self, tmp_path, whole):
        train.main([*self.FLAGS, *folders(tmp_path)])
        for room in ("model", "results", "logs"):
            found, wanted = (
                {path.name.split(".")[0] for path in (folder / room).rglob("*")} for folder in (whole, tmp_path)
            )
            assert found == wanted
        assert len([*(whole / "logs/l2").glob("events*")]) == 1

    @pytest.mark.parametrize("victim", [0, 1])
    def test_one_is_killed_and_both_are_resumed(self, tmp_path, whole, victim):
        with two_machines(*self.FLAGS, *folders(tmp_path)) as both:
            self.wait_for_a_state(tmp_path, both)
            both[victim].kill()
            assert "--resume goes on from the last save" in ended(both[1 - victim], code=2)
        self.resume(tmp_path, whole)

    def test_ctrl_c_on_one_stops_both(self, tmp_path, whole):
        with two_machines(*self.FLAGS, *folders(tmp_path)) as both:
            self.wait_for_a_state(tmp_path, both)
            both[1].send_signal(signal.SIGINT)
            assert all("--resume continues" in ended(process, code=130) for process in both)
        self.resume(tmp_path, whole)

    @staticmethod
    def wait_for_a_state(folder, both):
        while not (folder / "model/l2/training.state.npz").exists():
            assert all(process.poll() is None for process in both)
            time.sleep(0.01)

    @staticmethod
    def resume(folder, whole):
        assert not state.read(folder / "model/l2/training.state.npz")[1]["finished"]
        with two_machines("--resume", "--tag=l2", *folders(folder)) as both:
            for process in both:
                ended(process)
        assert outcome(folder) == outcome(whole)


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            '{"cluster": {"worker": ["a:1"]}}',
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0.5}}',
            '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
            '{"cluster": {"worker": [1]}, "task": {"type": "worker", "index": 0}}',
            '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
            '{"cluster": {"worker": ["a:0"]}, "task": {"type": "worker", "index": 0}}',
            '{"cluster": {"worker": ["a:65536"]}, "task": {"type": "worker", "index": 0}}',
            '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        ],
    )
    def test_machines_that_are_not_named(self, monkeypatch, text):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(UserError, match=r"strategy multi_worker: expected the machines in .* TF_CONFIG"):
            devices.strategy("multi_worker")

    def test_machines_that_tensorflow_refuses(self, monkeypatch):
        def refuse():
            raise devices.tf.errors.UnknownError(None, None, "the port is taken")

        monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
        monkeypatch.setattr(devices.tf.distribute, "MultiWorkerMirroredStrategy", refuse)
        with pytest.raises(UserError, match=r"strategy multi_worker: expected machines .*, got: the port is taken"):
            devices.strategy("multi_worker")

    def test_a_sweep_over_several_machines(self):
        with pytest.raises(UserError, match="expected none or mirrored in a sweep, got multi_worker"):
            train.main(["--strategy=multi_worker", "--seed=1,2"])

    @pytest.mark.parametrize("size,fewest", [(2, 2), (7, 1), (3, 2), (6, 2), (9, None), (10, None)])
    def test_a_batch_of_fewer_images_than_devices(self, size, fewest):
        """Of 50 images, in batches of `size`, for three devices; the last batch of an epoch counts."""

        class Three:
            num_replicas_in_sync = 3

        refused = pytest.raises(UserError, match=f"each of the 3 devices in every batch, got a batch of {fewest}$")
        with refused if fewest else contextlib.nullcontext():
            loop.require_enough(config.resolve({"batch_size": size, "train_size": 50}), Three())

    def test_other_devices_continue_a_run(self, tmp_path):
        """The devices are no property of a run."""
        settings = config.resolve({"loss": "l2"})
        moved = config.resolve({"loss": "l2", "strategy": "mirrored", "deterministic": 0})
        assert config.differences(settings, moved) == []
        assert runs.files(settings) == runs.files(moved)
