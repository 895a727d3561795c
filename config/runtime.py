"""TensorFlow, imported once, quietly and with the settings that the measurements were made with."""

import contextlib
import os
import sys
from pathlib import Path


def import_tensorflow():
    """Import TensorFlow and find its devices, without the lines it writes on the way.

    oneDNN's convolutions halve the training step on a CPU; TensorFlow turns them on by itself only
    on newer ones. A value that the user has set stays.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _silenced():
        import tensorflow

        if tensorflow.config.list_physical_devices("GPU"):
            # on a CPU the same seed gives the same bits anyway
            tensorflow.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def _silenced():
    """Nothing written to the process's stderr, not even from C++."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
