"""Grids of images on the fixed scale [0, 1], and their files."""

import io

import numpy as np
from PIL import Image
from skimage.util import montage

from config.system.files import write_atomically

GAP = 1
SCALE = 3


def grid(images, columns=None):
    """Return images [N, H, W, C] as one uint8 [height, width, C], row by row, clipped to [0, 1]."""
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    shape = -(-len(images) // columns), columns
    grey = [0.5] * images.shape[-1]
    tiled = montage(images, fill=grey, grid_shape=shape, padding_width=GAP, channel_axis=-1)
    return np.round(np.clip(tiled, 0, 1) * 255).astype(np.uint8)


def save(path, image):
    """Write an image uint8 [height, width, C] to `path` as PNG, each pixel SCALE times as wide and as high."""
    enlarged = image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(enlarged.squeeze(-1) if enlarged.shape[-1] == 1 else enlarged).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
