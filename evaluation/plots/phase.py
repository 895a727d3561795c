"""What amplitude and phase do to blur: the paper's Figure 1, and the same with local spectra."""

import numpy as np
from matplotlib.figure import Figure
from scipy.fft import dctn, idctn
from skimage import data
from skimage.util import view_as_windows

from evaluation.blur import equivalent_blur, gaussian_blur
from evaluation.plots.style import WIDTH, picture

CROP = np.s_[40:296, 120:376]
SIGMA = 2.0  # pixels
WINDOW, STRIDE = 16, 4  # the paper's


def phase_and_blur(material):
    """A photograph, sharp and blurred, with the energies of bands and the local amplitudes exchanged.

    (a) to (d) are the paper's Figure 1, after Wang and Simoncelli 2003. There a band's energy changes
    as one number. (e) and (f) exchange the amplitude of every bin in every window of the paper's
    STFT: then it is the amplitude that carries the blur. The picture is scikit-image's `camera`.
    """
    sharp = data.camera()[CROP] / 255
    blurred = gaussian_blur(sharp[None, :, :, None], SIGMA)[0, :, :, 0]
    images = {
        "(a) sharp": sharp,
        "(c) a, octave energies of b": with_octave_energies(sharp, blurred),
        "(e) local phase of a,\nlocal amplitude of b": with_local_amplitudes(sharp, blurred),
        "(b) blurred": blurred,
        "(d) b, octave energies of a": with_octave_energies(blurred, sharp),
        "(f) local phase of b,\nlocal amplitude of a": with_local_amplitudes(blurred, sharp),
    }
    figure = Figure((WIDTH, 5.7), layout="constrained")
    for axis, (title, image) in zip(figure.subplots(2, 3).ravel(), images.items(), strict=True):
        picture(axis, image)
        axis.set_title(title, size=9)
        blur = equivalent_blur(image[None, :, :, None], sharp[None, :, :, None])
        axis.set_xlabel(f"blur {blur:.1f} px", size=8)
    return figure


def octaves(shape):
    """The octave of every frequency of the cosine transform: 0 the finest, from ¼ cycle a pixel up."""
    height, width = shape
    radius = np.hypot.outer(np.arange(height) / (2 * height), np.arange(width) / (2 * width))
    coarsest = int(np.log2(min(shape))) - 1
    with np.errstate(divide="ignore"):
        return np.clip(np.floor(-np.log2(radius)) - 1, 0, coarsest).astype(int)


def with_octave_energies(image, other):
    """`image` [H, W] with every octave scaled by one number to the energy it has in `other`.

    No phase changes. Cosine transform: mirrored borders.
    """
    octave = octaves(image.shape).ravel()
    spectrum = dctn(image, norm="ortho")
    energy, wanted = (np.bincount(octave, dctn(x, norm="ortho").ravel() ** 2) for x in (image, other))
    gains = np.sqrt(wanted / energy)[octave]
    return idctn(spectrum * gains.reshape(image.shape), norm="ortho")


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
