"""Overlapping tiles of large images, so that products with the matrices of windows multiply by few zeros.

The matrix that places a window at every position of a line is as long as the line, and outside the window it is 0. So
a line with many windows is cut into tiles with a few windows each, and the tiles are a batch for one small
matrix. What is cut twice, or lies beyond the last window, is the price; `tiling` weighs the two.
"""

from typing import NamedTuple

from keras import ops

from .base import planes

# What a window costs beside the product, in pixels of its length: copies, and functions of every bin. Measured.
OTHER = 64
# Tiles must cost less than this share of the whole line, or the line stays whole; up to 32 pixels it always does.
WORTH = 0.75


class Tiling(NamedTuple):
    """How one axis is cut: `count` tiles of `side` pixels and `windows` windows, `step` pixels apart from `offset` on.

    A whole axis is one tile. `offset` is where its first window starts; it is not cut there.
    """

    count: int
    side: int
    windows: int
    step: int
    offset: int

    @property
    def inset(self):
        """Where the first window of a tile starts in it: tiles are cut at the offset, a whole axis is not."""
        return self.offset if self.count == 1 else 0

    def inside(self, xp, size, window, stride):
        """Return which windows are in the axis of `size` pixels, [count, windows]. `xp` computes."""
        starts = self.offset + xp.arange(self.count * self.windows) * stride
        return xp.reshape(starts <= size - window, [self.count, self.windows])


def uncut(size, windows=1, offset=0):
    """Return the Tiling of an axis that is not cut."""
    return Tiling(1, size, windows, size, offset)


def tilings(height, width, window, stride, offset=(0, 0), least=8):
    """Return the Tilings of both axes, each as `tiling` does; whole axes if one of the sizes is a tensor."""
    sides = list(zip((height, width), offset, strict=True))
    if not (isinstance(height, int) and isinstance(width, int)):
        return [uncut(size, (size - window) // stride + 1, start) for size, start in sides]
    return [tiling(size, window, stride, start, least) for size, start in sides]


def tiling(size, window, stride, offset=0, least=8):
    """Return the Tiling of `size` pixels that costs least.

    Args: the length and the distance of the windows, where the first starts, and the least distance of the tiles, in
    pixels: closer tiles make matrices that are too small to be fast.
    """
    dense, overlap = uncut(size, (size - window) // stride + 1, offset), max(0, window - stride)
    # a tile reaches into the next one only
    sizes = range(-(-max(overlap, least) // stride), dense.windows)
    tiled = [Tiling(-(-dense.windows // k), k * stride + overlap, k, k * stride, offset) for k in sizes]
    best = min([dense, *tiled], key=cost)
    return best if cost(best) < WORTH * cost(dense) else dense


def cost(line):
    """Return what the windows of a square image cost if both its axes are cut as the Tiling `line` says."""
    return (line.count * line.windows) ** 2 * (line.side + OTHER)


def cut(images, down, right):
    """Return the tiles of every channel of images [B, H, W, C], row by row: [B, C·tiles, side down, side right].

    Beyond the image there are zeros. Args: the Tilings `down` and `right`.
    """
    if down.count == right.count == 1:
        return planes(images)
    channels = images.shape[3]
    x = fitted(fitted(images, 1, down), 2, right)
    height, width = x.shape[1:3]
    x = overlapping(ops.reshape(x, [-1, height, width * channels]), down)
    x = overlapping(ops.reshape(x, [-1, width, channels]), right)
    x = ops.reshape(x, [-1, down.count, down.side, right.count, right.side, channels])
    x = ops.transpose(x, [0, 5, 1, 3, 2, 4])
    return ops.reshape(x, [-1, channels * down.count * right.count, down.side, right.side])


def fitted(images, axis, line):
    """Return images whose `axis` starts at the offset of the Tiling `line` and is a block longer than its tiles."""
    if line.count == 1:
        return images
    size, wanted = images.shape[axis], (line.count + 1) * line.step
    room = 0 if isinstance(line.offset, int) and line.offset == 0 else line.step
    after = [(0, max(0, wanted + room - size)) if i == axis else (0, 0) for i in range(4)]
    shape = [wanted if i == axis else length for i, length in enumerate(ops.shape(images))]
    return ops.slice(ops.pad(images, after), [line.offset if i == axis else 0 for i in range(4)], shape)


def overlapping(values, line):
    """Return the tiles of lines of pixels: [N, pixels, channels] → [N, tiles, side·channels]."""
    _, pixels, channels = values.shape
    if line.count == 1:
        return ops.reshape(values, [-1, 1, pixels * channels])
    blocks = ops.reshape(values, [-1, line.count + 1, line.step * channels])
    return continued(blocks, (line.side - line.step) * channels)


def continued(blocks, beyond):
    """Return all blocks but the last, `beyond` values of the next behind each: [N, n + 1, m] → [N, n, m + beyond]."""
    length = blocks.shape[2]

    @ops.custom_gradient
    def joined(blocks):
        def gradient(*args, upstream=None):
            slope = args[0] if upstream is None else upstream
            own = ops.pad(slope[:, :, :length], [(0, 0), (0, 1), (0, 0)])
            return own + ops.pad(slope[:, :, length:], [(0, 0), (1, 0), (0, length - beyond)])

        return ops.concatenate([blocks[:, :-1], blocks[:, 1:, :beyond]], axis=2), gradient

    # the gradient of slices, which TensorFlow would take, is ten times slower
    return joined(blocks)
