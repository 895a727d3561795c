"""Networks in half precision: what stays float32, loss scaling, checkpoints, continuation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_target_kl import interrupted_at
from test_training import SMALL, folders, outcome

import config
import models
import train
from config.system.errors import UserError
from models import checkpoint
from models.precision import FIRST_SCALE, GROWTH_STEPS

MODELS = {
    "vae": {},
    "blur_error_vae": {"beta": 1.0, "blur_start_epoch": 1, "train_size": 8, "batch_size": 8},
    "ambient_vae_gan": {"architecture": "ambient28", "measurement": "drop_independent"},
}
HALF = ("bfloat16", "float16")


def built(model="vae", precision="float32", **given):
    keras.utils.set_random_seed(0)
    made = models.build(config.resolve({"model": model, "precision": precision, **MODELS[model], **given}), (28, 28, 1))
    made.compile("adam", jit_compile=False)
    return made


def bytes_of(variables):
    return [variable.numpy().tobytes() for variable in variables]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("precision", HALF)
@pytest.mark.slow
def test_networks_compute_in_it_and_all_else_in_float32(digits, model, precision):
    made, exact = built(model, precision), built(model)
    layers = [layer for part in made.layers for layer in part.layers if layer.weights]
    assert {layer.compute_dtype for layer in layers if layer.name != "kernel"} == {precision}
    assert {variable.dtype for variable in made.weights + made.optimizer.variables[1:]} == {"float32"}
    found, expected = (one.objective(tf.constant(digits), one.noise(8, 0), 1) for one in (made, exact))
    for name, values in {**found.parts, "kl": found.kl}.items():
        assert values.dtype == tf.float32
        wanted = {**expected.parts, "kl": expected.kl}[name]
        np.testing.assert_allclose(values, wanted, rtol=0.02, atol=2e-3 * (1 + np.abs(wanted).max()), err_msg=name)


@pytest.mark.parametrize("precision", HALF)
def test_a_checkpoint_is_float32_and_loads_at_any_precision(tmp_path, digits, precision):
    made = built(precision=precision)
    checkpoint.save_model(tmp_path / "model.npz", made, config.resolve({"precision": precision}))
    tensors, _ = checkpoint.read(tmp_path / "model.npz")
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype("float32")}
    exact = built(seed=1)
    exact.decoder.trainable_variables[0].assign_add(tf.ones([2, 1568]))
    checkpoint.copy_weights(tmp_path / "model.npz", exact)
    assert bytes_of(exact.weights) == bytes_of(made.weights)
    np.testing.assert_allclose(exact(digits), made(digits), atol=5e-3)


class TestLossScale:
    @pytest.fixture
    def model(self):
        return built("ambient_vae_gan", "float16")

    def test_it_brings_gradients_nearer_to_those_of_float32(self, digits):
        """That of l2 at the first kernel is so small that float16 rounds much of it away."""

        def gradient(precision, scale):
            model = built(precision=precision, loss="l2")
            (pairs,) = model.gradients(digits, model.noise(8, 0), 0, scale)[1]
            return pairs[0][0].numpy()

        exact = gradient("float32", None)
        plain, scaled = (np.linalg.norm(gradient("float16", scale) - exact) for scale in (None, FIRST_SCALE))
        assert 5 * scaled < plain

    def test_an_overflow_is_skipped_and_halves_it(self, model, digits):
        """The step counts, so that the next one has another batch; nothing else changes."""
        model.loss_scale.value.assign(2.0**60)
        model.loss_scale.good_steps.assign(7)
        before = bytes_of(model.weights)
        assert bool(model.step(tf.constant(digits)))
        assert bytes_of(model.weights) == before
        assert [int(optimizer.iterations) for optimizer in model.optimizers] == [1, 1, 1]
        assert (float(model.loss_scale.value), int(model.loss_scale.good_steps)) == (2.0**59, 0)

    @pytest.mark.slow
    def test_it_falls_until_steps_are_taken(self, model, digits):
        model.loss_scale.value.assign(2.0**40)
        before, step = bytes_of(model.trainable_variables), tf.function(model.step, autograph=False)
        assert all(bool(step(tf.constant(digits))) for _ in range(40))
        assert 1 < float(model.loss_scale.value) < 2.0**39
        assert bytes_of(model.trainable_variables) != before

    @pytest.mark.parametrize("scale", [1.0, FIRST_SCALE])
    def test_a_loss_that_is_not_finite_is_no_overflow(self, model, digits, scale):
        model.loss_scale.value.assign(scale)
        before = bytes_of(model.weights)
        assert not bool(model.step(tf.constant(np.full_like(digits, np.nan))))
        assert bytes_of(model.weights) == before
        assert [int(optimizer.iterations) for optimizer in model.optimizers] == [0, 0, 0]
        assert float(model.loss_scale.value) == scale

    def test_a_gradient_that_is_not_finite_at_1_is_no_overflow(self, digits, monkeypatch):
        model = built(precision="float16", loss="l2")

        @tf.custom_gradient
        def broken(z):
            return z, lambda upstream: upstream * float("nan")

        whole = model.decoder_output
        monkeypatch.setattr(model, "decoder_output", lambda z, training=False: broken(whole(z, training)))
        model.loss_scale.value.assign(2.0)
        assert bool(model.step(tf.constant(digits)))
        assert not bool(model.step(tf.constant(digits)))
        assert (float(model.loss_scale.value), int(model.optimizer.iterations)) == (1, 1)

    def test_it_doubles_after_many_good_steps(self, digits):
        model = built(precision="float16", loss="l2")
        model.loss_scale.value.assign(16.0)
        model.loss_scale.good_steps.assign(GROWTH_STEPS - 2)
        found = []
        for _ in range(3):
            model.step(tf.constant(digits))
            found.append((float(model.loss_scale.value), int(model.loss_scale.good_steps)))
        assert found == [(16, GROWTH_STEPS - 1), (32, 0), (32, 1)]

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_only_float16_has_one(self, precision):
        assert built(precision=precision).loss_scale is None


@pytest.mark.slow
@pytest.mark.parametrize("precision", HALF)
def test_an_interrupted_run_has_the_same_bits(tmp_path, monkeypatch, precision):
    """The first float16 steps overflow, so the scale of the state differs from the first."""
    flags = [*SMALL, f"--precision={precision}", "--loss=ours", "--epochs=2", "--train_size=120"]
    train.main([*flags, *folders(tmp_path / "whole")])
    with interrupted_at(8, monkeypatch):
        train.main([*flags, *folders(tmp_path / "cut")])
    tensors, _ = checkpoint.read(tmp_path / "cut/model/ours/training.state.npz")
    if precision == "float16":
        assert 1 < tensors["loss_scale"] < FIRST_SCALE
    with pytest.raises(UserError, match=f"got precision {precision} there, float32 here"):
        train.main(["--resume", "--tag=ours", "--precision=float32", *folders(tmp_path / "cut")])
    train.main(["--resume", "--tag=ours", *folders(tmp_path / "cut")])
    assert outcome(tmp_path / "cut", "ours") == outcome(tmp_path / "whole", "ours")
