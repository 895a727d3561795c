"""Numbers, intervals, names and tables in Markdown."""

DISPLAY_NAMES = {
    "l1": "L1",
    "l2": "L2",
    "ssim": "SSIM",
    "bce": "BCE",
    "ffl": "FFL",
    "dft": "DFT",
    "stft": "STFT",
    "dft+ssim": "DFT+SSIM",
    "l2+ffl": "L2+FFL",
    "ours": "STFT+SSIM (paper)",
    "ours-corrected": "STFT+SSIM (corrected)",
    "ours-released": "STFT+SSIM (released code)",
    "blur_error_vae": "blur-error VAE",
    "ambient_vae_gan": "ambient VAE-GAN",
}


def display_name(name):
    """Return the name of a loss or of a run as a table or figure shows it: "ours_seed1" → "STFT+SSIM (paper) seed1"."""
    losses = [loss for loss in DISPLAY_NAMES if name == loss or name.startswith((f"{loss}_", f"{loss} "))]
    loss = max(losses, key=len, default="")
    return f"{DISPLAY_NAMES[loss]} {name[len(loss) + 1 :]}".strip() if loss else name


def number(value, decimals, sign=""):
    """Return a number with so many decimals, with its sign if `sign` is "+". Zero has no minus."""
    text = f"{value:{sign}.{decimals}f}"
    return text if float(text) else text.replace("-", sign)


def interval(value, low, high, decimals, sign=""):
    """Return a number with its interval: "11.94 [11.90, 11.98]"."""
    value, low, high = (number(one, decimals, sign) for one in (value, low, high))
    return f"{value} [{low}, {high}]"


def table(header, rows):
    """Return a header and rows of text as a Markdown table, columns aligned, the first to the left."""
    columns = [_aligned(cells, left=i == 0) for i, cells in enumerate(zip(header, *rows, strict=True))]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _aligned(cells, left):
    width = max(map(len, cells))
    heading, *rest = [cell.ljust(width) if left else cell.rjust(width) for cell in cells]
    return [heading, "-" * width if left else "-" * (width - 1) + ":", *rest]
