"""The width of edges."""

import numpy as np
from scipy.ndimage import map_coordinates, sobel, spline_filter

from evaluation.metrics.display import luminance, of_each

# how far from an edge its profile is looked at, and how finely, in pixels
REACH, STEP = 8, 0.5
# an edge is a local maximum of the gradient of at least this share of the image's largest
SHARE = 0.2
# the least gradient, per pixel, that is no rounding error
LEAST_GRADIENT = 1e-3


def edge_width(images):
    """The mean 10-90 % width of the edges in a set of images, pixels; nan where there is none.

    The way on which the profile across an edge, along the gradient, climbs from 10 to 90 % of the
    edge's height, which is that between the nearest minimum and maximum. Luminance, cubic
    interpolation. An ideal edge under a Gaussian blur has 2.563 sigma; a step
    between two pixels measures 0.96. Where an edge meets the border at a slant it reads too wide. The rise of an
    edge as in ISO 12233, at every edge of an image.
    """
    widths = of_each(lambda batch: widths_at_edges(luminance(batch)), images)
    return float(widths.mean()) if len(widths) else float("nan")


def widths_at_edges(images):
    """The 10-90 % width of every edge [E] in images [N, H, W], pixels."""
    # one tall picture: the margins keep the images, and the splines through them, apart
    margin = REACH + 2
    padded = np.pad(images.astype(float), [(0, 0), (margin, margin), (margin, margin)], mode="edge")
    tall = padded.reshape(-1, padded.shape[2])
    gradient = np.stack([sobel(tall, axis=axis) / 8 for axis in (0, 1)])
    inside = np.pad(np.ones_like(images, bool), [(0, 0), (margin, margin), (margin, margin)]).reshape(tall.shape)
    magnitude = np.hypot(*gradient) * inside
    largest = magnitude.reshape(len(images), -1).max(1).repeat(padded.shape[1])
    places = np.nonzero(magnitude >= np.maximum(SHARE * largest, LEAST_GRADIENT)[:, None])
    direction = gradient[:, *places] / magnitude[places]
    beside = [map_coordinates(magnitude, places + side * direction, order=1) for side in (-1, 1)]
    # of two pixels as steep, the one uphill
    crest = (magnitude[places] >= beside[0]) & (magnitude[places] > beside[1])
    return rise(profiles(tall, np.stack(places)[:, crest], direction[:, crest]))


def profiles(picture, places, direction):
    """The picture across edges [E, samples], from REACH pixels downhill to REACH uphill of `places` [2, E]."""
    offsets = np.arange(-REACH, REACH + STEP, STEP)
    points = places[:, :, None] + direction[:, :, None] * offsets
    return map_coordinates(spline_filter(picture), points, prefilter=False)


def rise(profile):
    """The 10-90 % width [E] of the climb through the middle of profiles [E, samples], pixels."""
    middle = profile.shape[1] // 2
    steps = np.diff(profile)
    uphill = np.logical_and.accumulate(steps[:, middle:] > 0, axis=1)
    downhill = np.logical_and.accumulate(steps[:, middle - 1 :: -1] > 0, axis=1)[:, ::-1]
    climb = np.cumsum(steps * np.concatenate([downhill, uphill], axis=1), axis=1)
    climb = np.pad(climb, [(0, 0), (1, 0)])
    climb = climb[climb[:, -1] > 0]
    return STEP * (crossing(climb, 0.9) - crossing(climb, 0.1))


def crossing(climb, share):
    """Where [E] climbs [E, samples], never falling and from 0, reach a share of their height, in samples."""
    level = share * climb[:, -1]
    after = (climb < level[:, None]).sum(1)
    rows = np.arange(len(climb))
    before = climb[rows, after - 1]
    return after - 1 + (level - before) / (climb[rows, after] - before)
