"""The type, the bounds and the meaning of every configuration key (values live in the YAML files)."""

import math
import re
from dataclasses import dataclass

from config.system.errors import UserError

LARGEST = 2**31 - 1


def is_huge(value):
    """Whether `value` is a whole number beyond all use, which Python may even refuse to print."""
    return isinstance(value, int) and abs(value) > 10**30


def shown(value):
    """`value` as an error message shows it."""
    return "a huge number" if is_huge(value) else repr(str(value)[:80])


@dataclass(frozen=True)
class Key:
    """What a value may be.

    Args: `kind` int, float or str; `help`, one line; `low` and `high`, the inclusive bounds of a
    number; `above`, an exclusive lower bound; `choices` or `pattern` of a string.
    """

    kind: type
    help: str
    low: float | None = None
    high: float = LARGEST
    above: float | None = None
    choices: tuple = ()
    pattern: str = r"[^\x00-\x1f\x7f]{0,200}"

    def parse(self, name, value):
        """`value`, a string or a YAML scalar, as this key's type.

        Raises:
            UserError: it is of another type or out of bounds.
        """
        parsed = self._convert(value)
        if parsed is None or not self._within(parsed):
            raise UserError(f"{name}: expected {self.expected()}, got {shown(value)}")
        return parsed

    def parse_list(self, name, text):
        """The value that `text` is, or the list of values if it has commas, which free text keeps.

        Raises:
            UserError: a value is of another type or out of bounds.
        """
        is_free_text = self.kind is str and not self.choices and re.fullmatch(self.pattern, ",")
        values = [text] if is_free_text else [part for part in text.split(",") if part] or [text]
        parsed = [self.parse(name, value) for value in values]
        return parsed if len(parsed) > 1 else parsed[0]

    def expected(self):
        """What is accepted, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind is str:
            return "text of printable characters" if self.pattern == Key.pattern else f"text matching {self.pattern}"
        noun = {int: "a whole number", float: "a number"}[self.kind]
        lower = f"above {self.above:g}" if self.above is not None else f"from {self.low:g}"
        return f"{noun} {lower}" + (f" to {self.high:g}" if self.high != LARGEST else "")

    def _convert(self, value):
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or is_huge(value):
            return None
        if self.kind is str:
            return value if isinstance(value, str) else str(value)
        if self.kind is int:
            return int(value) if re.fullmatch(r"[+-]?[0-9]{1,10}", str(value)) else None
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None

    def _within(self, value):
        if self.kind is str:
            return value in self.choices if self.choices else re.fullmatch(self.pattern, value) is not None
        lower = value > self.above if self.above is not None else value >= self.low
        return math.isfinite(value) and lower and value <= self.high


NAME = r"[a-z0-9_+-]{1,60}"
FOLDER = r"[^\x00-\x1f\x7f]{1,200}"
TAG = r"([A-Za-z0-9_][A-Za-z0-9_+.=-]{0,99})?"

# data sets whose pictures come in any size
SIZED = ("image_folder", "celeba")

TRAIN_KEYS = {
    "dataset": Key(
        str,
        "data: mnist (binarised), mnist-gray, fashion-mnist, cifar10, image_folder, celeba, cartoons",
        pattern=NAME,
    ),
    "data_dir": Key(str, "folder with the data set's files; empty: download (mnist needs neither)"),
    "image_size": Key(int, f"pixels a side of the pictures of {' and '.join(SIZED)}", low=1, high=4096),
    "train_size": Key(int, "training images, from the first on; 0: all", low=0),
    "test_size": Key(int, "images measured at the end of training; 0: all", low=0),
    "test_split": Key(
        str, "the images measured: test, or held-out (last 10,000 training images)", choices=("test", "held-out")
    ),
    "batch_size": Key(int, "images in a step", low=1),
    "init_from": Key(
        str, "checkpoint to start from (a file, or the prefix of TensorFlow's; {seed} is the run's); empty: none"
    ),
    "epochs": Key(int, "passes over the training images", low=1),
    "optimizer": Key(str, "takes the steps", choices=("adam", "rmsprop")),
    "min_lr": Key(float, "lower bound of the cyclical learning rate", above=0, high=1),
    "max_lr": Key(float, "upper bound of its first cycle", above=0, high=1),
    "lr_step_size": Key(int, "half a cycle, in steps", low=1),
    "lr_mode": Key(
        str,
        "shape of the cycles; exponential: none, a decay from max_lr",
        choices=("triangular", "triangular2", "exp_range", "exponential"),
    ),
    "lr_gamma": Key(float, "factor per step of exp_range, per lr_step_size steps of exponential", above=0, high=1),
    "seed": Key(int, "seed of weights, image order and noise", low=0),
    "log_freq": Key(int, "steps between rows of the CSV and of TensorBoard", low=1),
    "test_freq": Key(int, "steps between measurements of PSNR and SSIM", low=1),
    "monitor_size": Key(int, "images in such a measurement", low=1),
    "visualise_freq": Key(int, "steps between sample grids", low=1),
    "save_model_freq": Key(int, "steps between checkpoints", low=1),
    "num_samples": Key(int, "samples in a grid", low=1, high=10000),
    "model_dir": Key(str, "folder of the checkpoints", pattern=FOLDER),
    "logs_dir": Key(str, "folder of the TensorBoard logs", pattern=FOLDER),
    "results_dir": Key(str, "folder of the metrics and the pictures", pattern=FOLDER),
    "tag": Key(str, "name of the run; empty: the loss's name", pattern=TAG),
}

MODEL_KEYS = {
    "model": Key(str, "what is trained", choices=("vae", "blur_error_vae", "ambient_vae_gan")),
    "architecture": Key(
        str, "networks: conv28, conv32, conv64, conv256, ambient28, ambient32, ambient64", pattern=NAME
    ),
    "latent_dim": Key(int, "number of latent variables", low=1, high=4096),
    "beta": Key(float, "weight of the KL divergence", low=0),
    "loss": Key(
        str,
        "reconstruction loss: l1, l2, bce, ssim, ffl, dft, stft, sums like l2+ffl, ours, ours-released, ours-corrected",
        pattern=NAME,
    ),
    "ssim_coef": Key(float, "weight of 1 - SSIM", low=0),
    "ffl_coef": Key(float, "weight of the focal frequency loss", low=0),
    "stft_coef": Key(float, "weight of the spectral term", low=0),
    "corrected_coef": Key(float, "weight of the corrected spectral term", low=0),
    "amp_coef": Key(float, "weight of amplitudes in the spectral term", low=0),
    "arg_coef": Key(float, "weight of phases in the spectral term", low=0),
    "stft_f": Key(int, "STFT window, in pixels", low=2),
    "stft_s": Key(int, "STFT stride, in pixels", low=1),
    "eps": Key(float, "added to the real part before a phase is taken", above=0, high=1),
    "blur_start_epoch": Key(int, "epochs of blur_error_vae before its blur term begins", low=1),
    "kernel_size": Key(int, "side of its blur kernels, in pixels, odd", low=1),
    "wiener_constant": Key(float, "regulariser c0 of its Wiener deconvolution", above=0, high=1),
    "determinant_eps": Key(float, "added to |K|^2 in the logarithm of its determinant", above=0, high=1),
    "variance": Key(str, "of its likelihood: 1, or the best for each batch", choices=("fixed", "calibrated")),
    "kernel_gradient": Key(
        str, "whether its likelihood moves the encoder through the kernel too", choices=("flows", "stopped")
    ),
    "measurement": Key(
        str,
        "what ambient_vae_gan sees an image through: none, drop_independent, drop_row, drop_col, drop_rowcol, "
        "drop_patch, keep_patch, extract_patch, add_noise, blur_add_noise, pad_rotate_project",
        pattern=NAME,
    ),
    "measurement_p": Key(float, "share of the pixels, rows or columns that drop_... drops", low=0, high=0.999),
    "measurement_k": Key(int, "side of the patch, in pixels", low=1, high=4096),
    "measurement_sigma": Key(float, "standard deviation of the noise", low=0),
    "measurement_radius": Key(float, "standard deviation of the blur, in pixels", above=0, high=1000),
    "measurement_size": Key(int, "side of its kernel, in pixels", low=1, high=1000),
    "supervised": Key(int, "1: ambient_vae_gan is trained with the clean images too", low=0, high=1),
    "alpha": Key(float, "weight of the pixels in its reconstruction", low=0),
    "feature_weight": Key(float, "weight of the discriminator's features in it", low=0),
    "gamma": Key(float, "weight of the reconstruction in the decoder's loss", low=0),
    "pixel_side": Key(
        str, "what of a made image is compared with the measured one", choices=("measured", "unmeasured", "marginal")
    ),
    "rec_reduction": Key(str, "of the reconstruction, over pixels and features", choices=("mean", "sum")),
}

KEYS = TRAIN_KEYS | MODEL_KEYS
