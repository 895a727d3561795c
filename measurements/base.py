"""What all measurements have in common."""

import tensorflow as tf


class Measurement:
    """A known distortion y = f_θ(x). Its parameters θ are random, and every image has its own.

    A subclass writes `draw` and `_formula`. Images are [B, H, W, C] of any size.
    """

    def draw(self, shape, seed):
        """Draw θ [B, ...] for images of `shape` (B, H, W, C) from `seed`, two integers.

        The same seed gives the same θ. B may be a scalar tensor; H, W and C are integers.
        """
        raise NotImplementedError

    def _formula(self, images, theta):
        """Return f_θ of images [B, H, W, C], differentiable in the images."""
        raise NotImplementedError

    def apply(self, images, theta):
        """Measure images [B, H, W, C] with their θ [B, ...]. No gradient goes to θ."""
        return self._formula(images, tf.stop_gradient(theta))

    def __call__(self, images, seed):
        """Measure images [B, H, W, C] with θ drawn for them from `seed`."""
        return self.apply(images, self.draw((tf.shape(images)[0], *images.shape[1:]), seed))

    def marginal_error(self, images, measured, precision):
        """Return the squared error [B] of f_θ(x) from y with θ summed out: -2/α · log E_θ exp(-α/2 · ‖f_θ(x) - y‖²).

        At a high precision α this is the error at the best θ, at a low one the mean over θ. Times α/2 it is
        the negative log-likelihood of y in nats, under noise of variance 1/α. Both hold up to a constant
        that does not depend on the images.

        Args: `images` x and `measured` y, [B, H, W, C]; `precision` α.

        Raises:
            ValueError: this measurement's θ cannot be summed out.
        """
        raise ValueError(f"measurement: expected one whose θ can be summed out, got {type(self).__name__}")

    def marginal_error_around_grey(self, images, measured, precision):
        """Return the same for images in [-1, 1], where no value is exactly 0 unless it was dropped."""
        return self.marginal_error(images, measured, precision)

    def from_picture(self, picture):
        """Turn damaged pictures [B, H, W, C] into measured images.

        A picture shows each pixel as bright as the image has it. A measurement may scale it.
        """
        return picture


class Identity(Measurement):
    """f(x) = x. Its θ [B] are zeros and mean nothing."""

    def draw(self, shape, seed):
        return tf.zeros(shape[:1])

    def _formula(self, images, theta):
        return images

    def marginal_error(self, images, measured, precision):
        return squared_error(images, measured)


class Centred(Measurement):
    """Another measurement, applied around grey: to images as values in [-1, 1], where 0 is grey and not black.

    It takes and returns images in [0, 1] like all others: ½ (1 + f_θ(2x - 1)).
    """

    def __init__(self, measurement):
        self.measurement = measurement

    def draw(self, shape, seed):
        return self.measurement.draw(shape, seed)

    def _formula(self, images, theta):
        return (1 + self.measurement.apply(2 * images - 1, theta)) / 2

    def marginal_error(self, images, measured, precision):
        # a byte is never exactly grey, which is 127.5 of 255
        return self.measurement.marginal_error_around_grey(2 * images - 1, 2 * measured - 1, precision / 4) / 4

    def from_picture(self, picture):
        return (1 + self.measurement.from_picture(2 * picture - 1)) / 2


def squared_error(images, others):
    """Return ‖x - y‖² [B] of images [B, H, W, C]."""
    return tf.reduce_sum((images - others) ** 2, [1, 2, 3])


def soft_minimum(errors, probabilities, precision):
    """Return -2/α · log Σ_i p_i exp(-α/2 · e_i) over the last axis of errors e [..., I].

    Args: `probabilities` p, [I] or one number for all; `precision` α.
    """
    return -2 / precision * tf.reduce_logsumexp(tf.math.log(probabilities) - precision / 2 * errors, -1)
