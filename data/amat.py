"""The binarised MNIST of Larochelle and Murray (2011), three text files: the data set that the paper names.

Each pixel was drawn once, 1 with the probability that its grey value gives. There are 50,000 training, 10,000
validation and 10,000 test images, without labels. The author's code does not use them; it binarises at ½.
"""

from pathlib import Path

import numpy as np

from config.system.errors import UserError

FILES = {split: f"binarized_mnist_{split}.amat" for split in ("train", "valid", "test")}
SIDE = 28
BLANKS = np.frombuffer(b" \t\r\n", np.uint8)


def larochelle(data_dir):
    """Return x_train, the training images and after them the validation images, and x_test, uint8 [N, 28, 28].

    Raises:
        UserError: a file is missing, or has other characters than 0, 1 and blanks, or not 784 digits an image.
    """
    if missing := [file for file in FILES.values() if not (Path(data_dir) / file).is_file()]:
        raise UserError(
            f"data_dir: expected {', '.join(FILES.values())} in {data_dir!r}; missing: {', '.join(missing)}"
        )
    found = {split: read_amat(Path(data_dir) / file) for split, file in FILES.items()}
    return {"x_train": np.concatenate([found["train"], found["valid"]]), "x_test": found["test"]}


def read_amat(path):
    """Return the images in a file of digits 0 and 1, uint8 [N, 28, 28], 0 or 255.

    Raises:
        UserError: as of `larochelle`.
    """
    content = np.frombuffer(path.read_bytes(), np.uint8)
    digits = content[~np.isin(content, BLANKS)] - ord("0")
    if not len(digits) or len(digits) % SIDE**2 or digits.max() > 1:
        raise UserError(f"{path}: expected {SIDE**2} digits 0 or 1 for each image, got {len(digits):,} characters")
    return 255 * digits.reshape(-1, SIDE, SIDE)
