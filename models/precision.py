"""The precision in which the networks compute. Weights, losses and metrics are always float32."""

import contextlib

import keras
import tensorflow as tf

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
# the first factor of a float16 loss, and the number of steps without an overflow after which it doubles
FIRST_SCALE = 2.0**15
GROWTH_STEPS = 2000


@contextlib.contextmanager
def networks_of(precision):
    """Make the layers built here compute in `precision`: "float32", "bfloat16" or "float16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def to_float32(outputs):
    """Return the output of a network, a tensor or several, in float32."""
    return tf.nest.map_structure(lambda output: tf.cast(output, tf.float32), outputs)


class LossScale:
    """The factor of a loss before its gradients are taken in float16, where small ones would vanish.

    A step whose gradient overflows is skipped, and halves it. It doubles after GROWTH_STEPS steps without an overflow.
    At 1 it falls no further: a gradient that is not finite then is no overflow.
    """

    def __init__(self):
        self.value = keras.Variable(FIRST_SCALE, trainable=False, name="loss_scale")
        self.good_steps = keras.Variable(0, dtype="int64", trainable=False, name="good_steps")
        self.variables = [self.value, self.good_steps]

    def grow(self):
        """Count a step without an overflow."""
        good_steps = self.good_steps + 1
        is_due = good_steps == GROWTH_STEPS
        self.value.assign(tf.where(is_due, 2 * self.value, self.value))
        self.good_steps.assign(tf.where(is_due, tf.zeros_like(good_steps), good_steps))

    def shrink(self, is_loss_finite):
        """Halve the factor if the gradient overflowed, which needs a finite loss; return whether it did, a scalar."""
        is_overflow = is_loss_finite & (self.value > 1)
        self.value.assign(tf.where(is_overflow, self.value / 2, self.value))
        self.good_steps.assign(tf.where(is_overflow, tf.zeros_like(self.good_steps), self.good_steps))
        return is_overflow
