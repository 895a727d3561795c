"""Tables of configurations: means over seeds, and paired differences to baselines."""

import config
from config.system.errors import UserError
from evaluation import bootstrap
from evaluation.metrics import perceptual
from evaluation.reports import comparison
from evaluation.reports.comparison import MEASURES
from evaluation.reports.table import markdown

# measure: heading and decimals
HEADINGS = {
    "psnr": ("PSNR", 2),
    "ssim": ("SSIM", 3),
    "psnr_clipped": ("PSNR clipped", 2),
    "ssim_clipped": ("SSIM clipped", 3),
    "equivalent_blur": ("blur (px)", 3),
    "sample_blur": ("blur of samples (px)", 3),
    "lpips": ("LPIPS", 3),
    "fid": ("FID", 1),
    "sample_fid": ("FID of samples", 1),
    "kl_divergence": ("KL (nats)", 2),
}


def baseline_rows(labels, names):
    """The rows of the comma-separated `labels`, each the row's name or its loss if that has one row: label → row.

    Raises:
        UserError: there is none, or more than one.
    """
    return {label.strip(): baseline_row(label.strip(), names) for label in labels.split(",") if label.strip()}


def baseline_row(label, names):
    """The row of the name `label`, or the only one of that loss.

    Raises:
        UserError: there is none, or more than one.
    """
    fitting = [name for name in names if name == label] or [name for name in names if name.split()[0] == label]
    if len(fitting) != 1:
        raise UserError(f"baseline: expected one of {', '.join(names)}, got {label[:80]!r}")
    return fitting[0]


def differences(found, baselines):
    """The Estimate of every difference, "ours - l2", a pair once. Args: `baselines`, a dict of label → row."""
    estimates, seen = {}, set()
    for label, baseline in baselines.items():
        seen.add(baseline)
        others = {name: one for name, one in found.items() if name not in seen}
        estimates |= {f"{name} - {label}": comparison.difference(one, found[baseline]) for name, one in others.items()}
    return estimates


def row(name, one):
    """The row of the Estimate `one`: of every measure the mean, the standard deviation over seeds, the interval.

    A difference is `clear` where its interval excludes zero. With a single seed the interval knows
    nothing of seeds, so nothing is clear.
    """
    measures = {}
    for measure in one.means:
        low, high = bootstrap.interval(one.means[measure])
        measures[measure] = {
            "mean": float(one.means[measure][0]),
            "sd": deviation(one, measure),
            "interval": (low, high),
            "clear": len(one.runs) > 1 and bootstrap.excludes_zero(low, high),
        }
    return {"name": name, "seeds": [run.seed for run in one.runs], **measures}


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


def with_sign(measure, found):
    """ "**+0.52 [0.48, 0.57]**": a difference and its interval, bold where clear of zero."""
    text = with_interval(measure, found)
    text = text if found["mean"] < 0 else f"+{text}"
    return f"**{text}**" if found["clear"] else text


def table(heading, lines, cell, names=tuple(MEASURES)):
    """Rows in Markdown, `cell(measure, values)` giving the text of a measure."""
    header = [heading, "seeds", *(HEADINGS[name][0] for name in names)]
    return markdown(header, [[r["name"], str(len(r["seeds"])), *(cell(n, r[n]) for n in names)] for r in lines])


def table_of_differences(lines, names=tuple(MEASURES)):
    """Rows that are differences, in Markdown, and how to read them."""
    return (
        "Differences, [95 % interval] over seeds and images, paired by image and, where they are the same, by seed; "
        "bold where it excludes zero. Seeds: the fewer of the two; with a single one it is never bold.\n\n"
        f"{table('difference', lines, with_sign, names)}"
    )


def protocol(found, images, arguments):
    """How the numbers were measured, and the settings the runs share."""
    defaults = config.defaults()
    usual = bootstrap.usual_values(found)
    apart = ("beta",) if arguments.match else ()
    shared = [f"{key}={value}" for key, value in usual.items() if value != defaults[key] and key not in apart]
    return (
        f"{len(images):,} {arguments.split} images of {arguments.dataset}, z = {arguments.z} (seed {arguments.seed}), "
        "PSNR in dB with range 1, of the raw and the clipped output; blur: the Gaussian, sigma in pixels, that makes "
        "the images as soft as the reconstructions, or as samples of the prior. Runs have the settings of config/"
        f"{' but for ' + ', '.join(shared) if shared else ''}; a row's name has what differs."
        f"{perceptual.protocol(images, arguments) if arguments.perceptual else ''}"
    )


def estimates(groups, images, arguments):
    """The Estimates of groups of runs, with LPIPS and FID if `arguments` ask for them."""
    further = perceptual.Perceptual(images, arguments) if arguments.perceptual else None
    return comparison.estimates(groups, images, arguments.z, arguments.seed, further)


def measures(found):
    """The measures that Estimates have, a dict by name, in the order of their headings."""
    return [name for name in HEADINGS if name in next(iter(found.values())).means]


def report(found, images, arguments):
    """The table of all configurations: (rows, text). `arguments` has z, seed, split, dataset, baseline, perceptual."""
    groups = bootstrap.configurations(found)
    baselines = baseline_rows(arguments.baseline, groups)
    measured = estimates(groups, images, arguments)
    names = measures(measured)
    lines = [row(name, one) for name, one in measured.items()]
    apart = [row(name, one) for name, one in differences(measured, baselines).items()]
    means = f"Mean ± standard deviation over seeds.\n\n{table('loss', lines, with_deviation, names)}"
    parts = [means, table_of_differences(apart, names), protocol(found, images, arguments)]
    return lines + apart, "\n\n".join(parts) + "\n"


def report_at_equal_kl(found, images, arguments):
    """The table of losses at equal KL divergence: (rows, text). `arguments` as above, and kl.

    Raises:
        UserError: every loss has runs at one beta only.
    """
    every = {
        name: list(bootstrap.configurations(group).values())
        for name, group in bootstrap.configurations(found, apart=("beta",)).items()
    }
    families = {name: at_betas for name, at_betas in every.items() if len(at_betas) > 1}
    if not families:
        raise UserError(f"match: expected runs at several values of beta, got one of each of {', '.join(every)}")
    baseline_rows(arguments.baseline, families)
    groups = {(name, i): group for name, at_betas in families.items() for i, group in enumerate(at_betas)}
    measured = estimates(groups, images, arguments)
    by_loss = {name: [measured[name, i] for i in range(len(at_betas))] for name, at_betas in families.items()}
    matched, outside, kl = comparison.at_equal_kl(by_loss, arguments.kl)
    names = [name for name in measures(matched) if name != "kl_divergence"]
    lines = [row(name, one) for name, one in matched.items()]
    baselines = baseline_rows(arguments.baseline, matched)
    apart = [row(name, one) for name, one in differences(matched, baselines).items()]
    left_out = [f"{name}: outside, its runs have {low:.2f} to {high:.2f} nats" for name, (low, high) in outside.items()]
    left_out += [f"{name}: left out, its runs have one beta" for name in every if name not in families]
    parts = [
        f"At a KL divergence of {kl:.2f} nats, linear between runs at several beta: mean, [95 % interval] over "
        "seeds and images; seeds: the least at a beta.",
        table("loss", lines, with_interval, names),
        *left_out,
        table_of_differences(apart, names),
        protocol(found, images, arguments),
    ]
    return lines + apart, "\n\n".join(parts) + "\n"
