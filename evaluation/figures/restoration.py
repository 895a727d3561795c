"""Damaged images and what restores them. `cases` are those of evaluation/restoration.py, one for each measurement."""

from functools import partial

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from evaluation.figures.style import WIDTH, label_columns, label_row, lines, show, show_row
from evaluation.restoration import DISPLAY_NAMES, timed

# images in a row of the figure, and samples of a posterior
NUM_IMAGES, NUM_SAMPLES = 18, 8
# images and steps of ACSG for the times
NUM_TIMED, STEPS = 500, (1, 3, 10, 30, 100)


def examples(cases):
    """Show the first test images of every measurement: clean, damaged, and as each method restores them."""
    count = NUM_IMAGES // len(cases)
    columns = [images_of(case.first(count)) for case in cases]
    names = list(max(columns, key=len))
    figure = Figure((WIDTH, 0.3 + 0.42 * len(names)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01)
    axes = figure.subplots(len(names), len(cases), squeeze=False)
    for case, column, images in zip(cases, axes.T, columns, strict=True):
        column[0].set_title(case.setting, size=9)
        for axis, name in zip(column, names, strict=True):
            show_row(axis, images.get(name, np.ones_like(case.images[:count])))
    for axis, name in zip(axes[:, 0], names, strict=True):
        label_row(axis, name)
    return figure


def images_of(case):
    """Return the images [N, H, W, C] of a case by the name that a figure shows."""
    restored = {DISPLAY_NAMES[name]: restore(case.measured, case.theta) for name, restore in case.restorers.items()}
    return {"clean": case.images, "damaged": case.measured} | restored


def variety(cases):
    """Show two damaged images of every measurement, and what the posterior's mean and samples of it restore."""
    figure = Figure((WIDTH, 0.4 + 1.25 * len(cases)), layout="constrained")
    axes = figure.subplots(len(cases), 1, squeeze=False)[:, 0]
    for case, axis in zip(cases, axes, strict=True):
        rows = [
            [image, measured, *posterior(case.model, measured)]
            for image, measured in zip(case.images[:2], case.measured[:2], strict=True)
        ]
        show(axis, np.concatenate([np.concatenate(row, axis=1) for row in rows]))
        axis.set_ylabel(case.measurement, size=8)
        names = ["clean", "damaged", "mean", *(f"sample {i + 1}" for i in range(NUM_SAMPLES))]
        label_columns(axis, names, case.images.shape[2])
    return figure


def posterior(model, measured):
    """Return what `model` decodes for a measured image [H, W, C]: from the posterior mean, then from samples."""
    noise = tf.random.stateless_normal([NUM_SAMPLES, model.latent_dim], [0, 0])
    every = tf.concat([tf.zeros_like(noise[:1]), noise], axis=0)
    return model.reconstruct(tf.repeat(measured[None], len(every), axis=0), every).numpy()


def error_against_time(cases):
    """Plot the mean squared error over the time per image for each method, and for ACSG after each of STEPS."""
    figure = Figure((WIDTH, 2.9), layout="constrained")
    axes = figure.subplots(1, len(cases), sharey=True, squeeze=False)[0]
    styles = lines(list(DISPLAY_NAMES.values()))
    for case, axis in zip(cases, axes, strict=True):
        for name in case.restorers:
            times, errors = zip(*points(name, case.first(NUM_TIMED)), strict=True)
            axis.plot(times, errors, **styles[DISPLAY_NAMES[name]])
            if len(times) > 1:
                for step, *place in zip(STEPS, times, errors, strict=True):
                    axis.annotate(step, place, xytext=(0, 5), textcoords="offset points", size=7, ha="center")
        axis.set_title(case.setting, size=8)
        axis.set(xscale="log", xlabel="ms per image")
        axis.margins(0.12)
        axis.grid(alpha=0.2)
    axes[0].set(ylabel="mean squared error", ylim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    return figure


def points(name, case):
    """Yield the time per image (ms) and the mean squared error of a method, for ACSG after each of STEPS."""
    restore = case.restorers[name]
    variants = [partial(restore, steps=steps) for steps in STEPS] if name.startswith("acsg") else [restore]
    for variant in variants:
        restored, seconds = timed(variant, case)
        yield 1000 * seconds, np.mean((restored - case.images) ** 2)
