"""How much colour images have."""

import numpy as np


def chroma(images):
    """Return the mean chroma [B] of images [B, H, W, C]: that of a pixel is the standard deviation of its channels.

    It is 0 for a grey image, and halved where each channel is half as far from the mean of the channels.
    """
    return np.asarray(images).std(-1).mean((1, 2))
