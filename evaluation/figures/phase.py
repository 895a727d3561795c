"""What amplitude and phase do to blur: the paper's Figure 1, and the same with local spectra."""

import numpy as np
from matplotlib.figure import Figure
from scipy.fft import dctn, idctn
from skimage import data
from skimage.util import view_as_windows

from evaluation.figures.style import WIDTH, picture
from evaluation.metrics.blur import equivalent_blur, gaussian_blur
from evaluation.metrics.coherence import sharpness_index

CROP = np.s_[60:252, 144:336]
SIGMA = 2.0  # pixels
CUTOFF = 1 / 16  # cycles a pixel
WINDOW, STRIDE = 16, 4  # the paper's


def phase_and_blur(material):
    """A photograph, sharp and blurred, with fine energies and with local amplitudes exchanged.

    (a) to (d) are the paper's Figure 1, after Wang and Simoncelli 2003: all that is finer than CUTOFF
    is scaled by one number. (c) and (d) then have about one power spectrum's mean, and so one
    equivalent blur, but not one local phase coherence (LPC). The cutoff was chosen among four to show
    that: in octave bands the exchange does not. (e) and (f) exchange the amplitude of
    every bin in every window of the paper's STFT, a finer exchange, in which the amplitude carries
    the blur. The picture is scikit-image's `camera`.
    """
    sharp = data.camera()[CROP] / 255
    blurred = gaussian_blur(sharp[None, :, :, None], SIGMA)[0, :, :, 0]
    images = {
        "(a) sharp": sharp,
        "(c) a, fine energy of b": with_fine_energy(sharp, blurred),
        "(e) a, local amplitudes of b": with_local_amplitudes(sharp, blurred),
        "(b) blurred": blurred,
        "(d) b, fine energy of a": with_fine_energy(blurred, sharp),
        "(f) b, local amplitudes of a": with_local_amplitudes(blurred, sharp),
    }
    figure = Figure((WIDTH, 6.1), layout="constrained")
    for axis, (title, image) in zip(figure.subplots(2, 3).ravel(), images.items(), strict=True):
        picture(axis, image)
        axis.set_title(title, size=9)
        one, original = image[None, :, :, None], sharp[None, :, :, None]
        axis.set_xlabel(f"blur {equivalent_blur(one, original):.1f} px, LPC {sharpness_index(one)[0]:.2f}", size=8)
    caption = f"fine: above 1/{1 / CUTOFF:.0f} cycles a pixel; local: Hann windows {WINDOW} x {WINDOW}, stride {STRIDE}"
    figure.supxlabel(caption, size=8)
    figure.get_layout_engine().set(h_pad=0.08)
    return figure


def with_fine_energy(image, other):
    """`image` [H, W] with all that is finer than CUTOFF scaled to the energy it has in `other`.

    No phase changes. Cosine transform: mirrored borders.
    """
    height, width = image.shape
    fine = np.hypot.outer(np.arange(height) / (2 * height), np.arange(width) / (2 * width)) >= CUTOFF
    spectrum, wanted = dctn(image, norm="ortho"), dctn(other, norm="ortho")
    gain = np.linalg.norm(wanted[fine]) / np.linalg.norm(spectrum[fine])
    return idctn(np.where(fine, gain * spectrum, spectrum), norm="ortho")


def with_local_amplitudes(image, other):
    """`image` [H, W] with the amplitude of every bin in every window taken from `other`."""
    return overlap_add(exchanged(local_spectra(image), local_spectra(other)), image.shape)


def exchanged(spectra, others):
    """The phase of `spectra` with the amplitude of `others`, complex arrays."""
    return abs(others) * np.exp(1j * np.angle(spectra))


def hann():
    """The periodic Hann window [WINDOW, WINDOW]."""
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return np.outer(line, line)


def local_spectra(image):
    """The DFTs [rows, columns, WINDOW, WINDOW] of an image [H, W] in Hann windows, beyond mirrored borders."""
    windows = view_as_windows(np.pad(image, WINDOW, mode="symmetric"), (WINDOW, WINDOW), STRIDE)
    return np.fft.fft2(windows * hann())


def overlap_add(spectra, shape):
    """The image [H, W] whose local spectra are nearest to `spectra`, in least squares (Griffin, Lim 1984)."""
    total, weight = np.zeros((2, *(size + 2 * WINDOW for size in shape)))
    windows = np.fft.ifft2(spectra).real
    for i, j in np.ndindex(windows.shape[:2]):
        place = np.s_[i * STRIDE : i * STRIDE + WINDOW, j * STRIDE : j * STRIDE + WINDOW]
        total[place] += hann() * windows[i, j]
        weight[place] += hann() ** 2
    inside = np.s_[WINDOW:-WINDOW, WINDOW:-WINDOW]
    return total[inside] / weight[inside]
