"""Imports TensorFlow when it is imported: without the lines that TensorFlow writes, and with its fast convolutions.

oneDNN's convolutions halve the training step on a CPU; TensorFlow turns them on by itself only on newer ones. A value
that the user has set stays.
"""

import contextlib
import os
import sys
from pathlib import Path


@contextlib.contextmanager
def silenced():
    """Let nothing be written to the process's stderr, not even from C++."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with silenced():
    import tensorflow  # noqa: F401
