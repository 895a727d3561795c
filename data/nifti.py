"""The slices of a NIfTI volume, as MRI scanners' images are kept. It needs the package nibabel."""

import gzip
import io

import numpy as np

from config.system import files
from config.system.errors import UserError

SUFFIXES = (".nii", ".nii.gz")
EXPECTED = "a NIfTI volume of three axes"


def slices(path):
    """Return the slices across the third axis of the volume in the file `path`, real numbers [N, H, W] from 0 to 1.

    0 is the least value of the volume and 1 the largest. In each slice the first axis points right and the second up.

    Raises:
        UserError: nibabel is not installed, or the file is missing, damaged, larger than files.ARRAYS or no volume.
    """
    try:
        import nibabel
    except ImportError as error:
        raise UserError(f"{path}: expected the package nibabel, which is not installed; pip install nibabel") from error
    with files.opened(path, EXPECTED, files.ARRAYS) as file:
        try:
            content = (gzip.GzipFile(fileobj=file) if str(path).endswith(".gz") else file).read(files.ARRAYS + 1)
            if len(content) > files.ARRAYS:
                raise UserError(f"{path}: expected {EXPECTED} of at most {files.ARRAYS:,} bytes, unpacks to more")
            header = nibabel.Nifti1Image.from_stream(io.BytesIO(content))
            volume = np.asarray(header.dataobj, np.float32)
        except UserError:
            raise
        except Exception as error:  # a damaged file fails in many ways
            raise UserError(f"{path}: expected {EXPECTED}, got a damaged file ({error!r:.200})") from error
    if volume.ndim != 3:
        raise UserError(f"{path}: expected {EXPECTED}, got the shape {volume.shape}")
    least, most = volume.min(), volume.max()
    upright = np.moveaxis(np.rot90(volume), -1, 0)
    return (upright - least) / max(most - least, np.finfo(np.float32).tiny)
