"""Print PSNR and SSIM of the five shipped losses beside those of the paper.

    python evaluate.py
    python evaluate.py --loss=ours,my_run --z=mean

The protocol is that of the paper: raw output of the decoder, latents sampled from the posterior, means over images.
Each model is measured on the data set that it was trained on, unless flags choose another.
"""

from config.command_line import checkpoint_files
from config.system.errors import UserError
from evaluation import markdown
from evaluation.reports import add_images, add_latents, add_output, begin, publish, trained_on

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
    from models import checkpoint

    images, rows = {}, []
    for name, path in files.items():
        model, manifest = checkpoint.load_model(path)
        source = trained_on(flags, manifest)
        if source not in images:
            images[source] = data.load(*source).images
        protocol = {"dataset": source[0], "split": flags.split, "z": flags.z, "seed": flags.seed}
        rows.append(row(name, model, manifest, images[source], **protocol))
    publish(flags, "table", f"{table(rows)}\n\n{caption(rows, flags.z, flags.seed)}\n", rows)


def row(name, model, manifest, images, **protocol):
    """Return the row of a checkpoint: means over the images, the paper's numbers, and facts.

    Args: `protocol` has dataset, split, z and seed.

    Raises:
        UserError: the model is for images of another shape.
    """
    from evaluation import scoring
    from models import checkpoint

    if model.image_shape != images.shape[1:]:
        raise UserError(f"{name}: expected images of {images.shape[1:]}, got a model of {model.image_shape}")
    scores = scoring.score(model, images, latents=protocol["z"], seed=protocol["seed"])
    means = {metric: float(values.mean()) for metric, values in scores.items()}
    paper_psnr, paper_ssim = PAPER.get(name, (None, None))
    paper = {"paper_psnr": paper_psnr, "paper_ssim": paper_ssim, "num_images": len(images)}
    facts = {"output_space": manifest["output_space"], "epochs": checkpoint.epochs(manifest)}
    return {"loss": name, **means, **paper, **protocol, **facts, "damage": damage(manifest)}


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
    return scoring.caption(" and ".join(texts), z, seed) + "".join(damaged)


def table(rows):
    """Return the rows in Markdown."""
    from evaluation.metrics import METRICS

    header = ["loss", "epochs", *(METRICS[name].heading for name in COLUMNS), "paper PSNR", "paper SSIM"]
    return markdown.table(header, [cells(row, METRICS) for row in rows])


def cells(row, metrics):
    """Return the cells of a row."""
    return [
        markdown.display_name(row["loss"]),
        "" if row["epochs"] is None else f"{row['epochs']:.3g}",
        *(markdown.number(row[name], metrics[name].decimals) for name in COLUMNS),
        "" if row["paper_psnr"] is None else f"{row['paper_psnr']:.2f}",
        "" if row["paper_ssim"] is None else f"{row['paper_ssim']:g}",
    ]
