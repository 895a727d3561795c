"""A weighted sum of reconstruction losses, itself a reconstruction loss."""

import copy

import keras

from .base import ReconstructionLoss


@keras.saving.register_keras_serializable("losses")
class WeightedSum(ReconstructionLoss):
    """Σ weight · loss, [B].

    Args: `losses`, a list of reconstruction losses; `weights`, a number for each.

    Raises:
        ValueError: there are not as many weights as losses.
    """

    def __init__(self, losses, weights, **kwargs):
        super().__init__(**kwargs)
        self.losses, self.weights = list(losses), [float(weight) for weight in weights]
        if len(self.losses) != len(self.weights):
            raise ValueError(f"expected a weight for each of {len(self.losses)} losses, got {len(self.weights)}")

    def distance(self, image, reconstruction):
        """Return the loss of each pair [B]."""
        return sum(self.terms(image, reconstruction).values())

    def at_step(self, step):
        """Return this sum with every loss as it is in the training step `step`."""
        found = copy.copy(self)
        found.losses = [loss.at_step(step) for loss in self.losses]
        return found

    def terms(self, image, reconstruction):
        """Return every weighted term by its name, each [B]; the second `stft` of a sum is named `stft_2`."""
        found = {}
        for weight, loss in zip(self.weights, self.losses, strict=True):
            namesakes = sum(other.label == loss.label for other in self.losses[: len(found)])
            name = f"{loss.label}_{namesakes + 1}" if namesakes else loss.label
            found[name] = weight * loss.call(image, reconstruction)
        return found

    def get_config(self):
        """Return the arguments of the constructor, the losses in Keras's serialised form."""
        return super().get_config() | {"losses": [keras.losses.serialize(loss) for loss in self.losses]}

    @classmethod
    def from_config(cls, config):
        """Return the loss that `get_config` described."""
        return cls(**(config | {"losses": [keras.losses.deserialize(loss) for loss in config["losses"]]}))
