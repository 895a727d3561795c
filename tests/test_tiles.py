"""Losses of images that are cut into overlapping tiles, against definitions that know nothing of tiles."""

import itertools

import numpy as np
import oracles
import pytest
import tensorflow as tf
from test_losses import LOCAL, call, gradient, offsets, skimage_ssim

import losses
from losses.dft import Bins, unit_hann
from losses.spectral import STFT, CorrectedSTFT, ReleasedSTFT
from losses.ssim import SSIM
from losses.tiles import cut, tiling
from losses.windows import Windows, local_spectra

SPECTRAL = {STFT: oracles.stft, CorrectedSTFT: oracles.corrected, ReleasedSTFT: oracles.released}


@pytest.fixture
def large(rng):
    """Two colour images of 101 x 150 pixels, of which both axes are cut, and their reconstructions."""
    return rng.random((2, 101, 150, 3)).astype(np.float32), rng.normal(0.5, 0.3, (2, 101, 150, 3)).astype(np.float32)


class TestTiling:
    def test_small_images_stay_whole(self):
        """Up to 32 pixels, whatever the window."""
        for size, window, stride in itertools.product(range(2, 33), range(2, 33), range(1, 17)):
            assert window > size or tiling(size, window, stride).count == 1

    @pytest.mark.parametrize("size", [64, 101, 128, 150, 256])
    @pytest.mark.parametrize("window,stride", [(16, 4), (16, 8), (8, 4), (4, 2), (9, 5), (11, 1), (7, 9)])
    def test_every_window_is_in_one_tile(self, size, window, stride):
        line = tiling(size, window, stride)
        starts = [tile * line.step + one * stride for tile in range(line.count) for one in range(line.windows)]
        inside = line.inside(np, size, window, stride).ravel()
        assert [s for s, kept in zip(starts, inside, strict=True) if kept] == [*range(0, size - window + 1, stride)]
        assert (line.windows - 1) * stride + window <= line.side <= 2 * line.step or line.count == 1

    def test_small_windows_of_large_images_are_convolved(self):
        kinds = [
            type(local_spectra(height, width, window, 4, unit_hann, (0, 0), 1, "windows"))
            for height, width, window in ((101, 150, 16), (101, 150, 24), (28, 150, 16))
        ]
        assert kinds == [Windows, Bins, Bins]

    def test_the_losses_of_large_images_are_cut(self):
        assert tiling(101, 16, 4).count > 1 < tiling(150, 16, 4).count
        assert tiling(101, 11, 1, least=22).count > 1 < tiling(256, 11, 1, least=22).count


class TestCut:
    @pytest.mark.parametrize("offset", [0, 3])
    def test_tiles(self, large, offset):
        """Against slices of the image, with zeros around it."""
        x, _ = large
        down, right = tiling(101, 16, 4, offset), tiling(150, 8, 4, offset)
        found = cut(tf.constant(x), down, right).numpy()
        assert found.shape == (2, 3 * down.count * right.count, down.side, right.side)
        padded = np.pad(x, [(0, 0), (0, 50), (0, 50), (0, 0)])
        for c, i, j in itertools.product(range(3), range(down.count), range(right.count)):
            top, left = offset + i * down.step, offset + j * right.step
            expected = padded[:, top : top + down.side, left : left + right.side, c]
            np.testing.assert_array_equal(found[:, (c * down.count + i) * right.count + j], expected)

    @pytest.mark.parametrize("offset", [0, 3])
    def test_the_gradient_counts_each_pixel_as_often_as_it_is_cut(self, offset):
        """Against a count in numpy, of one axis that is cut and one that is not."""
        down, right = tiling(101, 16, 4, offset), tiling(20, 16, 4)
        assert down.count > 1 == right.count
        x = tf.Variable(tf.zeros([1, 101, 20, 1]))
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(cut(x, down, right))
        times = np.zeros(300)
        for tile in range(down.count):
            times[offset + tile * down.step :][: down.side] += 1
        np.testing.assert_array_equal(tape.gradient(value, x)[0, :, :, 0], np.repeat(times[:101, None], 20, 1))


