"""Cyclical learning rates (Smith 2017)."""

import keras
import tensorflow as tf

SCALES = {
    "triangular": lambda gamma, step, cycle: 1.0,
    "triangular2": lambda gamma, step, cycle: 0.5**cycle,
    "exp_range": lambda gamma, step, cycle: gamma**step,
}


@keras.saving.register_keras_serializable("training")
class CyclicalLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises from `min_lr` to `max_lr` in `step_size` steps and falls back in as many.

    Args:
        min_lr, max_lr: the bounds of the first cycle.
        step_size: half a cycle, in steps of the optimizer.
        mode: "triangular" (all cycles are equal), "triangular2" (the amplitude halves after each
            cycle) or "exp_range" (the amplitude falls as gamma**step).
        gamma: the factor of "exp_range".

    Raises:
        ValueError: an unknown mode.
    """

    def __init__(self, min_lr=1e-4, max_lr=1e-3, step_size=2000, mode="triangular2", gamma=0.9999):
        if mode not in SCALES:
            raise ValueError(f"mode: expected one of {', '.join(SCALES)}, got {mode!r}")
        self.min_lr, self.max_lr, self.step_size, self.mode, self.gamma = min_lr, max_lr, step_size, mode, gamma

    def __call__(self, step):
        """The learning rate at `step`, a scalar."""
        step = tf.cast(step, tf.float32)
        cycle = tf.floor(step / (2 * self.step_size))
        height = 1 - tf.abs(step / self.step_size - 2 * cycle - 1)
        return self.min_lr + (self.max_lr - self.min_lr) * height * SCALES[self.mode](self.gamma, step, cycle)

    def get_config(self):
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in ("min_lr", "max_lr", "step_size", "mode", "gamma")}
