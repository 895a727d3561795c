"""The PSNR and SSIM of checkpoints, next to the paper's Table 1."""

# loss: the paper's PSNR (dB) and SSIM
PAPER = {
    "l2": (10.20, 0.41),
    "l1": (10.13, 0.32),
    "ssim": (11.38, 0.495),
    "dft+ssim": (11.51, 0.486),
    "ours": (11.93, 0.492),
}

# heading: a row's text
COLUMNS = {
    "loss": lambda row: row["loss"],
    "epochs": lambda row: "" if row["epochs"] is None else f"{row['epochs']:.3g}",
    "PSNR": lambda row: f"{row['psnr']:.2f}",
    "SSIM": lambda row: f"{row['ssim']:.3f}",
    "PSNR clipped": lambda row: f"{row['psnr_clipped']:.2f}",
    "SSIM clipped": lambda row: f"{row['ssim_clipped']:.3f}",
    "paper PSNR": lambda row: "" if row["paper_psnr"] is None else f"{row['paper_psnr']:.2f}",
    "paper SSIM": lambda row: "" if row["paper_ssim"] is None else f"{row['paper_ssim']:g}",
}


def row(loss, quality, **facts):
    """A row of the table: means over the images, the paper's numbers, and `facts`."""
    paper_psnr, paper_ssim = PAPER.get(loss, (None, None))
    means = {name: float(values.mean()) for name, values in quality.items()}
    paper = {"paper_psnr": paper_psnr, "paper_ssim": paper_ssim}
    return {"loss": loss, **means, **paper, "num_images": len(quality["psnr"]), **facts}


def protocol(rows):
    """How the numbers were measured, in a line."""
    first = rows[0]
    return (
        f"{first['num_images']:,} {first['split']} images of {first['dataset']}, z = {first['z']} "
        f"(seed {first['seed']}), PSNR in dB with range 1, per image, then averaged"
    )


def quality_table(rows):
    """The table of PSNR and SSIM in Markdown."""
    return markdown(list(COLUMNS), [[text(row) for text in COLUMNS.values()] for row in rows])


def markdown(header, rows):
    """A header and rows of cells, all text, as a Markdown table: columns aligned, the first to the left."""
    columns = [_aligned(cells, left=i == 0) for i, cells in enumerate(zip(header, *rows, strict=True))]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _aligned(cells, left):
    """A column's cells padded to one width, the rule under the heading among them."""
    width = max(map(len, cells))
    padded = [cell.ljust(width) if left else cell.rjust(width) for cell in cells]
    rule = "-" * width if left else "-" * (width - 1) + ":"
    return [padded[0], rule, *padded[1:]]
