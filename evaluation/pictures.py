"""Pictures of a user's own through a model: a file out for each file in, and a table of them."""

import csv
import io
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from config.system.files import write_atomically
from data import picture_file
from data.batches import to_float
from data.picture_folder import workers
from evaluation import grids, scoring
from evaluation.metrics import METRICS
from evaluation.metrics.blur import equivalent_blur_of_each
from evaluation.metrics.display import parts


class Made(NamedTuple):
    """Pictures, and what a model made of them."""

    given: np.ndarray  # [B, H, W, C] in [0, 1]
    made: np.ndarray  # [B, H, W, C]
    z: np.ndarray  # [B, latent_dim]
    scores: dict  # [B] by name


def reconstructed(model, images, latents, seed):
    """Yield Made for each batch of images uint8 [N, H, W, C]: reconstructions, scored. Args: as of scoring.batches."""
    for batch in scoring.batches(model, images, latents, seed):
        scores = {metric: np.asarray(METRICS[metric].score(batch)) for metric in ("psnr", "ssim")}
        scores |= {"blur": equivalent_blur_of_each(batch.reconstruction, batch.image)}
        yield Made(np.asarray(batch.image), batch.reconstruction, batch.latents.numpy(), scores)


def restored(model, images):
    """Yield Made for each batch of damaged images uint8 [N, H, W, C]; without clean ones there are no scores."""
    for part in parts(images):
        damaged = to_float(images[part])
        z_mean, _ = model.encode(model.measurement.from_picture(damaged))
        yield Made(damaged.numpy(), model.decode(z_mean).numpy(), z_mean.numpy(), {})


def write(folder, kind, names, batches, pair=False, own_size=True):
    """Write a picture for each, folder/kind/NAME, and the table folder/kind.csv; return one line that says so.

    Args: `kind`, what is made, "reconstruction"; `names`, path → NAME, a relative path, in the order of the `batches`
    of Made; `pair`, whether each is also written beside the given picture, folder/STEM_kind.png, as one alone always
    is; `own_size`, whether it gets the size of its file, not that of the model.
    """
    pair, rows, waiting = pair or len(names) == 1, [], iter(names.items())

    def write_one(path, name, given, made):
        size = picture_file.size(path) if own_size else made.shape[1::-1]
        grids.save_resized(folder / kind / name, made, size)
        if pair:
            grids.save(beside(folder, kind, name), grids.grid(np.stack([given, made])))

    with tqdm(total=len(names), desc=folder.name, unit="picture", leave=False, disable=None) as bar:
        for batch in batches:
            files = [next(waiting) for _ in batch.made]
            for _ in workers().map(write_one, *zip(*files, strict=True), batch.given, batch.made):
                bar.update()
            rows += [row(batch, i, name) for i, (_, name) in enumerate(files)]
    write_atomically(folder / f"{kind}.csv", table(rows))
    place = (
        f"{len(rows)} pictures in {folder / kind}/, {kind}.csv" if rows[1:] else beside(folder, kind, *names.values())
    )
    return "  ".join(filter(None, [means(rows), str(place)]))


def beside(folder, kind, name):
    """Return where a picture is written beside its result."""
    return folder / name.with_name(f"{name.stem}_{kind}.png")


def row(batch, i, name):
    """Return the row of the i-th picture of a batch."""
    scores = {score: float(values[i]) for score, values in batch.scores.items()}
    return {"file": name.as_posix()} | scores | {f"z{k}": float(z) for k, z in enumerate(batch.z[i])}


def means(rows):
    """Return the mean scores of rows in words: "PSNR 11.94 dB, SSIM 0.492, blur 1.20 px"."""
    words = {"psnr": "PSNR {:.2f} dB", "ssim": "SSIM {:.3f}", "blur": "blur {:.2f} px"}
    return ", ".join(
        text.format(np.mean([row[name] for row in rows])) for name, text in words.items() if name in rows[0]
    )


def table(rows):
    """Return rows, dicts with the same keys, as the bytes of a table in CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()})
    return text.getvalue().encode(errors="backslashreplace")
