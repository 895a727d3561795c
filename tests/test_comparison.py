"""Intervals over seeds and images, equal KL, the table of configurations, the audit, and the choice of a report."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.stats import norm, t
from test_training import folders

import config
import data
import evaluate
import models
import train
from config.system.errors import UserError
from evaluation import audit, bootstrap, comparison, comparison_table, controls
from evaluation.comparison import Estimate, Protocol, Resamples
from evaluation.metrics import blur
from evaluation.reports import runs as runs_report
from models import checkpoint, runs

ROOT = Path(__file__).parent.parent
PROTOCOL = Protocol("mnist", "test", "sample", 0, None)
NAMES = PROTOCOL.metrics()


def crossed(rng, seed_effects, images, mean=0.0, image_effects=0.0):
    """Values [images, seeds] of runs: a mean, an effect a seed, an effect an image, and noise."""
    noise = 0.5 * rng.normal(size=(images, len(seed_effects)))
    return mean + seed_effects + np.reshape(image_effects, (-1, 1)) + noise


def resampled(values, weights, seeds):
    """The mean [1 + R] of values [images, seeds]."""
    return (bootstrap.seed_weights(seeds, len(weights) - 1) * (weights @ values)).sum(1)


class TestIntervals:
    def test_over_images_it_is_the_normal_interval(self, rng):
        values = rng.normal(3, 2, 500)
        found = bootstrap.interval(bootstrap.image_weights(500, resamples=20_000) @ values)
        error = values.std(ddof=1) / np.sqrt(500)
        np.testing.assert_allclose(found, norm.interval(0.95, values.mean(), error), atol=0.06 * error)

    @pytest.mark.parametrize("values", [[1.0, 2.0, 6.0], [11.9, 11.95, 12.0, 11.7, 11.8], [4.0, 5.0]])
    def test_over_seeds_it_is_students(self, values):
        found = bootstrap.interval(bootstrap.seed_weights([*range(len(values))], 400_000) @ values)
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        expected = t.interval(0.95, len(values) - 1, np.mean(values), error)
        np.testing.assert_allclose(found, expected, atol=0.02 * (expected[1] - expected[0]))

    def test_weights_sum_to_one_and_the_first_is_the_sample(self):
        for weights in (bootstrap.image_weights(7, resamples=50), bootstrap.seed_weights([1, 5, 2], 50)):
            np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
            np.testing.assert_allclose(weights[0], 1 / weights.shape[1], rtol=1e-6)
        np.testing.assert_array_equal(bootstrap.seed_weights([4], 50), 1)

    @pytest.mark.parametrize("seeds,seed_sd,shared_sd", [(3, 0.3, 0), (3, 0, 0), (5, 0.3, 0), (3, 0.3, 3)])
    def test_coverage_of_a_difference(self, rng, seeds, seed_sd, shared_sd):
        """Of 400 made-up experiments with a true difference of 0.2, at least 93 of 100 intervals hold it.

        Of intervals over the images alone fewer than 80 of 100 do, where seeds matter. What the same
        seed does to both, `shared_sd`, makes none wider.
        """
        held, held_by_images, widths = [], [], []
        weights = bootstrap.image_weights(40, resamples=400)
        for _ in range(400):
            images, shared = rng.normal(0, 2, 40), rng.normal(0, shared_sd, seeds)
            names = [rng.integers(1000, size=seeds).tolist() for _ in range(2)]
            own = [shared + rng.normal(0, seed_sd, seeds) for _ in range(2)]
            one, two = crossed(rng, own[0], 40, 0.2, images), crossed(rng, own[1], 40, 0.0, images)
            other = names[0] if shared_sd else names[1]
            difference = resampled(one, weights, names[0]) - resampled(two, weights, other)
            low, high = bootstrap.interval(difference)
            held.append(low <= 0.2 <= high)
            widths.append(high - low)
            low, high = bootstrap.interval((weights @ (one - two)).mean(1))
            held_by_images.append(low <= 0.2 <= high)
        assert np.mean(held) >= 0.93
        assert np.median(widths) < 3
        if seed_sd:
            assert np.mean(held_by_images) < 0.8

    def test_a_difference_is_paired_by_seed(self):
        """Student's t of the differences: 0.1, 0.2 and 0.3, of runs that are 5 dB apart."""
        runs = [SimpleNamespace(loss="l2", seed=seed) for seed in (1, 2, 3)]
        values = np.array([7.0, 12.0, 17.0]), np.array([7.1, 12.2, 17.3])
        two, one = (
            comparison.estimate(runs, [{name: np.full(20_001, v) for name in NAMES} for v in some]) for some in values
        )
        found = bootstrap.interval(comparison.difference(one, two).means["psnr"])
        np.testing.assert_allclose(found, t.interval(0.95, 2, 0.2, 0.1 / np.sqrt(3)), atol=0.01)

    def test_a_difference_is_over_the_seeds_that_both_have(self):
        """Without the third the runs differ by 0.1 and 0.2; none in common, all count."""

        def reaching(values):
            runs = [SimpleNamespace(loss="l2", seed=seed) for seed in values]
            return comparison.estimate(runs, [{n: np.full(11, v) for n in NAMES} for v in values.values()])

        every, first, others = (reaching(v) for v in ({1: 7.0, 2: 12.0, 3: 17.0}, {1: 7.1, 2: 12.2}, {4: 1.0}))
        found = comparison.difference(first, every)
        assert found.means["psnr"][0] == pytest.approx(0.15)
        assert [run.seed for run in found.runs] == [1, 2]
        assert comparison.difference(others, every).means["psnr"][0] == pytest.approx(1 - 12)

    def test_a_difference_is_paired(self, rng):
        """Images differ by 5 dB, the runs of them by 0.1: only paired do 50 images show it."""
        weights, images = bootstrap.image_weights(50), rng.normal(12, 5, 50)
        low, high = bootstrap.interval(weights @ (images + 0.1) - weights @ images)
        assert low == pytest.approx(0.1, abs=1e-4)
        assert high == pytest.approx(0.1, abs=1e-4)

    def test_all_at_once(self, rng):
        """Of independent normal values the factor is Šidák's; of copies of one, it is 1, as of values that are 0."""
        values = np.concatenate([np.zeros((10, 1)), rng.normal(size=(10, 200_000))], 1)
        expected = norm.ppf((1 + 0.95**0.1) / 2) / norm.ppf(0.975)
        assert bootstrap.widening(values) == pytest.approx(expected, rel=0.01)
        assert bootstrap.widening(np.stack([values[0], 3 * values[0], 0 * values[0]])) == pytest.approx(1, abs=0.01)

    def test_it_is_far_less_than_bonferronis_where_seeds_are_shared(self, rng):
        """60 values with effects of the same three seeds: Bonferroni's Student quantile is 8 times as far."""
        values = bootstrap.seed_weights([1, 2, 3], 4000) @ rng.normal(size=(3, 60))
        bonferroni = t.ppf(1 - 0.025 / 60, 2) / t.ppf(0.975, 2)
        assert 1.2 < bootstrap.widening(values.T) < bonferroni / 3

    def test_a_widened_interval(self):
        assert bootstrap.widened(2, 1, 4, 1.5) == (0.5, 5)

    def test_prediction_interval(self):
        """Student's t for two degrees of freedom has its 97.5 % point at 4.3027."""
        half = 4.3027 * np.sqrt(4 / 3)
        np.testing.assert_allclose(bootstrap.prediction_interval([1.0, 2.0, 3.0]), (2 - half, 2 + half), rtol=1e-4)


