"""Files of weights in optional packages: found and verified, never executed."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

# the most bytes that are read
MOST = 1_000_000_000


def content(package, name, sha256, purpose, install):
    """Return the bytes of the file `name` in an installed package, which is not imported.

    Args, for messages: `purpose`, what needs the file; `install`, the command that installs the package.

    Raises:
        ValueError: the package is not installed, or the file has another hash.
    """
    spec = find_spec(package)
    if spec is None:
        raise ValueError(f"{purpose}: expected the package {package}, which is not installed; {install}")
    path = Path(spec.submodule_search_locations[0]) / name
    found = path.read_bytes() if path.is_file() and path.stat().st_size <= MOST else b""
    if hashlib.sha256(found).hexdigest() != sha256:
        raise ValueError(
            f"{purpose}: {path}: expected the weights with sha256 {sha256[:16]}..., got another file; {install}"
        )
    return found
