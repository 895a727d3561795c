"""Trains as train.py does on two logical CPU devices:  python two_devices.py FLAGS..."""

import sys

from config.system.runtime import import_tensorflow

import_tensorflow()

import tensorflow as tf  # noqa: E402

import train  # noqa: E402
from config.system.errors import run  # noqa: E402

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

if __name__ == "__main__":
    run(train.main)