class TestEqualKL:
    def test_a_straight_line_is_met_exactly(self, rng):
        kl = rng.uniform(1, 20, (5, 4))
        kl[:, 0], kl[:, 1] = 0.5, 30
        np.testing.assert_allclose(bootstrap.interpolated(7.25, kl, 3 - 2 * kl), 3 - 2 * 7.25, rtol=1e-12)

    def test_between_its_two_neighbours(self):
        found = bootstrap.interpolated(4, np.array([[9.0, 1.0, 3.0, 5.0]]), np.array([[0.0, 0.0, 10.0, 30.0]]))
        assert found == pytest.approx([20])

    @pytest.mark.parametrize("ranges,expected", [
        ([(0, 10), (2, 6), (4, 8)], 5),
        ([(0, 2), (1, 9), (1, 9)], 2),
        ([(0, 1), (5, 7)], 3.25),
    ])  # fmt: skip
    def test_common_position(self, ranges, expected):
        assert bootstrap.common_position(ranges) == expected

    @staticmethod
    def at_beta(kl, slope, offset, seeds=2):
        means = {name: np.full(11, offset + slope * kl) for name in NAMES} | {"kl_divergence": np.full(11, kl)}
        return Estimate([SimpleNamespace(loss="l2", seed=i) for i in range(seeds)], {}, means)

    def test_losses_at_equal_kl(self):
        found = {
            "l2": [self.at_beta(kl, 2, 1) for kl in (8.0, 2.0, 4.0)],
            "ours": [self.at_beta(kl, 3, 5, seeds) for kl, seeds in ((3.0, 3), (7.0, 1))],
            "l1": [self.at_beta(kl, 1, 1) for kl in (0.5, 3.5)],
        }
        matched, outside, kl = comparison.at_equal_kl(found)
        # the middles are 5, 5 and 2; of their median the losses share 3 to 3.5
        assert kl == 3.5
        assert outside == {}
        assert matched["l2"].means["psnr"][0] == 8
        assert matched["ours"].means["ssim"][0] == 15.5
        assert len(matched["ours"].runs) == 1
        matched, outside, _ = comparison.at_equal_kl(found, 7.5)
        assert outside == {"ours": (3, 7), "l1": (0.5, 3.5)}
        assert matched["l2"].means["psnr"][0] == 16


