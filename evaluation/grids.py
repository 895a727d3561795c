"""Grids of images, drawn on the fixed scale [0, 1]."""

import io

import numpy as np
from PIL import Image

from config.system.files import write_atomically

GAP = 1
SCALE = 3


def grid(images, columns=None):
    """Images [N, H, W, C] as one picture uint8 [height, width, C], row by row, clipped to [0, 1]."""
    images = np.pad(images, [(0, 0), (GAP, 0), (GAP, 0), (0, 0)], constant_values=0.5)
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    tiles = np.full((rows * columns, height, width, channels), 0.5)
    tiles[:count] = images
    tiles = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    picture = tiles.reshape(rows * height, columns * width, channels)
    picture = np.pad(picture, [(0, GAP), (0, GAP), (0, 0)], constant_values=0.5)
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def save(path, picture):
    """Write a picture uint8 [height, width, C] to `path` as PNG, enlarged."""
    enlarged = picture.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(enlarged.squeeze(-1) if enlarged.shape[-1] == 1 else enlarged).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
