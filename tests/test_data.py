"""The embedded digits and the readers of users' files."""

import gzip
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

import data
from config.system.errors import UserError
from data import batches, embedded, picture_file
from data.arrays import IDX_FILES
from data.idx import read_idx


def idx_bytes(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(rng):
    """A tiny grey data set."""
    return {
        "x_train": rng.integers(0, 256, (20, 28, 28), np.uint8),
        "y_train": rng.integers(0, 10, 20, np.uint8),
        "x_test": rng.integers(0, 256, (5, 28, 28), np.uint8),
        "y_test": rng.integers(0, 10, 5, np.uint8),
    }


class TestEmbedded:
    def test_shape_values_and_classes(self):
        train, test = data.load("mnist", "train"), data.load("mnist", "test")
        assert train.images.shape == (60000, 28, 28, 1)
        assert test.images.shape == (10000, 28, 28, 1)
        assert set(np.unique(test.images)) == {0, 255}
        # the class counts of MNIST's test labels, as published with the data
        assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        # the mean of binarised MNIST: 13.27 % of the training pixels are on above 127
        assert (train.images > 0).mean() == pytest.approx(0.1323, abs=5e-4)

    def test_held_out_is_the_end_of_the_training_images(self):
        held_out = data.load("mnist", "held-out")
        np.testing.assert_array_equal(held_out.images, data.load("mnist", "train").images[50000:])

    @pytest.mark.parametrize("split", ["held-out", "rest"])
    def test_too_few_to_hold_any_out(self, tmp_path, split):
        """Of 10,000 nothing would be left; one more is enough."""
        for count in (10_000, 10_001):
            images, labels = np.zeros((count, 1, 1), np.uint8), np.arange(count)
            np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
            if count == 10_000:
                with pytest.raises(UserError, match="mnist-gray: expected more than 10,000 training images, got 10,00"):
                    data.load("mnist-gray", split, str(tmp_path))
        found = data.load("mnist-gray", split, str(tmp_path)).labels
        np.testing.assert_array_equal(found, labels[1:] if split == "held-out" else [0])

    def test_packing_inverts(self, tmp_path, small):
        for field, file in IDX_FILES.items():
            (tmp_path / file).write_bytes(idx_bytes(small[field]))
        packed = embedded.pack(tmp_path)
        bits = np.unpackbits(packed["x_train"], axis=1).reshape(20, 28, 28)
        np.testing.assert_array_equal(bits, small["x_train"] / 255 > 0.5)

    @pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
    def test_a_damaged_file_is_refused(self, tmp_path, damage):
        path, content = tmp_path / "mnist.npz", bytearray(embedded.FILE.read_bytes())
        content[len(content) // 2] ^= 1
        if damage != "missing":
            path.write_bytes(content if damage == "flip" else content[:1000])
        with pytest.raises(UserError, match=r"mnist\.npz: expected"):
            embedded.load(path)


class TestLarochelle:
    @pytest.fixture
    def folder(self, tmp_path, rng):
        """10,003 training, 10,000 validation and 2 test images, as text."""
        bits = rng.integers(0, 2, (20_005, 784), np.uint8)
        for name, part in (("train", bits[:10_003]), ("valid", bits[10_003:20_003]), ("test", bits[20_003:])):
            # a blank after each digit, and a line's end after the last of an image
            text = np.insert(part + ord("0"), range(1, 785), ord(" "), axis=1)
            text[:, -1] = ord("\n")
            (tmp_path / f"binarized_mnist_{name}.amat").write_bytes(text.tobytes())
        return tmp_path, 255 * bits.reshape(-1, 28, 28, 1)

    @pytest.mark.slow
    def test_the_three_files(self, folder):
        """The validation images are those that are held out."""
        path, images = folder
        parts = {"train": slice(0, 20_003), "rest": slice(0, 10_003), "held-out": slice(10_003, 20_003)}
        for split, part in (parts | {"test": slice(20_003, None)}).items():
            found = data.load("mnist-larochelle", split, str(path))
            np.testing.assert_array_equal(found.images, images[part])
            assert found.labels is None

    @pytest.mark.parametrize("content", [b"", b"0 1 0", b"0 2 " * 392, b"0 - " * 392])
    def test_a_damaged_one(self, folder, content):
        path, _ = folder
        (path / "binarized_mnist_test.amat").write_bytes(content)
        with pytest.raises(UserError, match=r"test\.amat: expected 784 digits 0 or 1 for each image, got [\d,]+ char"):
            data.load("mnist-larochelle", "test", str(path))

    def test_a_missing_one(self, tmp_path):
        with pytest.raises(UserError, match=r"data_dir: expected binarized_mnist_train\.amat, .*; missing: binarized"):
            data.load("mnist-larochelle", "test", str(tmp_path))


class TestStack:
    """One array in a file."""

    @pytest.mark.parametrize("form", ["npy", "npz"])
    @pytest.mark.parametrize("is_real", [False, True])
    def test_every_tenth_image_is_for_tests(self, form, is_real, tmp_path, rng):
        images = rng.integers(0, 256, (25, 8, 8, 3), np.uint8)
        path = tmp_path / f"a.{form}"
        {"npy": np.save, "npz": np.savez}[form](path, images / 255 if is_real else images)
        test = data.load("array_file", "test", str(path)).images
        np.testing.assert_array_equal(test, images[[9, 19]])
        train = data.load("array_file", "train", str(path)).images
        np.testing.assert_array_equal(train, np.delete(images, [9, 19], axis=0))

    @pytest.mark.parametrize("array,message", [
        (np.zeros((20, 8)), r"at least 10, got float64 \(20, 8\)"),
        (np.zeros((9, 8, 8), np.uint8), r"at least 10, got uint8 \(9, 8, 8\)"),
        (np.zeros((20, 8, 8), int), "got int64"),
        (np.full((20, 8, 8), 2.0), "got values from 2 to 2"),
        (np.full((20, 8, 8), np.nan), "got values from nan to nan"),
    ])  # fmt: skip
    def test_another_array(self, array, message, tmp_path):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(UserError, match=message):
            data.load("array_file", "train", str(tmp_path / "a.npy"))
        with pytest.raises(UserError, match=r"data_dir: expected the file with an array .*, got none"):
            data.load("array_file", "train", "")

    @pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
    def test_the_slices_of_a_volume(self, suffix, tmp_path, rng):
        """The first axis to the right, the second up; from the least value to the largest."""
        nibabel = pytest.importorskip("nibabel")
        volume = rng.normal(100, 30, (8, 6, 20)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / f"a.{suffix}")
        train = data.load("array_file", "train", str(tmp_path / f"a.{suffix}")).images
        assert train.shape == (18, 6, 8, 1)
        values = np.interp(volume, (volume.min(), volume.max()), (0, 255))
        for z, (right, up) in ((0, (0, 0)), (3, (7, 5)), (5, (2, 4))):
            assert abs(train[z, 5 - up, right, 0] - values[right, up, z]) <= 0.51

    def test_no_volume(self, tmp_path, monkeypatch):
        nibabel = pytest.importorskip("nibabel")
        (tmp_path / "a.nii").write_bytes(b"nothing")
        (tmp_path / "a.nii.gz").write_bytes(b"nothing")
        nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 20, 2), np.float32), np.eye(4)), tmp_path / "time.nii")
        messages = {"a.nii": "damaged file", "a.nii.gz": "damaged", "time.nii": r"got the shape \(4, 4, 20, 2\)"}
        for name, message in messages.items():
            with pytest.raises(UserError, match=message):
                data.load("array_file", "train", str(tmp_path / name))
        monkeypatch.setitem(sys.modules, "nibabel", None)
        with pytest.raises(UserError, match=r"expected the package nibabel, which is not .*; pip install nibabel"):
            data.load("array_file", "train", str(tmp_path / "time.nii"))

    @pytest.mark.parametrize("change,message", [
        (lambda volume: np.where(volume > 0.9, np.nan, volume), "expected finite numbers of 32 bits, got"),
        (lambda volume: volume.astype(np.float64) * 1e300, "expected finite numbers of 32 bits, got"),
        (lambda volume: volume * 0, "expected a volume of different values, got values from 0 to 0"),
        (lambda volume: volume.astype(np.complex64), "real numbers, got complex64"),
        (lambda volume: np.zeros(volume.shape, [(name, "u1") for name in "RGB"]), "real numbers, got"),
    ])  # fmt: skip
    def test_a_volume_of_other_numbers(self, change, message, tmp_path, rng, recwarn):
        nibabel = pytest.importorskip("nibabel")
        volume = change(rng.random((8, 8, 20), np.float32))
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "a.nii")
        with pytest.raises(UserError, match=message):
            data.load("array_file", "train", str(tmp_path / "a.nii"))
        assert not recwarn.list

    @pytest.mark.parametrize("name", ["A.NII", "A.NII.GZ", "moment.nii"])
    def test_a_volume_by_another_name(self, name, tmp_path, rng):
        """Or with a fourth axis of length 1."""
        nibabel = pytest.importorskip("nibabel")
        volume = rng.random((8, 8, 20, 1)[: 4 if name == "moment.nii" else 3], np.float32)
        content = nibabel.Nifti1Image(volume, np.eye(4)).to_bytes()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("GZ") else content)
        assert data.load("array_file", "train", str(tmp_path / name)).images.shape == (18, 8, 8, 1)

    def test_a_damaged_volume_is_one_line(self, tmp_path, rng, caplog, capsys):
        nibabel = pytest.importorskip("nibabel")
        content = nibabel.Nifti1Image(rng.random((8, 8, 20), np.float32), np.eye(4)).to_bytes()
        (tmp_path / "a.nii").write_bytes(gzip.compress(content))
        with pytest.raises(UserError, match="damaged file"):
            data.load("array_file", "train", str(tmp_path / "a.nii"))
        assert not caplog.records
        assert capsys.readouterr().err == ""

    def test_no_array(self, tmp_path):
        (tmp_path / "a.npy").write_bytes(b"nothing")
        np.savez(tmp_path / "two.npz", a=np.zeros(1), b=np.zeros(1))
        for name, message in (("a.npy", "got:"), ("two.npz", "expected one array, got a, b"), ("", "got a folder")):
            with pytest.raises(UserError, match=message):
                data.load("array_file", "train", str(tmp_path / name))


