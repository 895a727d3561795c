"""The reports of evaluate.py. Each is a module with `add_flags(parser)` and `main(flags)`.

To add one, write a module and add its name to REPORTS in evaluate.py. `python evaluate.py --help` shows the first line
of its docstring. A report imports what needs TensorFlow in `main`, so that mistakes are answered at once.
"""

import json
import sys
from pathlib import Path

import config
from config.schema import FOLDER, Key
from config.system.errors import UserError
from config.system.files import require_writable, write_atomically
from config.system.runtime import import_tensorflow

IMAGE_SIZE, CHANNELS = 64, 3
# data sets whose images have a black background
ON_BLACK = ("mnist", "mnist-gray", "fashion-mnist")
SEED = Key(int, "seed of the noise", low=0)
OF_PICTURES = "adds LPIPS, and KID, precision and recall of this many images, from 10000 on FID; 0: LPIPS alone"
PERCEPTUAL = Key(int, OF_PICTURES, low=0)
OUT_DIR = Key(str, "folder for the report", **FOLDER)


def add_images(parser, others=None):
    """Add the flags that choose the images. Args: `others`, in words which they are without flags; None: mnist."""
    parser.add_key("dataset", None if others else "mnist", shown=others)
    parser.add_key("data_dir", None if others else "", shown=others)
    parser.add_key("image_size", None, shown=others or IMAGE_SIZE)
    parser.add_key("channels", None, shown=others or CHANNELS)
    parser.add_key("window", None, shown=others or "the range of each")
    parser.add_key("test_split", "test", flag="split")


def add_latents(parser):
    """Add the flags that choose the latents from which images are reconstructed."""
    text = "decode a sample of the posterior, or its mean (default: sample)"
    parser.add_argument("--z", choices=("sample", "mean"), default="sample", help=text)
    parser.add_value("seed", SEED, 0)


def add_perceptual(parser):
    """Add the flag that chooses the metrics on features of networks."""
    parser.add_value("perceptual", PERCEPTUAL, None, shown="none; without a number: 10000", nargs="?", const=10000)


def add_output(parser, rows=True):
    """Add the flags that say where the report is written; with `rows`, also where its rows are."""
    parser.add_value("out_dir", OUT_DIR, "results/local")
    if rows:
        parser.add_argument("--json", metavar="PATH", help="write the rows to this file too")


def add_pictures(parser, text, **more):
    """Add the flags that name pictures of the user's own. Args: `text`, what is done with them."""
    places = "a file, several separated by commas, or a folder; the flag may be given again"
    parser.add_argument("--image", metavar="FILE", action="append", help=f"{text}: {places}", **more)
    text = "write each picture beside its result too, enlarged; of one picture this is always done"
    parser.add_argument("--pair", action="store_true", default=None, help=text)


def names(flag, text):
    """Return the names in `text`, the value of a flag, which are separated by commas.

    Raises:
        UserError: there is none.
    """
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise UserError(f"{flag}: expected a name, or several separated by commas, got {text!r}")
    return found


def begin(flags):
    """Check what can be checked before the long part, then import TensorFlow.

    Raises:
        UserError: a folder cannot be written, that of the pictures is missing, or the images have no size to choose.
    """
    given = [key for key in ("image_size", "channels", "window") if getattr(flags, key, None)]
    if given:
        config.require_read(given, [config.defaults() | {"dataset": flags.dataset or "mnist"}])
    config.require_pictures(getattr(flags, "dataset", None), getattr(flags, "data_dir", None))
    for folder in [flags.out_dir, *([Path(flags.json).parent] if getattr(flags, "json", None) else [])]:
        require_writable(folder)
    import_tensorflow()


def load_images(flags, split=None):
    """Return the images, uint8 [N, H, W, C], that the flags choose, or those of another split."""
    import data

    shape = flags.image_size or IMAGE_SIZE, flags.channels or CHANNELS, flags.window or ""
    return data.load(flags.dataset, split or flags.split, flags.data_dir, *shape).images


def warn_if_light(paths, pictures, dataset):
    """Say on stderr, in one line, that pictures, uint8 [N, H, W, C], are light where models know black.

    Args: `paths`, those of their files; `dataset`, the images that the model was trained on.
    """
    import numpy as np

    light = [path for path, picture in zip(paths, pictures, strict=True) if np.median(picture) > 127]
    if dataset in ON_BLACK and light:
        print(
            f"{light[0]}{f' and {len(light) - 1} others' if light[1:] else ''}: expected light on black, as in "
            f"{dataset}, got a light background; invert it, or, for a photographed digit, "
            "python evaluate.py image --prepare=digit",
            file=sys.stderr,
        )


def trained_on(flags, manifest):
    """Return the images of a checkpoint's `manifest` for data.load: dataset, split, data_dir, size, channels, window.

    They are those that the flags choose, and else those that its model was trained on. A recorded folder that is not
    here does not count.
    """
    from models import checkpoint

    settings = checkpoint.configuration(manifest)
    dataset = flags.dataset or settings.dataset
    is_here = dataset == settings.dataset and Path(settings.data_dir).exists()
    recorded = settings.data_dir if is_here else ""
    folder = recorded if flags.data_dir is None else flags.data_dir
    size, _, channels = manifest["image_shape"]
    read_as = flags.image_size or size, flags.channels or channels, flags.window or settings.window
    return dataset, flags.split, folder, *read_as


def publish(flags, name, text, rows=None):
    """Print a report and write it to NAME.md in the folder `--out_dir`, and its rows to the file `--json`."""
    print(text, end="")
    write_atomically(Path(flags.out_dir) / f"{name}.md", text.encode())
    if getattr(flags, "json", None):
        write_atomically(flags.json, json.dumps({"rows": rows}, indent=1).encode())
