"""What the figures are drawn from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np


class Material(NamedTuple):
    """The models by the name of their loss, the test split and the folder of the logs."""

    models: dict
    images: np.ndarray  # [N, H, W, C] uint8
    labels: np.ndarray  # [N]
    results: Path
