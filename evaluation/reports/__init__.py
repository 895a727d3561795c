"""The reports of evaluate.py. Each is a module with `add_flags(parser)` and `main(flags)`.

To add one, write a module and add its name to REPORTS in evaluate.py. `python evaluate.py --help` shows the first line
of its docstring. A report imports what needs TensorFlow in `main`, so that mistakes are answered at once.
"""

import json
from pathlib import Path

import config
from config.schema import FOLDER, Key
from config.system.files import require_writable, write_atomically
from config.system.runtime import import_tensorflow

IMAGE_SIZE = 64
SEED = Key(int, "seed of the noise", low=0)
OUT_DIR = Key(str, "folder for the report", **FOLDER)


def add_images(parser):
    """Add the flags that choose the images."""
    parser.add_key("dataset", "mnist")
    parser.add_key("data_dir", "")
    parser.add_key("image_size", None, shown=IMAGE_SIZE)
    parser.add_key("test_split", "test", flag="split")


def add_latents(parser):
    """Add the flags that choose the latents from which images are reconstructed."""
    text = "decode a sample of the posterior, or its mean (default: sample)"
    parser.add_argument("--z", choices=("sample", "mean"), default="sample", help=text)
    parser.add_value("seed", SEED, 0)


def add_output(parser, rows=True):
    """Add the flags that say where the report is written; with `rows`, also where its rows are."""
    parser.add_value("out_dir", OUT_DIR, "results/local")
    if rows:
        parser.add_argument("--json", metavar="PATH", help="write the rows to this file too")


def names(text):
    """Return the names in `text`, which are separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def begin(flags):
    """Check what can be checked before the long part, then import TensorFlow.

    Raises:
        UserError: a folder cannot be written, or the images have no size to choose.
    """
    if getattr(flags, "image_size", None):
        config.require_read({"image_size": flags.image_size}, [config.defaults() | {"dataset": flags.dataset}])
    for folder in [flags.out_dir, *([Path(flags.json).parent] if getattr(flags, "json", None) else [])]:
        require_writable(folder)
    import_tensorflow()


def load_images(flags, split=None):
    """Return the images, uint8 [N, H, W, C], that the flags choose, or those of another split."""
    import data

    return data.load(flags.dataset, split or flags.split, flags.data_dir, flags.image_size or IMAGE_SIZE).images


def publish(flags, name, text, rows=None):
    """Print a report and write it to NAME.md in the folder `--out_dir`, and its rows to the file `--json`."""
    print(text, end="")
    write_atomically(Path(flags.out_dir) / f"{name}.md", text.encode())
    if getattr(flags, "json", None):
        write_atomically(flags.json, json.dumps({"rows": rows}, indent=1).encode())
