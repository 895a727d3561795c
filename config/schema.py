"""Every configuration key: its type, its bounds, its meaning and who reads it. The values are in the YAML files.

The keys stand in groups, which `python train.py --help` shows. A key that only some losses, models, measurements,
data sets or schedules read says so in `read_by`; elsewhere it is refused like an unknown key.
"""

import ast
import difflib
import math
import re
import reprlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from config.system.errors import UserError

ROOT = Path(__file__).parents[1]
LARGEST = 2**31 - 1


def table(file, name):
    """The dict `name` at the top of a Python file of the house, its values as source.

    It is read from the source because importing it would import TensorFlow, which takes seconds.
    """
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    (found,) = (node.value for node in body if isinstance(node, ast.Assign) and node.targets[0].id == name)
    return {key.value: ast.unparse(value) for key, value in zip(found.keys, found.values, strict=True)}


TERMS = tuple(table("losses/__init__.py", "TERMS"))
ALIASES = {name: ast.literal_eval(terms) for name, terms in table("losses/__init__.py", "ALIASES").items()}
DATASETS = table("data/__init__.py", "DATASETS")
MEASUREMENTS = tuple(table("measurements/__init__.py", "MEASUREMENTS"))
ARCHITECTURES = table("models/architectures.py", "ARCHITECTURES")
MODELS = tuple(table("models/__init__.py", "MODELS"))

# the architectures that ambient_vae_gan can have
WITH_DISCRIMINATOR = tuple(name for name, source in ARCHITECTURES.items() if "discriminator=" in source)
# data sets of pictures that can be scaled to any size, data sets of pictures, and those of any folder or file
SIZED = tuple(name for name, source in DATASETS.items() if source.startswith("Folder(") and "size=" not in source)
PICTURES = tuple(name for name, source in DATASETS.items() if source.startswith("Folder("))
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,5})?"
ANY_FOLDER = tuple(name for name, source in DATASETS.items() if source.startswith(("Folder(in_folder", "Arrays(stack")))


class Known(dict):
    """Names of a module that is not imported. A call of one that it does not assign is the tuple of its arguments."""

    def __missing__(self, name):
        return lambda *arguments, **named: (*arguments, *named.values())


def readers_of_loss_keys():
    """The terms that read each hyperparameter of a loss, by its name, from the source of TERMS."""

    module, known, found = ast.parse((ROOT / "losses/__init__.py").read_text(encoding="utf-8")), Known(), {}
    module.body = [node for node in module.body if isinstance(node, ast.Assign)]
    exec(compile(module, "losses", "exec"), {}, known)
    for term, (_, *reads) in known["TERMS"].items():
        for part in reads:
            for key in part if isinstance(part, dict) else [part]:
                found.setdefault(key, []).append(term)
    return found


READERS = readers_of_loss_keys()


def loss_terms(name):
    """The terms that the loss `name` adds up: "ours" → stft, ssim."""
    return tuple(ALIASES.get(name, name).split("+"))


def shown(value):
    """`value` as an error message shows it."""
    if isinstance(value, (list, dict)):
        return reprlib.repr(value)
    return "a huge number" if isinstance(value, int) and abs(value) > 10**30 else repr(str(value)[:80])


class Reader(NamedTuple):
    """Who reads a key: it has a meaning where the value of the key `key` is one of `names`."""

    key: str
    names: tuple


