"""What every measurement has in common."""

import tensorflow as tf


class Measurement:
    """A known distortion y = f_θ(x) whose parameters θ are random, of its own for each image.

    A subclass writes `draw` and `measured`. Images are [B, H, W, C] of any size.
    """

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


class Centred(Measurement):
    """Another measurement of images as values in [-1, 1], so that 0, which it puts where it drops, is grey.

    Takes and gives images in [0, 1] as all do: ½ (1 + f_θ(2x - 1)).
    """

    def __init__(self, measurement):
        self.measurement = measurement

    def draw(self, shape, seed):
        return self.measurement.draw(shape, seed)

    def measured(self, images, theta):
        return (1 + self.measurement.measured(2 * images - 1, theta)) / 2

    def from_picture(self, picture):
        return (1 + self.measurement.from_picture(2 * picture - 1)) / 2
