"""A Keras model on the PyTorch backend that learns to remove a blur.

    pip install . torch
    python examples/keras_on_pytorch.py

It prints the loss on unseen images before and after the training.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before Keras is imported

import deblur_losses
import keras
import numpy as np
from keras import layers


def shapes(count, seed):
    """Return images [count, 32, 32, 3] in [0, 1]: a coloured rectangle on black, of random place and size."""
    rng = np.random.default_rng(seed)
    top, left = rng.integers(2, 14, (2, count, 1, 1))
    bottom, right = rng.integers(16, 30, (2, count, 1, 1))
    y, x = np.mgrid[:32, :32]
    inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
    return (inside[..., None] * rng.uniform(0.4, 1, (count, 1, 1, 3))).astype("float32")


def blurred(images):
    """Return images [B, H, W, C] under a blur of 1.4 pixels: the weights ¼, ½, ¼ four times along each axis."""
    for axis in (1, 2) * 4:
        images = images / 2 + (np.roll(images, 1, axis) + np.roll(images, -1, axis)) / 4
    return images


keras.utils.set_random_seed(0)
blurry = keras.Input([None, None, 3])
hidden = layers.Conv2D(24, 5, padding="same", activation="relu")(blurry)
hidden = layers.Conv2D(24, 5, padding="same", activation="relu")(hidden)
model = keras.Model(blurry, layers.Add()([blurry, layers.Conv2D(3, 5, padding="same")(hidden)]))
loss = deblur_losses.build("l2+amplitude")
model.compile(keras.optimizers.Adam(0.002), loss=loss)

images, unseen = shapes(640, seed=0), shapes(100, seed=1)
before = float(loss(unseen, blurred(unseen)))
model.fit(blurred(images), images, batch_size=16, epochs=2, verbose=0)
after = model.evaluate(blurred(unseen), unseen, verbose=0)
print(f"backend {keras.backend.backend()}: loss of blurred images {before:.5f}, of the model's {after:.5f}")
