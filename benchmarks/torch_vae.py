"""The same VAEs, losses and training loop in PyTorch, to measure against; not used by the product.

Written as one would write it there, with what is fast there: pytorch-msssim, rfft2 on views of the
windows, real arithmetic after it (torch.compile fuses that, but nothing complex), the fused Adam.
Images are [B, C, H, W].
"""

import itertools

import torch
from pytorch_msssim import SSIM
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    """conv28, or for larger images the networks of models/networks/strided.py.

    Stride 2 with `output_padding=1` crops the first row and column where Keras's "same" crops the
    last: with the kernels turned by 180° this decoder draws Keras's images turned by 180°.
    """

    def __init__(self, size=28, channels=1, latent_dim=2):
        super().__init__()
        self.encoder, self.decoder = (conv28 if size == 28 else strided)(size, channels, latent_dim)

    def forward(self, images):
        """The reconstruction from a sample of the posterior, and the KL divergence [B] in nats."""
        z_mean, z_log_var = self.encoder(images).chunk(2, dim=1)
        z = z_mean + torch.exp(0.5 * z_log_var) * torch.randn_like(z_mean)
        kl = 0.5 * (z_log_var.exp() + z_mean**2 - 1 - z_log_var).sum(dim=1)
        return self.decoder(z), kl


def conv28(size, channels, latent_dim):
    """The encoder and the decoder for digits."""
    encoder = nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2304, 2 * latent_dim),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 7 * 7 * 32),
        nn.ReLU(),
        nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 64, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 3, padding=1),
    )
    return encoder, decoder


def strided(size, channels, latent_dim):
    """The encoder and the decoder that halve the side down to 4 pixels; `size` is a power of two."""
    filters = [min(256, 32 * 2**i) for i in range(size.bit_length() - 3)]
    encoder, decoder = [], []
    for before, after in zip([channels, *filters], filters, strict=False):
        encoder += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
    for before, after in zip([filters[-1], *filters[::-1]], filters[::-1], strict=False):
        decoder += [nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1), nn.ReLU()]
    values = 16 * filters[-1]
    encoder += [nn.Flatten(), nn.Linear(values, 2 * latent_dim)]
    first = [nn.Linear(latent_dim, values), nn.ReLU(), nn.Unflatten(1, (filters[-1], 4, 4))]
    last = nn.ConvTranspose2d(filters[0], channels, 3, padding=1)
    return nn.Sequential(*encoder), nn.Sequential(*first, *decoder, last)


class L1(nn.Module):
    """Mean absolute error [B]."""

    def forward(self, image, reconstruction):
        """The loss [B]."""
        return functional.l1_loss(reconstruction, image, reduction="none").mean(dim=(1, 2, 3))


class L2(nn.Module):
    """Mean squared error [B]."""

    def forward(self, image, reconstruction):
        """The loss [B]."""
        return functional.mse_loss(reconstruction, image, reduction="none").mean(dim=(1, 2, 3))


class BCE(nn.Module):
    """Mean sigmoid cross-entropy [B], in nats; ours for binary images."""

    def forward(self, image, reconstruction):
        """The loss [B]."""
        values = functional.binary_cross_entropy_with_logits(reconstruction, image, reduction="none")
        return values.mean(dim=(1, 2, 3))


class DSSIM(nn.Module):
    """500 · (1 - SSIM), [B]."""

    def __init__(self, channels=1):
        super().__init__()
        self.ssim = SSIM(data_range=1, size_average=False, channel=channels)

    def forward(self, image, reconstruction):
        """The loss [B]."""
        return 500 * (1 - self.ssim(reconstruction, image))


def amplitude(real, imaginary):
    """√(real² + imaginary²), with a gradient at zero."""
    return torch.sqrt(real**2 + imaginary**2 + 1e-12)


def phase(real, imaginary):
    """The angle in [-π, π], with a gradient at zero."""
    return torch.atan2(imaginary, real + 1e-6)


class STFT(nn.Module):
    """0.0015 · Σ (0.9 |ΔP| + 0.1 |ΔA|) · W over Hann windows, [B]."""

    def __init__(self, window=16, stride=4):
        super().__init__()
        self.window, self.stride = window, stride
        hann = torch.hann_window(window)
        self.register_buffer("taper", torch.outer(hann, hann))
        rows, half = torch.fft.fftfreq(window), torch.fft.rfftfreq(window)
        radius = torch.hypot(rows[:, None], half)
        # a bin of the half-plane stands for its mirror image too, unless it is its own
        mirrored = torch.where((half == 0) | (half == 0.5), 1, 2)
        self.register_buffer("weights", 0.0015 * mirrored * radius / radius.max())

    def forward(self, image, reconstruction):
        """The loss [B]."""
        (real_i, imaginary_i), (real_o, imaginary_o) = self.spectrum(image), self.spectrum(reconstruction)
        amp = (amplitude(real_o, imaginary_o) - amplitude(real_i, imaginary_i)).abs()
        arg = (phase(real_o, imaginary_o) - phase(real_i, imaginary_i)).abs()
        return ((0.9 * arg + 0.1 * amp) * self.weights).flatten(1).sum(dim=1)

    def spectrum(self, images):
        """Real and imaginary parts of half of every window's DFT, [B, C, rows, columns, window, window // 2 + 1]."""
        windows = images.unfold(2, self.window, self.stride).unfold(3, self.window, self.stride)
        return torch.view_as_real(torch.fft.rfft2(windows * self.taper)).unbind(-1)


class Sum(nn.Module):
    """The sum of losses [B]."""

    def __init__(self, *terms):
        super().__init__()
        self.terms = nn.ModuleList(terms)

    def forward(self, image, reconstruction):
        """The loss [B]."""
        return sum(term(image, reconstruction) for term in self.terms)


LOSSES = {
    "l2": lambda channels: L2(),
    "l1": lambda channels: L1(),
    "bce": lambda channels: BCE(),
    "ssim": DSSIM,
    "dft+ssim": lambda channels: Sum(STFT(window=28), DSSIM(channels)),
    "ours": lambda channels: Sum(STFT(), DSSIM(channels)),
}


def training_step(loss, images, batch_size, compiled, memory_format):
    """A function that takes one step of Adam on the next batch of `images` [N, C, H, W], in a new order each epoch."""
    _, channels, size, _ = images.shape
    loader = DataLoader(TensorDataset(images), batch_size, shuffle=True, drop_last=True)
    batches = (batch for _ in itertools.count() for (batch,) in loader)
    model = VAE(size, channels, 2 if size == 28 else 64).to(memory_format=memory_format)
    distance = LOSSES[loss](channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def objective(images):
        reconstruction, kl = model(images)
        return (distance(images, reconstruction) + 0.005 * kl).mean()

    if compiled:
        objective = torch.compile(objective, dynamic=False)

    def step():
        optimizer.zero_grad()
        objective(next(batches).to(memory_format=memory_format)).backward()
        optimizer.step()

    return step
