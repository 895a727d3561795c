"""The explorer: its networks against TensorFlow, its digits against Pillow and scipy, and the page in Chromium."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import browser
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio

import config
import data
import generate
import models
from config.system.errors import UserError
from evaluation import explorer
from evaluation.explorer.layers import steps
from evaluation.metrics import blur
from models import checkpoint
from models.networks.strided import normalised

ROOT = Path(__file__).parent.parent
SHIPPED = sorted(path.parent.relative_to(ROOT / "checkpoints") for path in (ROOT / "checkpoints").rglob("model.npz"))
LOSSES = "l1", "l2", "ssim", "dft+ssim", "ours"
CORE = "".join((explorer.FOLDER / name).read_text() for name in ("network.js", "digit.js"))

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="expected node, which is not installed")
needs_browser = pytest.mark.skipif(
    not all(browser.PROGRAMS.values()), reason="expected chromium and chromedriver, which are not installed"
)


def in_node(expression, **given):
    """The value of a JavaScript expression after the scripts of the page, with the names that are given."""
    code = f"const {{ {', '.join(given)} }} = given;\nprocess.stdout.write(JSON.stringify({expression}))"
    script = f"{CORE}\nconst given = JSON.parse(require('fs').readFileSync(0));\n{code}"
    done = subprocess.run(["node", "-e", script], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def array(tensor):
    """A tensor as lists that JSON can hold."""
    return np.asarray(tensor).tolist()


def is_of_digits(path):
    """Whether a shipped checkpoint is a VAE of 28 pixels."""
    _, manifest = checkpoint.read(ROOT / "checkpoints" / path / "model.npz")
    return manifest["image_shape"] == [28, 28, 1] and manifest["config"]["model"] in ("vae", "blur_error_vae")


def loaded(names):
    """Shipped models as `explorer.page` takes them."""
    found = {name: checkpoint.load_model(ROOT / "checkpoints" / name / "model.npz") for name in names}
    return {
        str(name).replace("/", "-"): (model, checkpoint.configuration(manifest))
        for name, (model, manifest) in found.items()
    }


def with_other_weights(model, rng):
    """The model, its biases and batch normalisations unlike those at the start."""
    for variable in (*model.encoder.weights, *model.decoder.weights):
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        if variable.name in ("bias", "beta", "moving_mean"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


@needs_node
class TestNetworks:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "given,shape",
        [
            ({"loss": "l2"}, (28, 28, 1)),
            ({"loss": "bce", "latent_dim": 5}, (28, 28, 1)),
            ({"model": "ambient_vae_gan", "latent_dim": 20}, (28, 28, 1)),
            ({"model": "ambient_vae_gan", "latent_dim": 8}, (32, 32, 3)),
            ({"loss": "l2", "architecture": "conv48"}, (48, 48, 3)),
        ],
    )
    def test_the_steps_of_every_layer(self, given, shape, rng):
        """Strides, both paddings, normalisation and every activation, against Keras."""
        model = with_other_weights(models.build(config.resolve(given), shape), rng)
        for network, size in ((model.encoder, shape), (model.decoder, (1, 1, model.latent_dim))):
            inputs = rng.random((2, *network.input_shape[1:]), np.float32)
            found = in_node(
                "inputs.map((values) => [...run(unpacked(network), size, Float32Array.from(values)).values])",
                inputs=array(inputs.reshape(2, -1)),
                network=steps(network),
                size=size,
            )
            expected = network(inputs, training=False).numpy().reshape(2, -1)
            assert expected.std() > 0
            np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())

    def test_the_kind_of_network_of_the_author(self, rng):
        """Leaky ReLU, after transposed convolutions."""
        _, decoder = normalised((16, 16, 3), 2, [4, 8])
        z = rng.normal(size=(1, 2)).astype(np.float32)
        code = "[...run(unpacked(network), [1, 1, 2], Float32Array.from(z)).values]"
        found = in_node(code, network=steps(decoder), z=array(z[0]))
        np.testing.assert_allclose(found, decoder(z).numpy().ravel(), atol=1e-5)

    def test_a_layer_that_the_page_does_not_have(self):
        network = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), tf.keras.layers.MaxPool2D()])
        with pytest.raises(UserError, match="expected layers that the page can compute, got a MaxPooling2D"):
            steps(network)
        network = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2, activation="gelu")])
        with pytest.raises(UserError, match="expected one of the activations relu, sigmoid, tanh, linear, got gelu"):
            steps(network)


@needs_node
class TestDigits:
    @pytest.mark.parametrize("box", [(30, 100, 60, 220), (0, 280, 0, 280), (10, 17, 200, 210), (40, 250, 100, 131)])
    def test_a_drawing_becomes_a_digit(self, box, rng):
        """Pillow scales it by areas; scipy finds the centre of mass, which is within half a pixel of (14, 14)."""
        top, bottom, left, right = box
        drawing = np.zeros((280, 280), np.float32)
        drawing[top:bottom, left:right] = rng.uniform(0.1, 1, (bottom - top, right - left))
        scale = 20 / max(bottom - top, right - left)
        height, width = (round(size * scale) for size in (bottom - top, right - left))
        inside = Image.fromarray(drawing[top:bottom, left:right])
        expected = np.asarray(inside.resize((width, height), Image.Resampling.BOX))
        found = np.reshape(
            in_node("[...prepared(Float32Array.from(drawing), 280)]", drawing=array(drawing.ravel())), (28, 28)
        )
        rows, columns = np.nonzero(found)
        np.testing.assert_allclose(
            found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], expected, atol=0.02
        )
        np.testing.assert_allclose(ndimage.center_of_mass(found), 14, atol=0.5)

    def test_a_digit_of_mnist_is_prepared_already(self):
        """Drawn ten times as large it comes back as it was. The few others were centred before they were binarised."""
        images = data.load("mnist", "test").images[:40, :, :, 0] / 255
        drawn = [array(np.kron(image, np.ones((10, 10))).ravel()) for image in images]
        found = in_node("drawn.map((one) => [...prepared(one, 280)])", drawn=drawn)
        same = [np.allclose(one, image.ravel()) for one, image in zip(found, images, strict=True)]
        assert np.mean(same) > 0.8

    def test_nothing_is_drawn(self):
        assert in_node("prepared(new Float32Array(400), 20)") is None

    def test_scores(self, digits, rng):
        """Against scikit-image and evaluation/metrics/blur.py: blurred digits, a noisy one and a blank one."""
        sigmas = (0.5, 1, 3, 20)
        others = [
            ndimage.gaussian_filter(image, (sigma, sigma, 0)) for image, sigma in zip(digits, sigmas, strict=False)
        ]
        others += [digits[4] + rng.uniform(0, 0.3, digits[4].shape).astype(np.float32), 0 * digits[5]]
        images, others = digits[:6], np.stack(others)
        scores = "images.map((image, i) => [psnr(image, others[i]), equivalentBlur(others[i], image, sigmas)])"
        flat = {"images": array(images.reshape(6, -1)), "others": array(others.reshape(6, -1))}
        psnrs, blurs = zip(*in_node(scores, **flat, sigmas=array(blur.SIGMAS)), strict=True)
        np.testing.assert_allclose(blurs, blur.equivalent_blur_of_each(others, images), atol=1e-3)
        expected = [peak_signal_noise_ratio(*pair, data_range=1) for pair in zip(images, others, strict=True)]
        np.testing.assert_allclose(psnrs, expected, atol=1e-4)


@pytest.fixture(scope="module")
def chromium():
    with browser.browser() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The file of the explorer of five losses."""
    folder = tmp_path_factory.mktemp("explorer")
    shipped = f"--model_dir={ROOT / 'checkpoints'}"
    generate.main(["--grid=explorer", f"--loss={','.join(LOSSES)}", f"--out_dir={folder}", shipped])
    return folder / "explorer.html"


