"""The metrics of blur, against blurs of known width, closed forms and plain loops."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.exposure import match_histograms

import data
from evaluation.metrics import blur, coherence
from models import checkpoint

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def many_digits():
    return data.load("mnist", "test").images[:1000]


def blurred(images, sigma):
    """Float images, every one blurred by sigma pixels."""
    images = images / np.float32(255) if images.dtype == np.uint8 else images
    return gaussian_filter(images, (0, sigma, sigma, 0))


def blob(sigma, size=32):
    """A Gaussian of width sigma and volume 1 [1, size, size, 1]."""
    distance = np.arange(size) - (size - 1) / 2
    line = np.exp(-(distance**2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)
    return np.outer(line, line)[None, ..., None]


def square(size=64):
    """A white square on black [1, size, size, 1]."""
    image = np.zeros((1, size, size, 1))
    image[:, size // 4 : -size // 4, size // 4 : -size // 4] = 1
    return image


class TestEquivalentBlur:
    @pytest.mark.parametrize("sigma", [0.75, 1, 1.5, 2, 3, 5])
    def test_blurred_digits(self, sigma, many_digits):
        assert blur.equivalent_blur(blurred(many_digits, sigma), many_digits) == pytest.approx(sigma, abs=0.02)

    @pytest.mark.parametrize("sigma", [0.2, 0.5, 1, 2])
    def test_blurred_blob(self, sigma):
        """Gaussian on Gaussian: their variances add up."""
        found = blur.equivalent_blur(blob(np.hypot(1.5, sigma)), blob(1.5))
        assert found == pytest.approx(sigma, abs=0.01)

    def test_sharp(self, many_digits):
        assert blur.equivalent_blur(many_digits, many_digits) == pytest.approx(0, abs=1e-9)
        assert blur.equivalent_blur(many_digits, blurred(many_digits, 1)) == 0
        assert blur.equivalent_blur(data.load("mnist", "train").images[:3000], many_digits) < 0.1

    def test_neither_pairs_nor_brightness_nor_contrast_matter(self, many_digits):
        faint = 0.2 + 0.3 * blurred(many_digits[::-1], 1)[:900]
        assert blur.equivalent_blur(faint, many_digits) == pytest.approx(1, abs=0.05)

    def test_overshoot_is_not_sharp(self, many_digits):
        soft = blurred(many_digits, 1)
        steep = 3 * soft - 1
        assert blur.equivalent_blur(steep, many_digits) == blur.equivalent_blur(np.clip(steep, 0, 1), many_digits)

    def test_colour(self, rng):
        photo = rng.uniform(size=(4, 40, 32, 3))
        assert blur.equivalent_blur(blurred(photo, 1.5), photo) == pytest.approx(1.5, abs=0.02)

    def test_of_each(self, digits):
        sigmas = [0, 0.8, 1, 1.3, 1.6, 2, 3, 4]
        images = np.concatenate([blurred(digits[i : i + 1], sigma) for i, sigma in enumerate(sigmas)])
        np.testing.assert_allclose(blur.equivalent_blur_of_each(images, digits), sigmas, atol=0.03)
        np.testing.assert_array_equal(blur.equivalent_blur_of_each(np.full_like(digits, 0.5), digits), 6)


class TestRadialSpectrum:
    def test_sinusoid(self):
        """A cosine of amplitude a has (a/2)² at two places of the ring of its radius."""
        x = np.arange(28)
        image = np.tile(0.5 + 0.25 * np.cos(2 * np.pi * 3 * x / 28), (28, 1))[None, ..., None]
        frequencies, levels = blur.radial_spectrum(image)
        offsets = range(-14, 14)
        in_ring = sum(2.5 < np.sqrt(i * i + j * j) < 3.5 for i in offsets for j in offsets)
        np.testing.assert_allclose(frequencies, np.arange(1, 15) / 28)
        assert levels[2] == pytest.approx(10 * np.log10(2 * 0.125**2 * 28 * 28 / in_ring), abs=1e-3)
        assert np.delete(levels, 2).max() < -90

    def test_filtered_rings(self, rng):
        """A gain for every ring of noise, colours and images alike, moves its level by so many dB."""
        decibels = rng.uniform(-12, 6, 17)
        noise = 0.5 + rng.uniform(-0.1, 0.1, (5, 32, 32, 3))
        radius = np.rint(np.hypot.outer(np.fft.fftfreq(32), np.fft.fftfreq(32)) * 32).astype(int)
        gain = np.where((radius > 0) & (radius < 17), 10 ** (decibels[np.minimum(radius, 16)] / 20), 1)
        filtered = np.fft.ifft2(np.fft.fft2(noise, axes=(1, 2)) * gain[..., None], axes=(1, 2)).real
        found = blur.radial_spectrum(filtered)[1] - blur.radial_spectrum(noise)[1]
        np.testing.assert_allclose(found, decibels[1:], atol=0.01)

    def test_contrast(self, many_digits):
        found = blur.radial_spectrum(many_digits / 255 / 2)[1] - blur.radial_spectrum(many_digits)[1]
        np.testing.assert_allclose(found, -6.0206, atol=0.01)


def lpc_by_loops(image):
    """LPC-SI of one image [H, W] as the paper says it, an orientation and a scale at a time."""
    height, width = image.shape
    v, u = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    radius = np.sqrt(u**2 + v**2)
    border = round(min(height, width) / 16)
    numerator, denominator = 0, 2
    for turn in range(8):
        direction = np.array([np.cos(turn * np.pi / 8), -np.sin(turn * np.pi / 8)])
        along, across = u * direction[0] + v * direction[1], -u * direction[1] + v * direction[0]
        angular = np.exp(-(np.arctan2(across, along) ** 2) / 2 / (np.pi / 12) ** 2)
        phases = []
        for scale, weight in ((1, 1), (1.5, -3), (2, 2)):
            with np.errstate(divide="ignore"):
                octaves = np.log(radius * 4 * scale)
            radial = np.exp(-(octaves**2) / 2 / np.log(0.75) ** 2) / (1 + (radius / 0.45) ** 30)
            response = np.fft.ifft2(np.fft.fft2(255 * image) * radial * angular)
            response = response[border : height - border, border : width - border]
            phases.append(weight * np.angle(response))
            if scale == 1:
                energy = np.maximum(abs(response) - abs(response).mean() - 2 * abs(response).std(), 0)
        numerator = numerator + energy * np.maximum(np.cos(sum(phases)), 0)
        denominator = denominator + energy
    values = sorted((numerator / denominator).ravel(), reverse=True)
    ranks = [np.exp(-k / (len(values) - 1) / 1e-4) for k in range(len(values))]
    return np.dot(values, ranks) / sum(ranks)


class TestSharpnessIndex:
    def test_is_the_papers(self, digits, rng):
        images = np.concatenate([blurred(digits, 0.7), digits, rng.uniform(size=(2, 28, 28, 1))])
        np.testing.assert_allclose(
            coherence.sharpness_index(images),
            [lpc_by_loops(image[..., 0]) for image in images.astype(float)],
            atol=1e-4,
        )

    def test_is_the_papers_on_oblong_images(self, rng):
        image = rng.uniform(size=(1, 40, 33, 1))
        np.testing.assert_allclose(coherence.sharpness_index(image), lpc_by_loops(image[0, ..., 0]), atol=1e-4)

    def test_step(self):
        assert 0.9 < coherence.sharpness_index(square())[0] <= 1
        values = [coherence.sharpness_index(blurred(square(), sigma))[0] for sigma in (0, 0.5, 1, 2, 4)]
        assert values == sorted(values, reverse=True)
        assert values[-1] < 0.01

    def test_contrast_counts_by_c_alone(self, digits):
        found = coherence.sharpness_index(0.3 + 0.25 * digits, c=0.5 / 255)
        np.testing.assert_allclose(found, coherence.sharpness_index(digits), atol=1e-3)

    def test_blank(self, digits):
        np.testing.assert_allclose(coherence.sharpness_index(np.full_like(digits, 0.5)), 0, atol=1e-3)

    def test_colour_is_scored_by_luminance(self, digits):
        """Red has 0.2125 of white."""
        red = digits * [1, 0, 0]
        np.testing.assert_allclose(
            coherence.sharpness_index(red), coherence.sharpness_index(0.2125 * digits), atol=1e-4
        )


class TestShapeBlur:
    @pytest.mark.parametrize("sigma", [0.75, 1, 1.5, 2])
    def test_blurred_digits(self, sigma, many_digits):
        assert blur.shape_blur(blurred(many_digits, sigma), many_digits) == pytest.approx(sigma, abs=0.05)

    def test_with_histogram(self, rng):
        """As scikit-image matches histograms, where no two pixels are equal."""
        images, references = rng.normal(size=(2, 3, 8, 9, 3))
        expected = [match_histograms(a, b, channel_axis=-1) for a, b in zip(images, references, strict=True)]
        np.testing.assert_allclose(blur.with_histogram(images, references), expected, atol=1e-6)

    def test_contrast_and_noise_do_not_count(self, many_digits, rng):
        """Of l2's reconstructions; they lower the equivalent blur by half or more. Filters that sharpen do count."""
        images, (model, _) = many_digits[:500], checkpoint.load_model(ROOT / "checkpoints/l2/model.npz")
        soft = np.clip(model.reconstruct(images / np.float32(255)), 0, 1)
        edited = [np.clip(soft + rng.normal(0, 0.1, soft.shape), 0, 1), np.clip(3 * soft - 1, 0, 1), soft > 0.5]
        of_shapes, equivalent = blur.shape_blur(soft, images), blur.equivalent_blur(soft, images)
        for other in map(np.float32, edited):
            assert blur.shape_blur(other, images) == pytest.approx(of_shapes, abs=0.1)
            assert blur.equivalent_blur(other, images) < 0.6 * equivalent
        sharper = soft + 2 * (soft - blur.gaussian_blur(soft, 1))
        assert blur.shape_blur(sharper, images) < of_shapes - 0.2


