"""Data sets of picture files: what is read, in which split, in which order, held in memory or not."""

import json

import numpy as np
import pytest
from PIL import Image

import data
import evaluate
import train
from config.schema import KEYS
from config.system.errors import UserError
from data import batches, cifar10, picture_folder
from models import checkpoint

SUFFIXES = ("jpg", "png", "webp", "bmp")
SPLITS = ("train", "held-out", "test")


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path, rng):
    """Eighty pictures of different sizes and kinds in two folders, each of one colour, and broken ones."""
    for i in range(80):
        height, width = rng.integers(20, 60, 2)
        pixels = np.full((height, width, 3), [3 * i, 255 - 3 * i, 100], np.uint8)
        write(tmp_path / "f" / ("a" if i % 2 else "b/c") / f"{i}.{SUFFIXES[i % 4]}", pixels)
    whole = (tmp_path / "f/b/c/0.jpg").read_bytes()
    for i, content in enumerate((b"", b"no picture", whole[:300])):
        (tmp_path / f"f/a/broken{i}.jpg").write_bytes(content)
    (tmp_path / "f/a/notes.txt").write_text("no picture, and none by its name")
    return tmp_path / "f"


@pytest.fixture(autouse=True)
def read_again():
    """Folders are read once a process."""
    picture_folder.read.cache_clear()


def splits(folder, size=8):
    return {split: data.load("image_folder", split, str(folder), size).images for split in picture_folder.SHARES}