class TestFolders:
    @pytest.mark.parametrize("form", ["idx", "gz", "npz"])
    def test_a_users_folder(self, tmp_path, small, form):
        if form == "npz":
            np.savez(tmp_path / "fashion_mnist.npz", **small)
        for field, file in IDX_FILES.items() if form != "npz" else ():
            content = idx_bytes(small[field])
            name, content = (f"{file}.gz", gzip.compress(content)) if form == "gz" else (file, content)
            (tmp_path / name).write_bytes(content)
        images, labels = data.load("fashion-mnist", "train", str(tmp_path))
        np.testing.assert_array_equal(images[..., 0], small["x_train"])
        np.testing.assert_array_equal(labels, small["y_train"])

    def test_colour(self, tmp_path, rng):
        images = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
        labels = np.arange(4, dtype=np.uint8)[:, None]
        np.savez(tmp_path / "cifar10.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
        split = data.load("cifar10", "test", str(tmp_path))
        assert split.images.shape == (4, 32, 32, 3)
        assert split.labels.tolist() == [0, 1, 2, 3]

    def test_missing_files_are_named(self, tmp_path):
        with pytest.raises(UserError, match=r"expected mnist\.npz or train-images-idx3-ubyte.*missing there: train-im"):
            data.load("mnist-gray", "train", str(tmp_path))

    def test_pickles_are_not_opened(self, tmp_path):
        np.savez(tmp_path / "mnist.npz", **dict.fromkeys(IDX_FILES, np.array([{}], dtype=object)))
        with pytest.raises(UserError, match=r"mnist\.npz: expected arrays"):
            data.load("mnist-gray", "train", str(tmp_path))

    def test_a_failed_download_says_what_to_do(self, monkeypatch):
        import keras

        def fail(*_):
            raise OSError("no network")

        monkeypatch.setattr(keras.datasets.cifar10, "load_data", fail)
        with pytest.raises(UserError, match=r"download failed \(no network\); expected cifar10\.npz in --data_dir"):
            data.load("cifar10", "train")

    @pytest.mark.parametrize("content", [b"", b"\0\0\x0d\1", b"\0\0\x08\1\0\0\0\x09abc", b"PK\3\4"])
    def test_broken_idx(self, tmp_path, content):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(UserError, match="expected"):
            read_idx(tmp_path / "x")

    def test_broken_gzip(self, tmp_path):
        (tmp_path / "x.gz").write_bytes(gzip.compress(b"a" * 100)[:-20])
        with pytest.raises(UserError, match="expected a readable IDX file"):
            read_idx(tmp_path / "x.gz")


class TestBatches:
    def test_every_image_once_the_last_batch_short(self):
        images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
        found = [batch.numpy() for batch in batches.epoch(images, 4, seed=0, number=0)]
        assert [len(batch) for batch in found] == [4, 4, 2]
        np.testing.assert_allclose(np.sort(np.concatenate(found).ravel()), np.arange(10) / 255, rtol=1e-6)

    def test_the_order_is_a_function_of_seed_and_epoch(self):
        images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)

        def order(seed, number, first_step=0):
            return np.concatenate([b.numpy().ravel() for b in batches.epoch(images, 10, seed, number, first_step)])

        np.testing.assert_array_equal(order(1, 2), order(1, 2))
        np.testing.assert_array_equal(order(1, 2, first_step=3), order(1, 2)[30:])
        assert (order(1, 2) != order(1, 3)).any()
        assert (order(1, 2) != order(2, 2)).any()