@dataclass(frozen=True)
class Key:
    """What a value may be.

    Args: `kind`, int, float or str; `help`, one line; `low` and `high`, the inclusive bounds of a number; `above`, an
    exclusive lower bound; `choices`; of a string a `pattern` and the same in `words`; `read_by`, a Reader, or None:
    always read; `changes`, what another value changes: the "weights", the "log" alone, or the "place" of files or of
    the computation.
    """

    kind: type
    help: str
    low: float | None = None
    high: float = LARGEST
    above: float | None = None
    choices: tuple = ()
    pattern: str = r"[^\x00-\x1f\x7f\ud800-\udfff]{0,200}"
    words: str = "text of at most 200 printable characters"
    read_by: Reader | None = None
    changes: str = "weights"

    def parse(self, name, value):
        """Return `value`, a string or a YAML scalar, as this key's type.

        Raises:
            UserError: it is of another type or out of bounds.
        """
        parsed = self._converted(value)
        if parsed is None or not self._is_within(parsed):
            raise UserError(f"{name}: expected {self.expected(value)}, got {shown(value)}")
        return parsed

    def parse_list(self, name, text):
        """Return the value of `text`, or a list if it has commas. A comma may belong to a text, such as free text.

        Raises:
            UserError: a value is of another type or out of bounds.
        """
        texts = (",", text) if self.kind is str and not self.choices else ()
        is_one = any(re.fullmatch(self.pattern, part) for part in texts)
        values = [text] if is_one else [part for part in text.split(",") if part] or [text]
        parsed = [self.parse(name, value) for value in values]
        return parsed if len(parsed) > 1 else parsed[0]

    def expected(self, value=""):
        """What is accepted, in words; of choices the one nearest to `value` first."""
        if self.choices:
            names = [str(name) for name in self.choices]
            near = difflib.get_close_matches(str(value)[:80], names, n=1)
            return f"one of {', '.join(dict.fromkeys([*near, *names]))}"
        if self.kind is str:
            return self.words
        noun = {int: "a whole number", float: "a number"}[self.kind]
        lower = f"above {self.above:g}" if self.above is not None else f"from {self.low:g}"
        return f"{noun} {lower}" + (f" to {self.high:g}" if self.high != LARGEST else "")

    def _converted(self, value):
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or shown(value) == "a huge number":
            return None
        if self.kind is str:
            return str(value)
        if self.kind is int:
            return int(value) if re.fullmatch(r"[+-]?[0-9]{1,10}", str(value)) else None
        is_number = re.fullmatch(NUMBER, str(value))
        number = float(value) if is_number else None
        # what is too small for a float would become 0
        return None if number == 0 and re.match(r"[^eE]*[1-9]", str(value)) else number

    def _is_within(self, value):
        if self.choices:
            return value in self.choices
        if self.kind is str:
            return re.fullmatch(self.pattern, value) is not None
        lower = value > self.above if self.above is not None else value >= self.low
        return math.isfinite(value) and lower and value <= self.high


class LossKey(Key):
    """A Key for the name of a loss: a term, an alias, or terms joined by `+`."""

    def expected(self, value=""):
        """What is accepted, in words; the name nearest to `value` first."""
        terms = str(value).split("+")
        unknown = [term for term in terms if term not in TERMS] or terms
        return f"{super().expected(unknown[0])}, or a sum of different ones such as l2+ssim"

    def _is_within(self, value):
        # another model is recorded as its own loss
        terms = value.split("+")
        return value in ALIASES or value in MODELS or (set(terms) <= {*TERMS} and len({*terms}) == len(terms))


class RangeKey(Key):
    """A Key for two numbers, the first of them smaller."""

    def _is_within(self, value):
        if not value or not super()._is_within(value):
            return not value
        low, high = map(float, value.split(","))
        return 0 < high - low < math.inf


def read_by(key, *names):
    """The Reader of a key that is read where `key` is one of `names`."""
    return Reader(key, names)


FOLDER = {"pattern": r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}", "words": "the name of a folder", "changes": "place"}
TAG = r"([A-Za-z0-9_][A-Za-z0-9_+.=-]{0,99})?"
NAME = {"pattern": TAG, "words": "a name of letters, digits and _ + . = -, of at most 100"}
BLUR, AMBIENT = read_by("model", "blur_error_vae"), read_by("model", "ambient_vae_gan")
DROPS = [name for name in MEASUREMENTS if name.startswith("drop_") and name != "drop_patch"]

