"""The figures by name. To add one, write a function and add its line to FIGURES.

Images are shown on the fixed scale [0, 1]. Lines differ in lightness, dashes and marker, and classes are shown as
their digit, so no figure needs its colours.
"""

from evaluation.figures import colour, curves, digits, kernels, latents, phase, restoration, sensitivity, spectra
from evaluation.figures.material import Material as Material
from evaluation.figures.style import save as save

# what is shown → name of the file → function that returns a matplotlib figure, or None where nothing fits. The
# function takes a Material or, for "restoration", the cases of evaluation/restoration.py
FIGURES = {
    "digits": {
        "losses": digits.reconstructions,
        "samples": digits.samples,
        "manifolds": latents.manifolds,
        "latents": latents.planes,
        "curves": curves.training,
        "spectra": spectra.spectra,
        "phase": phase.phase_and_blur,
        "probe": sensitivity.of_models,
        "kernels": kernels.over_epochs,
    },
    "colour": {
        "comparison": colour.comparison,
        "kernels": kernels.over_epochs,
    },
    "restoration": {
        "restored": restoration.examples,
        "posterior": restoration.variety,
        "restoring_time": restoration.error_against_time,
    },
}
