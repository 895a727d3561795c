"""Grids of images, drawn on the fixed scale [0, 1]."""

import io

import numpy as np
from PIL import Image

from config.files import write_atomically

GAP = 1
SCALE = 3


def grid(images, columns=None):
    """Images [N, H, W, C] as one picture uint8 [height, width, C], row by row, clipped to [0, 1]."""
    images = np.asarray(images)
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    _, height, width, channels = images.shape
    picture = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 0.5)
    for number, image in enumerate(images):
        top, left = (GAP + place * (size + GAP) for place, size in zip(divmod(number, columns), (height, width), strict=True))
        picture[top : top + height, left : left + width] = image
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def save(path, picture):
    """Write a picture uint8 [height, width, C] to `path` as PNG, enlarged."""
    enlarged = picture.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(enlarged.squeeze(-1) if enlarged.shape[-1] == 1 else enlarged).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
