"""Sharpness against distortion: a point for each row of a table of runs, a curve for each loss over its weight."""

from evaluation.figures.style import lines, panels
from evaluation.markdown import display_name
from evaluation.metrics import METRICS
from losses import TERMS

SHARPNESS = ("equivalent_blur", "shape_blur", "lpips")


def frontier(rows):
    """Plot blur, and where they are known the blur of shapes and LPIPS, over PSNR. Best is below on the right.

    Rows that differ only in the weight of a term are joined. Bars are standard deviations over seeds.

    Args: `rows`, as of comparison_table.row.
    """
    shown = {METRICS[name].heading: name for name in SHARPNESS if name in rows[0]}
    figure, axes = panels([*shown], 3.2)
    styles = lines([*dict.fromkeys(curve_of(row["name"]) for row in rows)])
    for curve, style in styles.items():
        points = sorted((row for row in rows if curve_of(row["name"]) == curve), key=lambda row: row["psnr"]["mean"])
        for heading, name in shown.items():
            (x, dx), (y, dy) = (zip(*(ends(row[metric]) for row in points), strict=True) for metric in ("psnr", name))
            axes[heading].errorbar(x, y, dy, dx, elinewidth=0.8, **style | {"label": display_name(curve)})
    for axis in axes.values():
        axis.set_xlabel(f"{METRICS['psnr'].heading} (dB)")
        axis.grid(alpha=0.2)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
    return figure


def curve_of(name):
    """Return the name of a row without the weights of terms: "ours stft_coef=0.1 arg_coef=0" → "ours arg_coef=0"."""
    weights = {term.weight for term in TERMS.values()}
    return " ".join(word for word in name.split() if word.partition("=")[0] not in weights)


def ends(value):
    """Return the mean of a metric and its deviation over seeds, 0 if there is one seed."""
    return value["mean"], value["sd"] or 0
