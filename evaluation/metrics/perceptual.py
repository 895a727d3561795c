"""LPIPS and FID of runs on colour images."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from config.system.errors import UserError
from evaluation.metrics import fid, lpips
from evaluation.metrics.display import drawn, parts
from evaluation.metrics.quality import reconstructions
from evaluation.reports.comparison import prior_samples
from models import checkpoint, runs

FILE = "perceptual.npz"


class Perceptual:
    """LPIPS and FID of models on uint8 images [N, H, W, 3].

    LPIPS of every reconstruction; FID of the first reconstructions, and of as many samples of the prior, to
    the first images. What a run reaches is kept in its results, for it takes an eighth of a second an image.

    Args: `arguments`, has z, seed, dataset, split, and perceptual, the number of images that FID is measured on.

    Raises:
        UserError: the images are grey or small, or the packages are not installed.
    """

    def __init__(self, images, arguments):
        require_fit(images)
        self.images, self.first, self.arguments = images, images[: arguments.perceptual], arguments

    def __call__(self, run, model, weights):
        """`lpips`, `fid` and `sample_fid` of a run, each [1 + R], with weights [1 + R, N]; FID is not resampled."""
        found = self.kept(run, model)
        return {
            "lpips": weights @ found["lpips"],
            "fid": np.full(len(weights), found["fid"]),
            "sample_fid": np.full(len(weights), found["sample_fid"]),
        }

    def kept(self, run, model):
        """The measures of a run's model, from its results if they are there."""
        path = Path(run.results_dir) / run.tag / FILE
        weights = hashlib.sha256(runs.files(run).model.read_bytes()).hexdigest()
        known = {name: getattr(self.arguments, name) for name in ("dataset", "split", "z", "seed")}
        known |= {"checkpoint": weights, "images": list(self.images.shape), "fid_images": len(self.first)}
        if path.exists():
            found, manifest = checkpoint.read(path)
            if manifest.get("of") == known:
                return found
        found = self.measured(model)
        checkpoint.write(path, found, of=known)
        return found

    def measured(self, model):
        """LPIPS [N] of the reconstructions, their FID, and that of samples."""
        z, seed = self.arguments.z, self.arguments.seed
        pairs = zip(batches(self.images), reconstructions(model, self.images, z, seed), strict=True)
        distances = [lpips.distance(drawn(made), drawn(images)) for images, made in pairs]
        return {
            "lpips": np.concatenate(distances),
            "fid": self.fid(reconstructions(model, self.first, z, seed)),
            "sample_fid": self.fid(prior_samples(model, self.first, seed)),
        }

    def fid(self, made):
        """The FID of batches of images to the first of the real ones."""
        return np.array(fid.distance(gaussian(made), self.reference))

    @functools.cached_property
    def reference(self):
        """The Gaussian of the first images' features."""
        return gaussian(batches(self.first))


def require_fit(images):
    """Check that LPIPS and FID can be measured, before the long part.

    Raises:
        UserError: the images are grey or small, or the packages are not installed.
    """
    _, height, width, channels = images.shape
    if channels != 3:
        raise UserError(
            f"perceptual: expected colour images, which the networks of LPIPS and FID were trained on, got {channels} "
            "channel; evaluate without --perceptual, or with --dataset=cifar10 or a folder of pictures"
        )
    if min(height, width) < lpips.LEAST_SIZE:
        raise UserError(f"perceptual: expected images of at least {lpips.LEAST_SIZE} pixels, got {height}x{width}")
    lpips.load()
    fid.inception()


def batches(images):
    """Images [N, H, W, C] in batches of arrays."""
    return (np.asarray(images[i]) for i in parts(images))


def gaussian(made):
    """The Gaussian of the features of batches of images, as bytes: as a file of them would hold."""
    return fid.gaussian(fid.features(np.uint8(np.rint(255 * drawn(images))) for images in made))


def protocol(images, arguments):
    """How LPIPS and FID were measured."""
    count = min(arguments.perceptual, len(images))
    return (
        " LPIPS: version 0.1, AlexNet, of the clipped reconstructions at their own size. FID: Inception-v3 of 2015, "
        f"of {count:,} reconstructions, or samples of the prior, to as many images; it depends on that number, and its "
        f"intervals are over seeds alone. {fid.CHECKED}"
    )