METRICS = {
    "equivalent_blur": blur.equivalent_blur,
    "lpc_si": lambda images, references: float(coherence.sharpness_index(images).mean()),
    "spectrum": lambda images, references: float(blur.radial_spectrum(images)[1].mean()),
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
class TestEveryMetric:
    def test_more_blur_is_worse(self, metric, many_digits):
        sharp = many_digits[:100]
        values = [metric(blurred(sharp, sigma), sharp) for sigma in (0, 0.5, 1, 2)]
        assert values == sorted(values, reverse=metric is not blur.equivalent_blur)
        assert len(set(values)) == len(values)

    def test_bytes_are_floats(self, metric, digits):
        soft = np.uint8(255 * blurred(digits, 0.5))
        assert metric(soft, np.uint8(255 * digits)) == pytest.approx(metric(soft / 255, digits), rel=1e-4)

    def test_batches_change_nothing(self, metric, digits, monkeypatch):
        soft = blurred(digits, 1)
        whole = metric(soft, digits)
        monkeypatch.setattr("evaluation.metrics.display.BATCH", 3)
        assert metric(soft, digits) == pytest.approx(whole, rel=1e-5)

    def test_no_pairs_are_needed(self, metric, digits):
        assert np.isfinite(metric(digits[:5], digits))


@pytest.mark.parametrize("sigma", [0.3, 1, 2.5])
def test_a_blur_multiplies_a_cosine(sigma):
    """By exp(-σ²ω²/2), in closed form: a Gaussian of variance σ², at mirrored borders."""
    position = np.arange(24) + 0.5
    down, right = (np.cos(np.pi * k * position / 24) for k in (3, 5))
    image = np.outer(down, right)[None, :, :, None]
    expected = np.exp(-(sigma**2) * ((3 * np.pi / 24) ** 2 + (5 * np.pi / 24) ** 2) / 2) * image
    np.testing.assert_allclose(blur.gaussian_blur(image, sigma), expected, atol=1e-12)


def test_pairs_have_one_shape(digits):
    with pytest.raises(ValueError, match="one shape"):
        blur.equivalent_blur_of_each(digits[:5], digits)


@pytest.mark.parametrize("shape", [(28, 28, 1), (0, 28, 28, 1), (2, 28, 28, 2)])
def test_no_images(shape, digits):
    with pytest.raises(ValueError, match="expected images"):
        blur.equivalent_blur(np.zeros(shape), digits)


def test_a_blank_image_has_the_least_power():
    """-100 dB in every ring, as the docstring says."""
    _, levels = blur.radial_spectrum(np.zeros((2, 8, 8, 1), np.float32))
    np.testing.assert_allclose(levels, -100)
