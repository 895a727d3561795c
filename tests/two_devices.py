"""Trains as train.py does, on two logical CPU devices:  python two_devices.py OPTIMIZER FLAGS... [, OPTIMIZER FLAGS...]

OPTIMIZER is Adam or SGD. A comma separates several trainings.
"""

import itertools
import sys

from config.system.runtime import import_tensorflow

import_tensorflow()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

import train  # noqa: E402
from training import loop  # noqa: E402

if __name__ == "__main__":
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    for is_comma, words in itertools.groupby(sys.argv[1:], key=",".__eq__):
        if not is_comma:
            optimizer, *flags = words
            loop.OPTIMIZERS["adam"] = getattr(keras.optimizers, optimizer)
            train.main(flags)
