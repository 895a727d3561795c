"""How every loss grows under a controlled disturbance, before any training."""

from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, lines
from evaluation.metrics.display import drawn
from evaluation.reports import probe


def of_models(material):
    """The probe of the losses that the models were trained with, and of their terms; None if no model has such a loss.

    Left out are models whose loss is no function of image and reconstruction alone.
    """
    losses = {loss: model.reconstruction_loss for loss, model in material.models.items() if model.reconstruction_loss}
    if not losses:
        return None
    return sensitivity(probe.responses(probe.with_terms(losses), drawn(material.images[: probe.NUM_IMAGES])))


def sensitivity(responses):
    """Every loss against blur, shift and noise, as `probe.responses` gives them."""
    figure = Figure((WIDTH, 3.6), layout="constrained")
    axes = figure.subplots(1, len(responses), sharey=True)
    for axis, (name, values) in zip(axes, responses.items(), strict=True):
        for loss, style in lines(list(values)).items():
            axis.plot(probe.DISTURBANCES[name].strengths, values[loss], **style)
        axis.axhline(1, color="0.5", linewidth=0.8)
        axis.set_xlabel(f"{name} ({probe.DISTURBANCES[name].unit})")
        axis.grid(alpha=0.2)
    axes[0].set_ylabel("loss (blank image: 1)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    return figure
