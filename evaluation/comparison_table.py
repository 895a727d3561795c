"""Tables of configurations: means over seeds, and paired differences to a baseline."""

import config
from config.errors import UserError
from evaluation import comparison, statistics
from evaluation.comparison import MEASURES
from evaluation.table import markdown

# measure: heading and decimals
HEADINGS = {
    "psnr": ("PSNR", 2),
    "ssim": ("SSIM", 3),
    "psnr_clipped": ("PSNR clipped", 2),
    "ssim_clipped": ("SSIM clipped", 3),
    "equivalent_blur": ("blur (px)", 3),
    "kl_divergence": ("KL (nats)", 2),
}


def baseline_row(baseline, names):
    """The row of the name `baseline`, or the only one of that loss.

    Raises:
        UserError: there is none, or more than one.
    """
    fitting = [name for name in names if name == baseline] or [name for name in names if name.split()[0] == baseline]
    if len(fitting) != 1:
        raise UserError(f"baseline: expected one of {', '.join(names)}, got {baseline[:80]!r}")
    return fitting[0]


def rows(found, baseline):
    """A row a configuration: means, standard deviations over seeds, intervals, differences to `baseline`."""
    return [row(name, one, found[baseline]) for name, one in found.items()]


def row(name, one, baseline):
    """The row of the Estimate `one`; a difference is `clear` where its interval excludes zero.

    With a single seed on either side the interval knows nothing of seeds, so nothing is clear.
    """
    has_seeds = min(len(one.runs), len(baseline.runs)) > 1
    measures = {}
    for measure in MEASURES:
        difference = one.means[measure] - baseline.means[measure]
        low, high = statistics.interval(difference)
        measures[measure] = {
            "mean": float(one.means[measure][0]),
            "sd": deviation(one, measure),
            "interval": statistics.interval(one.means[measure]),
            "difference": float(difference[0]),
            "difference_interval": (low, high),
            "clear": has_seeds and statistics.excludes_zero(low, high),
        }
    return {"name": name, "loss": one.runs[0].loss, "seeds": [run.seed for run in one.runs], **measures}


def deviation(one, measure):
    """The standard deviation over the seeds of an Estimate, None where there are not two."""
    return float(one.of_runs[measure][0].std(ddof=1)) if one.of_runs and len(one.runs) > 1 else None


def with_deviation(measure, found):
    """ "11.94 ± 0.02": the mean over seeds and their standard deviation."""
    decimals = HEADINGS[measure][1]
    spread = "" if found["sd"] is None else f" ± {found['sd']:.{decimals}f}"
    return f"{found['mean']:.{decimals}f}{spread}"


def with_interval(measure, found):
    """ "11.94 [11.90, 11.98]": the mean and its interval."""
    decimals = HEADINGS[measure][1]
    low, high = found["interval"]
    return f"{found['mean']:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"


def with_difference(measure, found):
    """ "**+0.52 [0.48, 0.57]**": the difference to the baseline and its interval, bold where clear."""
    decimals = HEADINGS[measure][1]
    low, high = found["difference_interval"]
    text = f"{found['difference']:+.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"
    return f"**{text}**" if found["clear"] else text


def table(lines, cell, names=tuple(MEASURES)):
    """Rows in Markdown, `cell(measure, values)` giving the text of a measure."""
    header = ["loss", "seeds", *(HEADINGS[name][0] for name in names)]
    return markdown(header, [[r["name"], str(len(r["seeds"])), *(cell(n, r[n]) for n in names)] for r in lines])


def differences(lines, baseline, names=tuple(MEASURES)):
    """The rows but the baseline's, as differences to it, in Markdown, and how to read them."""
    others = [line for line in lines if line["name"] != baseline]
    return (
        f"Difference to {baseline}, [95 % interval] over seeds and images, paired by image; bold where it excludes "
        "zero. An interval with a single seed on either side is over images alone, and never bold.\n\n"
        f"{table(others, with_difference, names)}"
    )


def protocol(found, images, arguments):
    """How the numbers were measured, and the settings the runs share."""
    defaults = config.defaults()
    shared = [f"{key}={value}" for key, value in statistics.usual_values(found).items() if value != defaults[key]]
    return (
        f"{len(images):,} {arguments.split} images of {arguments.dataset}, z = {arguments.z} (seed {arguments.seed}), "
        "PSNR in dB with range 1, of the raw and the clipped output; blur: the Gaussian, sigma in pixels, that makes "
        "the images as soft as the reconstructions. Runs have the settings of config/"
        f"{' but for ' + ', '.join(shared) if shared else ''}; a row's name has what differs."
    )


def report(found, images, arguments):
    """The table of all configurations: (rows, text). `arguments` has z, seed, split, dataset and baseline."""
    groups = statistics.configurations(found)
    baseline = baseline_row(arguments.baseline, groups)
    lines = rows(comparison.estimates(groups, images, arguments.z, arguments.seed), baseline)
    means = f"Mean ± standard deviation over seeds.\n\n{table(lines, with_deviation)}"
    parts = [means, differences(lines, baseline), protocol(found, images, arguments)]
    return lines, "\n\n".join(parts) + "\n"


def report_at_equal_kl(found, images, arguments):
    """The table of losses at equal KL divergence: (rows, text). `arguments` as above, and kl."""
    families = {
        name: list(statistics.configurations(group).values())
        for name, group in statistics.configurations(found, apart=("beta",)).items()
    }
    baseline_row(arguments.baseline, families)
    groups = {(name, i): group for name, at_betas in families.items() for i, group in enumerate(at_betas)}
    measured = comparison.estimates(groups, images, arguments.z, arguments.seed)
    by_loss = {name: [measured[name, i] for i in range(len(at_betas))] for name, at_betas in families.items()}
    matched, outside, kl = comparison.at_equal_kl(by_loss, arguments.kl)
    baseline = baseline_row(arguments.baseline, matched)
    names = [name for name in MEASURES if name != "kl_divergence"]
    lines = rows(matched, baseline)
    ranges = [f"{name}: outside, its runs have {low:.2f} to {high:.2f} nats" for name, (low, high) in outside.items()]
    parts = [
        f"At a KL divergence of {kl:.2f} nats, linear between runs at several beta: mean, [95 % interval] over "
        "seeds and images; seeds: the least at a beta.",
        table(lines, with_interval, names),
        *ranges,
        differences(lines, baseline, names),
        protocol(found, images, arguments),
    ]
    return lines, "\n\n".join(parts) + "\n"
