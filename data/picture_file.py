"""One picture file as an image of a given shape."""

import warnings

import numpy as np
from PIL import Image, ImageOps

from config.system.errors import UserError

MOST_PIXELS = 100_000_000


def load(path, image_shape, crop=False):
    """Load the picture in the file `path` as uint8 [1, H, W, C], resized to `image_shape` [H, W, C].

    With `crop` it keeps its proportions and loses two borders. Otherwise it is stretched. Of an animation
    the first frame is taken. Transparent parts become black, 16 bits become 8, and the picture is turned as
    the camera noted.

    Raises:
        UserError: there is no such file, it is no picture, it is damaged, or it has more than MOST_PIXELS pixels.
    """
    height, width, channels = image_shape
    resize = ImageOps.fit if crop else Image.Image.resize
    resized = _read(path, channels, lambda plain: resize(plain, (width, height), Image.Resampling.LANCZOS))
    return np.asarray(resized, np.uint8).reshape(1, height, width, channels)


def contained(path, side):
    """Return the picture in the file `path` as a grey Pillow image whose longer side is `side`, as `load` reads it."""
    return _read(path, 1, lambda plain: ImageOps.contain(plain, (side, side), Image.Resampling.LANCZOS))


def _read(path, channels, resize):
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UserError(f"{path}: expected at most {MOST_PIXELS:,} pixels, got {image.width} x {image.height}")
            flat = _on_black(_eight_bits(ImageOps.exif_transpose(image)))
            return resize(flat.convert("L" if channels == 1 else "RGB"))
    except UserError:
        raise
    except Exception as error:  # Pillow's decoders fail in many ways, and each means that the file is broken
        raise UserError(f"{path}: expected a picture, got: {error}") from error


def _eight_bits(image):
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, np.float64)
        most = 1 if image.mode == "F" else 65535
        return Image.fromarray(np.round(np.clip(values / most, 0, 1) * 255).astype(np.uint8))
    return image


def _on_black(image):
    if not image.has_transparency_data:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
