"""What every measurement has in common."""

import copy

import tensorflow as tf

from config.system.errors import UserError


class Measurement:
    """A known distortion y = f_θ(x) whose parameters θ are random, of its own for each image.

    A subclass writes `draw` and `measured`. Images are [B, H, W, C] of any size.
    """

    # whether a pixel can be exactly 0 that nothing has dropped
    has_zeros = True

    def draw(self, shape, seed):
        """θ [B, ...] for images of `shape` (B, H, W, C): a function of `seed`, two integers.

        B may be a scalar tensor, the others are numbers.
        """
        raise NotImplementedError

    def measured(self, images, theta):
        """f_θ of images [B, H, W, C], differentiable in them."""
        raise NotImplementedError

    def apply(self, images, theta):
        """f_θ of images [B, H, W, C] for their θ [B, ...], to which no gradient goes."""
        return self.measured(images, tf.stop_gradient(theta))

    def marginal_error(self, images, measured, precision):
        """The squared error of f_θ(x) from y with θ summed out: -2/α · log E_θ exp(-α/2 · ‖f_θ(x) - y‖²), [B].

        With a high precision α it is the error at the best θ, with a low one the mean over θ. α/2 times it is
        the negative log-likelihood of y, in nats, under noise of variance 1/α, but for a constant.

        Args: images x and y [B, H, W, C].

        Raises:
            UserError: θ cannot be summed out of this measurement.
        """
        raise UserError("pixel_side: expected measured or unmeasured, got marginal; this θ cannot be summed out")

    def from_picture(self, picture):
        """What is measured [B, H, W, C], from pictures in which what is seen of an image is as bright as there."""
        return picture

    def __call__(self, images, seed):
        """Images [B, H, W, C] measured with θ drawn for them."""
        return self.apply(images, self.draw((tf.shape(images)[0], *images.shape[1:]), seed))


class Identity(Measurement):
    """f(x) = x; θ is nothing, zeros [B]."""

    def draw(self, shape, seed):
        return tf.zeros(shape[:1])

    def measured(self, images, theta):
        return images

    def marginal_error(self, images, measured, precision):
        return squared_error(images, measured)


class Centred(Measurement):
    """Another measurement of images as values in [-1, 1], so that 0, which it puts where it drops, is grey.

    Takes and gives images in [0, 1] as all do: ½ (1 + f_θ(2x - 1)).
    """

    def __init__(self, measurement):
        self.measurement = copy.copy(measurement)
        self.measurement.has_zeros = False  # grey is 127.5 of 255

    def draw(self, shape, seed):
        return self.measurement.draw(shape, seed)

    def measured(self, images, theta):
        return (1 + self.measurement.measured(2 * images - 1, theta)) / 2

    def marginal_error(self, images, measured, precision):
        return self.measurement.marginal_error(2 * images - 1, 2 * measured - 1, precision / 4) / 4

    def from_picture(self, picture):
        return (1 + self.measurement.from_picture(2 * picture - 1)) / 2


def squared_error(images, others):
    """‖x - y‖² [B] of images [B, H, W, C]."""
    return tf.reduce_sum((images - others) ** 2, [1, 2, 3])


def soft_minimum(errors, probabilities, precision):
    """-2/α · log Σ_i p_i exp(-α/2 · e_i) over the last axis of errors e [..., I], p [I] or a number."""
    return -2 / precision * tf.reduce_logsumexp(tf.math.log(probabilities) - precision / 2 * errors, -1)
