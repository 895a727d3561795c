"""The controls: what they do to images, how their constants are chosen, and their rows in a table."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import data
import evaluate
from config.system.errors import UserError
from evaluation import controls, scoring
from evaluation.controls import Candidate, Edit
from models import checkpoint

ROOT = Path(__file__).parent.parent


class TestEdits:
    def test_contrast_curve(self):
        images = np.float32([[0, 0.25, 0.5], [0.6, 0.75, 1.2]])[None, ..., None]
        found = Edit("contrast", {"gain": 2, "centre": 0.5})(tf.constant(images))
        np.testing.assert_allclose(found[0, ..., 0], [[0, 0, 0.5], [0.7, 1, 1]], atol=1e-6)

    def test_unsharp_mask(self, digits):
        """With scipy's Gaussian at mirrored borders, clipped."""
        soft = gaussian_filter(digits, (0, 1, 1, 0))
        expected = np.clip(soft + 1.5 * (soft - gaussian_filter(soft, (0, 1.5, 1.5, 0), truncate=8)), 0, 1)
        found = Edit("unsharp", {"amount": 1.5, "sigma": 1.5})(soft)
        np.testing.assert_allclose(found, expected, atol=2e-3)

    def test_none(self, digits):
        np.testing.assert_array_equal(Edit()(tf.constant(digits)), digits)

    def test_reconstructions_and_samples_are_edited(self, digits):
        model, _ = checkpoint.load_model(ROOT / "checkpoints/l2/model.npz")
        how, edit = {"latents": "mean"}, Edit("contrast", {"gain": 3, "centre": 0.4})
        (plain,), (edited,) = ([*scoring.batches(model, digits, **how, **more)] for more in ({}, {"edit": edit}))
        for part in ("reconstruction", "samples"):
            expected = np.clip(3 * getattr(plain, part) - 0.8, 0, 1)
            np.testing.assert_allclose(getattr(edited, part), expected, atol=1e-5)


class TestChoice:
    def test_the_best_of_the_sharp(self):
        found = [Candidate(name, *values) for name, values in {
            "soft": (0.9, 0.8), "sharp": (0.7, 0.4), "as sharp": (0.8, 0.5), "sharpest": (0.1, 0.3),
        }.items()]  # fmt: skip
        assert controls.best(found, np.inf) == "soft"
        assert controls.best(found, 0.5) == "as sharp"
        assert controls.best(found, 0.2) == "sharpest"

    def test_candidates(self):
        """All pairs of constants, each with tf.image's SSIM. A steep curve makes blurred digits sharper."""
        images = np.asarray(data.load("mnist", "held-out").images[:20])
        soft = gaussian_filter(images / np.float32(255), (0, 1, 1, 0))
        found = controls.candidates("contrast", soft, images)
        assert len({tuple(one.edit.constants.values()) for one in found}) == 7 * 5
        for one in found[:2]:
            gain, centre = one.edit.constants.values()
            edited = np.clip(gain * (soft - centre) + centre, 0, 1)
            expected = tf.image.ssim(images / np.float32(255), edited, 1.0).numpy().mean()
            assert one.ssim == pytest.approx(expected, abs=1e-4)
        blurs = {tuple(one.edit.constants.values()): one.blur for one in found}
        assert 0.9 > blurs[1.25, 0.5] > blurs[2, 0.5] > blurs[4, 0.5]
        chosen = controls.best(found, np.inf).constants
        assert chosen["gain"] > 1.25  # binary digits ask for contrast


class TestRows:
    @pytest.fixture
    def flags(self, tmp_path):
        """Of two runs of the repository, with few images in every part."""
        lines = (ROOT / "results/two_stage/runs.csv").read_text().splitlines()
        wanted = [line for line in lines[1:] if line.startswith(("l2_seed", "ssim_seed"))]
        (tmp_path / "runs.csv").write_text("\n".join([lines[0], *wanted]))
        return ["runs", f"--runs={tmp_path / 'runs.csv'}", f"--out_dir={tmp_path}"]

    @pytest.mark.slow
    def test_a_control_is_a_row_and_a_baseline(self, flags, tmp_path, monkeypatch):
        monkeypatch.chdir(ROOT)
        load = data.load
        monkeypatch.setattr(data, "load", lambda *some: data.Split(load(*some).images[:60], None))
        evaluate.main([*flags, "--controls=l2", "--as_sharp_as=ssim", "--baseline=l2,unsharp"])
        text = (tmp_path / "runs.md").read_text()
        names = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
        assert [name for name in names if "mask" in name or "curve" in name] == [
            "contrast curve of L2",
            "unsharp mask of L2",
            "contrast curve of L2 - L2",
            "unsharp mask of L2 - L2",
            "SSIM beta=0.005 - unsharp mask",
            "contrast curve of L2 - unsharp mask",
        ]
        assert "contrast curve of L2: clip(gain" in text
        assert "the sharpness of SSIM" in text

    @pytest.mark.parametrize("more,message", [
        (["--as_sharp_as=ssim"], "--as_sharp_as: expected with --controls, got it alone"),
        (["--controls=l1"], "controls: expected one of l2, ssim beta=0.005, got 'l1'"),
        (["--controls=l2", "--as_sharp_as=ours"], "as_sharp_as: expected one of l2, .*, got 'ours'"),
        (["--controls=l2", "--baseline=l2 of"], "baseline: expected one of l2, .*, unsharp of l2, got 'l2 of'"),
    ])  # fmt: skip
    def test_mistakes(self, flags, more, message, monkeypatch):
        monkeypatch.chdir(ROOT)
        with pytest.raises(UserError, match=message):
            evaluate.main([*flags, *more])
