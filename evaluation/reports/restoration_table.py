"""The table of restoration: a row a measurement and method, and what the ambient model gains over the others."""

from tqdm import tqdm

from evaluation import bootstrap
from evaluation.metrics import quality
from evaluation.reports import restoration
from evaluation.reports.table import markdown
from evaluation.restorers import acsg

MEASURES = ("psnr", "ssim")

# method: what is claimed of ambient_vae_gan beside it, and whether a row bears it out: of SSIM the whole interval,
# of times, which have none, their ratio
CLAIMS = {
    "supervised": ("SSIM within 10 %", lambda row: row["ssim_ratio_low"] >= 0.9),
    "acsg": ("100 times as fast", lambda row: row["time_ratio"] >= 100),
    "non_learned": ("higher SSIM", lambda row: row["ssim_gain_low"] > 0),
}


def report(cases, arguments):
    """The table of `cases`: (rows, text).

    `arguments` has split, seed and acsg_images, on how many images ACSG runs (0: all).
    """
    rows, weights = [], {}
    with tqdm(total=sum(len(case.methods) for case in cases), unit="method", disable=None) as bar:
        for case in cases:
            measured = {}
            for method, restore in case.methods.items():
                count = arguments.acsg_images if method == "acsg" else 0
                measured[method] = restoration.quality_of(restore, case.first(count or None))
                bar.update()
            rows += [row(case, method, measured, weights) for method in measured]
    return rows, f"{tables(rows)}\n\n{protocol(cases[0], arguments)}\n"


def row(case, method, measured, weights):
    """The row of a method, and how the ambient model compares to it on the images that both restored.

    Args: `measured`, method → its Quality; `weights`, number of images → their resampling weights, filled here.
    """
    own, ambient = measured[method], measured["ambient_vae_gan"]
    count = len(own.psnr)
    if count not in weights:
        weights[count] = bootstrap.image_weights(count)
    found = {"measurement": case.settings.measurement, "setting": restoration.describe(case.settings)}
    found |= {"dataset": case.dataset, "method": method, "num_images": count}
    found |= {"seconds_per_image": own.seconds}
    for name in MEASURES:
        ours, theirs = (weights[count] @ getattr(one, name)[:count] for one in (ambient, own))
        found |= estimate(name, theirs)
        if method != "ambient_vae_gan":
            found |= estimate(f"{name}_gain", ours - theirs) | estimate(f"{name}_ratio", ours / theirs)
    found["time_ratio"] = own.seconds / ambient.seconds
    return found | verdict(found)


def verdict(row):
    """The claim about a row's method, if there is one, and whether it holds."""
    if row["method"] not in CLAIMS:
        return {}
    claim, holds = CLAIMS[row["method"]]
    return {"claim": claim, "holds": bool(holds(row))}


def estimate(name, resampled):
    """A statistic [1 + R] over resampled images: its value, and the ends of its interval."""
    low, high = bootstrap.interval(resampled)
    return {name: float(resampled[0]), f"{name}_low": low, f"{name}_high": high}


def shown(row, name, decimals, sign=""):
    """ "11.94 [11.90, 11.98]": an estimate in a row, with its interval."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:{sign}.{decimals}f} [{low:{sign}.{decimals}f}, {high:{sign}.{decimals}f}]"


# heading: a row's text
COLUMNS = {
    "measurement": lambda row: row["setting"],
    "method": lambda row: row["method"],
    "images": lambda row: f"{row['num_images']:,}",
    "PSNR (dB)": lambda row: shown(row, "psnr", 2),
    "SSIM": lambda row: shown(row, "ssim", 3),
    "ms an image": lambda row: f"{1000 * row['seconds_per_image']:.3g}",
}
GAINS = {
    "measurement": lambda row: row["setting"],
    "against": lambda row: row["method"],
    "images": lambda row: f"{row['num_images']:,}",
    "PSNR gained (dB)": lambda row: shown(row, "psnr_gain", 2, "+"),
    "SSIM gained": lambda row: shown(row, "ssim_gain", 3, "+"),
    "ratio of SSIM": lambda row: shown(row, "ssim_ratio", 3),
    "takes, times as long": lambda row: f"{row['time_ratio']:.3g}",
    "claim": lambda row: f"{row['claim']}: {'yes' if row['holds'] else 'no'}",
}


def in_markdown(columns, rows):
    """Rows under the headings `columns`, a dict of functions, in Markdown."""
    return markdown(list(columns), [[text(row) for text in columns.values()] for row in rows])


def tables(rows):
    """The rows in Markdown: what every method reaches, and what ambient_vae_gan gains over the others."""
    others = [row for row in rows if row["method"] != "ambient_vae_gan"]
    return f"{in_markdown(COLUMNS, rows)}\n\nambient_vae_gan against the others\n\n{in_markdown(GAINS, others)}"


def protocol(case, arguments):
    """How the numbers were measured."""
    return (
        f"{len(case.images):,} {arguments.split} images of {case.dataset}, measured with seed "
        f"{arguments.seed}; PSNR (range 1) and SSIM of restored against clean, per image, then averaged. "
        f"[95 % interval]: over images, of one training. Gains and ratios: paired, on the images that both restored.\n"
        f"ambient_vae_gan, supervised: posterior mean, one pass. acsg: {acsg.STEPS} steps with the ambient decoder and "
        "discriminator. non_learned: inpainting is told where the holes are, which no other method is.\n"
        f"Times: batches of {quality.parts(case.images)[0].stop}, after the first call; images with the same hole are "
        "inpainted together."
    )