class TestConfigurations:
    @staticmethod
    def run(**keys):
        return config.Settings(**(config.defaults() | {"tag": "x", "batch_size": 100} | keys))

    def test_runs_that_differ_in_seed_and_place_are_one(self):
        found = bootstrap.configurations([
            self.run(loss="l2", seed=1, tag="y", model_dir="there", log_freq=7),
            self.run(loss="l2", seed=0),
            self.run(loss="ours", seed=0),
            self.run(loss="ours", seed=0, beta=0.1),
            self.run(loss="ours", seed=2, beta=0.1, stft_f=8),
            self.run(loss="ours", seed=0, tag="again"),
        ])  # fmt: skip
        assert {name: [run.seed for run in group] for name, group in found.items()} == {
            "l2": [0, 1],
            "ours": [0],
            "ours beta=0.1": [0],
            "ours beta=0.1 stft_f=8": [2],
        }

    def test_more_seeds_do_not_change_the_names(self):
        few = [self.run(loss="l2"), self.run(), self.run(beta=0.2)]
        more = [self.run(beta=0.2, seed=seed) for seed in (1, 2, 3)]
        assert {*bootstrap.configurations([*few, *more])} == {"l2", "ours", "ours beta=0.2"}

    def test_a_folder_of_pictures_makes_a_difference(self):
        pictures = [self.run(dataset="image_folder", data_dir=folder) for folder in ("a", "a", "b")]
        assert [*bootstrap.configurations(pictures)] == ["ours", "ours data_dir=b"]
        assert [*bootstrap.configurations([self.run(dataset="cifar10", data_dir=folder) for folder in "ab"])] == [
            "ours"
        ]

    def test_a_key_that_a_run_does_not_read_is_not_in_its_name(self):
        keys = {"model": "blur_error_vae", "loss": "blur_error_vae", "blur_start_epoch": 2}
        blurred = [self.run(**keys, seed=seed) for seed in (0, 1)]
        assert [*bootstrap.configurations([*blurred, self.run(loss="l2")])] == ["blur_error_vae", "l2"]

    def test_a_run_that_others_start_from_is_no_row(self):
        start = self.run(loss="l2", tag="start_seed1", seed=1, model_dir="m")
        other = self.run(loss="l2", tag="start_seed2", seed=2, model_dir="m")
        second = self.run(
            loss="ssim", tag="ssim_seed1", seed=1, model_dir="m", init_from="m/start_seed{seed}/model.npz"
        )
        assert comparison.last_stages([start, other, second]) == [other, second]

    def test_runs_of_an_experiment(self, tmp_path):
        """A run belongs to a file if one of its entries has the run's values; folders, tags and zeros do not count."""
        (tmp_path / "e.yml").write_text("tag: start\nlr_step_size: 0\nbeta: [0.1, 0.2]\nruns:\n- loss: l2\n- seed: 3\n")
        experiment = config.read_experiment(tmp_path / "e.yml", {})
        fitting = {"beta": 0.2, "loss": "l2", "model_dir": "there", "lr_step_size": 77}
        assert runs.belongs(self.run(**fitting), experiment)
        assert runs.belongs(self.run(**(fitting | {"loss": "ssim", "seed": 3})), experiment)
        assert not runs.belongs(self.run(**(fitting | {"loss": "ssim"})), experiment)
        assert not runs.belongs(self.run(**(fitting | {"beta": 0.3})), experiment)
        assert runs.belongs(self.run(), ())

    def test_apart_from_beta(self):
        found = bootstrap.configurations([self.run(beta=beta) for beta in (0.1, 0.2)], apart=("beta",))
        assert [[run.beta for run in group] for group in found.values()] == [[0.1, 0.2]]


