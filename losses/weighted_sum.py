"""A weighted sum of reconstruction losses, itself one."""

import keras

from losses.base import ReconstructionLoss


@keras.saving.register_keras_serializable("losses")
class WeightedSum(ReconstructionLoss):
    """Σ weight · loss, [B].

    Args: `losses`, a list of reconstruction losses of different names; `weights`, a number each.
    """

    def __init__(self, losses, weights, **kwargs):
        super().__init__(**kwargs)
        self.losses, self.weights = list(losses), [float(weight) for weight in weights]

    def distance(self, image, reconstruction):
        """The loss of each pair [B]."""
        return sum(self.terms(image, reconstruction).values())

    def terms(self, image, reconstruction):
        """Every weighted term by its name, each [B]."""
        pairs = zip(self.weights, self.losses, strict=True)
        return {loss.name: weight * loss.call(image, reconstruction) for weight, loss in pairs}

    def get_config(self):
        """The constructor's arguments."""
        losses = [keras.losses.serialize(loss) for loss in self.losses]
        return super().get_config() | {"losses": losses, "weights": self.weights}

    @classmethod
    def from_config(cls, config):
        """The loss that `get_config` described."""
        return cls(**(config | {"losses": [keras.losses.deserialize(loss) for loss in config["losses"]]}))
