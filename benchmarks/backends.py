"""Training steps on JAX or PyTorch, on a GPU if there is one:  KERAS_BACKEND=jax python -m benchmarks.backends

For images of several sizes, the median ratio of a training step of an autoencoder with each loss to the step with l2,
taken in turns. On JAX the whole step is compiled; on PyTorch it is eager. Needs Keras and the backend, no TensorFlow.
"""

import keras
from keras import layers, ops

from benchmarks import publish
from benchmarks.interleaved import ratio, seconds, times
from config.command_line import Parser
from config.system.errors import run

LOSSES = ("l2", "ssim", "dft+ssim", "ours", "sharp", "sharp-colour")
# side of the images in pixels, channels and size of the batch
CASES = ((28, 1, 50), (28, 1, 500), (64, 3, 64), (128, 3, 64), (256, 3, 16))


def autoencoder(side, channels):
    """An autoencoder of two strided convolutions and two transposed ones, for images of `side` pixels."""
    encoder = [layers.Conv2D(filters, 3, 2, "same", activation="relu") for filters in (32, 64)]
    decoder = [layers.Conv2DTranspose(filters, 3, 2, "same", activation="relu") for filters in (64, 32)]
    last = layers.Conv2DTranspose(channels, 3, padding="same")
    return keras.Sequential([keras.Input([side, side, channels]), *encoder, *decoder, last])


def jax_step(model, loss, images):
    """A function that starts the training step, compiled by JAX, and one that waits for its end."""
    import jax

    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    fixed = [variable.value for variable in model.non_trainable_variables]

    def objective(weights, images):
        return ops.mean(loss(images, model.stateless_call(weights, fixed, images)[0]))

    @jax.jit
    def step(weights, moments, images):
        return optimizer.stateless_apply(moments, jax.grad(objective)(weights, images), weights)

    state = [variable.value for variable in model.trainable_variables], [v.value for v in optimizer.variables]

    def start():
        nonlocal state
        state = step(*state, images)

    return start, lambda: jax.block_until_ready(state)


def torch_step(model, loss, images):
    """A function that starts the training step on PyTorch, and one that waits for its end."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def start():
        optimizer.zero_grad()
        ops.mean(loss(images, model(images))).backward()
        optimizer.step()

    return start, torch.cuda.synchronize if torch.cuda.is_available() else lambda: None


STEPS = {"jax": jax_step, "torch": torch_step}


def device():
    """The name of the device that computes."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.devices()[0].device_kind
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def measure(side, channels, batch):
    """The median ratio of a step with each of LOSSES to one with l2, on random images."""
    import losses

    images = keras.random.uniform([batch, side, side, channels], seed=0)
    make = STEPS[keras.backend.backend()]
    steps = {name: make(autoencoder(side, channels), losses.build(name), images) for name in LOSSES}

    def timer(step, repeats):
        start, wait = step
        return seconds(lambda: ([start() for _ in range(repeats)], wait())) / repeats

    found = times(steps, timer=timer)
    return [f"{1e3 * min(found['l2']):.2f}", *(f"{ratio(found[name], found['l2']):.2f}" for name in LOSSES)]


def main(argv):
    """Print the table."""
    parser, backend = Parser(__doc__), keras.backend.backend()
    parser.parse(argv)
    if backend not in STEPS:
        parser.error(f"KERAS_BACKEND: expected jax or torch, got {backend}")
    columns = [measure(*case) for case in CASES]
    labels = [f"l2, ms a step on {device()}", *(f"{name}, in steps of l2" for name in LOSSES)]
    rows = [[label, *cells] for label, *cells in zip(labels, *columns, strict=True)]
    publish(f"backends_{backend}", [backend, *(f"{side} px, batch {batch}" for side, _, batch in CASES)], rows)


if __name__ == "__main__":
    run(main)
