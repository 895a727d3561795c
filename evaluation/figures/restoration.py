"""What becomes of damaged images. `cases` are those of evaluation/restoration.py, one a measurement."""

from functools import partial

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, lines, picture
from evaluation.reports import restoration

# tiles in a line of the figure, and samples of a posterior
NUM_TILES, NUM_DRAWS = 18, 8
# images and steps of ACSG that are timed
NUM_TIMED, STEPS = 500, (1, 3, 10, 30, 100)


def rows(cases):
    """The first test images of every measurement: clean, measured, and restored by each method."""
    count = NUM_TILES // len(cases)
    columns = [tiles(case.first(count)) for case in cases]
    names = list(max(columns, key=len))
    figure = Figure((WIDTH, 0.3 + 0.42 * len(names)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01)
    axes = figure.subplots(len(names), len(cases), squeeze=False)
    for case, column, shown in zip(cases, axes.T, columns, strict=True):
        column[0].set_title(restoration.describe(case.settings), size=9)
        for axis, name in zip(column, names, strict=True):
            picture(axis, np.concatenate(shown.get(name, np.ones_like(shown["measured"])), axis=1))
    for axis, name in zip(axes[:, 0], names, strict=True):
        axis.set_ylabel(name, rotation=0, ha="right", va="center", size=8)
    return figure


def tiles(case):
    """The images [N, H, W, C] of a case by what they are."""
    restored = {name: restore(case.measured, case.theta) for name, restore in case.methods.items()}
    return {"original": case.images, "measured": case.measured} | restored


def variety(cases):
    """Two measured images of every measurement, and restorations by the posterior's mean and by samples of it."""
    figure = Figure((WIDTH, 0.4 + 1.25 * len(cases)), layout="constrained")
    axes = figure.subplots(len(cases), 1, squeeze=False)[:, 0]
    for case, axis in zip(cases, axes, strict=True):
        drawn = [
            [image, measured, *posterior(case.models["ambient_vae_gan"], measured)]
            for image, measured in zip(case.images[:2], case.measured[:2], strict=True)
        ]
        picture(axis, np.concatenate([np.concatenate(row, axis=1) for row in drawn]))
        axis.set_ylabel(case.settings.measurement, size=8)
        side = case.images.shape[2]
        names = ["original", "measured", "mean", *(f"{i + 1}" for i in range(NUM_DRAWS))]
        axis.set_xticks((np.arange(len(names)) + 0.5) * side - 0.5, names, size=7)
        axis.tick_params(length=0, pad=1)
    return figure


def posterior(model, measured):
    """What `model` decodes for a measured image [H, W, C]: from the posterior's mean, then from samples of it."""
    noise = tf.random.stateless_normal([NUM_DRAWS, model.latent_dim], [0, 0])
    every = tf.concat([tf.zeros_like(noise[:1]), noise], axis=0)
    return model.reconstruct(tf.repeat(measured[None], len(every), axis=0), every).numpy()


def error_against_time(cases):
    """The mean squared error against the time an image: every method, ACSG after each number of STEPS."""
    figure = Figure((WIDTH, 2.9), layout="constrained")
    axes = figure.subplots(1, len(cases), sharey=True, squeeze=False)[0]
    styles = lines(list(restoration.METHODS))
    for case, axis in zip(cases, axes, strict=True):
        for name in case.methods:
            times, errors = zip(*points(name, case.first(NUM_TIMED)), strict=True)
            axis.plot(times, errors, **styles[name])
            if len(times) > 1:
                for step, *place in zip(STEPS, times, errors, strict=True):
                    axis.annotate(step, place, xytext=(0, 5), textcoords="offset points", size=7, ha="center")
        axis.set_title(restoration.describe(case.settings), size=8)
        axis.set(xscale="log", xlabel="ms an image")
        axis.margins(0.12)
        axis.grid(alpha=0.2)
    axes[0].set(ylabel="mean squared error", ylim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    return figure


def points(name, case):
    """Milliseconds an image and mean squared error of a method; of ACSG after each number of STEPS."""
    method = case.methods[name]
    variants = [partial(method, steps=steps) for steps in STEPS] if name == "acsg" else [method]
    for variant in variants:
        found, seconds = restoration.timed(variant, case)
        yield 1000 * seconds, np.mean((found - case.images) ** 2)
