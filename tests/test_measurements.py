"""Measurements against numpy, scipy and what their masks must look like."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from scipy.special import logsumexp
from scipy.stats import chisquare

import config
import measurements
import train
from config.system.errors import UserError
from measurements.geometry import projection
from measurements.noise import gaussian

SHAPES = [(28, 28, 1), (32, 32, 3), (9, 14, 2)]
SMALL = {"p": 0.6, "k": 5, "sigma": 0.3, "radius": 0.8, "size": 4}
RANDOM = [name for name in measurements.MEASUREMENTS if name != "none"]
MASKS = [name for name in RANDOM if name.startswith(("drop", "keep"))]


def build(name, **given):
    """The measurement with small parameters, of those it reads."""
    values = SMALL | given
    return measurements.build(name, **{key: values[key] for key in measurements.parameters(name)})


def masks(name, shape=(400, 9, 14, 2), seed=(0, 0), **given):
    """θ, spread to the whole of `shape`."""
    return np.broadcast_to(build(name, **given).draw(shape, seed), shape)


class TestEvery:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("name", measurements.MEASUREMENTS)
    def test_differentiable_in_the_images_alone(self, name, shape, rng):
        """f is affine in x: ⟨f(x + d) - f(x), v⟩ is ⟨d, ∇⟨f(x), v⟩⟩; θ has no gradient."""
        x, d, v = (tf.constant(rng.random((5, *shape)), tf.float32) for _ in range(3))
        measurement = build(name)
        theta = measurement.draw(x.shape, [3, 1])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, theta])
            product = tf.reduce_sum(measurement.apply(x, theta) * v)
        moved = tf.reduce_sum((measurement.apply(x + d, theta) - measurement.apply(x, theta)) * v)
        assert float(tf.reduce_sum(tape.gradient(product, x) * d)) == pytest.approx(float(moved), rel=1e-3, abs=1e-3)
        assert theta.dtype.is_integer or tape.gradient(product, theta) is None

    @pytest.mark.parametrize("name", RANDOM)
    def test_every_image_has_a_theta_of_its_own(self, name):
        """Equal images come out different, by the seed alone; the first few as in a larger batch."""
        x = tf.fill([40, 11, 11, 1], 0.5) + tf.reshape(tf.range(121.0) / 500, [11, 11, 1])
        measurement = build(name)
        found = measurement(x, [7, 1]).numpy()
        assert found.shape == x.shape
        assert len(np.unique(found.reshape(40, -1), axis=0)) > 20
        np.testing.assert_array_equal(measurement(x, [7, 1]), found)
        np.testing.assert_allclose(measurement(x[:9], [7, 1]), found[:9], rtol=1e-5)
        assert not np.array_equal(measurement(x, [8, 1]), found)
        assert not np.array_equal(measurement(x, [7, 2]), found)

    @pytest.mark.parametrize("name", measurements.MEASUREMENTS)
    def test_in_a_graph_for_any_batch(self, name, rng):
        x = tf.constant(rng.random((3, 9, 14, 2)), tf.float32)
        measurement = build(name)
        signature = [tf.TensorSpec([None, 9, 14, 2]), tf.TensorSpec([2], tf.int32)]
        graph = tf.function(measurement.__call__, input_signature=signature)
        np.testing.assert_allclose(graph(x, [0, 5]), measurement(x, [0, 5]), atol=1e-6)


class TestMasks:
    @pytest.mark.parametrize("name", [name for name in MASKS if "patch" not in name])
    def test_the_mean_mask_is_one(self, name):
        """Within four standard errors, those of independent draws: of units, not of pixels."""
        theta = masks(name, (4000, 9, 14, 2), p=0.6).astype(float)
        variance = (1 / 0.4) ** (2 if name == "drop_rowcol" else 1) - 1
        assert theta.mean() == pytest.approx(1, abs=4 * math.sqrt(variance / 4000 / {"drop_col": 14}.get(name, 9)))

    def test_independent_of_pixel_and_channel(self):
        theta = masks("drop_independent", p=0.6)
        np.testing.assert_allclose(np.unique(theta), [0, 2.5], rtol=1e-6)
        assert (theta == 0).mean() == pytest.approx(0.6, abs=0.01)
        assert np.corrcoef(theta[..., 0].ravel(), theta[..., 1].ravel())[0, 1] == pytest.approx(0, abs=0.03)

    @pytest.mark.parametrize("name,axes", [("drop_row", (2, 3)), ("drop_col", (1, 3))])
    def test_a_line_has_one_draw(self, name, axes):
        theta = masks(name)
        assert (theta.min(axes) == theta.max(axes)).all()
        assert (theta.min((1, 2, 3)) == 0).any()
        assert (theta.min((1, 2, 3)) < theta.max((1, 2, 3))).mean() > 0.9

    def test_rows_and_columns(self):
        theta = masks("drop_rowcol", p=0.6)[..., 0]
        kept = theta > 0
        np.testing.assert_allclose(np.unique(theta), [0, 6.25], rtol=1e-6)
        np.testing.assert_array_equal(kept, kept.any(2, keepdims=True) & kept.any(1, keepdims=True))

    @pytest.mark.parametrize("k", [1, 5, 9])
    def test_a_patch_is_a_square_of_zeros(self, k):
        dropped = masks("drop_patch", k=k)
        assert set(np.unique(dropped)) <= {0, 1}
        for one in dropped:
            assert (one[..., 0] == one[..., 1]).all()
            rows, columns = np.nonzero(one[..., 0] == 0)
            assert len(rows) == k**2
            assert (np.ptp(rows), np.ptp(columns)) == (k - 1, k - 1)

    def test_keep_is_what_drop_is_not(self):
        np.testing.assert_array_equal(masks("keep_patch"), 1 - masks("drop_patch"))

    def test_every_position_is_equally_likely(self):
        """The last ones too: 5 rows and 10 columns of corners."""
        corner = np.array(build("extract_patch").draw((20000, 9, 14, 1), [2, 0]))
        counts = np.zeros((5, 10))
        np.add.at(counts, tuple(corner.T), 1)
        assert chisquare(counts.ravel()).pvalue > 0.001

    @pytest.mark.parametrize("k,hidden", [(14, 0), (18, 64)])
    def test_beyond_half_the_side_nobody_sees_the_middle(self, k, hidden):
        seen = masks("drop_patch", (5000, 28, 28, 1), k=k).max(0)
        assert (seen == 0).sum() == hidden


class TestOthers:
    def test_identity(self, digits):
        np.testing.assert_array_equal(build("none")(digits, [0, 0]), digits)

    @pytest.mark.parametrize("k", [4, 5])
    def test_a_patch_extracted_lies_in_the_middle(self, k, rng):
        x = tf.constant(rng.random((6, 9, 14, 2)), tf.float32)
        measurement = build("extract_patch", k=k)
        theta = measurement.draw(x.shape, [1, 1])
        expected = np.zeros(x.shape, np.float32)
        top, left = (9 - k) // 2, (14 - k) // 2
        for one, image, (row, column) in zip(expected, x.numpy(), theta.numpy(), strict=True):
            one[top : top + k, left : left + k] = image[row : row + k, column : column + k]
        np.testing.assert_array_equal(measurement.apply(x, theta), expected)

    def test_noise_is_normal_and_not_clipped(self):
        found = build("add_noise", sigma=0.3)(tf.ones([20, 28, 28, 3]), [0, 0]).numpy()
        assert found.mean() == pytest.approx(1, abs=0.01)
        assert found.std() == pytest.approx(0.3, rel=0.02)
        assert ((found - 1) ** 4).mean() == pytest.approx(3 * 0.3**4, rel=0.05)
        assert found.max() > 1.5

    @pytest.mark.parametrize("radius,size", [(1.3, 7), (0.8, 4)])
    def test_the_kernel_sums_to_one(self, radius, size):
        kernel = gaussian(radius, size)
        assert kernel.sum() == pytest.approx(1, rel=1e-12)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1].T)
        assert kernel[0, 0] / kernel[0, 1] == pytest.approx(math.exp(-(size - 2) / 2 / radius**2))

    def test_blur_is_a_gaussian_with_zeros_around(self, digits):
        measurement = build("blur_add_noise", radius=1.3, size=7, sigma=0)
        expected = ndimage.gaussian_filter(digits, (0, 1.3, 1.3, 0), mode="constant", radius=(0, 3, 3, 0))
        np.testing.assert_allclose(measurement(digits, [0, 0]), expected, atol=1e-6)

    def test_noise_is_added_after_the_blur(self, digits):
        measurement, blur = build("blur_add_noise"), build("blur_add_noise", sigma=0)
        noise = build("add_noise").draw(digits.shape, [4, 4])
        np.testing.assert_allclose(measurement(digits, [4, 4]), blur(digits, [0, 0]) + noise, atol=1e-6)

    @pytest.mark.parametrize("shape", [(28, 28, 1), (9, 14, 2)])
    @pytest.mark.parametrize("angle", [0, 0.7, 2.5])
    def test_projection_is_that_of_the_rotated_image(self, shape, angle, rng):
        """scipy turns the zero-padded square about its middle, by linear interpolation."""
        image = rng.random(shape)
        side = math.ceil(math.hypot(*shape[:2]))
        matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        middle = np.full(2, (side - 1) / 2)
        offset = (np.array(shape[:2]) - 1) / 2 - matrix @ middle
        turned = [
            ndimage.affine_transform(
                np.pad(channel, 2), matrix, offset + 2, (side, side), order=1, mode="constant", prefilter=False
            )
            for channel in np.moveaxis(image, 2, 0)
        ]
        found = projection(tf.constant(image[None], tf.float32), tf.constant([angle], tf.float32))
        np.testing.assert_allclose(found[0].numpy().T, np.sum(turned, 1), atol=1e-3)

    def test_a_projection_holds_all_of_the_image(self, digits):
        found = projection(tf.constant(digits), tf.linspace(0.0, 2 * math.pi, 8))
        np.testing.assert_allclose(tf.reduce_sum(found, [1, 2]), digits.sum((1, 2, 3)), rtol=0.02)

    def test_centred_drops_to_grey(self):
        x = tf.fill([2, 8, 8, 1], 0.9)
        found = np.unique(measurements.Centred(build("drop_independent", p=0.5))(x, [0, 0]))
        np.testing.assert_allclose(found, [0.5, 0.5 + 2 * 0.4], rtol=1e-6)


def every_theta(name, p=0.6, k=2, shape=(3, 3)):
    """All masks θ [I, H, W, 1] of a measurement of one channel, and how probable each is [I]."""
    height, width = shape
    if name in ("drop_patch", "keep_patch"):
        kept = np.zeros((height - k + 1, width - k + 1, height, width, 1))
        for row, column in np.ndindex(kept.shape[:2]):
            kept[row, column, row : row + k, column : column + k] = 1
        kept = kept.reshape(-1, height, width, 1)
        return (kept if name == "keep_patch" else 1 - kept), np.full(len(kept), 1 / len(kept))
    units = {"drop_independent": shape, "drop_row": (height, 1), "drop_col": (1, width)}[name]
    kept = np.array(list(itertools.product([0, 1], repeat=math.prod(units)))).reshape(-1, *units, 1)
    share = kept.mean((1, 2, 3)) * math.prod(units)
    return kept / (1 - p) * np.ones((*shape, 1)), (1 - p) ** share * p ** (math.prod(units) - share)


class TestThetaSummedOut:
    @pytest.mark.parametrize("precision", [0.01, 1, 30])
    @pytest.mark.parametrize("name", ["drop_independent", "drop_row", "drop_col", "drop_patch", "keep_patch"])
    def test_masks_are_all_counted(self, name, precision, rng):
        x, y = rng.random((2, 4, 3, 3, 1))
        thetas, probabilities = every_theta(name)
        errors = ((thetas * x[:, None] - y[:, None]) ** 2).sum((2, 3, 4))
        expected = -2 / precision * logsumexp(-precision / 2 * errors, axis=1, b=probabilities)
        found = build(name, k=2).marginal_error(tf.constant(x, tf.float32), tf.constant(y, tf.float32), precision)
        np.testing.assert_allclose(found, expected, rtol=1e-4)

    def test_of_many_channels_and_an_oblong(self, rng):
        x, y = rng.random((2, 3, 4, 5, 2))
        thetas, probabilities = every_theta("drop_patch", k=3, shape=(4, 5))
        errors = ((thetas * x[:, None] - y[:, None]) ** 2).sum((2, 3, 4))
        found = build("drop_patch", k=3).marginal_error(tf.constant(x, tf.float32), tf.constant(y, tf.float32), 2.0)
        np.testing.assert_allclose(found, -logsumexp(-errors, axis=1, b=probabilities), rtol=1e-4)

    @pytest.mark.parametrize("name", ["add_noise", "blur_add_noise"])
    def test_noise_is_integrated(self, name, rng):
        """By Gauss-Hermite quadrature, pixel by pixel."""
        x, y = (tf.constant(rng.random((3, 6, 6, 1)), tf.float32) for _ in range(2))
        points, weights = np.polynomial.hermite_e.hermegauss(60)
        residual = (build(name, sigma=0).apply(x, 0.0) - y).numpy().astype(float)

        def error(residual):
            errors = (residual[..., None] + 0.3 * points) ** 2
            return -2 / 7 * logsumexp(-7 / 2 * errors, axis=-1, b=weights / np.sqrt(2 * np.pi)).sum((1, 2, 3))

        found = build(name, sigma=0.3).marginal_error(x, y, 7.0)
        np.testing.assert_allclose(found, error(residual), rtol=1e-4)

    def test_nothing_to_sum_without_a_measurement(self, rng):
        x, y = rng.random((2, 3, 4, 4, 1)).astype(np.float32)
        found = build("none").marginal_error(x, y, 3.0)
        np.testing.assert_allclose(found, ((x - y) ** 2).sum((1, 2, 3)), rtol=1e-5)

    @pytest.mark.parametrize("name,scale", [("drop_independent", 0.4), ("drop_row", 0.4), ("drop_rowcol", 0.16)])
    def test_around_grey_what_was_dropped_is_known(self, name, scale, rng):
        """No byte is exactly grey. Of what is left, the error of the image, whatever α."""
        x, other = np.float32(rng.integers(0, 256, (2, 3, 8, 8, 3))) / 255
        measurement = measurements.Centred(build(name, p=0.6))
        y = measurement(tf.constant(x), [0, 1])
        kept = np.array(y) != 0.5
        np.testing.assert_allclose((np.array(y)[kept] - 0.5) * scale, x[kept] - 0.5, atol=1e-6)
        for precision in (0.1, 10):
            found = measurement.marginal_error(tf.constant(other), y, precision)
            np.testing.assert_allclose(found, (kept * (x - other) ** 2).sum((1, 2, 3)), rtol=1e-4)

    def test_around_grey_noise_has_another_scale(self, rng):
        """[-1, 1] is twice [0, 1], where the noise has σ/2."""
        x, y = (tf.constant(rng.random((3, 6, 6, 1)), tf.float32) for _ in range(2))
        found = measurements.Centred(build("add_noise", sigma=0.4)).marginal_error(x, y, 5.0)
        np.testing.assert_allclose(found, build("add_noise", sigma=0.2).marginal_error(x, y, 5.0), rtol=1e-5)

    @pytest.mark.parametrize(
        "value,precision,expected", [(0.5, 2, 0.5), (0.3, 20, 0.3), (0.1, 2, 0.02), (0.1, 0.01, 0.02)]
    )
    def test_bright_pixels_are_found_and_dim_ones_darkened(self, value, precision, expected, rng):
        """Of grey images x, p = 0.8: the error is least at x, or, for x well below 2 (1 - p)/√α, at (1 - p) x."""
        measurement = build("drop_independent", p=0.8)
        y = measurement(tf.fill([1, 200, 200, 1], value), [0, 1])
        tried = np.arange(0, 0.8, 0.01, np.float32)
        errors = [float(measurement.marginal_error(tf.fill(y.shape, c), y, precision)[0]) for c in tried]
        assert tried[np.argmin(errors)] == pytest.approx(expected, abs=0.02)

    @pytest.mark.parametrize("name", ["drop_rowcol", "extract_patch", "pad_rotate_project"])
    def test_refused_where_it_cannot_be(self, name):
        with pytest.raises(ValueError, match=r"expected one whose θ can be summed out, got \w+"):
            build(name).marginal_error(tf.zeros([1, 9, 14, 1]), tf.zeros([1, 9, 14, 1]), 1.0)


class TestNames:
    @pytest.mark.parametrize("name,names", [
        ("none", []),
        ("drop_rowcol", ["p"]),
        ("keep_patch", ["k"]),
        ("blur_add_noise", ["radius", "sigma", "size"]),
        ("pad_rotate_project", []),
    ])  # fmt: skip
    def test_the_parameters_that_a_measurement_reads(self, name, names):
        assert sorted(measurements.parameters(name)) == names

    def test_every_key_of_the_configuration_is_a_parameter_with_the_same_default(self):
        every = [measurements.parameters(name) for name in measurements.MEASUREMENTS]
        defaults = {f"measurement_{name}": value for one in every for name, value in one.items()}
        keys = {key: value for key, value in config.defaults().items() if key.startswith("measurement_")}
        assert keys == defaults
        assert all(keys.items() >= {f"measurement_{k}": v for k, v in one.items()}.items() for one in every)

    @pytest.mark.parametrize("name,given,message", [
        ("drop_patches", {}, "expected one of none, drop_independent, drop_row"),
        ("drop_row", {"k": 3, "q": 1}, "measurement drop_row: expected p, got k, q"),
        ("none", {"p": 0.5}, "measurement none: expected no parameters, got p"),
        ("drop_patch", {"k": 10}, "expected k of at most the image's 9 pixels, got 10"),
        ("extract_patch", {"k": 10}, "expected k of at most the image's 9 pixels, got 10"),
    ])  # fmt: skip
    def test_refusals(self, name, given, message):
        with pytest.raises(ValueError, match=message):
            measurements.build(name, **given)(tf.zeros([2, 9, 14, 1]), [0, 0])

    @pytest.mark.parametrize("given,message", [
        ({"measurement": "drop_patches"}, "measurement: expected one of"),
        ({"measurement": "drop_patch", "measurement_k": 29}, "measurement: expected k of at most the image's 28"),
        ({"measurement": "drop_rowcol", "pixel_side": "marginal"}, "pixel_side: expected measured or unmeasured, got"),
        ({"measurement_p": 1}, "measurement_p: expected a number from 0 to 0.999, got '1'"),
        ({"measurement_sigma": -1}, "measurement_sigma: expected a number from 0, got '-1'"),
    ])  # fmt: skip
    def test_refusals_of_a_training(self, given, message):
        """One line, and the bounds are those of the configuration's keys."""
        given = {"model": "ambient_vae_gan", "architecture": "ambient28"} | given
        with pytest.raises(UserError) as refusal:
            train.main([f"--{key}={value}" for key, value in given.items()])
        assert message in str(refusal.value)
