"""One picture file as an image of a given shape."""

import contextlib
import math
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageOps

from config.system import files
from config.system.errors import UserError

MOST_PIXELS = 100_000_000
# the numbers of bits that cameras and scanners put into numbers of 16
DEPTHS = (8, 10, 12, 14, 16)
# a picture of real numbers from 0 to 1 may exceed 1 a little; one from 0 to 255 is black below this
MOST_OF_UNIT = 2
# values below 0 by at most this share of the largest are the overshoot of a filter
LEAST = -0.1
# the notes of a camera that it was held upright
TURNED = (5, 6, 7, 8)


def load(path, image_shape, crop=False, window=""):
    """Load the picture in the file `path` as uint8 [1, H, W, C], resized to `image_shape` [H, W, C].

    With `crop` it keeps its proportions and loses two borders. Otherwise it is stretched. Of an animation the first
    frame is taken. Transparent parts become black, and the picture is turned as the camera noted. A grey picture of
    more than 8 bits, or of real numbers, becomes one of 8 bits: black and white are the two values of `window`,
    "LOW,HIGH", or, where that is empty, 0 and what its own range gives (`white`).

    Raises:
        UserError: there is no such file, it is no picture, it is damaged, it has more than MOST_PIXELS pixels, or
            some of its values are no numbers, or without `window` below 0.
    """
    height, width, channels = image_shape
    resize = ImageOps.fit if crop else Image.Image.resize
    pixels = _resized(path, channels, lambda plain: resize(plain, (width, height), Image.Resampling.LANCZOS), window)
    return np.broadcast_to(pixels.reshape(1, height, width, -1), (1, height, width, channels)).astype(np.uint8)


def contained(path, side):
    """Return the picture in the file `path` in grey, 0 to 255, [h, w], its longer side `side`, as `load` reads it."""

    def resize(plain):
        # ImageOps.contain leaves no row of a picture that is 1000 times as wide as high
        shape = [max(1, round(length / max(plain.size) * side)) for length in plain.size]
        return plain.resize(shape, Image.Resampling.LANCZOS)

    return _resized(path, 1, resize)


def size(path):
    """Return width and height of the picture in the file `path`, turned as the camera noted."""
    with opened(path) as image:
        is_turned = image.getexif().get(ExifTags.Base.Orientation) in TURNED
        return image.size[::-1] if is_turned else image.size


def _resized(path, channels, resize, window=""):
    with opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        is_deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
        low, high = _range(path, image, window) if is_deep else (0, 255)
        plain = image.convert("F") if is_deep else _on_black(image).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(resize(plain))
    return np.clip(np.rint((pixels - low) * (255 / (high - low))), 0, 255) if is_deep else pixels


def require(path):
    """Check that the file `path` is a picture.

    Raises:
        UserError: as of `opened`.
    """
    with opened(path):
        pass


@contextlib.contextmanager
def opened(path):
    """Open the picture in the file `path` and yield it; its pixels are read when they are asked for.

    Raises:
        UserError: there is no such file, it is no picture, or it has more than MOST_PIXELS pixels; or what the caller
            does with it fails.
    """
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            files.opened(path, "a picture", files.PICTURE) as file,
            Image.open(file) as image,
        ):
            if image.width * image.height > MOST_PIXELS:
                raise UserError(f"{path}: expected at most {MOST_PIXELS:,} pixels, got {image.width} x {image.height}")
            yield image
    except UserError:
        raise
    except Image.UnidentifiedImageError as error:
        raise UserError(f"{path}: expected a picture, got another or a damaged file") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{path}: expected at most {MOST_PIXELS:,} pixels, got more") from error
    except Exception as error:  # Pillow's decoders fail in many ways, and each means that the file is broken
        raise UserError(f"{path}: expected a picture, got: {error}") from error


def white(most, is_real):
    """Return the value that is white in a picture whose largest value is `most`.

    For whole numbers it is the largest of the least of DEPTHS that holds them: 4095 for a picture of 12 bits in a file
    of 16. Beyond them it is `most`. For real numbers it is 1, unless they are clearly more.
    """
    if is_real and most <= MOST_OF_UNIT:
        return 1
    return next((2**depth - 1 for depth in DEPTHS if most < 2**depth), most)


def _range(path, image, window):
    values = np.asarray(image)
    least, most = float(values.min()), float(values.max())
    if window and -math.inf < least <= most < math.inf:
        return [float(end) for end in window.split(",")]
    if window or not LEAST * most <= least <= most < math.inf:
        wanted = "finite values" if window else "values from 0, or, for others, --window=LOW,HIGH"
        raise UserError(f"{path}: expected {wanted}, got values from {least:g} to {most:g}")
    return 0, white(most, image.mode == "F")


def _on_black(image):
    if not image.has_transparency_data:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