def tiles(chromium, row):
    """The pictures of a row of tiles, as data addresses."""
    code = "return [...document.querySelectorAll(`#${arguments[0]} canvas`)].map((canvas) => canvas.toDataURL())"
    return chromium.run(code, row)


@needs_browser
@pytest.mark.slow
class TestPage:
    def test_every_shipped_model_is_tensorflows(self, chromium, tmp_path, digits):
        """What the page decodes and encodes: the digits of every VAE of 28 pixels in the repository, in one page."""
        found = loaded(filter(is_of_digits, SHIPPED))
        assert len(found) >= 30
        (tmp_path / "all.html").write_bytes(explorer.page(found))
        chromium.open(tmp_path / "all.html")
        encode = "return models.map((model) => arguments[0].map((image) => [...encoded(model, image)]))"
        decode = (
            "return models.map((model, i) => [...run(model.decoder, [1, 1, model.latentDim], arguments[0][i]).values])"
        )
        means = [model.encode(digits)[0] for model, _ in found.values()]
        z_means = chromium.run(encode, array(digits.reshape(8, -1)))
        images = chromium.run(decode, [array(mean[0]) for mean in means])
        for (model, _), mean, z_mean, image in zip(found.values(), means, z_means, images, strict=True):
            np.testing.assert_allclose(z_mean, mean, atol=1e-4)
            np.testing.assert_allclose(image, array(model.decode(mean[:1]).numpy().ravel()), atol=1e-4)
        assert chromium.complaints() == []

    @pytest.mark.parametrize("kind", ["mouse", "touch"])
    def test_the_pointer_moves_the_point(self, kind, chromium, page):
        chromium.open(page)
        before = tiles(chromium, "decoded")
        chromium.move((100, 80), (140, 90), element="plane", kind=kind, pressed=kind == "touch")
        reach, side, position = chromium.run("return [state.model.reach, plane.clientWidth, state.position]")
        np.testing.assert_allclose(position, [(280 / side - 1) * reach, (1 - 180 / side) * reach], atol=0.02 * reach)
        assert all(old != new for old, new in zip(before, tiles(chromium, "decoded"), strict=True))
        assert chromium.complaints() == []

    def test_the_tiles_show_what_is_decoded(self, chromium, page):
        """TensorFlow's image at the point, up to the 8 bits of a canvas."""
        chromium.open(page)
        chromium.move((200, 300), element="plane")
        model, _ = checkpoint.load_model(ROOT / "checkpoints/ssim/model.npz")
        code = "return [...decodedTiles[2].canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
        red, green, blue, alpha = np.reshape(chromium.run(code), (784, 4)).T
        expected = np.clip(model.decode(np.float32([chromium.run("return state.position")])), 0, 1).ravel() * 255
        np.testing.assert_allclose(red, expected, atol=0.51)
        assert (red == green).all()
        assert (red == blue).all()
        assert (alpha == 255).all()

    def test_keys_and_sliders_move_the_point(self, chromium, page):
        chromium.open(page)
        chromium.run("plane.focus()")
        for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
            chromium.press(key)
        step = chromium.run("return state.model.reach") / 40
        np.testing.assert_allclose(chromium.run("return state.position"), [step, 2 * step])
        chromium.press("Home")
        assert chromium.run("return state.position") == [0, 0]
        chromium.run("sliders[1].input.focus()")
        chromium.press("ArrowRight")
        assert chromium.run("return state.position")[1] > 0

    def test_a_drawn_digit_is_reconstructed(self, chromium, page):
        """A stroke of the mouse: by every loss another picture, with its PSNR and blur."""
        chromium.open(page)
        chromium.run("document.getElementById('clear').click()")
        before = tiles(chromium, "reconstructed")
        assert len(set(before)) == 1
        side = chromium.run("return pad.clientWidth")
        chromium.move((side / 2, 20), (side / 2 - 5, side - 20), element="pad", pressed=True)
        after = tiles(chromium, "reconstructed")
        assert len({*before, *after}) == 1 + len(LOSSES)
        scores = chromium.run(
            "return [...document.querySelectorAll('#reconstructed .score')].map((one) => one.innerText)"
        )
        assert all(re.fullmatch(r"PSNR\s\d+\.\d\sdB\nblur\s\d\.\d\d\spx", score) for score in scores)
        seen = np.reshape(chromium.run("return [...seen(state.model)]"), (28, 28))
        assert {*seen.ravel()} == {0, 1}
        assert np.ptp(np.nonzero(seen)[0]) == 19
        assert chromium.complaints() == []

    def test_another_plane_and_another_view(self, chromium, page):
        chromium.open(page)
        pictures = []
        for choice in ("#models label:nth-of-type(2)", "#views label:nth-of-type(2)", "#models label:nth-of-type(5)"):
            chromium.run("document.querySelector(arguments[0]).click()", choice)
            pictures.append(chromium.run("return plane.toDataURL()"))
        assert len(set(pictures)) == 3
        assert chromium.run("return [state.model.name, state.view]") == ["ours", "classes"]

    @pytest.mark.parametrize("width", [1280, 400])
    def test_everything_fits_into_the_window(self, width, chromium, page):
        chromium.open(page, width)
        assert chromium.run("return document.documentElement.scrollWidth") == width
        controls = "[...document.querySelectorAll('button, label')]"
        small = f"return {controls}.filter((one) => Math.min(one.offsetHeight, one.offsetWidth) < 24).length"
        assert chromium.run(small) == 0

    def test_what_is_shown_has_a_name(self, chromium, page):
        """Of every picture and control, as a screen reader computes it."""
        chromium.open(page)
        nodes = chromium.devtools("Accessibility.getFullAXTree", {})["nodes"]
        wanted = {"img", "image", "button", "radio", "slider", "application", "Canvas"}
        named = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node["ignored"]]
        found = [(role, name) for role, name in named if role in wanted]
        assert len(found) > 25
        assert [role for role, name in found if not name] == []

    def test_the_sliders_of_more_than_two_latents(self, chromium, tmp_path):
        """Each moves a latent of its own, those of the largest KL divergence first."""
        name = "blur_error/l2_seed1"
        (model, settings), *_ = loaded([name]).values()
        (tmp_path / "eight.html").write_bytes(explorer.page({"l2": (model, settings)}))
        chromium.open(tmp_path / "eight.html")
        means, log_variances = map(np.asarray, model.encode(data.load("mnist", "test").images[:2000] / np.float32(255)))
        kl = [np.mean(0.5 * (np.exp(v) + m**2 - 1 - v)) for m, v in zip(means.T, log_variances.T, strict=True)]
        order = np.argsort(kl)[::-1]
        expected = [*sorted(order[:2]), *order[2:]]
        assert chromium.run("return models[0].latents") == expected
        chromium.run("sliders[6].input.focus()")
        before = tiles(chromium, "decoded")
        chromium.press("ArrowRight")
        assert tiles(chromium, "decoded") != before
        z = np.zeros((1, 8), np.float32)
        z[0, expected] = chromium.run("return state.position")
        assert np.count_nonzero(z) == 1
        code = "return [...decoded(models[0], state.position)]"
        np.testing.assert_allclose(chromium.run(code), model.decode(z).numpy().ravel(), atol=1e-4)


def test_models_of_other_images(tmp_path):
    flags = ["--grid=explorer", f"--model_dir={ROOT / 'checkpoints/colour'}", f"--out_dir={tmp_path}"]
    with pytest.raises(UserError, match=r"expected models of mnist or mnist-gray, got ours_beta1\.2, of cifar10"):
        generate.main([*flags, "--loss=ours_beta1.2"])
