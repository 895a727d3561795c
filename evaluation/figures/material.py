"""What the figures are made from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np


class Material(NamedTuple):
    """Trained models, and the test images."""

    models: dict[str, object]  # by the name that a figure shows
    images: np.ndarray  # [N, H, W, C] uint8
    labels: np.ndarray | None  # [N]; None for pictures
    results: dict[str, Path]  # the folder with the log of each model's training, by the same name
