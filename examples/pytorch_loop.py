"""A plain PyTorch training loop around a loss: tensors in, gradient out. No Keras model is needed.

    pip install . torch
    python examples/pytorch_loop.py

It prints the loss and its terms in the course of the training.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"  # before the losses are imported

import deblur_losses
import torch


def discs(count):
    """Return images [count, 1, 32, 32] in [0, 1], the layout of PyTorch: a white disc on black, at random."""
    row, column, radius = torch.rand(3, count, 1, 1, 1) * 12 + torch.tensor([10.0, 10.0, 3.0]).reshape(3, 1, 1, 1, 1)
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    return (torch.hypot(y - row, x - column) < radius).float()


def blurred(images):
    """Return images [B, C, H, W] under a blur of 1.4 pixels: the weights ¼, ½, ¼ four times along each axis."""
    for axis in (2, 3) * 4:
        images = images / 2 + (images.roll(1, axis) + images.roll(-1, axis)) / 4
    return images


torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 24, 5, padding=2),
    torch.nn.ReLU(),
    torch.nn.Conv2d(24, 24, 5, padding=2),
    torch.nn.ReLU(),
    torch.nn.Conv2d(24, 1, 5, padding=2),
)
optimizer = torch.optim.Adam(model.parameters(), 0.002)
loss = deblur_losses.build("sharp")

for step in range(101):
    images = discs(16)
    output = model(blurred(images))
    # the losses take [B, H, W, C] and return one value for each image, [B]
    values = loss.call(images.movedim(1, -1), output.movedim(1, -1))
    optimizer.zero_grad()
    values.mean().backward()
    optimizer.step()
    if step % 25 == 0:
        terms = loss.terms(images.movedim(1, -1), output.detach().movedim(1, -1))
        parts = ", ".join(f"{name} {term.mean():.1f}" for name, term in terms.items())
        print(f"step {step}: loss {values.mean():.1f} ({parts})")