class TestPicture:
    """Every kind of file gives the right pixels or one line."""

    def test_grey(self, tmp_path, rng):
        pixels = rng.integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "p.png")
        np.testing.assert_array_equal(picture_file.load(tmp_path / "p.png", (28, 28, 1))[0, :, :, 0], pixels)

    def test_sixteen_bits(self, tmp_path, rng):
        pixels = rng.integers(0, 65536, (28, 28), np.uint16)
        Image.fromarray(pixels).save(tmp_path / "p.png")
        found = picture_file.load(tmp_path / "p.png", (28, 28, 1))[0, :, :, 0]
        np.testing.assert_array_equal(found, np.round(pixels / 65535 * 255))

    @pytest.mark.parametrize("values,white", [
        (np.uint16([0, 2000, 4095]), 4095),  # 12 bits in a file of 16
        (np.uint16([0, 700, 1000]), 1023),
        (np.uint16([0, 60, 255]), 255),
        (np.int32([0, 35000, 70000]), 70000),
        (np.float32([0, 0.3, 1]), 1),
        (np.float32([-0.02, 0.3, 1.03]), 1),  # the overshoot of a filter
        (np.float32([0, 100.2, 255]), 255),
        (np.float32([0, 9000, 65535]), 65535),
    ])  # fmt: skip
    def test_by_its_own_range(self, tmp_path, values, white):
        Image.fromarray(values[None]).save(tmp_path / "p.tiff")
        found = picture_file.load(tmp_path / "p.tiff", (1, 3, 3))
        expected = np.clip(np.round(values * (255 / white)), 0, 255)
        np.testing.assert_array_equal(found, np.repeat(expected[None, None, :, None], 3, axis=3))

    def test_in_a_window(self, tmp_path):
        values = np.float32([-1500, -1000, -500, 0, 1000, 3000])
        Image.fromarray(values[None]).save(tmp_path / "p.tiff")
        Image.fromarray(np.uint8([[0, 50, 255]])).save(tmp_path / "p.png")
        deep = picture_file.load(tmp_path / "p.tiff", (1, 6, 1), window="-1000,1000")
        plain = picture_file.load(tmp_path / "p.png", (1, 3, 1), window="-1000,1000")
        assert deep.ravel().tolist() == [0, 0, 64, 128, 255, 255]
        assert plain.ravel().tolist() == [0, 50, 255]

    @pytest.mark.parametrize("low,high", [(-1000, 1000), (0, float("nan")), (0, float("inf")), (-1, 0)])
    def test_values_that_have_no_range(self, tmp_path, low, high):
        Image.fromarray(np.float32([[low, high]])).save(tmp_path / "p.tiff")
        with pytest.raises(UserError, match=r"p\.tiff: expected values from 0, or, for others, --window=LOW,HIGH, got"):
            picture_file.load(tmp_path / "p.tiff", (1, 2, 1))

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
    def test_transparent_parts_are_black(self, tmp_path, mode):
        image = Image.new("RGBA", (28, 28), (255, 255, 255, 0))
        image.paste((255, 255, 255, 255), (0, 0, 14, 28))
        picture = image.convert(mode)
        picture.putalpha(image.getchannel("A"))  # before Pillow 12, "PA" had lost it
        picture.save(tmp_path / "p.png" if mode != "PA" else tmp_path / "p.tiff")
        path = next(tmp_path.iterdir())
        found = picture_file.load(path, (28, 28, 1))[0, :, :, 0]
        assert (found[:, :13] == 255).all()
        assert (found[:, 15:] == 0).all()

    def test_cmyk(self, tmp_path):
        Image.new("CMYK", (50, 50), (0, 255, 255, 0)).save(tmp_path / "p.tiff")
        assert picture_file.load(tmp_path / "p.tiff", (28, 28, 3))[0, 5, 5].tolist() == [255, 0, 0]

    def test_the_first_frame_of_an_animation(self, tmp_path):
        frames = [Image.new("L", (28, 28), value) for value in (200, 100)]
        frames[0].save(tmp_path / "p.gif", save_all=True, append_images=frames[1:])
        assert np.unique(picture_file.load(tmp_path / "p.gif", (28, 28, 1))).tolist() == [200]

    def test_rotated_as_the_camera_noted(self, tmp_path):
        image = Image.new("L", (28, 28))
        image.paste(255, (0, 0, 28, 14))
        exif = Image.Exif()
        exif[274] = 3  # turned by 180 degrees
        image.save(tmp_path / "p.png", exif=exif)
        found = picture_file.load(tmp_path / "p.png", (28, 28, 1))[0, :, :, 0]
        assert found[0].max() == 0
        assert found[-1].min() == 255

    def test_too_large(self, tmp_path):
        Image.new("1", (20000, 6000)).save(tmp_path / "p.png")
        with pytest.raises(UserError, match="expected at most 100,000,000 pixels, got 20000 x 6000"):
            picture_file.load(tmp_path / "p.png", (28, 28, 1))

    def test_far_too_large(self, tmp_path):
        """So many pixels that Pillow itself refuses."""
        Image.new("1", (8, 8)).save(tmp_path / "p.png")
        content = bytearray((tmp_path / "p.png").read_bytes())
        content[16:24] = struct.pack(">II", 30000, 30000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        (tmp_path / "p.png").write_bytes(content)
        with pytest.raises(UserError, match=r"p\.png: expected at most 100,000,000 pixels, got more$"):
            picture_file.load(tmp_path / "p.png", (28, 28, 1))

    def test_a_picture_that_is_one_line(self, tmp_path):
        Image.new("L", (1000, 1), 200).save(tmp_path / "p.png")
        assert picture_file.contained(tmp_path / "p.png", 400).shape == (1, 400)

    @pytest.mark.parametrize("content", [b"", b"not a picture", None])
    def test_not_a_picture(self, tmp_path, content, rng):
        if content is None:
            Image.fromarray(rng.integers(0, 256, (90, 90), np.uint8)).save(tmp_path / "whole.png")
            content = (tmp_path / "whole.png").read_bytes()[:3000]
        (tmp_path / "p.png").write_bytes(content)
        with pytest.raises(UserError, match=r"p\.png: expected a picture, got[^<]*$"):  # none of Pillow's objects
            picture_file.load(tmp_path / "p.png", (28, 28, 1))

    def test_no_such_file(self, tmp_path):
        with pytest.raises(UserError, match=r"none\.png: expected a picture"):
            picture_file.load(tmp_path / "none.png", (28, 28, 1))
