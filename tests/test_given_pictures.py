"""Pictures of a user's own through a model: what is read, and what is written for each."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import data
import evaluate
import train
from config.system.errors import UserError
from data import given_pictures, picture_file
from evaluation import pictures
from evaluation.metrics import blur
from models import checkpoint

SHIPPED = Path(__file__).parent.parent / "checkpoints"
SIZES = (28, 28), (40, 60), (90, 50)


@pytest.fixture
def folder(tmp_path):
    """Nine digits of three sizes, width and height, in two folders, two of a name, and two broken files."""
    place = tmp_path / "mine"
    (place / "deep/er").mkdir(parents=True)
    for i, digit in enumerate(data.load("mnist", "test").images[:9, :, :, 0]):
        path = place / ("deep/er" if i % 2 else ".") / f"{i}.png"
        Image.fromarray(digit).resize(SIZES[i % 3]).save(path)
    (place / "0.png").rename(place / "1.png")
    Image.open(place / "1.png").save(place / "1.bmp")
    (place / "broken.png").write_bytes(b"no picture")
    (place / "cut.png").write_bytes((place / "8.png").read_bytes()[:100])
    return place


def table(path):
    """The rows of a table in CSV."""
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize("report,kind,model", [
    ("image", "reconstruction", "l2"),
    ("restore", "restored", "ambient_drop_patch"),
])  # fmt: skip
def test_a_folder(report, kind, model, folder, tmp_path, capsys):
    """A picture out for each that can be read, of its size and name; the table has what the model makes of it."""
    flags = [report, f"--image={folder}", f"--loss={model}", f"--model_dir={SHIPPED}", f"--out_dir={tmp_path}"]
    evaluate.main([*flags, *(["--z=mean"] if report == "image" else [])])
    printed = capsys.readouterr()
    assert f"{folder / 'broken.png'}: expected a picture" in printed.err
    assert f"{folder / 'cut.png'}: expected a picture" in printed.err
    assert "skipped 2 of 12 files" in printed.err
    out = tmp_path / model
    assert f"10 pictures in {out / kind}/" in printed.out
    given = [path for path in folder.rglob("*") if path.is_file() and path.stem not in ("broken", "cut")]
    for path in given:
        relative = path.relative_to(folder)
        name = f"{relative}.png" if path.parent == folder and path.stem == "1" else relative.with_suffix(".png")
        with Image.open(out / kind / name) as made, Image.open(path) as own:
            assert made.size == own.size
    assert sum(path.is_file() for path in (out / kind).rglob("*")) == len(given)
    rows = {row.pop("file"): row for row in table(out / f"{kind}.csv")}
    network, _ = checkpoint.load_model(SHIPPED / model / "model.npz")
    x = np.float32(picture_file.load(folder / "6.png", (28, 28, 1))) / 255
    z, _ = network.encode(network.measurement.from_picture(x) if report == "restore" else x)
    found = [float(rows["6.png"][f"z{k}"]) for k in range(network.latent_dim)]
    np.testing.assert_allclose(found, z[0], rtol=1e-3, atol=1e-4)
    if report == "image":
        y = network.decode(z).numpy()
        assert float(rows["6.png"]["psnr"]) == pytest.approx(peak_signal_noise_ratio(x, y, data_range=1), abs=1e-3)
        assert float(rows["6.png"]["blur"]) == pytest.approx(blur.equivalent_blur(y, x), abs=1e-3)
        mean = np.mean([float(row["psnr"]) for row in rows.values()])
        assert f"l2: PSNR {mean:.2f} dB" in printed.out
    else:
        assert "psnr" not in rows["6.png"]


def test_in_the_window_of_the_training(tmp_path, rng):
    """A slice of 16 bits is encoded as the picture of 8 bits that the window makes of it."""
    (tmp_path / "slices").mkdir()
    for i in range(3):
        Image.fromarray(rng.integers(0, 3000, (28, 28), np.uint16)).save(tmp_path / f"slices/{i}.png")
    deep = np.asarray(Image.open(tmp_path / "slices/0.png"), float)
    Image.fromarray(np.uint8(np.rint(255 * np.clip((deep - 500) / 1000, 0, 1)))).save(tmp_path / "plain.png")
    source = ["--dataset=image_folder", f"--data_dir={tmp_path / 'slices'}", "--image_size=28", "--channels=1"]
    places = [f"--{name}={tmp_path}" for name in ("model_dir", "logs_dir", "results_dir")]
    train.main([*source, "--window=500,1500", "--epochs=1", "--loss=l2", *places])
    both = f"--image={tmp_path / 'slices/0.png'},{tmp_path / 'plain.png'}"
    evaluate.main(["image", both, "--loss=l2", "--z=mean", f"--model_dir={tmp_path}", f"--out_dir={tmp_path}"])
    slice_, plain = table(tmp_path / "l2/reconstruction.csv")
    assert {**slice_, "file": ""} == {**plain, "file": ""}


def test_a_file_name_that_is_no_text():
    """Bytes that are not UTF-8."""
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert pictures.table([{"file": name, "z0": 0.5}]) == b"file,z0\ncaf\\udce9.png,0.5\n"


def test_the_disk_is_waited_for_once(folder, tmp_path, monkeypatch):
    """Not for each picture, where a disk takes 20 ms; for the table of them."""
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(descriptor))
    evaluate.main(["image", f"--image={folder}", "--loss=l2", f"--model_dir={SHIPPED}", f"--out_dir={tmp_path}"])
    assert len(flushed) == 1


def test_the_picture_of_the_models_size_is_what_it_decodes(folder, tmp_path):
    flags = ["image", f"--image={folder}/6.png,{folder}/deep/er/3.png", "--loss=l2", "--z=mean", "--pair"]
    evaluate.main([*flags, f"--model_dir={SHIPPED}", f"--out_dir={tmp_path}"])
    network, _ = checkpoint.load_model(SHIPPED / "l2/model.npz")
    x = np.float32(Image.open(folder / "6.png"))[None, :, :, None] / 255
    expected = np.clip(network(x).numpy()[0, :, :, 0], 0, 1) * 255
    with Image.open(tmp_path / "l2/reconstruction/6.png") as made:
        np.testing.assert_allclose(np.asarray(made), expected, atol=0.51)
    assert (tmp_path / "l2/6_reconstruction.png").exists()
    assert (tmp_path / "l2/deep/er/3_reconstruction.png").exists()


@pytest.mark.parametrize("turned,size", [(1, (60, 40)), (6, (40, 60))])
def test_the_size_of_a_turned_picture(turned, size, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.new("L", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    assert picture_file.size(tmp_path / "a.jpg") == size


class TestNames:
    def names(self, *given):
        return [str(name) for name in given_pictures.find([str(one) for one in given]).values()]

    def test_files_and_folders(self, folder):
        assert self.names(folder / "6.png") == ["6.png"]
        assert self.names(folder / "deep/er") == ["1.png", "3.png", "5.png", "7.png"]
        assert self.names(folder / "deep/er", folder / "6.png")[3:] == ["deep/er/7.png", "6.png"]
        assert self.names(f"{folder}/6.png,{folder}/2.png", folder / "6.png") == ["6.png", "2.png"]
        assert self.names(folder / "1.png", folder / "1.bmp") == ["1.png.png", "1.bmp.png"]

    def test_the_parent_of_the_folder(self, folder, monkeypatch):
        """The new name stays in the folder of the results, and a file named twice is one."""
        monkeypatch.chdir(folder / "deep")
        assert self.names("er/1.png,../6.png", "../deep/er/1.png") == ["deep/er/1.png", "6.png"]

    def test_a_name_with_two_suffixes(self, folder):
        (folder / "deep/er/1.png").rename(folder / "6.png.jpg")
        assert self.names(folder / "6.png", folder / "6.png.jpg") == ["6.png", "6.png.jpg.png"]

    def test_a_comma_in_a_name(self, folder):
        (folder / "2.png").rename(folder / "a,b.png")
        assert self.names(folder / "a,b.png") == ["a,b.png"]

    @pytest.mark.parametrize("given,message", [
        ("", "--image: expected a picture, several separated by commas, or a folder, got"),
        ("empty", "--image: expected a folder of pictures, got none in "),
        ("none.png", "none.png: expected a picture, got: No such file"),
    ])  # fmt: skip
    def test_mistakes(self, given, message, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(UserError, match=message):
            self.names(given and tmp_path / given)


@pytest.mark.parametrize("report,model", [("image", "l2"), ("restore", "ambient_drop_patch")])
def test_results_among_the_pictures(report, model, folder):
    """A second time, the results of the first would be taken for pictures, or be written over."""
    flags = [report, f"--loss={model}", f"--model_dir={SHIPPED}", f"--out_dir={folder}"]
    kind = "reconstruction" if report == "image" else "restored"
    made = folder / model / kind / "1.png"
    made.parent.mkdir(parents=True)
    (folder / "6.png").rename(made)
    for given in (folder, made):
        with pytest.raises(UserError, match=f"expected pictures that are not in .*{kind}, where .*, got .*1.png"):
            evaluate.main([*flags, f"--image={given}"])


def test_no_picture_among_several(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="--image: expected pictures, got none in 2 files"):
        given_pictures.load([*tmp_path.iterdir()], lambda path: picture_file.load(path, (8, 8, 1)))
    with pytest.raises(UserError, match="--pair: expected with --image, got it alone"):
        evaluate.main(["restore", "--pair"])
