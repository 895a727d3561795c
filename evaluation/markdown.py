"""Numbers, intervals, names and tables in Markdown."""

import re

DISPLAY_NAMES = {
    "l1": "L1",
    "l2": "L2",
    "ssim": "SSIM",
    "bce": "BCE",
    "ffl": "FFL",
    "lpips": "LPIPS",
    "dft": "DFT",
    "dft-unwindowed": "DFT (no window)",
    "stft": "STFT",
    "stft-unwindowed": "STFT (no window)",
    "stft-wrapped": "STFT (wrapped)",
    "stft-corrected": "STFT (corrected)",
    "stft-released": "STFT (released code)",
    "ours": "STFT+SSIM (paper)",
    "ours-corrected": "STFT+SSIM (corrected)",
    "ours-released": "STFT+SSIM (released code)",
    "sharp": "sharp",
    "sharp-colour": "sharp-colour",
    "blur_error_vae": "blur-error VAE",
    "ambient_vae_gan": "ambient VAE-GAN",
    "contrast": "contrast curve",
    "unsharp": "unsharp mask",
}
KNOWN = "|".join(re.escape(name) for name in sorted(DISPLAY_NAMES, key=len, reverse=True))


def display_name(name):
    """Return a name as tables and figures show it: "ours beta=0.1" → "STFT+SSIM (paper) beta=0.1".

    Args: `name`, that of a loss, a checkpoint or a configuration, of a difference such as "ours - l2",
    or of a control such as "unsharp of l2".
    """
    for between in (" - ", " of "):
        if between in name:
            return between.join(display_name(part) for part in name.split(between))
    found = re.fullmatch(rf"((?:{KNOWN})(?:\+(?:{KNOWN}))*)(?:[ _](.*))?", name)
    if not found:
        return name
    shown = "+".join(DISPLAY_NAMES[part] for part in found[1].split("+"))
    return f"{shown} {found[2] or ''}".strip()


def number(value, decimals, sign=""):
    """Return a number with so many decimals, and with its sign if `sign` is "+". What rounds to zero has no sign."""
    text = f"{value:{sign}.{decimals}f}"
    return text if float(text) else text.lstrip("+-")


def span(low, high, decimals, sign=""):
    """Return the ends of an interval: "[11.90, 11.98]"."""
    return f"[{number(low, decimals, sign)}, {number(high, decimals, sign)}]"


def interval(value, low, high, decimals, sign=""):
    """Return a number with its interval: "11.94 [11.90, 11.98]"."""
    return f"{number(value, decimals, sign)} {span(low, high, decimals, sign)}"


def table(header, rows):
    """Return a header and rows of text as a Markdown table, columns aligned, the first to the left."""
    columns = [_aligned(cells, left=i == 0) for i, cells in enumerate(zip(header, *rows, strict=True))]
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def _aligned(cells, left):
    width = max(map(len, cells))
    heading, *rest = [cell.ljust(width) if left else cell.rjust(width) for cell in cells]
    return [heading, "-" * width if left else "-" * (width - 1) + ":", *rest]
