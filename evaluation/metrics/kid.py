"""Kernel Inception distance (Binkowski, Sutherland, Arbel and Gretton 2018), of weighted features.

The unbiased estimate of the squared maximum mean discrepancy with the kernel (x·y / F + 1)³. Its parts are those of
resamples: w are weights [1 + R, N] of N features, and every row sums to 1.
"""

import numpy as np

from evaluation.metrics.display import rows

# a resample of one image alone has no pairs; its mean over pairs is 0
LEAST_WEIGHT = 1e-6


def distance(features, references, weights, within_references):
    """Return the squared distance [1 + R] of features and references [N, F]; for equal sets it is 0 on average.

    Args: `within_references`, the mean kernel [1 + R] within the references.
    """
    return within(features, weights) + within_references - 2 * between(features, references, weights)


def within(features, weights):
    """Return the mean kernel [1 + R] of pairs of different features: Σ_{i≠j} wᵢwⱼ k(xᵢ, xⱼ) / Σ_{i≠j} wᵢwⱼ."""
    of_itself = ((features**2).mean(1) + 1) ** 3
    different = 1 - (weights**2).sum(1)
    total = between(features, features, weights) - weights**2 @ of_itself
    return np.divide(total, different, out=np.zeros_like(total), where=different > LEAST_WEIGHT)


def between(features, others, weights):
    """Return the mean kernel [1 + R] of all pairs: Σᵢⱼ wᵢwⱼ k(xᵢ, yⱼ)."""
    return sum((weights @ kernel(others, features[i]) * weights[:, i]).sum(1) for i in rows(features))


def kernel(features, others):
    """Return (x·y / F + 1)³ of all pairs [N, M] of features [N, F] and [M, F]."""
    return (features @ others.T / features.shape[1] + 1) ** 3
