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
from .tiles import Tiling, cut, tilings, uncut

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


def at_every_position(size, stride, rows, offset=0):
    """Return `rows` [frequencies, window] at every position in a line of `size` pixels, [positions·frequencies, size].

    The first position is `offset`, in pixels. The rows of a window that leaves the line are 0.
    """
    xp, window = module_of(size, offset), rows.shape[1]
    first = (offset + xp.arange(0, size - window + 1, stride))[:, None]
    columns = xp.arange(size) - first
    # outside the window stands a column of zeros
    columns = xp.where((columns >= 0) & (columns < window) & (first <= size - window), columns, window)
    placed = xp.take(np.pad(rows, [(0, 0), (0, 1)]), columns, axis=1)
    return xp.reshape(xp.swapaxes(placed, 0, 1), (-1, size))


def with_room(size, window, name):
    """Return `size`, an image's side, after a check that a window fits into it.

    Raises:
        ValueError: it does not. A graph that does not know the size raises InvalidArgumentError when it runs.
    """
    message = f"{name}: expected a window of at most the image's {{}} pixels, got {window}"
    if not isinstance(size, int):
        import tensorflow as tf

        with tf.control_dependencies([tf.debugging.assert_less_equal(window, size, message.format("side in"))]):
            return tf.identity(size)
    if window > size:
        raise ValueError(message.format(size))
    return size


def spectrum(images, vertical, horizontal):
    """Return the real and the imaginary part of V x Hᵀ for every plane x, each [B, C, columns, rows].

    Args: images [B, H, W, C]; complex numpy matrices `vertical`, V [rows, H], and `horizontal`, H [columns, W].
    """
    return product(planes(images), (vertical.real, vertical.imag), (horizontal.real, horizontal.imag))


def product(x, vertical, horizontal):
    """Return the real and the imaginary part of V x Hᵀ for all planes x [B, N, H, W], each [B, N, columns, rows].

    Args: V and H, pairs.
    """
    xp = module_of(*vertical, *horizontal)
    _, count, height, width = ops.shape(x)
    real, imaginary = vertical
    rows, columns = ops.shape(real)[0], ops.shape(horizontal[0])[0]
    # x Hᵀ, its real part beside its imaginary part and the height innermost. Then the complex product with V is a
    # product of real matrices: with [Re; -Im] for the real part, with [Im; Re] for the imaginary part
    found = times(ops.reshape(x, [-1, width]), xp.concatenate(horizontal))
    found = ops.transpose(ops.reshape(found, [-1, height, 2, columns]), [0, 3, 2, 1])
    found = ops.reshape(found, [-1, 2 * height])
    shape = [-1, count, columns, rows]
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

    vertical, horizontal: the matrices V [rows, side] and H [columns, side] of one tile, pairs.
    frequency: W of each bin [tiles·columns, rows], its radial frequency: from 0 at the constant to 1 at the highest.
    counts: how many bins of the whole plane each stands for, [tiles·columns, rows].
    down, right: how images are cut into tiles; a whole image is one tile.
    """

    vertical: tuple
    horizontal: tuple
    frequency: np.ndarray
    counts: np.ndarray
    down: Tiling
    right: Tiling

    def spectrum(self, images):
        """Return the real and the imaginary part of the bins of images [B, H, W, C], each [B, C, columns, rows]."""
        found = product(cut(images, self.down, self.right), self.vertical, self.horizontal)
        shape = [-1, ops.shape(images)[3], *ops.shape(self.counts)]
        return [ops.reshape(part, shape) for part in found]

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
    return Bins(vertical, horizontal, frequency, counts[:, None] + 0 * frequency, uncut(height), uncut(width))


def up_to(cutoff, one):
    """Return the Bins `one` of a window without the radial frequencies above `cutoff`, cycles per pixel."""
    (columns, rows), window = one.counts.shape, one.down.side
    vertical = np.minimum(np.arange(rows), window - np.arange(rows)) / window
    horizontal = np.arange(columns) / window
    down, right = vertical <= cutoff, horizontal <= cutoff
    counts = one.counts * (np.hypot(horizontal[:, None], vertical) <= cutoff)
    return one._replace(
        vertical=tuple(part[down] for part in one.vertical),
        horizontal=tuple(part[right] for part in one.horizontal),
        frequency=one.frequency[right][:, down],
        counts=counts[right][:, down],
    )


@computed_once
def local_bins(height, width, window, stride, taper, offset=(0, 0), cutoff=1, name="stft_f"):
    """Return the Bins of all windows of images of height x width pixels; `taper(size)` is the window function.

    Args: `offset`, where the first window starts, pixels down and to the right; windows that leave the image count 0.
    `cutoff`, cycles per pixel: bins of a higher radial frequency are left out.

    Raises:
        ValueError: the window is larger than the image; `name` says whose window it is.
    """
    return at_all(up_to(cutoff, global_bins(window, window, taper)), height, width, stride, offset, name)


def at_all(one, height, width, stride, offset=(0, 0), name="stft_f"):
    """Return the Bins of a window, `one`, at all positions in images of height x width pixels, as `local_bins` does."""
    (columns, rows), window = one.counts.shape, one.down.side
    height, width = (with_room(size, window, name) for size in (height, width))
    down, right = tilings(height, width, window, stride, offset)
    vertical, below = on_axis(down, height, window, stride, one.vertical)
    horizontal, beside = on_axis(right, width, window, stride, one.horizontal)
    xp = module_of(below, beside)
    inside = xp.repeat(below, rows, axis=1)[:, None, None] & xp.repeat(beside, columns, axis=1)[:, :, None]
    inside = xp.reshape(inside, [-1, down.windows * rows])
    tiles = down.count * right.count * right.windows, down.windows
    counts = xp.multiply(xp.tile(one.counts, tiles), inside)
    return Bins(vertical, horizontal, module_of(height, width).tile(one.frequency, tiles), counts, down, right)


def on_axis(line, size, window, stride, rows):
    """Return `rows`, a pair, at every window of a tile, and which windows are in the image, [count, windows].

    Args: `line`, how the axis of `size` pixels is cut. If it starts at a tensor, the results for all starts are
    constants of the graph, which takes one of them.
    """
    if isinstance(size, int) and not isinstance(line.offset, int):
        starts = range(min(stride, size - window + 1))
        each = [on_axis(line._replace(offset=start), size, window, stride, rows) for start in starts]
        return tree.map_structure(lambda *values: ops.take(np.stack(values), line.offset, axis=0), *each)
    placed = tuple(at_every_position(line.side, stride, part, line.inset) for part in rows)
    return placed, line.inside(module_of(size, line.offset), size, window, stride)
