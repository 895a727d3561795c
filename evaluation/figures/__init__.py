"""The figures by name. Adding one is a function and its line in FIGURES, or in COLOUR.

Pictures are on the fixed scale [0, 1]. Lines differ in lightness, dashes and marker, classes are
drawn as their digit: no figure needs its colours.
"""

from evaluation.figures import colour, curves, digits, kernels, latents, phase, restoration, sensitivity, spectra
from evaluation.figures.material import Material as Material

# name of the file: function(material) → a matplotlib figure, or None where there is nothing to draw
FIGURES = {
    "losses": digits.reconstructions,
    "samples": digits.samples,
    "manifolds": latents.manifolds,
    "latents": latents.planes,
    "curves": curves.training,
    "spectra": spectra.spectra,
    "phase": phase.phase_and_blur,
    "probe": sensitivity.of_models,
    "kernels": kernels.over_epochs,
}

# the same of colour images
COLOUR = {
    "comparison": colour.comparison,
    "kernels": kernels.over_epochs,
}

# of restored images: function(cases) → a matplotlib figure
RESTORATIONS = {
    "restored": restoration.rows,
    "posterior": restoration.variety,
    "restoring_time": restoration.error_against_time,
}