class TestTable:
    @staticmethod
    def estimate(loss, values):
        """An Estimate whose metrics for every seed are `values`; images add nothing."""
        group = [SimpleNamespace(loss=loss, seed=i) for i in range(len(values))]
        one = [{name: np.full(2001, value) for name in NAMES} for value in values]
        return comparison.estimate(group, one)

    def test_bold_only_where_the_interval_excludes_zero(self):
        found = {
            "l2": self.estimate("l2", [10.0, 10.1, 10.2]),
            "far": self.estimate("far", [12.0, 12.1, 12.2]),
            "near": self.estimate("near", [10.3, 10.1, 10.2]),
            "single": self.estimate("single", [15.0]),
        }
        assert comparison_table.row("far", found["far"])["psnr"]["sd"] == pytest.approx(0.1)
        apart = comparison_table.differences(found, {"l2": "l2"})
        rows = {name: comparison_table.row_of_difference(name, one, 1) for name, one in apart.items()}
        assert [name for name, row in rows.items() if row["psnr"]["clear"]] == ["far - l2"]
        assert rows["far - l2"]["psnr"]["mean"] == pytest.approx(2)
        low, high = rows["near - l2"]["psnr"]["interval"]
        assert low < 0 < high
        table = comparison_table.table("difference", list(rows.values()), comparison_table.with_sign, NAMES)
        lines = table.split("\n")[-3:]
        assert [line.split("|")[1].strip() for line in lines] == ["far - L2", "near - L2", "single - L2"]
        assert [line.split("|")[2].strip() for line in lines] == ["3", "3", "1"]
        assert [line.count("**") for line in lines] == [2 * len(NAMES), 0, 0]
        assert "| **+2.00 [" in lines[0].replace("  ", "")

    @pytest.mark.parametrize("values,factor,clear,equal", [
        ([10.09, 10.11, 10.10], 1, True, False),
        ([10.09, 10.11, 10.10], 3, False, False),  # 0.1 ± 0.025, and three times that
        ([10.04, 10.041, 10.042], 1, False, True),  # an interval without 0, but less than 0.05 dB
        ([9.91, 9.90, 9.89], 1, True, False),
        ([10.0, 10.1, 10.2], 1, False, False),
        ([10.1], 1, False, False),
    ])  # fmt: skip
    def test_beyond_and_within_the_margin(self, values, factor, clear, equal):
        """Of 0.05 dB, by the widened interval; with one seed neither."""
        one = comparison.difference(self.estimate("ours", values), self.estimate("l2", [10.0] * len(values)))
        found = comparison_table.row_of_difference("ours - l2", one, factor)["psnr"]
        assert (found["clear"], found["equal"]) == (clear, equal)
        assert comparison_table.with_sign(found, 2)[0] == ("*" if clear else "≈" if equal else "+")

    def test_the_caption_has_the_factor_and_the_margins(self):
        found = {name: self.estimate(name, [i, i + 1.0]) for i, name in enumerate(("l2", "ours"))}
        _, text = comparison_table.tables(found, {"l2": "l2"}, "", comparison_table.with_deviation, NAMES, "")
        assert "each is 1.00 times as wide" in text  # all metrics deviate together
        assert "Margins: PSNR 0.05, SSIM 0.005, PSNR clipped 0.05, SSIM clipped 0.005, blur (px) 0.02" in text

    def test_a_row_alone_has_no_differences(self):
        found = {"l2": self.estimate("l2", [1.0, 2.0])}
        rows, text = comparison_table.tables(found, {"l2": "l2"}, "a", comparison_table.with_deviation, NAMES, "z")
        assert len(rows) == 1
        assert text.count("| loss") == 1
        assert "difference" not in text

    def test_each_pair_once(self):
        """Against two baselines, the first differs from the second and not the second from the first too."""
        found = {name: self.estimate(name, [i, i + 1.0]) for i, name in enumerate(("l2 beta=1", "ssim", "ours"))}
        apart = comparison_table.differences(found, {"ssim": "ssim", "l2": "l2 beta=1"})
        assert {name: one.means["ssim"][0] for name, one in apart.items()} == pytest.approx({
            "l2 beta=1 - ssim": -1,
            "ours - ssim": 1,
            "ours - l2": 2,
        })  # fmt: skip

    def test_cells(self):
        found = {"mean": 0.4956, "sd": 0.0012, "interval": (0.49, 0.501), "clear": False, "equal": False}
        assert comparison_table.with_deviation(found, 3) == "0.496 ± 0.001"
        assert comparison_table.with_deviation(found | {"sd": None}, 2) == "0.50"
        assert comparison_table.with_interval(found, 3) == "0.496 [0.490, 0.501]"
        assert comparison_table.with_sign(found, 3) == "+0.496 [0.490, 0.501]"
        assert comparison_table.with_sign(found | {"mean": -0.2, "clear": True}, 3) == "**-0.200 [0.490, 0.501]**"
        assert (
            comparison_table.with_sign(found | {"mean": -1e-4, "interval": (-0.01, -1e-4)}, 2) == "0.00 [-0.01, 0.00]"
        )

    def test_an_unknown_baseline(self):
        with pytest.raises(UserError, match="baseline: expected one of ours, got 'l2'"):
            comparison_table.baseline_row("l2", ["ours"])
        with pytest.raises(UserError, match="got 'l2'"):
            comparison_table.baseline_row("l2", ["l2 beta=1", "l2 beta=2"])

    def test_a_baseline_by_its_loss(self):
        names = ["l2 beta=1", "ours", "ours beta=1"]
        assert comparison_table.baseline_rows("l2, ours,", names) == {"l2": "l2 beta=1", "ours": "ours"}

    def test_a_resample_is_the_images_repeated(self, digits, monkeypatch):
        """PSNR, and the blur of whole sets, of the images and samples in a resample, each as often as it is there."""
        model, _ = checkpoint.load_model(ROOT / "checkpoints/l2/model.npz")
        images = np.uint8(digits * 255)
        weights = bootstrap.image_weights(8, resamples=3)
        monkeypatch.setattr(bootstrap, "image_weights", lambda count, resamples: weights)
        found = comparison.of_model(model, Resamples(images), PROTOCOL._replace(seed=4), NAMES)
        reconstruction = model.reconstruct(digits, tf.random.stateless_normal([8, 2], [4, 0])).numpy()
        samples = model.decoder(tf.random.stateless_normal([8, 2], [4, 1])).numpy()
        for i in range(4):
            chosen = np.repeat(np.arange(8), np.round(8 * weights[i]).astype(int))
            for name, made in (("equivalent_blur", reconstruction), ("sample_blur", samples)):
                expected = blur.equivalent_blur(made[chosen], digits[chosen])
                assert 0.1 < found[name][i] == pytest.approx(expected, abs=1e-4)
            expected = blur.shape_blur(reconstruction[chosen], digits[chosen])
            assert 0.1 < found["shape_blur"][i] == pytest.approx(expected, abs=1e-3)
            expected = tf.image.psnr(digits[chosen], reconstruction[chosen], 1.0).numpy().mean()
            assert found["psnr"][i] == pytest.approx(expected, rel=1e-4)


