"""Photographs of digits, drawn here: strokes of ink on grey paper with noise and a shadow."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import data
import evaluate
from config.system.errors import UserError
from data import photographed_digit

ROOT = Path(__file__).parent.parent
SHIPPED = f"--model_dir={ROOT / 'checkpoints'}"


def photograph(path, digit, rng, thin=0):
    """Write a digit [28, 28] of 0 and 1 as a photograph of 640x480 pixels, its strokes `thin` pixels finer."""
    ink = np.zeros((480, 640), bool)
    large = np.kron(digit, np.ones((9, 9))) > 0
    ink[100:352, 300:552] = ndimage.distance_transform_edt(large) > thin
    row, column = np.mgrid[:480, :640]
    shadow = 1 - 0.45 / (1 + np.exp((column - 330 + row / 3) / 25))
    grey = (190 - 130 * ndimage.gaussian_filter(ink.astype(float), 1.5)) * shadow + rng.normal(0, 6, ink.shape)
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("number", range(5))
def test_a_photograph_of_a_digit_is_that_digit(number, tmp_path, rng):
    """Up to the borders of its strokes: other digits differ in twice as many pixels."""
    digit = data.load("mnist", "test").images[number, :, :, 0] / 255
    found = photographed_digit.load(photograph(tmp_path / "photo.png", digit, rng))
    assert found.shape == (1, 28, 28, 1)
    assert np.mean((found[0, :, :, 0] > 127.5) != digit) < 0.07
    np.testing.assert_allclose(ndimage.center_of_mass(found[0, :, :, 0]), 14, atol=0.5)


def test_strokes_of_a_fine_pen_do_not_vanish(tmp_path, rng):
    digit = data.load("mnist", "test").images[1, :, :, 0] / 255
    found = photographed_digit.load(photograph(tmp_path / "photo.png", digit, rng, thin=7))[0, :, :, 0] > 127.5
    assert ndimage.label(found, np.ones((3, 3)))[1] == 1
    assert 0.4 * digit.sum() < found.sum()


def test_no_ink(tmp_path, rng):
    path = photograph(tmp_path / "photo.png", np.zeros((28, 28)), rng)
    with pytest.raises(UserError, match="expected a dark digit on light paper, got no ink"):
        photographed_digit.load(path)


def test_the_report(tmp_path, rng, capsys):
    """Prepared, the 2 is reconstructed better than as it was, and does not warn."""
    digit = data.load("mnist", "test").images[1, :, :, 0] / 255
    flags = ["image", f"--image={photograph(tmp_path / 'photo.png', digit, rng)}", SHIPPED, f"--out_dir={tmp_path}"]
    values = []
    for prepare, warning in (([], "got a light background; invert it, or"), (["--prepare=digit"], "")):
        evaluate.main([*flags, "--loss=ssim", "--z=mean", *prepare])
        printed = capsys.readouterr()
        assert (warning in printed.err) if warning else printed.err == ""
        values.append(float(printed.out.split("PSNR ")[1].split(" dB")[0]))
    assert values[1] > values[0] + 3


def test_a_model_of_other_pictures(tmp_path, rng):
    path = photograph(tmp_path / "photo.png", np.zeros((28, 28)), rng)
    flags = ["image", f"--image={path}", "--prepare=digit", f"--model_dir={ROOT / 'checkpoints/colour'}"]
    with pytest.raises(UserError, match="expected with a model of mnist or mnist-gray, got it with one of cifar10"):
        evaluate.main([*flags, "--loss=ours_beta1.2", f"--out_dir={tmp_path}"])
