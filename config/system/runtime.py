"""TensorFlow's devices and threads."""

import contextlib
import os

from config.system.errors import UserError

# pixels of a batch up to which a second thread costs a step more than it saves (28x28: 10 images)
FEW_PIXELS = 8000


def import_tensorflow(deterministic=True):
    """Import TensorFlow and find its devices, without the lines it writes on the way.

    A GPU gives its memory as it is needed. With `deterministic`, the same seed gives the same bits there too.

    Raises:
        UserError: the environment names another backend of Keras.
    """
    from config.system import quiet

    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND: expected tensorflow for this command, got {backend[:80]!r}")

    with quiet.silenced():
        import tensorflow

        gpus = tensorflow.config.list_physical_devices("GPU")
        for gpu in gpus:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
        if gpus and deterministic:
            # on a CPU the same seed gives the same bits anyway
            tensorflow.config.experimental.enable_op_determinism()


def use_threads_for(pixels):
    """Leave the steps on batches of few `pixels` to one thread, before the first of them.

    A number that the user has set stays, and that of a process that has computed already.
    """
    import tensorflow

    if pixels <= FEW_PIXELS and "TF_NUM_INTRAOP_THREADS" not in os.environ:
        with contextlib.suppress(RuntimeError):
            tensorflow.config.threading.set_intra_op_parallelism_threads(1)