class TestLargeImages:
    @pytest.mark.parametrize("loss", SPECTRAL)
    @pytest.mark.parametrize("window,stride", [(16, 4), (16, 8), (9, 5)])
    def test_windows_of_one_size(self, loss, window, stride, large):
        np.testing.assert_allclose(
            call(loss(window, stride), *large), SPECTRAL[loss](*large, window, stride), rtol=1e-5
        )

    @pytest.mark.parametrize("name", LOCAL)
    @pytest.mark.slow
    def test_windows_of_several_sizes(self, name, large):
        np.testing.assert_allclose(call(losses.TERMS[name].make(), *large), LOCAL[name](*large), rtol=1e-5)

    def test_ssim(self, large):
        np.testing.assert_allclose(call(SSIM(), *large), 1 - skimage_ssim(*large), rtol=1e-5)

    @pytest.mark.parametrize("name", LOCAL)
    @pytest.mark.parametrize("in_a_graph", [False, pytest.param(True, marks=pytest.mark.slow)])
    def test_a_moving_grid(self, name, in_a_graph, large):
        """The step is a number, or a tensor in a graph."""
        loss = losses.TERMS[name].make(windows=(16, 24), strides=(5, 4))
        assert tiling(101, 16, 5).count > 1 < tiling(101, 24, 4).count
        for step in (2, 1000):
            expected = LOCAL[name](*large, (16, 24), (5, 4), offsets=offsets(step, 4))
            if in_a_graph:
                graph = tf.function(lambda step: loss.at_step(step).call(*large), autograph=False)
                found = graph(tf.constant(step, tf.int64))
            else:
                found = call(loss.at_step(step), *large)
            np.testing.assert_allclose(found, expected, rtol=1e-5)

    @pytest.mark.parametrize("turned", [False, True])
    def test_a_grid_that_moves_over_a_side(self, turned, large):
        """By three pixels the last window of 16 leaves the side of 101, above or beside, and not that of 150."""
        pair = [np.swapaxes(x, 1, 2) if turned else x for x in large]
        step = next(step for step in range(100) if min(offsets(step)[0]) >= 3)
        loss = losses.TERMS["log-spectral"].make(windows=(16,), strides=(5,))
        expected = LOCAL["log-spectral"](*pair, (16,), (5,), offsets=offsets(step)[:1])
        np.testing.assert_allclose(call(loss.at_step(step), *pair), expected, rtol=1e-5)

    @pytest.mark.parametrize("name", LOCAL)
    def test_the_gradient(self, name, rng):
        """Of strong outputs: of a small amplitude, the gradient of the phase is bounded, and not the oracle's."""
        x, y = rng.random((1, 70, 101, 1)), 1000 * rng.normal(0.4, 3, (1, 70, 101, 1))
        assert_slope(losses.TERMS[name].make(), LOCAL[name], x, y, 1e-4, rng)

    def test_the_gradient_of_ours(self, rng):
        x, y = rng.random((1, 70, 101, 1)), 1000 * rng.normal(0.4, 3, (1, 70, 101, 1))
        assert_slope(STFT(), oracles.stft, x, y, 1e-6, rng)

    def test_the_gradient_of_ssim(self, rng):
        x, y = rng.random((1, 101, 130, 1)), rng.random((1, 101, 130, 1))
        assert_slope(SSIM(), lambda x, y: 1 - skimage_ssim(x, y), x, y, 1e-6, rng)


def assert_slope(loss, oracle, x, y, size, rng):
    """In a direction between a random one and the gradient's own, the gradient is the oracle's central difference."""
    found = gradient(loss, x, y)
    direction = found / found.std() + rng.normal(size=y.shape)
    slope = (oracle(x, y + size * direction) - oracle(x, y - size * direction))[0] / (2 * size)
    assert np.vdot(found, direction) == pytest.approx(slope, rel=2e-3)
