"""Exported networks, run by what is not this repository, against the checkpoint."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import config
import data
import models
from config.system.errors import UserError
from models import checkpoint, export

ROOT = Path(__file__).parent.parent
PARTS = ("encoder", "decoder", "reconstruction")


def expected(model, images, z):
    """What the model itself makes: z_mean, z_log_var, the decoded z, the reconstruction."""
    return [*model.encode(images), model.decode(z), model.reconstruct(images)]


def require_same(found, model, images, z, tolerance=1e-6):
    for one, other in zip(found, expected(model, images, z), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


@pytest.mark.parametrize("given", [
    {"loss": "bce"},
    {"architecture": "conv28", "precision": "bfloat16"},
    {"architecture": "conv32", "model": "blur_error_vae"},
    {"architecture": "author256"},
    {"architecture": "ambient32", "model": "ambient_vae_gan"},
])  # fmt: skip
@pytest.mark.slow
def test_the_networks_of_every_kind(given, rng):
    keras.utils.set_random_seed(0)
    settings = config.resolve({"latent_dim": 5, "train_size": 100, "architecture": "conv28", **given})
    side = models.ARCHITECTURES[settings.architecture].size
    shape = (side, side, 1 if side == 28 else 3)
    model = models.build(settings, shape)
    for variable in model.weights:
        variable.assign(variable + 0.1 * rng.random(variable.shape))
    networks = export.networks(model)
    images, z = rng.random((3, *shape), "float32"), rng.normal(size=(3, 5)).astype("float32")
    latents = networks["encoder"](images)
    found = latents["z_mean"], latents["z_log_var"], networks["decoder"](z), networks["reconstruction"](images)
    if settings.precision == "float32":
        require_same(found, model, images, z)
    else:
        assert {tensor.dtype for tensor in found} == {tf.float32}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of the exports of `ours`, its model, images and latents."""
    folder = tmp_path_factory.mktemp("export")
    for name in export.FORMATS:
        if name != "onnx":
            export.main([f"--format={name}", f"--out_dir={folder}"])
    rng = np.random.default_rng(0)
    images = data.load("mnist", "test").images[:4].astype("float32") / 255
    z = rng.normal(size=(4, 2)).astype("float32")
    return folder / "ours", checkpoint.load_model(ROOT / "checkpoints/ours/model.npz")[0], images, z


@pytest.mark.slow
def test_keras_alone(written, tmp_path):
    """A process that knows nothing of this repository."""
    folder, model, images, z = written
    np.savez(tmp_path / "given.npz", images=images, z=z)
    code = f"""
import keras, numpy as np
encoder, decoder, reconstruction = (keras.models.load_model("{folder}/" + n + ".keras") for n in {PARTS})
given = np.load("given.npz")
found = encoder.predict(given["images"], verbose=0)
found = [found["z_mean"], found["z_log_var"], decoder.predict(given["z"], verbose=0)]
np.savez("found.npz", *found, reconstruction.predict(given["images"], verbose=0))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    require_same(np.load(tmp_path / "found.npz").values(), model, images, z)


@pytest.mark.slow
def test_a_saved_model(written):
    folder, model, images, z = written
    encoder, decoder, reconstruction = (tf.saved_model.load(str(folder / name)) for name in PARTS)
    latents = encoder.serve(images)
    found = [latents["z_mean"], latents["z_log_var"], decoder.serve(z), reconstruction.serve(images)]
    require_same(found, model, images, z)


@pytest.mark.slow
def test_litert(written):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    folder, model, images, z = written

    encoder, decoder, reconstruction = (
        litert.Interpreter(str(folder / f"{name}.tflite")).get_signature_runner() for name in PARTS
    )
    latents = [encoder(image=image[None]) for image in images]
    decoded = [decoder(z=one[None]) for one in z]
    reconstructed = [reconstruction(image=image[None]) for image in images]
    found = [np.concatenate([one[name] for one in latents]) for name in ("z_mean", "z_log_var")]
    found += [np.concatenate([value for one in some for value in one.values()]) for some in (decoded, reconstructed)]
    # its convolutions add in another order
    require_same(found, model, images, z, 1e-5)


@pytest.mark.slow
def test_onnx(written):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    folder, model, images, z = written
    export.main(["--format=onnx", f"--out_dir={folder.parent}"])

    encoder, decoder, reconstruction = (onnxruntime.InferenceSession(folder / f"{name}.onnx") for name in PARTS)
    found = encoder.run(["z_mean", "z_log_var"], {"image": images})
    found += [*decoder.run(None, {"z": z}), *reconstruction.run(None, {"image": images})]
    require_same(found, model, images, z)


@pytest.mark.slow
def test_the_vae_itself(tmp_path, rng):
    """Saved by Keras and loaded in another process, it goes on training with the same optimizer."""
    keras.utils.set_random_seed(0)
    given = {"architecture": "conv28", "loss": "l1+ssim", "beta": 0.3, "target_kl": 5.0, "seed": 4}
    model, images = models.build(config.resolve(given), (28, 28, 1)), rng.random((6, 28, 28, 1), "float32")
    model.compile("adam", jit_compile=False)
    model.train_on_batch(images)
    model.save(tmp_path / "vae.keras")
    np.save(tmp_path / "images.npy", images)
    code = f"""
import keras, models, numpy as np
model, images = keras.models.load_model("{tmp_path}/vae.keras"), np.load("{tmp_path}/images.npy")
found = [*model.encode(images), model.reconstruct(images)]
model.train_on_batch(images)
np.savez("{tmp_path}/found.npz", *found, *model.weights)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [*model.encode(images), model.reconstruct(images)]
    model.train_on_batch(images)
    for one, other in zip(np.load(tmp_path / "found.npz").values(), [*found, *model.weights], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form,name", [("keras", "decoder.keras"), ("saved_model", "encoder")])
def test_something_else_in_the_place_of_a_file(form, name, tmp_path):
    """It is found before any file is written."""
    place = tmp_path / "l2" / name
    if form == "keras":
        place.mkdir(parents=True)
    else:
        place.parent.mkdir()
        place.write_text("mine")
    with pytest.raises(UserError, match=f"{place}: expected a .*, or a place for one, got a "):
        export.main(["--loss=l2", f"--format={form}", f"--out_dir={tmp_path}"])
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), tf.errors.UnknownError(None, None, "No")])
def test_a_full_disk_keeps_the_file_that_stood_there(failure, tmp_path):
    def fill(network, path):
        Path(path).write_text("half")
        raise failure

    (tmp_path / "decoder.keras").write_text("whole")
    with pytest.raises(UserError, match=r"decoder\.keras: could not be written: No"):
        export.write(export.FORMATS["keras"]._replace(write=fill), None, tmp_path / "decoder.keras")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_a_missing_package(monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="format onnx: expected the packages tf2onnx, onnx, got none; pip install"):
        export.main(["--format=onnx"])