class TestAudit:
    @staticmethod
    def by_us(psnr, ssim, half=(0.1, 0.005)):
        intervals = (psnr - half[0], psnr + half[0]), (ssim - half[1], ssim + half[1])
        return audit.Reached("ours", 50, 3, psnr, ssim, *intervals, 7.25)

    @pytest.mark.parametrize("psnr,ssim,possible,reached", [
        (11.94, 0.492, True, True),
        (11.85, 0.488, True, False),
        (12.00, 0.498, False, True),  # SSIM above the paper's: better, but not what the paper has
        (12.034, 0.492, True, True),  # 11.93 is what 11.935 rounds to
        (12.036, 0.492, False, True),
        (11.93, 0.480, False, False),
        (11.926, 0.4916, True, True),
    ])  # fmt: skip
    def test_verdicts(self, psnr, ssim, possible, reached):
        row = audit.row(("ours", "Table 1", 11.93, 0.492), (11.92, 0.488, 7.84), self.by_us(psnr, ssim))
        assert (row["possible"], row["reached"]) == (possible, reached)
        cells = dict(zip(audit.HEADER, audit.cells(row), strict=True))
        assert cells["possible"] == ("yes" if possible else "no")
        assert cells["reached"] == ("yes" if reached else "no")
        assert cells["runs"] == "STFT+SSIM (paper)"
        assert cells["this repository"] == f"{psnr:.2f} / {ssim:.3f}"
        assert (cells["KL"], cells["author's weights"]) == ("7.2", "11.92 / 0.488, KL 7.8")

    def test_rounding(self):
        assert audit.half_unit(10.20, 2) == pytest.approx(0.005)
        assert audit.half_unit(0.41) == pytest.approx(0.005)
        assert audit.half_unit(0.495) == pytest.approx(0.0005)

    def test_both_claims_of_the_paper(self):
        assert [claim[2:] for claim in audit.CLAIMS if claim[0] == "ours"] == [(11.93, 0.492), (12.12, 0.507)]

    def test_the_configuration_with_the_most_seeds_counts(self):
        defaults = config.defaults() | {"tag": "x", "train_size": 60000, "architecture": "conv28"}
        every = [
            config.Settings(**(defaults | keys))
            for keys in (
                {"beta": 0.1},
                *({"beta": 0.2, "seed": seed} for seed in (0, 1)),
                *({"beta": 0.3, "seed": seed} for seed in (0, 1)),
                *({"epochs": 10, "seed": seed} for seed in (0, 1)),
                *({"test_split": "held-out", "seed": seed} for seed in (0, 1, 2)),
                *({"train_size": 50000, "seed": seed} for seed in (0, 1, 2)),
                {"loss": "bce"},
            )
        ]
        found = audit.comparable_runs(every)
        assert {loss: (name, len(group)) for loss, (name, group) in found.items()} == {"ours": ("ours beta=0.2", 2)}
        assert found["ours"][1][0].beta == 0.2
        found = audit.comparable_runs(every, [{"epochs": 10}])
        assert [(run.epochs, run.seed) for run in found["ours"][1]] == [(10, 0), (10, 1)]

    def test_one_more_run_and_other_images(self, rng):
        means = [np.array([value, 0, 0]) for value in (1.0, 2.0, 3.0)]
        assert audit.run_interval(means) == bootstrap.prediction_interval([1.0, 2.0, 3.0])
        images = rng.normal(size=2001)
        assert audit.run_interval([images]) == pytest.approx(tuple(np.quantile(images[1:], [0.025, 0.975])))

    def test_the_authors_files_are_scored(self, tmp_path, monkeypatch, digits):
        keras.utils.set_random_seed(2)
        model = models.build(config.resolve({"loss": "l2"}), (28, 28, 1))

        def named(part):
            layers = [layer for layer in part.layers if layer.weights]
            nodes = {f"layer_with_weights-{i}": tf.train.Checkpoint(**{v.name: tf.Variable(v) for v in layer.weights})
                     for i, layer in enumerate(layers)}  # fmt: skip
            return tf.train.Checkpoint(**nodes)

        files = tf.train.Checkpoint(encoder=named(model.encoder), decoder=named(model.decoder))
        files.write(str(tmp_path / "l2/mse"))
        noise = tf.random.stateless_normal([8, 2], [0, 0])
        expected = tf.image.psnr(digits, model.reconstruct(digits, noise), 1.0).numpy().mean()
        images = np.uint8(digits * 255)
        psnr, _, kl = audit.reached_by_author("l2", tmp_path, images)
        assert psnr == pytest.approx(expected, rel=1e-4)
        z_mean, z_log_var = np.split(model.encoder(digits).numpy(), 2, axis=1)
        of_images = 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(1)
        assert kl == pytest.approx(of_images.mean(), rel=1e-4)
        assert audit.reached_by_author("l2", "", images) == (12.78, 0.406, None)
        with pytest.raises(UserError, match=r"l1/l1: expected a checkpoint"):
            audit.reached_by_author("l1", tmp_path, images)