class TestFolder:
    def test_every_readable_picture_is_in_one_split(self, folder, capsys):
        found = splits(folder)
        names = [path.name for one in found.values() for path in one.files]
        assert sorted(names) == sorted(path.name for path in folder.rglob("*") if path.stem.isdigit())
        assert 40 < len(found["train"]) < 75
        errors = capsys.readouterr().err
        for i in range(3):
            assert f"broken{i}.jpg: expected a picture" in errors
        counts = [int(line.split("skipped ")[1].split()[0]) for line in errors.splitlines() if " files" in line]
        assert sum(counts) == 3

    def test_the_split_is_by_name_not_by_position(self, folder):
        """Neither the order nor the neighbours of a file matter, nor where the folder is."""
        before = {path.name: split for split, one in splits(folder).items() for path in one.files}
        for path in folder.rglob("*.png"):
            path.unlink()
        moved = folder.rename(folder.parent / "elsewhere")
        after = {path.name: split for split, one in splits(moved).items() for path in one.files}
        assert after.items() <= before.items()
        assert len(after) == 60

    def test_pictures_are_cropped_not_stretched(self, tmp_path):
        """A wide picture, a third of each of three colours: the middle stays."""
        colours = np.uint8([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
        thirds = np.tile(colours.repeat(30, axis=0), (30, 1, 1))
        write(tmp_path / "wide.png", thirds)
        write(tmp_path / "grey.png", np.full((9, 30), 77, np.uint8))
        decoded = picture_folder.Pictures([tmp_path / "wide.png", tmp_path / "grey.png"], (10, 10, 3))[np.array([1, 0])]
        assert np.unique(decoded[0]).tolist() == [77]
        np.testing.assert_array_equal(decoded[1, :, 3:7], np.tile(colours[1], (10, 4, 1)))

    def test_memory_or_not_the_batches_are_the_same(self, folder, monkeypatch):
        held = splits(folder)["train"]
        picture_folder.read.cache_clear()
        monkeypatch.setattr(picture_folder.machine, "memory", lambda: 1000)
        lazy = splits(folder)["train"]
        assert held.held is not None
        assert lazy.held is None
        ours, theirs = ([b.numpy() for b in batches.epoch(some, 16, seed=1, number=2)] for some in (held, lazy))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
        again = [b.numpy() for b in batches.epoch(lazy, 16, seed=1, number=2, first_step=2)]
        np.testing.assert_array_equal(np.concatenate(again), np.concatenate(ours[2:]))

    def test_an_array_gives_the_same_batches(self, folder):
        """As if the pictures had been an array all along: the values of one-coloured pictures are known."""
        found = splits(folder)["train"]
        colours = [[3 * i, 255 - 3 * i, 100] for i in (int(path.stem) for path in found.files)]
        array = np.tile(np.uint8(colours)[:, None, None], (1, 8, 8, 1))
        pairs = zip(batches.epoch(found, 16, 1, 0), batches.epoch(array, 16, 1, 0), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, atol=4 / 255)  # JPEG and WebP round

    def test_grey(self, tmp_path):
        """One channel: a grey picture stays what it is, and a colour gets the brightness of ITU-R 601."""
        for i in range(3):
            write(tmp_path / f"{i}.png", np.full((8, 8, 3), [200, 100, 50], np.uint8))
            write(tmp_path / f"grey{i}.png", np.full((8, 8), 77, np.uint8))
        found = [data.load("image_folder", split, str(tmp_path), 8, 1).images for split in SPLITS]
        for path, pixels in ((path, one[np.array([i])]) for one in found for i, path in enumerate(one.files)):
            assert pixels.shape == (1, 8, 8, 1)
            level = 77 if "grey" in path.name else 0.299 * 200 + 0.587 * 100 + 0.114 * 50
            np.testing.assert_allclose(pixels, level, atol=1)

    @pytest.mark.parametrize("held", [True, False])
    def test_one_scale_for_all_in_a_window(self, tmp_path, monkeypatch, held):
        """Slices of 16 bits, each of one value: alone a slice of 500 would be lighter than one of 600."""
        for i, value in enumerate((500, 600, 1500)):
            write(tmp_path / f"{i}.png", np.full((8, 8), value, np.uint16))
        monkeypatch.setattr(picture_folder, "MEMORY_SHARE", 1 if held else 0)
        found = [data.load("image_folder", split, str(tmp_path), 8, 1, "400,1400").images for split in SPLITS]
        levels = {one.files[0].stem: np.unique(one[np.array([0])]).tolist() for one in found}
        assert levels == {"0": [26], "1": [51], "2": [255]}

    def test_slices_and_conversion(self, folder):
        found = splits(folder)["train"]
        part = found[3:8]
        assert part.shape == (5, 8, 8, 3)
        np.testing.assert_array_equal(np.asarray(part), found[np.arange(3, 8)])

    @pytest.mark.parametrize("name,place", [("image_folder", "none"), ("celeba", ""), ("cartoons", "")])
    def test_no_folder(self, name, place):
        with pytest.raises(UserError, match=f"data_dir: expected the folder of the pictures of {name}, got '{place}'"):
            data.load(name, "train", place)

    def test_no_pictures(self, tmp_path):
        for i in range(3):
            (tmp_path / f"{i}.png").write_bytes(b"")
        with pytest.raises(UserError, match=r"expected pictures for the test split in .* got none in 1 files"):
            splits(tmp_path)

    @pytest.mark.parametrize("count", [3, 4, 9, 15, 40])
    def test_a_few_pictures(self, tmp_path, count):
        """Every split has one; each picture is in one split; what the hash gives stays where no split is empty."""
        for i in range(count):
            write(tmp_path / f"{i}.png", np.full((8, 8, 3), i, np.uint8))
        found = {split: picture_folder.in_folder(tmp_path, split) for split in SPLITS}
        assert min(map(len, found.values())) >= 1
        assert sorted(path for paths in found.values() for path in paths) == sorted(tmp_path.iterdir())
        hashes = {path: picture_folder.hash_of(path.relative_to(tmp_path)) for path in tmp_path.iterdir()}
        by_hash = {"test": (0, 0.1), "held-out": (0.1, 0.2), "train": (0.2, 1)}
        meant = {split: [p for p, h in hashes.items() if low <= h < high] for split, (low, high) in by_hash.items()}
        if all(meant.values()):
            assert {split: set(paths) for split, paths in found.items()} == {s: set(p) for s, p in meant.items()}

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_too_few_pictures(self, tmp_path, count):
        for i in range(count):
            write(tmp_path / f"{i}.png", np.zeros((8, 8, 3), np.uint8))
        with pytest.raises(UserError, match=f"expected at least 3 pictures, one for each of .*, got {count} in"):
            data.load("image_folder", "train", str(tmp_path))


class TestCelebA:
    def test_the_official_partition(self, tmp_path):
        for i in range(1, 7):
            write(tmp_path / f"img_align_celeba/{i:06}.jpg", np.full((218, 178, 3), 40 * i, np.uint8))
        text = "".join(f"{i:06}.jpg {partition}\n" for i, partition in enumerate([0, 0, 1, 2, 0, 2], 1))
        (tmp_path / "list_eval_partition.txt").write_text(text)
        found = {split: data.load("celeba", split, str(tmp_path), 64).images for split in ("train", "held-out", "test")}
        levels = {split: (np.asarray(one)[:, 32, 32, 0] // 39).tolist() for split, one in found.items()}
        assert levels == {"train": [1, 2, 5], "held-out": [3], "test": [4, 6]}

    def test_without_its_list(self, tmp_path):
        with pytest.raises(UserError, match=r"expected CelebA's list.*\.txt or list.*\.csv in"):
            data.load("celeba", "train", str(tmp_path))

    def test_as_kaggles_archive_unpacks(self, tmp_path):
        """A list of commas with a heading, and the folder of the pictures in one of its name."""
        inner = tmp_path / "img_align_celeba/img_align_celeba"
        for i in range(1, 5):
            write(inner / f"{i:06}.jpg", np.full((218, 178, 3), 40 * i, np.uint8))
        rows = [f"{i:06}.jpg,{partition}" for i, partition in enumerate([0, 1, 2, 0], 1)]
        (tmp_path / "list_eval_partition.csv").write_text("\r\n".join(["image_id,partition", *rows]))
        names = {split: [path.stem for path in picture_folder.in_celeba(tmp_path, split)] for split in SPLITS}
        assert names == {"train": ["000001", "000004"], "held-out": ["000002"], "test": ["000003"]}
        assert data.load("celeba", "train", str(tmp_path), 64).images.shape == (2, 64, 64, 3)


def test_cartoons_have_256_pixels(tmp_path, rng):
    for i in range(12):
        write(tmp_path / f"{i}.png", rng.integers(0, 256, (30, 30, 3), np.uint8))
    assert data.load("cartoons", "train", str(tmp_path), 64).images.shape[1:] == (256, 256, 3)


class TestCifar10:
    """The converter, on a package of the right form and hundredth of the size."""

    @pytest.fixture
    def package(self, tmp_path, rng, monkeypatch):
        monkeypatch.setattr(cifar10, "COUNTS", {"train": 500, "test": 100})
        images = rng.integers(0, 256, (600, 32, 32, 3), np.uint8)
        labels = np.tile(np.arange(10), 60)
        for i, (names, file) in enumerate(cifar10.BATCHES.values()):
            for j, name in enumerate(names):
                write(tmp_path / name, images[500 * i + 100 * j :][:100].reshape(100, 1024, 3))
            (tmp_path / file).write_text(json.dumps(labels[500 * i :][: len(names) * 100].tolist()))
        return tmp_path, images, labels

    def test_images_and_labels(self, package, tmp_path, capsys):
        folder, images, labels = package
        cifar10.main([str(tmp_path / "out"), str(folder)])
        found = [data.load("cifar10", split, str(tmp_path / "out")) for split in ("train", "test")]
        np.testing.assert_array_equal(np.concatenate([one.images for one in found]), images)
        np.testing.assert_array_equal(np.concatenate([one.labels for one in found]), labels)

    def test_another_package(self, package, tmp_path):
        folder, _, labels = package
        (folder / "train_lables.json").write_text(json.dumps(np.sort(labels[:500] % 9).tolist()))
        with pytest.raises(UserError, match="expected 500 train images, a tenth in each of 10 classes, got 500 and"):
            cifar10.main([str(tmp_path / "out"), str(folder)])

    def test_no_npm(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UserError, match="expected npm and its archive"):
            cifar10.main([str(tmp_path / "out")])


@pytest.mark.slow
def test_training_on_a_folder(folder, tmp_path):
    """The command of the README; sizes of 0 become what there was, and a resumed run keeps them."""
    flags = ["--dataset=image_folder", f"--data_dir={folder}", "--architecture=conv32", "--image_size=32"]
    flags += ["--loss=ours", "--batch_size=30", "--num_samples=4"]
    flags += [f"--{kind}_dir={tmp_path / kind}" for kind in ("model", "results", "logs")]
    train.main([*flags, "--epochs=1"])
    train.main([*flags, "--epochs=2", "--resume"])
    _, manifest = checkpoint.read(tmp_path / "model/ours/model.npz")
    expected = {split: len(images) for split, images in splits(folder).items()}
    assert manifest["config"]["train_size"] == expected["train"]
    assert manifest["config"]["test_size"] == expected["test"]
    assert manifest["image_shape"] == [32, 32, 3]


@pytest.mark.slow
def test_a_picture_that_vanishes_in_training(folder, tmp_path, monkeypatch):
    """One line that names it; once it is back, the run ends in the same bits as one that never missed it."""
    monkeypatch.setattr(picture_folder.machine, "memory", lambda: 1000)
    lost = splits(folder, 32)["train"].files[3]
    content, saved = lost.read_bytes(), checkpoint.save_model
    flags = ["--dataset=image_folder", f"--data_dir={folder}", "--architecture=conv32", "--image_size=32"]
    flags += ["--loss=l2", "--batch_size=30", "--num_samples=4", "--epochs=2", "--save_model_freq=1"]
    flags += [f"--{kind}_dir={tmp_path / kind}" for kind in ("results", "logs")]

    def save_and_lose(*args, step, **facts):
        lost.write_bytes(b"") if step == 2 else None
        saved(*args, step=step, **facts)

    monkeypatch.setattr(checkpoint, "save_model", save_and_lose)
    with pytest.raises(UserError) as refusal:
        train.main([*flags, f"--model_dir={tmp_path / 'cut'}"])
    assert f"{lost}: expected a picture" in str(refusal.value)
    assert "--resume goes on" in str(refusal.value)
    monkeypatch.setattr(checkpoint, "save_model", saved)
    lost.write_bytes(content)
    train.main([*flags, f"--model_dir={tmp_path / 'cut'}", "--resume"])
    train.main([*flags, f"--model_dir={tmp_path / 'whole'}"])
    cut, whole = (checkpoint.read(tmp_path / name / "l2/model.npz")[0] for name in ("cut", "whole"))
    for name, tensor in whole.items():
        np.testing.assert_array_equal(tensor, cut[name])


def test_the_architecture_is_checked_before_any_picture_is_read(folder, tmp_path, capsys):
    given = ["--dataset=image_folder", f"--data_dir={folder}", f"--model_dir={tmp_path / 'm'}"]
    with pytest.raises(UserError, match="conv28: expected images of 28x28 pixels, got 64x64; --architecture=conv64"):
        train.main([*given, "--architecture=conv28"])
    with pytest.raises(UserError, match=r"architecture: expected square images of 28, .* 256 pixels a side, got 50x50"):
        train.main([*given, "--image_size=50"])
    assert "skipped" not in capsys.readouterr().err


def test_channels_are_one_or_three():
    with pytest.raises(UserError, match="channels: expected one of 1, 3, got '2'"):
        train.main(["--dataset=image_folder", "--channels=2"])
    with pytest.raises(UserError, match="channels: expected only with dataset image_folder or celeba or cartoons"):
        train.main(["--dataset=cifar10", "--channels=1"])


def test_a_window_is_two_numbers_and_no_sweep():
    for value in ("5", "5,1", "1,1", "a,b", "1,2,3", "0,1e999"):
        with pytest.raises(UserError, match="window: expected two numbers LOW,HIGH, the first of them smaller, got"):
            train.main(["--dataset=image_folder", f"--window={value}"])
    with pytest.raises(UserError, match="window: expected only with dataset image_folder or celeba or cartoons"):
        train.main(["--dataset=cifar10", "--window=0,1"])
    assert KEYS["window"].parse_list("window", "-1.5,2e3") == "-1.5,2e3"


class TestImageSize:
    """Refused where it would be ignored."""

    @pytest.mark.parametrize("main", [train.main, evaluate.main])
    @pytest.mark.parametrize("name", ["mnist", "cifar10", "cartoons"])
    def test_images_of_one_size(self, main, name):
        expected = f"image_size: expected only with dataset image_folder or celeba, got dataset {name}"
        with pytest.raises(UserError, match=expected):
            main([f"--dataset={name}", "--image_size=64", "--data_dir=none"])

    def test_a_sweep_over_data_sets(self):
        """It is for one of them."""
        with pytest.raises(UserError, match="data_dir: expected the folder of the pictures of image_folder"):
            train.main(["--dataset=image_folder,mnist", "--image_size=28", "--data_dir=none"])

    def test_a_report_without_a_data_set(self):
        with pytest.raises(
            UserError, match="--image_size: expected with report table or runs or probe, got it with audit"
        ):
            evaluate.main(["--audit", "--image_size=32"])