DATA = {
    "dataset": Key(str, "the images", choices=tuple(DATASETS)),
    "data_dir": Key(str, "folder with the files of the data set; empty: download them", changes="place"),
    "image_size": Key(int, "side of the pictures, in pixels", low=1, high=4096, read_by=read_by("dataset", *SIZED)),
    "channels": Key(int, "3: colour; 1: the pictures in grey", choices=(1, 3), read_by=read_by("dataset", *PICTURES)),
    "window": RangeKey(
        str,
        "values LOW,HIGH that are black and white in grey pictures of 16 bits or of real numbers; empty: by the "
        "range of each",
        pattern=rf"({NUMBER},{NUMBER})?",
        words="two numbers LOW,HIGH, the first of them smaller",
        read_by=read_by("dataset", *PICTURES),
    ),
    "train_size": Key(int, "number of training images, from the first on; 0: all", low=0),
    "test_size": Key(int, "number of images for the scores at the end; 0: all", low=0, changes="log"),
    "test_split": Key(
        str, "images for the scores; held-out: the last 10,000 training images", choices=("test", "held-out")
    ),
}
TRAINING = {
    "batch_size": Key(int, "images in a step", low=1),
    "epochs": Key(int, "passes over the training images", low=1),
    "optimizer": Key(str, "optimizer", choices=("adam", "rmsprop")),
    "min_lr": Key(
        float,
        "lowest learning rate",
        above=0,
        high=1,
        read_by=read_by("lr_mode", "triangular", "triangular2", "exp_range"),
    ),
    "max_lr": Key(float, "highest learning rate of the first cycle", above=0, high=1),
    "lr_step_size": Key(int, "half a cycle, in steps; 0: half of all steps, so one cycle", low=0),
    "lr_mode": Key(
        str,
        "shape of the cycles; triangular2: the amplitude halves every cycle; exponential: decay from max_lr",
        choices=("triangular", "triangular2", "exp_range", "exponential"),
    ),
    "lr_gamma": Key(
        float,
        "factor per step (exp_range) or per lr_step_size steps (exponential)",
        above=0,
        high=1,
        read_by=read_by("lr_mode", "exp_range", "exponential"),
    ),
    "precision": Key(
        str,
        "numbers in which the networks compute; weights and losses are float32",
        choices=("float32", "bfloat16", "float16"),
    ),
    "strategy": Key(
        str,
        "devices; mirrored: all of this machine; multi_worker: the machines that TF_CONFIG names",
        choices=("none", "mirrored", "multi_worker"),
        changes="place",
    ),
    "deterministic": Key(
        int, "1: the same seed gives the same bits on GPUs too, which is slower there", low=0, high=1, changes="place"
    ),
    "init_from": Key(str, "checkpoint to start from, {seed} stands for the run's seed; empty: random weights"),
    "seed": Key(int, "seed of the weights, the order of the images and the noise", low=0),
}
FILES = {
    "log_freq": Key(int, "steps between rows of metrics.csv and of TensorBoard", low=1, changes="log"),
    "test_freq": Key(int, "steps between scores of monitor_size images", low=1, changes="log"),
    "monitor_size": Key(int, "number of images for these scores", low=1, changes="log"),
    "visualise_freq": Key(int, "steps between pictures of samples", low=1, changes="place"),
    "save_model_freq": Key(int, "steps between checkpoints", low=1, changes="place"),
    "num_samples": Key(int, "samples in a picture", low=1, high=10000, changes="place"),
    "model_dir": Key(str, "folder of the checkpoints", **FOLDER),
    "logs_dir": Key(str, "folder of the TensorBoard logs", **FOLDER),
    "results_dir": Key(str, "folder of metrics, pictures and runs.csv", **FOLDER),
    "tag": Key(str, "name of the run; empty: the name of the loss", **NAME, changes="place"),
}
MODEL = {
    "model": Key(str, "the model", choices=MODELS),
    "architecture": Key(str, "the networks; auto: those for the size of the images", choices=("auto", *ARCHITECTURES)),
    "latent_dim": Key(int, "number of latent variables", low=1, high=4096),
    "beta": Key(float, "weight of the KL divergence; with target_kl its first value", low=0),
    "target_kl": Key(float, "KL divergence, in nats, that beta is adapted to hold; 0: beta is fixed", low=0),
}
LOSS = {
    "loss": LossKey(str, "reconstruction loss of vae, or a sum such as l2+ssim", choices=(*TERMS, *ALIASES)),
    "ssim_coef": Key(float, "weight of 1 - SSIM", low=0),
    "ffl_coef": Key(float, "weight of the focal frequency loss", low=0),
    "stft_coef": Key(float, "weight of the Fourier term (the paper's lambda_freq)", low=0),
    "corrected_coef": Key(float, "weight of the corrected spectral term", low=0),
    "amplitude_coef": Key(float, "weight of the local amplitude", low=0),
    "masked_coef": Key(float, "weight of the contrast-masked amplitude", low=0),
    "log_coef": Key(float, "weight of the log-spectral distance", low=0),
    "multiscale_coef": Key(float, "weight of the corrected spectral term over several windows", low=0),
    "lpips_coef": Key(float, "weight of the perceptual distance", low=0),
    "moving_grid": Key(int, "1: the grid of windows moves in every training step; 0: it does not move", low=0, high=1),
    "amp_coef": Key(float, "weight of amplitudes in the term", low=0),
    "arg_coef": Key(float, "weight of phases in the term", low=0),
    "stft_f": Key(int, "window of the STFT, in pixels", low=2),
    "stft_s": Key(int, "stride of the STFT, in pixels", low=1),
    "eps": Key(float, "small number added to the real part of a spectrum before its phase is taken", above=0, high=1),
}
# a key that no term reads is read nowhere, so it is refused
LOSS |= {
    key: replace(one, read_by=read_by("loss", *READERS.get(key, ()))) for key, one in LOSS.items() if key != "loss"
}
BLUR_ERROR_VAE = {
    "blur_start_epoch": Key(int, "epochs before the blur term begins", low=1, read_by=BLUR),
    "kernel_size": Key(int, "side of the blur kernels, odd, in pixels", low=1, read_by=BLUR),
    "wiener_constant": Key(float, "regulariser c0 of the Wiener deconvolution", above=0, high=1, read_by=BLUR),
    "determinant_eps": Key(float, "added to |K|^2 in the logarithm of the determinant", above=0, high=1, read_by=BLUR),
    "variance": Key(
        str, "variance of the likelihood: 1, or the best for each batch", choices=("fixed", "calibrated"), read_by=BLUR
    ),
    "kernel_gradient": Key(
        str,
        "whether the gradient of the likelihood flows through the kernel",
        choices=("flows", "stopped"),
        read_by=BLUR,
    ),
}
AMBIENT_VAE_GAN = {
    "measurement": Key(str, "the damage through which the model sees an image", choices=MEASUREMENTS, read_by=AMBIENT),
    "measurement_p": Key(
        float,
        "share of the pixels, rows or columns that is dropped",
        low=0,
        high=0.999,
        read_by=read_by("measurement", *DROPS),
    ),
    "measurement_k": Key(
        int,
        "side of the patch, in pixels",
        low=1,
        high=4096,
        read_by=read_by("measurement", "drop_patch", "keep_patch", "extract_patch"),
    ),
    "measurement_sigma": Key(
        float,
        "standard deviation of the noise",
        low=0,
        read_by=read_by("measurement", "add_noise", "blur_add_noise"),
    ),
    "measurement_radius": Key(
        float,
        "standard deviation of the blur, in pixels",
        above=0,
        high=1000,
        read_by=read_by("measurement", "blur_add_noise"),
    ),
    "measurement_size": Key(
        int, "side of the blur kernel, in pixels", low=1, high=1000, read_by=read_by("measurement", "blur_add_noise")
    ),
    "supervised": Key(int, "1: the training has the clean images too", low=0, high=1, read_by=AMBIENT),
    "alpha": Key(float, "weight of the pixels in the reconstruction loss", low=0, read_by=AMBIENT),
    "feature_weight": Key(
        float, "weight of the discriminator's features in the reconstruction loss", low=0, read_by=AMBIENT
    ),
    "gamma": Key(float, "weight of the reconstruction loss in the decoder's loss", low=0, read_by=AMBIENT),
    "pixel_side": Key(
        str,
        "side of the measurement on which pixels are compared; marginal: theta is summed out",
        choices=("measured", "unmeasured", "marginal"),
        read_by=AMBIENT,
    ),
    "rec_reduction": Key(
        str, "reduction of the reconstruction loss over pixels and features", choices=("mean", "sum"), read_by=AMBIENT
    ),
}

# heading in --help: its keys
GROUPS = {
    "data": DATA,
    "training": TRAINING,
    "files, and how often they are written": FILES,
    "model": MODEL,
    "loss, of model vae": LOSS,
    "model blur_error_vae": BLUR_ERROR_VAE,
    "model ambient_vae_gan": AMBIENT_VAE_GAN,
}
TRAIN_KEYS = DATA | TRAINING | FILES
MODEL_KEYS = MODEL | LOSS | BLUR_ERROR_VAE | AMBIENT_VAE_GAN
KEYS = TRAIN_KEYS | MODEL_KEYS
