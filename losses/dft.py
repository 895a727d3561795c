"""The discrete Fourier transform of whole images and of every window of them.

A windowed 2-D DFT with a separable window is two matrix products, V x Hᵀ: the rows of V and H are the windowed
complex exponentials of every position. The images are real, so half of the plane of bins determines the rest, and
all arithmetic is real. Complex numbers are pairs (real part, imaginary part).

A size is an int, and then the matrices are numpy constants, computed once; or, in a TensorFlow graph for images of
several sizes, a tensor, and then the graph computes them. `module_of` says which.
"""

import functools
from typing import NamedTuple

import numpy as np
from keras import ops, tree

from .base import planes

# The gradient of a phase is 1 / amplitude. Below this amplitude it stays 1 / PHASE_FLOOR.
PHASE_FLOOR = 1e-2


def module_of(*values):
    """Return the module that computes with `values`: numpy, or keras.ops if one of them is a tensor."""
    return np if all(isinstance(value, int | np.generic | np.ndarray) for value in values) else ops


def computed_once(build):
    """Return the function `build` of sizes, with its latest results kept; those of tensors belong to their graph."""
    kept = functools.lru_cache(maxsize=16)(build)

    @functools.wraps(build)
    def found(*sizes, **named):
        in_a_graph = any(map(ops.is_tensor, tree.flatten((sizes, named))))
        return (build if in_a_graph else kept)(*sizes, **named)

    return found


def points(size):
    """Return 0, 1, … size - 1, [size], in float64."""
    return module_of(size).arange(size, dtype="float64")


def number(size):
    """Return a size as a float64 number."""
    return float(size) if isinstance(size, int) else ops.cast(size, "float64")


def hann(window):
    """Return the periodic Hann window [window]: ½(1 - cos 2πx/window), 0 ≤ x < window."""
    return 0.5 * (1 - module_of(window).cos(points(window) * (2 * np.pi / number(window))))


def unit_hann(window):
    """Return the periodic Hann window [window], scaled to norm 1."""
    xp = module_of(window)
    return hann(window) / xp.sqrt(xp.sum(hann(window) ** 2))


def box(window):
    """Return the rectangular window [window], all ones."""
    return points(window) * 0 + 1


def unit_box(window):
    """Return the rectangular window [window] of norm 1: the DFT with it is orthonormal."""
    return box(window) * number(window) ** -0.5


def wave(window, frequencies):
    """Return exp(-2πi f m / window), a pair of [frequencies, window]: exactly real where it is real."""
    xp = module_of(window, frequencies)
    angle = xp.outer(frequencies, points(window)) % number(window) * (2 * np.pi / number(window))
    return xp.round(xp.cos(angle), 15), xp.round(-xp.sin(angle), 15)


def exponentials(window, frequencies):
    """Return exp(-2πi f m / window), a complex numpy matrix [frequencies, window]: exactly real where it is real."""
    real, imaginary = wave(window, frequencies)
    return real + 1j * imaginary


