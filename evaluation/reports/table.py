"""Print PSNR and SSIM of the five shipped losses beside those of the paper.

    python evaluate.py
    python evaluate.py --loss=ours,my_run --z=mean
    python evaluate.py --loss=sharp-colour --perceptual=1000

The protocol is that of the paper: raw output of the decoder, latents sampled from the posterior, means over images.
Each model is measured on the data set that it was trained on, unless flags choose another.
"""

from config.command_line import checkpoint_files
from config.system.errors import UserError
from evaluation import markdown
from evaluation.reports import add_images, add_latents, add_output, add_perceptual, begin, publish, trained_on

# loss: PSNR (dB) and SSIM in Table 1 of the paper. The checkpoints of these losses are shipped
PAPER = {
    "l2": (10.20, 0.41),
    "l1": (10.13, 0.32),
    "ssim": (11.38, 0.495),
    "dft+ssim": (11.51, 0.486),
    "ours": (11.93, 0.492),
}
PAPER_LOSSES = ",".join(PAPER)
COLUMNS = ("psnr", "ssim", "psnr_clipped", "ssim_clipped")


def add_flags(parser):
    """Add the flags of this report to a Parser."""
    parser.add_checkpoints(PAPER_LOSSES)
    add_perceptual(parser)
    add_latents(parser)
    add_images(parser, "what each model was trained on")
    add_output(parser)


def main(flags):
    """Print and write the table.

    Raises:
        UserError: a checkpoint is missing or is for images of another shape, or the images cannot be loaded.
    """
    files = checkpoint_files(flags, PAPER_LOSSES)
    begin(flags)
    import data
    from evaluation import comparison
    from models import checkpoint

    if flags.perceptual is not None:
        comparison.require_perceptual(flags.perceptual)
    sets, rows = {}, []
    for name, path in files.items():
        model, manifest = checkpoint.load_model(path)
        source = trained_on(flags, manifest)
        if source not in sets:
            sets[source] = measured_on(data.load(*source).images, flags.perceptual)
        protocol = comparison.Protocol(source[0], flags.split, flags.z, flags.seed, sets[source].first)
        rows.append(row(name, model, manifest, sets[source], protocol))
    publish(flags, "table", f"{table(rows)}\n\n{caption(rows, flags.z, flags.seed)}\n", rows)


def measured_on(images, perceptual):
    """Return images [N, H, W, C] as what metrics compare with, without resamples: the table has no intervals.

    Args: `perceptual`, the number of images for KID and FID, None for none.
    """
    from evaluation.comparison import Resamples

    return Resamples(images, None if perceptual is None else min(perceptual, len(images)), count=0)


def row(name, model, manifest, test, protocol):
    """Return the row of a checkpoint: its metrics, the paper's numbers, and facts.

    Args: `test`, the test images, as `measured_on` returns them; `protocol`, a comparison.Protocol.

    Raises:
        UserError: the model is for images of another shape.
    """
    from evaluation import comparison
    from evaluation.metrics import METRICS, OF_IMAGES
    from models import checkpoint

    if model.image_shape != test.images.shape[1:]:
        raise UserError(f"{name}: expected images of {test.images.shape[1:]}, got a model of {model.image_shape}")
    wanted = [metric for metric in protocol.metrics() if metric in OF_IMAGES or METRICS[metric].perceptual]
    found = comparison.of_model(model, test, protocol, wanted)
    metrics = {metric: float(value[0]) for metric, value in found.items()}
    paper_psnr, paper_ssim = PAPER.get(name, (None, None))
    paper = {"paper_psnr": paper_psnr, "paper_ssim": paper_ssim}
    how = {"dataset": protocol.dataset, "split": protocol.split, "z": protocol.latents, "seed": protocol.seed}
    how |= {"num_images": len(test.images), "channels": test.images.shape[-1], "perceptual": protocol.perceptual}
    facts = {"output_space": manifest["output_space"], "epochs": checkpoint.epochs(manifest)}
    return {"loss": name, **metrics, **paper, **how, **facts, "damage": damage(manifest)}


def damage(manifest):
    """Return the measurement through which a checkpoint's model sees the images, in words, or None."""
    from models import checkpoint

    settings = checkpoint.configuration(manifest)
    if settings.model != "ambient_vae_gan":
        return None
    from evaluation.restoration import described

    return described(settings)


def caption(rows, z, seed):
    """Return what the rows are measured on, and how; where the data sets differ, also which row on which."""
    from evaluation import scoring

    datasets = {row["dataset"]: row for row in rows}
    texts = []
    for dataset, one in datasets.items():
        names = ", ".join(markdown.display_name(row["loss"]) for row in rows if row["dataset"] == dataset)
        of = f" ({names})" if len(datasets) > 1 else ""
        texts.append(f"{one['num_images']:,} {one['split']} images of {dataset}{of}")
    damaged = [
        f"\n{markdown.display_name(row['loss'])} restores: it sees each image damaged ({row['damage']}) and is scored "
        "against the clean one; `evaluate.py restore` compares it with other methods."
        for row in rows
        if row["damage"]
    ]
    fewest = min(rows, key=lambda row: row["channels"])
    perceptual = scoring.perceptual_caption(perceptual_columns(rows), fewest["perceptual"], fewest["channels"])
    return scoring.caption(" and ".join(texts), z, seed) + perceptual + "".join(damaged)


def perceptual_columns(rows):
    """Return the names of the perceptual metrics that a row has."""
    from evaluation.metrics import METRICS

    return [name for name, metric in METRICS.items() if metric.perceptual and any(name in row for row in rows)]


def table(rows):
    """Return the rows in Markdown."""
    from evaluation.metrics import METRICS

    names = [*COLUMNS, *perceptual_columns(rows)]
    header = ["loss", "epochs", *(METRICS[name].heading for name in names), "paper PSNR", "paper SSIM"]
    return markdown.table(header, [cells(row, names) for row in rows])


def cells(row, names):
    """Return the cells of a row, those of the metrics `names` among them."""
    from evaluation.metrics import METRICS

    return [
        markdown.display_name(row["loss"]),
        "" if row["epochs"] is None else f"{row['epochs']:.3g}",
        *(markdown.number(row[name], METRICS[name].decimals) if name in row else "" for name in names),
        "" if row["paper_psnr"] is None else f"{row['paper_psnr']:.2f}",
        "" if row["paper_ssim"] is None else f"{row['paper_ssim']:g}",
    ]
