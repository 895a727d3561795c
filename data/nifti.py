"""The slices of a NIfTI volume, as MRI scanners' images are kept. It needs the package nibabel."""

import gzip
import io
import logging

import numpy as np

from config.system import files
from config.system.errors import UserError

SUFFIXES = (".nii", ".nii.gz")
EXPECTED = "a NIfTI volume of three axes, real numbers"


def slices(path):
    """Return the slices across the third axis of the volume in the file `path`, real numbers [N, H, W] from 0 to 1.

    0 is the least value of the volume and 1 the largest. In each slice the first axis points right and the second up.

    Raises:
        UserError: nibabel is not installed, or the file is missing, damaged, larger than files.ARRAYS or no volume of
            finite numbers, at least two of them different.
    """
    try:
        import nibabel
    except ImportError as error:
        raise UserError(f"{path}: expected the package nibabel, which is not installed; pip install nibabel") from error
    # it would say in further lines what is wrong with a header
    logging.getLogger("nibabel").setLevel(logging.CRITICAL + 1)
    with files.opened(path, EXPECTED, files.ARRAYS) as file:
        try:
            is_packed = str(path).lower().endswith(".gz")
            content = (gzip.GzipFile(fileobj=file) if is_packed else file).read(files.ARRAYS + 1)
            if len(content) > files.ARRAYS:
                raise UserError(f"{path}: expected {EXPECTED} of at most {files.ARRAYS:,} bytes, unpacks to more")
            image = nibabel.Nifti1Image.from_stream(io.BytesIO(content))
            if (numbers := image.get_data_dtype()).kind not in "iuf":
                raise UserError(f"{path}: expected {EXPECTED}, got {numbers}")
            with np.errstate(over="ignore"):  # what is too large for 32 bits becomes infinite
                volume = np.asarray(image.dataobj, np.float32)
        except UserError:
            raise
        except Exception as error:  # a damaged file fails in many ways
            raise UserError(f"{path}: expected {EXPECTED}, got a damaged file ({error!r:.200})") from error
    # a fourth axis of length 1 is a single moment
    volume = volume[..., 0] if volume.ndim == 4 and volume.shape[3] == 1 else volume
    if volume.ndim != 3:
        raise UserError(f"{path}: expected {EXPECTED}, got the shape {volume.shape}")
    return scaled(path, np.moveaxis(np.rot90(volume), -1, 0))


def scaled(path, volume):
    """Return the array `volume` of the file `path` on a scale from 0, its least value, to 1, its largest.

    Raises:
        UserError: they are equal, or not every value is finite.
    """
    if unknown := np.count_nonzero(~np.isfinite(volume)):
        raise UserError(f"{path}: expected finite numbers of 32 bits, got {unknown:,} others among {volume.size:,}")
    least, most = float(volume.min()), float(volume.max())
    if not 0 < most - least < np.finfo(np.float32).max:
        raise UserError(f"{path}: expected a volume of different values, got values from {least:g} to {most:g}")
    return (volume - least) / (most - least)
