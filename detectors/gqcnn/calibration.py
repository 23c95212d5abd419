"""Making a network's probabilities mean what they say (Platt scaling)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.gqcnn.scores import cross_entropy, success_probability

_STEPS, _CLOSE = 100, 1e-10
_RIDGE = 1e-6  # holds the slope finite where the labels can be told apart without error


def fit_platt(logits: NDArray[np.floating], success: NDArray[np.floating]) -> tuple[float, float]:
    """Slope and offset that make sigmoid(slope * logit + offset) fit best, by cross entropy (Newton's method).

    Args:
        logits: (N,) of grasps that the network has not learnt from.
        success: (N,) their labels or shares of success, in [0, 1].

    Raises:
        ValueError: no grasps, or different numbers of logits and labels.
    """
    x, y = np.asarray(logits, dtype=np.float64), np.asarray(success, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(f"logits {x.shape} and labels {y.shape} must be of one length above 0")
    terms = np.stack([x, np.ones_like(x)], axis=1)
    start = np.array([1.0, 0.0])
    weights, loss = start, _loss(start, start, terms, y)
    for _ in range(_STEPS):
        p = success_probability(terms @ weights)
        gradient = terms.T @ (p - y) / len(x) + _RIDGE * (weights - start)
        hessian = (terms * (p * (1 - p))[:, None]).T @ terms / len(x) + _RIDGE * np.eye(2)
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while _loss(weights - size * step, start, terms, y) > loss and size > 1e-8:
            size /= 2
        weights = weights - size * step
        loss = _loss(weights, start, terms, y)
        if float(np.abs(size * step).max()) < _CLOSE:
            break
    return float(weights[0]), float(weights[1])


def _loss(
    weights: NDArray[np.float64], start: NDArray[np.float64], terms: NDArray[np.float64], y: NDArray[np.float64]
) -> float:
    z = terms @ weights
    return float(cross_entropy(z, y) + _RIDGE / 2 * np.sum((weights - start) ** 2))
