"""Precision and recall of a set of images (Kynkäänniemi, Karras, Laine, Lehtinen and Aila 2019)."""

import numpy as np

from evaluation.metrics.display import rows

# the neighbour to which a ball reaches
K = 3


def inside(points, references, k=K):
    """Whether each point [N] of features [N, F] lies in the manifold of references [M, F], M > k.

    The manifold is the union of balls around the references. Each reaches to the reference's k-th nearest neighbour.
    """
    radii = np.concatenate([kth_distance(references[i], references, k) for i in rows(references)])
    return np.concatenate([(squared_distances(points[i], references) <= radii).any(1) for i in rows(points)])


def kth_distance(points, references, k):
    """Return the squared distance [N] of each point to its k-th nearest of the references, itself not counted."""
    return np.partition(squared_distances(points, references), k, axis=1)[:, k]


def squared_distances(points, others):
    """Return the squared distances [N, M] of points [N, F] and [M, F]."""
    return (points**2).sum(1)[:, None] + (others**2).sum(1) - 2 * points @ others.T