def test_the_report_knows_the_controls_before_tensorflow_is_imported():
    assert tuple(controls.CONTROLS) == runs_report.CONTROLS


class TestMistakes:
    @pytest.mark.parametrize("text,message", [
        ("", "expected a table of runs, got one without rows"),
        ("a,b\n1,2\n", "expected a table of runs, got one without tag, loss, seed, model_dir"),
        ("tag,loss,seed,model_dir,dataset,test_split\nx,l2,one,m,mnist,test\n", "x: seed: expected a whole number"),
        ("tag,loss,seed,model_dir,dataset,test_split\n,l2,0,m,mnist,test\n", "expected a tag in every row"),
        ("tag,loss,seed,model_dir,dataset,test_split\nx,l2,0,m,mnist,held-out\n", "test_split=test, got none"),
        ("tag,loss,seed,model_dir,dataset,test_split\nx,l2,0,nowhere,mnist,test\n", "nowhere/x/model.npz: expected"),
    ])  # fmt: skip
    def test_tables(self, tmp_path, text, message):
        (tmp_path / "runs.csv").write_text(text)
        with pytest.raises(UserError, match=message):
            evaluate.main([f"--runs={tmp_path / 'runs.csv'}", f"--out_dir={tmp_path}"])

    @pytest.mark.parametrize("flags,message", [
        (["--match=kl"], "--match: expected with report runs, got it with table"),
        ([f"--config={ROOT}/config/experiments/shipped.yml"], "--config: expected with report runs or audit, got it"),
        (["--runs=x", "--config=nowhere.yml"], "nowhere.yml: expected a YAML file"),
        (["--author_checkpoints=x"], "--author_checkpoints: expected with report audit, got it with table"),
        (["--runs=x", "--image=y"], "--image: expected with report image or restore, got it with runs"),
        (["--runs=x", "--match=kl", "--audit"], "--match: expected with report runs, got it with audit"),
        (["--probe", "--checkpoint=x"], "--checkpoint: expected with report .*figures, got it with probe"),
        (["--task=table", "--audit"], "unknown key 'audit'"),
        (["--task=pictures"], "report: expected one of table, runs, .*, got 'pictures'"),
        (["pictures"], "report: expected one of table, runs, .*, got 'pictures'"),
        (["--runs=x", "--match=kl", "--kl=-1"], "--kl: expected a number above 0"),
        (["audit", "--z=mean"], "--z: expected with report table or runs or image, got it with audit"),
        (["probe", "z=mean"], "--z: expected with report table or runs or image, got it with probe"),
        (["probe", "--json=x"], "--json: expected with report table or runs or audit or restore, got it with probe"),
        (["--image=x", "--json=y"], "--json: expected with .*, got it with image"),
        (["--image=x", "--split=test"], "--split: expected with .*, got it with image"),
        (["--baseline=l2"], "--baseline: expected with report runs, got it with table"),
        (["--acsg_images=0"], "--acsg_images: expected with report restore, got it with table"),
        (["--audit", "--loss=l2"], "--loss: expected with .*, got it with audit"),
        (["--audit", "--seed=0"], "--seed: expected with .*, got it with audit"),
        (["--audit", "--dataset", "mnist"], "--dataset: expected with .*, got it with audit"),
        (["audit", "split=test"], "--split: expected with .*, got it with audit"),
        (["audit", "--data_dir=x"], "--data_dir: expected with .*, got it with audit"),
        (["pages", "--out_dir=x"], "--out_dir: expected with .*, got it with pages"),
        (["image"], "required: --image"),
        (["--los=l2"], "unknown key 'los'; expected 'loss'"),
    ])  # fmt: skip
    def test_flags(self, flags, message):
        with pytest.raises(UserError, match=message):
            evaluate.parse(flags)

    @pytest.mark.parametrize("flags,message", [
        (["--runs=x", "--kl=3"], "--kl: expected with --match, got it alone"),
        (["--task=restore", "--image=x", "--json=y"], "--json: expected without --image, got both"),
        (["--loss=nothing"], "loss: expected one of"),
        (["--runs=x", "--controls=l2", "--split=held-out"], "--controls: expected --split=test, got held-out"),
    ])  # fmt: skip
    def test_what_needs_no_weights_is_refused_before_tensorflow(self, flags, message):
        code = f"import sys, evaluate\ntry: evaluate.main({flags})\nfinally: print('tensorflow' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.stdout == "False\n"
        assert f"UserError: {message}" in done.stderr

    @pytest.mark.parametrize("report", evaluate.REPORTS)
    def test_help(self, report, capsys, monkeypatch):
        """Each report shows its own flags; the first page has the first line of each."""
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as of a script
        pages = []
        for argv in ([report, "--help"], ["--help"]):
            with pytest.raises(SystemExit):
                evaluate.main(argv)
            pages.append(capsys.readouterr().out)
        (line,) = (line for line in pages[1].splitlines() if line.startswith(f"    {report} "))
        assert line.split(maxsplit=1)[1] in pages[0]
        assert f"python evaluate.py {report}" in pages[0]
        assert ("--baseline" in pages[0]) == (report == "runs")
        assert "--checkpoint" in pages[1]

    @pytest.mark.parametrize("flags,report", [
        ([], "table"),
        (["--json=x", "--loss=l1", "--checkpoint=y"], "table"),
        (["--image=x", "--checkpoint=y"], "image"),
        (["--runs=x", "--match=kl", "--kl=3"], "runs"),
        (["--runs", "x"], "runs"),
        (["runs=x"], "runs"),
        (["--out_dir", "runs"], "table"),
        (["--audit", "--runs=x", "--author_checkpoints=y"], "audit"),
        (["--probe", "--loss=l2"], "probe"),
        (["--loss=l2", "--probe"], "probe"),
        (["--task=audit"], "audit"),
        (["--task=audit", "--audit"], "audit"),
        (["--task=restore", "--image=x", "--loss=y"], "restore"),
        (["--task=runs", "--match=kl"], "runs"),
        *([[name, *(["--image=x"] if name == "image" else [])], name] for name in evaluate.REPORTS),
    ])  # fmt: skip
    def test_the_words_choose_the_report(self, flags, report):
        assert evaluate.parse(flags)[0].__name__ == f"evaluation.reports.{report}"

    def test_what_is_not_given_is_filled_in(self):
        _, flags = evaluate.parse([])
        assert (flags.dataset, flags.split, flags.seed, flags.z) == (None, "test", 0, "sample")
        assert flags.out_dir == "results/local"
        _, flags = evaluate.parse(["runs"])
        assert (flags.baseline, flags.perceptual, flags.kl) == ("l2", None, None)
        assert str(flags.runs) == "results/local/runs.csv"
        assert evaluate.parse(["runs", "--perceptual"])[1].perceptual == 10000

    @pytest.mark.parametrize("change,message", [
        ({"beta": 0.1}, r"expected the run in the table, got one with beta 0\.005"),
        ({"seed": 3}, "got one with seed 0"),
        ({}, "expected a finished run of 3 steps, got one of 2"),
    ])  # fmt: skip
    def test_another_checkpoint(self, tmp_path, change, message):
        given = {"loss": "l2", "train_size": 110, "epochs": 1, "batch_size": 50, "model_dir": str(tmp_path)}
        settings = config.resolve(given)
        model = models.build(settings, (28, 28, 1))
        checkpoint.save_model(tmp_path / "l2/model.npz", model, settings, step=2)
        with pytest.raises(UserError, match=message):
            runs.load_model(replace(settings, **change))


