"""What amplitude and phase contribute to blur: the paper's Figure 1, and the same with local spectra."""

import numpy as np
from matplotlib.figure import Figure
from scipy.fft import dctn, idctn
from skimage import data
from skimage.util import view_as_windows

from evaluation.figures.style import WIDTH, show
from evaluation.metrics.blur import equivalent_blur, gaussian_blur
from evaluation.metrics.coherence import sharpness_index
from losses.dft import hann

CROP = np.s_[60:252, 144:336]
SIGMA = 2.0  # pixels
CUTOFF = 1 / 16  # cycles per pixel
WINDOW, STRIDE = 16, 4  # pixels, as in the paper
HANN = np.outer(hann(WINDOW), hann(WINDOW))


def phase_and_blur(material):
    """Show a photograph, sharp and blurred, with its fine energies or its local amplitudes exchanged.

    (a) to (d) are the paper's Figure 1, after Wang and Simoncelli 2003: everything finer than CUTOFF is
    scaled by one number. Then (c) and (d) have about the same mean power spectrum, so the same equivalent
    blur, but different local phase coherence (LPC). The cutoff is the one of four that shows this; with
    octave bands the exchange does not. (e) and (f) exchange the amplitude of every bin in every window of
    the paper's STFT. In this finer exchange the amplitude carries the blur. The photograph is
    scikit-image's `camera`.
    """
    sharp = data.camera()[CROP] / 255
    blurred = gaussian_blur(sharp[None, :, :, None], SIGMA)[0, :, :, 0]
    images = {
        "(a) sharp": sharp,
        "(c) a with the fine energy of b": with_fine_energy(sharp, blurred),
        "(e) a with local amplitudes of b": with_local_amplitudes(sharp, blurred),
        "(b) blurred": blurred,
        "(d) b with the fine energy of a": with_fine_energy(blurred, sharp),
        "(f) b with local amplitudes of a": with_local_amplitudes(blurred, sharp),
    }
    figure = Figure((WIDTH, 6.1), layout="constrained")
    for axis, (title, image) in zip(figure.subplots(2, 3).ravel(), images.items(), strict=True):
        show(axis, image)
        axis.set_title(title, size=9)
        one, original = image[None, :, :, None], sharp[None, :, :, None]
        axis.set_xlabel(f"blur {equivalent_blur(one, original):.1f} px, LPC {sharpness_index(one)[0]:.2f}", size=8)
    figure.supxlabel(
        f"fine: above 1/{1 / CUTOFF:.0f} cycles per pixel; local: in Hann windows of {WINDOW} x {WINDOW} pixels, "
        f"stride {STRIDE}",
        size=8,
    )
    figure.get_layout_engine().set(h_pad=0.08)
    return figure


def with_fine_energy(image, other):
    """Return `image` [H, W] with everything finer than CUTOFF scaled to the energy that it has in `other`.

    No phase changes. The transform is the cosine transform: mirrored borders.
    """
    height, width = image.shape
    fine = np.hypot.outer(np.arange(height) / (2 * height), np.arange(width) / (2 * width)) >= CUTOFF
    spectrum, wanted = dctn(image, norm="ortho"), dctn(other, norm="ortho")
    gain = np.linalg.norm(wanted[fine]) / np.linalg.norm(spectrum[fine])
    return idctn(np.where(fine, gain * spectrum, spectrum), norm="ortho")


def with_local_amplitudes(image, other):
    """Return `image` [H, W] with the amplitude of every bin in every window taken from `other`."""
    return overlap_add(exchanged(local_spectra(image), local_spectra(other)), image.shape)


def exchanged(spectra, others):
    """Return complex numbers with the phase of `spectra` and the amplitude of `others`."""
    return abs(others) * np.exp(1j * np.angle(spectra))


def local_spectra(image):
    """Return the DFTs [rows, columns, WINDOW, WINDOW] of an image [H, W] in Hann windows, borders mirrored."""
    windows = view_as_windows(np.pad(image, WINDOW, mode="symmetric"), (WINDOW, WINDOW), STRIDE)
    return np.fft.fft2(windows * HANN)


def overlap_add(spectra, shape):
    """Return the image [H, W] whose local spectra are nearest to `spectra`, in least squares (Griffin, Lim 1984)."""
    total, weight = np.zeros((2, *(size + 2 * WINDOW for size in shape)))
    windows = np.fft.ifft2(spectra).real
    for i, j in np.ndindex(windows.shape[:2]):
        place = np.s_[i * STRIDE : i * STRIDE + WINDOW, j * STRIDE : j * STRIDE + WINDOW]
        total[place] += HANN * windows[i, j]
        weight[place] += HANN**2
    inside = np.s_[WINDOW:-WINDOW, WINDOW:-WINDOW]
    return total[inside] / weight[inside]
