"""The same VAE, losses and training step in PyTorch, to measure against; not used by the product.

Written as one would write it there, with what is fast there: pytorch-msssim, rfft2 on views of the
windows, real arithmetic after it (torch.compile fuses that, but nothing complex), the fused Adam.
Images are [B, 1, H, W].
"""

import torch
from pytorch_msssim import SSIM
from torch import nn
from torch.nn import functional


class VAE(nn.Module):
    """conv28 with one channel and two latents.

    Stride 2 with `output_padding=1` crops the first row and column where Keras's "same" crops the
    last: with the kernels turned by 180° this decoder draws Keras's images turned by 180°.
    """

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2304, 4),
        )
        self.decoder = nn.Sequential(
            nn.Linear(2, 7 * 7 * 32),
            nn.ReLU(),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 64, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 3, padding=1),
        )

    def forward(self, images):
        """The reconstruction from a sample of the posterior, and the KL divergence [B] in nats."""
        z_mean, z_log_var = self.encoder(images).chunk(2, dim=1)
        z = z_mean + torch.exp(0.5 * z_log_var) * torch.randn_like(z_mean)
        kl = 0.5 * (z_log_var.exp() + z_mean**2 - 1 - z_log_var).sum(dim=1)
        return self.decoder(z), kl


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

    def __init__(self):
        super().__init__()
        self.ssim = SSIM(data_range=1, size_average=False, channel=1)

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
        """Real and imaginary parts of half of every window's DFT, [B, 1, rows, columns, window, window // 2 + 1]."""
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
    "l2": L2,
    "l1": L1,
    "bce": BCE,
    "ssim": DSSIM,
    "dft+ssim": lambda: Sum(STFT(window=28), DSSIM()),
    "ours": lambda: Sum(STFT(), DSSIM()),
}


def training_step(loss, images, compiled, memory_format):
    """A function that takes one step of Adam on `images` [B, 1, H, W]."""
    images = images.to(memory_format=memory_format)
    model = VAE().to(memory_format=memory_format)
    distance = LOSSES[loss]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def objective(images):
        reconstruction, kl = model(images)
        return (distance(images, reconstruction) + 0.005 * kl).mean()

    if compiled:
        objective = torch.compile(objective, dynamic=False)

    def step():
        optimizer.zero_grad()
        objective(images).backward()
        optimizer.step()

    return step
