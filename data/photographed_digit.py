"""A photographed digit, dark ink on light paper, as one like those of MNIST."""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize

from config.system.errors import UserError
from data import picture_file

# longest side at which a photograph is worked on
SIDE = 400
# of MNIST: side of an image, of the box of its digit, and about the least width of a stroke, in pixels
IMAGE, BOX, STROKE = 28, 20, 2.0
# least difference of ink and paper, of 255; and a part of the ink smaller than this share of its largest is a speck
LEAST_CONTRAST, SPECK = 25, 0.05


def load(path):
    """Load the photograph in the file `path` as uint8 [1, 28, 28, 1], white ink on black.

    The ink is what is darker than the paper around it. It is scaled to fit a box of 20 pixels, and its centre of mass
    moved to pixel (14, 14), as LeCun et al. made MNIST. Strokes finer than 2 pixels are made as wide.

    Raises:
        UserError: as of `picture_file.load`, or there is no ink.
    """
    ink = ink_of(np.asarray(picture_file.contained(path, SIDE), float))
    if not ink.any():
        raise UserError(f"{path}: expected a dark digit on light paper, got no ink")
    rows, columns = (slice(np.min(place), np.max(place) + 1) for place in np.nonzero(ink))
    height, width = (ink[rows, columns].shape * np.array(BOX / max(ink[rows, columns].shape))).round().astype(int)
    digit = Image.fromarray(np.uint8(ink[rows, columns]) * 255).resize(
        (max(width, 1), max(height, 1)), Image.Resampling.BOX
    )
    return centred(np.asarray(digit))[None, :, :, None]


def ink_of(grey):
    """Return where the ink is, bool [H, W], in a photograph [H, W] of 0 to 255."""
    smooth = ndimage.gaussian_filter(grey, 1.5)
    # a closing fills what is dark and narrower than its window; shadows are wider
    paper = ndimage.gaussian_filter(ndimage.grey_closing(smooth, max(3, max(grey.shape) // 5)), 8)
    darker = paper - smooth
    found = darker > max(threshold_otsu(darker), LEAST_CONTRAST)
    parts, count = ndimage.label(found)
    areas = ndimage.sum_labels(found, parts, range(count + 1))
    return widened(found & (areas >= SPECK * areas.max(initial=0))[parts])


def widened(ink):
    """Return ink, bool [H, W], whose strokes are not finer than STROKE once it is scaled to the box."""
    if not ink.any():
        return ink
    least = STROKE * max(np.ptp(np.nonzero(ink), axis=1) + 1) / BOX
    width = ink.sum() / skeletonize(ink).sum()
    return ndimage.distance_transform_edt(~ink) <= max(least - width, 0) / 2


def centred(digit):
    """Return a digit [h, w] in an image [28, 28], its centre of mass moved by whole pixels to pixel (14, 14)."""
    image = np.zeros((3 * IMAGE, 3 * IMAGE), np.uint8)
    image[IMAGE : IMAGE + len(digit), IMAGE : IMAGE + len(digit[0])] = digit
    down, over = (round(place - IMAGE / 2) for place in ndimage.center_of_mass(image))
    return image[down : down + IMAGE, over : over + IMAGE]
