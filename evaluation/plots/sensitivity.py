"""How every loss grows under a controlled disturbance, before any training."""

from matplotlib.figure import Figure

from evaluation import probe
from evaluation.drawn import drawn
from evaluation.plots.style import WIDTH, lines


def of_models(material):
    """The probe of the losses that the models were trained with."""
    losses = {loss: probe.of_pictures(m.reconstruction_loss, m.output_space) for loss, m in material.models.items()}
    return sensitivity(probe.responses(losses, drawn(material.images[: probe.NUM_IMAGES])))


def sensitivity(responses):
    """Every loss against blur, shift and noise, as `probe.responses` gives them."""
    figure = Figure((WIDTH, 3.0), layout="constrained")
    axes = figure.subplots(1, len(responses), sharey=True)
    for axis, (name, values) in zip(axes, responses.items(), strict=True):
        for loss, style in lines(list(values)).items():
            axis.plot(probe.DISTURBANCES[name].strengths, values[loss], **style, markersize=4, label=loss)
        axis.axhline(1, color="0.5", linewidth=0.8)
        axis.set_xlabel(f"{name} ({probe.DISTURBANCES[name].unit})")
        axis.grid(alpha=0.2)
    axes[0].set_ylabel("loss (blank image: 1)")
    axes[0].legend(fontsize="small")
    return figure