@pytest.mark.slow
class TestCommands:
    SMALL = ("--train_size=100", "--test_size=50", "--monitor_size=20", "--epochs=1")

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("runs")
        for loss, seed, beta in (("l2", 0, 0.005), ("l2", 1, 0.005), ("ssim", 0, 0.005), ("l2", 0, 0.0001)):
            tag = f"{loss}_{seed}_{beta}"
            flags = [f"--loss={loss}", f"--seed={seed}", f"--tag={tag}", f"--beta={beta}"]
            train.main([*self.SMALL, *folders(folder), *flags])
        return folder

    @pytest.fixture
    def flags(self, folder, monkeypatch):
        """Few images, few resamples."""
        few = data.load("mnist", "test").images[:60]
        monkeypatch.setattr(data, "load", lambda *_: SimpleNamespace(images=few))
        weights = bootstrap.image_weights
        monkeypatch.setattr(bootstrap, "image_weights", lambda count, resamples=None: weights(count, resamples=200))
        return [f"--runs={folder}/results/runs.csv", f"--out_dir={folder}/out", f"--json={folder}/rows.json"]

    def test_runs(self, folder, flags, capsys):
        evaluate.main(flags)
        rows = {row["name"]: row for row in json.loads((folder / "rows.json").read_text())["rows"]}
        assert {name: row["seeds"] for name, row in rows.items()} == {
            "l2": [0, 1],
            "l2 beta=0.0001": [0],
            "ssim": [0],
            "l2 beta=0.0001 - l2": [0],
            "ssim - l2": [0],
        }
        found, images = [], data.load().images.astype(np.float32) / 255
        for seed in (0, 1):
            model, _ = checkpoint.load_model(folder / f"model/l2_{seed}_0.005/model.npz")
            output = model.reconstruct(images, tf.random.stateless_normal([60, 2], [0, 0]))
            found.append(tf.image.psnr(images, output, 1.0).numpy().mean())
        assert rows["l2"]["psnr"]["mean"] == pytest.approx(np.mean(found), rel=1e-4)
        assert rows["l2"]["psnr"]["sd"] == pytest.approx(np.std(found, ddof=1), rel=1e-2)
        text = (folder / "out/runs.md").read_text()
        assert capsys.readouterr().out == f"{text}{folder / 'out/figures/runs.png'}\n"
        assert f"{np.mean(found):.2f} ± {np.std(found, ddof=1):.2f}" in text
        evaluate.main(flags)
        assert (folder / "out/runs.md").read_text() == text

    def test_runs_of_an_experiment_file(self, folder, flags):
        (folder / "experiment.yml").write_text("beta: 0.0001\nepochs: 1\n")
        evaluate.main([*flags, f"--config={folder}/experiment.yml"])
        rows = json.loads((folder / "rows.json").read_text())["rows"]
        assert [(row["name"], row["seeds"]) for row in rows] == [("l2", [0])]
        (folder / "experiment.yml").write_text("epochs: 2\n")
        expected = "with dataset=mnist, test_split=test and the settings of --config, got none among 4"
        with pytest.raises(UserError, match=expected):
            evaluate.main([*flags, f"--config={folder}/experiment.yml"])

    def test_at_equal_kl(self, folder, flags, capsys):
        evaluate.main([*flags, "--match=kl"])
        assert "Left out: SSIM (one beta)." in capsys.readouterr().out
        assert (folder / "out/runs_at_equal_kl.md").exists()

    def test_at_equal_kl_of_a_single_beta(self, folder, flags):
        with pytest.raises(UserError, match="expected runs at several values of beta, got one of each of ssim"):
            evaluate.main([*flags, "--match=kl", "--loss=ssim"])

    def test_a_kl_divergence_that_none_reaches(self, folder, flags):
        with pytest.raises(UserError, match=r"a KL divergence that a loss reaches, got 1000 nats\. Left out: L2"):
            evaluate.main([*flags, "--match=kl", "--kl=1000"])

    def test_a_loss_that_no_run_has(self, folder, flags):
        with pytest.raises(UserError, match="expected runs of ours with dataset=mnist"):
            evaluate.main([*flags, "--loss=l2,ours"])

    def test_pictures_are_read_as_the_runs_read_them(self, tmp_path, rng):
        for i in range(40):
            pixels = rng.integers(0, 256, (40, 40), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
        where = ["--dataset=image_folder", f"--data_dir={tmp_path}"]
        train.main([*where, "--loss=l2", "--channels=1", "--image_size=32", "--epochs=1", *folders(tmp_path / "out")])
        evaluate.main(["runs", *where, f"--runs={tmp_path}/out/results/runs.csv", f"--out_dir={tmp_path}/out"])
        assert "2 test images of image_folder" in (tmp_path / "out/runs.md").read_text()
        with pytest.raises(UserError, match=r"expected images \(32, 32, 1\), as .*, got \(48, 48, 1\)"):
            evaluate.main(["runs", *where, "--image_size=48", f"--runs={tmp_path}/out/results/runs.csv"])

    def test_audit(self, folder, flags, monkeypatch, capsys):
        monkeypatch.setattr(audit, "PROTOCOL", {"train_size": 100, "beta": 0.005})
        evaluate.main(["--audit", *flags, f"--model_dir={ROOT / 'checkpoints'}"])
        rows = json.loads((folder / "rows.json").read_text())["rows"]
        assert [(row["loss"], row["place"], row["this_repository"]["seeds"]) for row in rows] == [
            ("l2", "Table 1", 2),
            ("l1", "Table 1", 1),
            ("ssim", "Table 1", 1),
            ("dft+ssim", "Table 1", 1),
            ("ours", "Table 1", 1),
            ("ours", "introduction", 1),
        ]
        assert rows[0]["this_repository"]["epochs"] == 1
        assert not rows[0]["possible"]
        assert "Possible: both of the paper's numbers" in capsys.readouterr().out


def test_the_table_of_runs_is_typed(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("tag,loss,seed,model_dir,dataset,test_split,beta,psnr\nx,ours,3,m,mnist,test,1e-3,12\n")
    (run,) = runs.load(path)
    assert (run.seed, run.beta, run.epochs, run.data_dir) == (3, 0.001, config.defaults()["epochs"], "")
