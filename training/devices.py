"""Where a training runs: on one device, on all of a machine, or on several machines."""

import contextlib
import json
import os
import re

import tensorflow as tf

from config.system.errors import UserError


def strategy(name):
    """Return TensorFlow's strategy for the value `name` of the key `strategy`. It comes before the first tensor.

    "mirrored" takes all GPUs of this machine or, where there are none, its logical CPUs. "multi_worker" waits until all
    machines of TF_CONFIG are there.

    Raises:
        UserError: there is no TF_CONFIG that names the machines, or TensorFlow cannot use them.
    """
    tf.get_logger().setLevel("ERROR")
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        adding = tf.distribute.ReductionToOneDevice()  # always in the same order
        return tf.distribute.MirroredStrategy([device.name for device in devices], cross_device_ops=adding)
    require_cluster(os.environ.get("TF_CONFIG", ""))
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"strategy multi_worker: expected machines that can be reached, got: {error}") from error


def require_cluster(text):
    """Check that `text`, the value of TF_CONFIG, names the workers, each once, and says which of them this machine is.

    Raises:
        UserError: it does not.
    """
    try:
        found = json.loads(text)
        kind, index = found["task"]["type"], found["task"]["index"]
        is_named = kind in ("chief", "worker") and index in range(len(found["cluster"][kind]))
        addresses = [address for part in found["cluster"].values() for address in part]
        ports = [re.fullmatch(r".+:([0-9]{1,5})", address) for address in addresses]
        are_ports = all(port and 0 < int(port[1]) < 2**16 for port in ports)
        is_named = is_named and are_ports and len(set(addresses)) == len(addresses)
    except (ValueError, TypeError, KeyError, AttributeError):
        is_named = False
    if not is_named:
        raise UserError(
            "strategy multi_worker: expected the machines in the environment variable TF_CONFIG, such as "
            '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}, '
            f"got {text[:80]!r}"
        )


def is_chief(model):
    """Whether this machine is the one that writes files, for a `model` made under a strategy."""
    return model.distribute_strategy.extended.should_checkpoint


def is_of_several(model):
    """Whether other machines train the `model` too."""
    return isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)


def mean_over_machines(model, value):
    """Return the mean of what each machine that trains the `model` has as the number `value`.

    Raises:
        UserError: a machine is lost.
    """
    if not is_of_several(model):
        return value
    across = model.distribute_strategy
    each = across.experimental_distribute_values_from_function(lambda _: tf.constant(value, tf.float32))
    with all_there(model):
        return float(across.reduce("MEAN", each, None))


@contextlib.contextmanager
def all_there(model):
    """Say so when a machine that trains the `model` is lost.

    Raises:
        UserError: one is. It takes the place of TensorFlow's own error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not is_of_several(model):
            raise
        raise UserError(
            f"expected every machine of TF_CONFIG until the end, lost one ({error.message[:200]}); once all are there "
            "again, the same command with --resume goes on from the last save"
        ) from None
