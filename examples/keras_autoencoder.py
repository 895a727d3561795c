"""A Keras autoencoder that is trained once with l2 and once with a loss that charges more for blur.

    pip install . tensorflow
    python examples/keras_autoencoder.py

It prints how much of the edges of unseen images is left in their reconstructions: 1.00 is as sharp as the images.
"""

import deblur_losses
import keras
import numpy as np
from keras import layers


def discs(count, seed):
    """Return images [count, 32, 32, 1] in [0, 1]: a white disc on black, of random place and size."""
    row, column, radius = np.random.default_rng(seed).uniform([10, 10, 3], [22, 22, 9], (count, 3)).T[..., None, None]
    y, x = np.mgrid[:32, :32]
    return (np.hypot(y - row, x - column) < radius)[..., None].astype("float32")


def autoencoder():
    """Return a model [B, 32, 32, 1] → [B, 32, 32, 1] with six latents. Its output is linear: the losses take it raw."""
    return keras.Sequential([
        keras.Input([32, 32, 1]),
        layers.Conv2D(16, 3, 2, "same", activation="relu"),
        layers.Conv2D(32, 3, 2, "same", activation="relu"),
        layers.Flatten(),
        layers.Dense(6),
        layers.Dense(8 * 8 * 32, activation="relu"),
        layers.Reshape([8, 8, 32]),
        layers.Conv2DTranspose(16, 3, 2, "same", activation="relu"),
        layers.Conv2DTranspose(1, 3, 2, "same"),
    ])  # fmt: skip


def edges(images):
    """Return the mean squared difference of neighbouring pixels of images [B, H, W, C]."""
    return np.mean(np.diff(images, axis=1) ** 2) + np.mean(np.diff(images, axis=2) ** 2)


images, unseen = discs(1000, seed=0), discs(200, seed=1)
for loss in (deblur_losses.build("l2"), deblur_losses.build("l2+amplitude", amplitude_coef=10)):
    keras.utils.set_random_seed(0)
    model = autoencoder()
    model.compile(keras.optimizers.Adam(0.002), loss=loss, metrics=["mse"])
    model.fit(images, images, batch_size=25, epochs=10, verbose=0)
    _, mse = model.evaluate(unseen, unseen, verbose=0)
    found = edges(model.predict(unseen, verbose=0)) / edges(unseen)
    print(f"{loss.label}: edges {found:.2f} of those of the images, mean squared error {mse:.4f}")
