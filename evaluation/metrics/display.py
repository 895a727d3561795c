"""Images as they are displayed, in [0, 1], and in batches that fit into memory.

A linear decoder overshoots [0, 1]. No picture shows that, and an overshoot at an edge would pass for sharpness. So
the metrics of blur clip images first.
"""

import numpy as np

# the most images, and the most pixels, in a batch: scoring large images takes no more memory than training on them
BATCH = 500
PIXELS = 2**20


def as_displayed(images):
    """Return images [N, H, W, C] as float32, clipped to [0, 1]; uint8 is divided by 255.

    Raises:
        ValueError: they are not [N, H, W, C] with 1 or 3 channels, or there are none.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not len(images):
        raise ValueError(f"expected images [N, H, W, 1 or 3], got {images.shape}")
    scale = 255 if images.dtype == np.uint8 else 1
    return np.clip(images.astype(np.float32) / np.float32(scale), 0, 1)


def in_batches(function, *sets):
    """Return the values [N, ...] of `function` on sets of images [N, H, W, C] as displayed, a batch at a time.

    Raises:
        ValueError: the sets are not of one shape, or there are no images.
    """
    if len({np.shape(images) for images in sets}) > 1:
        raise ValueError(f"expected sets of images of one shape, got {' and '.join(str(np.shape(s)) for s in sets)}")
    slices = parts(sets[0]) or [np.s_[:]]
    return np.concatenate([function(*(as_displayed(images[i]) for images in sets)) for i in slices])


def in_colour(images):
    """Return images [N, H, W, 1 or 3] with three channels; a single one is repeated."""
    return np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images


def rows(features):
    """Return the slices that divide features [N, F] into batches."""
    return [slice(start, start + BATCH) for start in range(0, len(features), BATCH)]


def parts(images):
    """Return the slices that divide images [N, H, W, C] into batches."""
    count, height, width, *_ = np.shape(images)
    size = max(1, min(BATCH, PIXELS // (height * width)))
    return [slice(start, start + size) for start in range(0, count, size)]
