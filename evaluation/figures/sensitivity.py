"""How every loss grows when images are disturbed by a known amount, before any training."""

from matplotlib.figure import Figure

from evaluation import probe
from evaluation.figures.style import WIDTH, lines
from evaluation.markdown import display_name
from evaluation.metrics.display import as_displayed
from losses.base import ReconstructionLoss


def of_models(material):
    """Plot the probe of the losses that the models were trained with, and of their terms.

    Models that have no loss of image and reconstruction alone are left out. None if no model has one.
    """
    found = {name: getattr(model, "reconstruction_loss", None) for name, model in material.models.items()}
    losses = {name: loss for name, loss in found.items() if isinstance(loss, ReconstructionLoss)}
    if not losses:
        return None
    probed = {display_name(name): loss for name, loss in probe.with_terms(losses).items()}
    return sensitivity(probe.responses(probed, as_displayed(material.images[: probe.NUM_IMAGES])))


def sensitivity(responses):
    """Plot every loss over blur, shift and noise. `responses` are those of the probe: disturbance → loss → values."""
    figure = Figure((WIDTH, 3.6), layout="constrained")
    axes = figure.subplots(1, len(responses), sharey=True)
    for axis, (name, values) in zip(axes, responses.items(), strict=True):
        styles = lines([display_name(loss) for loss in values]).values()
        for curve, style in zip(values.values(), styles, strict=True):
            axis.plot(probe.DISTURBANCES[name].strengths, curve, **style)
        axis.axhline(1, color="0.5", linewidth=0.8)
        axis.set_xlabel(f"{name} ({probe.DISTURBANCES[name].unit})")
        axis.grid(alpha=0.2)
    axes[0].set_ylabel("loss (blank image: 1)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    return figure