def half_plane(window):
    """Return the frequencies 0 … window/2, and how many bins each stands for: itself and, if it has one, its mirror."""
    half, one = points(window // 2 + 1), box(window // 2 + 1)
    return half, module_of(window).where((half == 0) | (2 * half == number(window)), one, 2 * one)


def radial_frequency(rows, columns):
    """Return the radial frequency of the bins of a half-plane [columns // 2 + 1, rows], from 0 to 1."""
    xp = module_of(rows, columns)
    vertical = xp.minimum(points(rows), number(rows) - points(rows)) / number(rows)
    horizontal = half_plane(columns)[0] / number(columns)
    radius = xp.sqrt(horizontal[:, None] ** 2 + vertical**2)
    return radius / xp.max(radius)


def starts(size, window, stride, offset=0):
    """Return where the windows of a line of `size` pixels start [positions]; the last ones may leave the line.

    Raises:
        ValueError: the window is larger than the line.
    """
    return offset + module_of(size, offset).arange(0, size - window + 1, stride)


def at_every_position(size, stride, rows, name="stft_f", offset=0):
    """Return `rows` [frequencies, window] at every position, [positions·frequencies, size].

    The first position is `offset`, in pixels. The rows of a window that leaves the image are 0.

    Raises:
        ValueError: the window is larger than the image's side, `size`; `name` says whose window it is.
    """
    xp, window = module_of(size, offset), rows.shape[1]
    require_room(window, size, name)
    first = starts(size, window, stride, offset)[:, None]
    columns = xp.arange(size) - first
    # outside the window stands a column of zeros
    columns = xp.where((columns >= 0) & (columns < window) & (first <= size - window), columns, window)
    placed = xp.take(np.pad(rows, [(0, 0), (0, 1)]), columns, axis=1)
    return xp.reshape(xp.swapaxes(placed, 0, 1), (-1, size))


def require_room(window, size, name):
    """Check that a window fits into an image's side, `size`.

    Raises:
        ValueError: it does not. A graph that does not know the size raises InvalidArgumentError when it runs.
    """
    message = f"{name}: expected a window of at most the image's {{}} pixels, got {window}"
    if not isinstance(size, int):
        import tensorflow as tf

        tf.debugging.assert_less_equal(window, size, message.format("side in"))
    elif window > size:
        raise ValueError(message.format(size))


def spectrum(images, vertical, horizontal):
    """Return the real and the imaginary part of V x Hᵀ for every plane x, each [B, C, columns, rows].

    Args: images [B, H, W, C]; complex numpy matrices `vertical`, V [rows, H], and `horizontal`, H [columns, W].
    """
    return product(images, (vertical.real, vertical.imag), (horizontal.real, horizontal.imag))


def product(images, vertical, horizontal):
    """Return the real and the imaginary part of V x Hᵀ as `spectrum` does; V and H are pairs."""
    x, xp = planes(images), module_of(*vertical, *horizontal)
    _, channels, height, width = ops.shape(x)
    real, imaginary = vertical
    rows, columns = ops.shape(real)[0], ops.shape(horizontal[0])[0]
    # x Hᵀ, its real part beside its imaginary part and the height innermost. Then the complex product with V is a
    # product of real matrices: with [Re; -Im] for the real part, with [Im; Re] for the imaginary part
    found = times(ops.reshape(x, [-1, width]), xp.concatenate(horizontal))
    found = ops.transpose(ops.reshape(found, [-1, height, 2, columns]), [0, 3, 2, 1])
    found = ops.reshape(found, [-1, 2 * height])
    shape = [-1, channels, columns, rows]
    matrices = [real, -imaginary], [imaginary, real]
    return [ops.reshape(times(found, xp.concatenate(parts, axis=1)), shape) for parts in matrices]


def times(values, rows):
    """Return `values` [n, m] times the transpose of `rows` [k, m], [n, k], in the type of `values`."""
    matrix = module_of(rows).transpose(rows)
    return ops.matmul(values, ops.convert_to_tensor(matrix, dtype=values.dtype))


@ops.custom_gradient
def amplitude(real, imaginary):
    """Return √(real² + imaginary²). Its gradient at zero is 0."""
    modulus = ops.sqrt(real**2 + imaginary**2)

    def gradient(*args, upstream=None):
        unit = ops.divide_no_nan(args[0] if upstream is None else upstream, modulus)
        return unit * real, unit * imaginary

    return modulus, gradient


@ops.custom_gradient
def root(square):
    """Return √square, for squares of at least 0. Its gradient at zero is 0."""
    value = ops.sqrt(square)

    def gradient(*args, upstream=None):
        return ops.divide_no_nan(args[0] if upstream is None else upstream, 2 * value)

    return value, gradient


@ops.custom_gradient
def phase(real, imaginary, floor):
    """Return atan2(imaginary, real), in (-π, π]. Its gradient is at most 1/floor; `floor` is a tensor."""

    def gradient(*args, upstream=None):
        slope = (args[0] if upstream is None else upstream) / ops.maximum(real**2 + imaginary**2, floor**2)
        return slope * -imaginary, slope * real, ops.zeros_like(floor)

    return ops.arctan2(imaginary, real), gradient


class Bins(NamedTuple):
    """The bins of the DFTs of all windows, in the layout of the matrices V and H.

    vertical, horizontal: the matrices V [rows, H] and H [columns, W], pairs.
    frequency: W of each bin [columns, rows], its radial frequency: from 0 at the constant to 1 at the highest.
    counts: how many bins of the whole plane each stands for, [columns, rows].
    """

    vertical: tuple
    horizontal: tuple
    frequency: np.ndarray
    counts: np.ndarray

    def spectrum(self, images):
        """Return the real and the imaginary part of the bins of images [B, H, W, C], each [B, C, columns, rows]."""
        return product(images, self.vertical, self.horizontal)

    def sum(self, values, weight):
        """Return the sum [B] of weight · values [B, C, columns, rows] over windows, bins and channels."""
        return ops.sum(values * ops.convert_to_tensor(self.counts * weight, dtype=values.dtype), [1, 2, 3])

    def mean(self, values, weight):
        """Return the mean [B] of weight · values [B, C, columns, rows] over windows, bins and channels."""
        return self.sum(values, weight / module_of(self.counts).sum(self.counts)) / values.shape[1]


@computed_once
def global_bins(height, width, taper):
    """Return the Bins of one window, the whole image; `taper(size)` is the window function."""
    half, counts = half_plane(width)
    vertical = tuple(taper(height) * part for part in wave(height, points(height)))
    horizontal = tuple(taper(width) * part for part in wave(width, half))
    frequency = radial_frequency(height, width)
    return Bins(vertical, horizontal, frequency, counts[:, None] + 0 * frequency)


@computed_once
def local_bins(height, width, window, stride, taper, offset=(0, 0), name="stft_f"):
    """Return the Bins of all windows of images of height x width pixels; `taper(size)` is the window function.

    Args: `offset`, where the first window starts, pixels down and to the right; windows that leave the image count 0.

    Raises:
        ValueError: the window is larger than the image; `name` says whose window it is.
    """
    one, xp = global_bins(window, window, taper), module_of(height, width, *offset)
    vertical = tuple(at_every_position(height, stride, part, name, offset[0]) for part in one.vertical)
    horizontal = tuple(at_every_position(width, stride, part, name, offset[1]) for part in one.horizontal)
    down, right = starts(height, window, stride, offset[0]), starts(width, window, stride, offset[1])
    positions = ops.shape(right)[0], ops.shape(down)[0]
    inside = xp.repeat(right <= width - window, len(one.counts))[:, None] & xp.repeat(down <= height - window, window)
    counts = xp.multiply(xp.tile(one.counts, positions), inside)
    return Bins(vertical, horizontal, xp.tile(one.frequency, positions), counts)
