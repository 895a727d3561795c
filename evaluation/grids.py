"""Grids of images on the fixed scale [0, 1], and their files."""

import io

import numpy as np
from PIL import Image
from skimage.util import montage

from config.system.files import write_atomically

GAP = 1
SCALE = 3
# milliseconds that a picture of an animation stands
FRAME = 120


def grid(images, columns=None):
    """Return images [N, H, W, C] as one uint8 [height, width, C], row by row, clipped to [0, 1]."""
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    shape = -(-len(images) // columns), columns
    grey = [0.5] * images.shape[-1]
    tiled = montage(images, fill=grey, grid_shape=shape, padding_width=GAP, channel_axis=-1)
    return np.round(np.clip(tiled, 0, 1) * 255).astype(np.uint8)


def on_own_scales(images):
    """Return images [N, H, W, C], each with its darkest value moved to 0 and its brightest to 1; a flat one is 0."""
    images = np.asarray(images)
    low, high = (bound(images, axis=(1, 2, 3), keepdims=True) for bound in (np.min, np.max))
    return (images - low) / np.where(high > low, high - low, 1)


def save(path, image):
    """Write an image uint8 [height, width, C] to `path` as PNG, each pixel SCALE times as wide and as high."""
    write_picture(path, "PNG", [image])


def save_animation(path, images):
    """Write images uint8 [N, height, width, C] to `path` as GIF, enlarged as by `save`: there and back, for ever."""
    there_and_back = [*images, *images[-2:0:-1]]
    write_picture(path, "GIF", there_and_back, duration=FRAME, loop=0)


def save_resized(path, image, size):
    """Write an image in [0, 1], [H, W, C], clipped, to `path` as PNG of `size`, width and height in pixels."""
    plain = picture(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))
    buffer = io.BytesIO()
    plain.resize(size, Image.Resampling.LANCZOS).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue(), flush=False)


def picture(image):
    """Return an image uint8 [height, width, C] as a picture of Pillow."""
    return Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)


def write_picture(path, kind, images, **options):
    """Write images uint8 [height, width, C] to `path` as the frames of a file of this kind, enlarged."""
    first, *others = [picture(image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)) for image in images]
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=bool(others), append_images=others, **options)
    write_atomically(path, buffer.getvalue())
