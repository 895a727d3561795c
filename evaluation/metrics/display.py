"""Images as they are drawn, on the scale [0, 1]: what every measure of blur looks at.

A linear decoder overshoots [0, 1]. No picture shows that, and an overshoot at an edge would pass
for sharpness, so the measures clip first.
"""

import numpy as np
from skimage.color import rgb2gray

# measured at a time: images, and pixels, so that large images take no more memory than their training
BATCH = 500
PIXELS = 2**20


def drawn(images):
    """Images [N, H, W, C] as float32 clipped to [0, 1]; uint8 is divided by 255.

    Raises:
        ValueError: they are not [N, H, W, C] with 1 or 3 channels, or there are none.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not len(images):
        raise ValueError(f"expected images [N, H, W, 1 or 3], got {images.shape}")
    scale = 255 if images.dtype == np.uint8 else 1
    return np.clip(images.astype(np.float32) / np.float32(scale), 0, 1)


def luminance(images):
    """The luminance [N, H, W] of drawn images [N, H, W, C] (ITU-R BT.709 weights of linear RGB)."""
    return images[..., 0] if images.shape[-1] == 1 else rgb2gray(images)


def of_each(measure, *sets):
    """The values of `measure` on sets of images [N, H, W, C], computed in batches to bound memory.

    Raises:
        ValueError: the sets are not of one shape.
    """
    if len({np.shape(images) for images in sets}) > 1:
        raise ValueError(f"expected sets of images of one shape, got {' and '.join(str(np.shape(s)) for s in sets)}")
    return np.concatenate([measure(*(drawn(images[i]) for images in sets)) for i in parts(sets[0]) or [np.s_[:]]])


def parts(images):
    """The slices in which images [N, H, W, C] are measured."""
    count, height, width, *_ = np.shape(images)
    size = max(1, min(BATCH, PIXELS // (height * width)))
    return [slice(start, start + size) for start in range(0, count, size)]
