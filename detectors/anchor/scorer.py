"""The scorer: how good a predicted grasp is, from its surroundings and its deformation (paper, section IV-A.c)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.anchor.settings import LEAKY_SLOPE, PREDICTIONS


class Scorer(nn.Module):
    """3 x 3 surroundings through a 1 x 1 convolution, the deformation through a layer of its own, both through two.

    With ResNet-50 the vectors have the paper's lengths: 9 x 1024 = 9216, 512, together 9728. The first of the last two
    layers is not measured in the paper; here it is as wide as the deformation's. A layer on two vectors laid end to end
    is the sum of a layer on each: the part on the surroundings is a 3 x 3 convolution, done once for all anchors of a
    cell.

    Args:
        channels: of the feature map.
        orientations: k.
        hidden: width of the deformation's layer, 512 in the paper.
    """

    def __init__(self, channels: int, orientations: int, hidden: int) -> None:
        super().__init__()
        self.orientations = orientations
        self.surroundings = nn.Conv2d(channels, channels, 1)
        self.deformation = nn.Linear(PREDICTIONS * orientations, hidden)
        self.joined = nn.Linear(9 * channels + hidden, hidden)
        self.verdict = nn.Linear(hidden, 2)

    def forward(self, features: Tensor, deltas: Tensor, image: Tensor, place: Tensor) -> Tensor:
        """(N, 2) logits, not graspable and graspable, of N predictions.

        Args:
            features: (B, C, rows, columns).
            deltas: (N, 5) their deformations.
            image: (N,) which image each belongs to.
            place: (N,) its anchor, in the order of ``Anchors.grid``.
        """
        by_place = self._seen(features).flatten(2).transpose(1, 2)  # (B, cells, hidden)
        cell, orientation = place // self.orientations, place % self.orientations
        told = functional.leaky_relu(self.deformation(self._spread(deltas, orientation)), LEAKY_SLOPE)
        split = self.joined.in_features - self.deformation.out_features
        joined = by_place[image, cell] + functional.linear(told, self.joined.weight[:, split:])
        return cast(Tensor, self.verdict(functional.leaky_relu(joined, LEAKY_SLOPE)))

    def _seen(self, features: Tensor) -> Tensor:
        """(B, hidden, rows, columns): what the joined layer makes of the flattened 3 x 3 around every cell."""
        seen = functional.leaky_relu(self.surroundings(features), LEAKY_SLOPE)
        channels = seen.shape[1]
        kernel = self.joined.weight[:, : 9 * channels].reshape(-1, channels, 3, 3)
        return functional.conv2d(seen, kernel, self.joined.bias, padding=1)

    def _spread(self, deltas: Tensor, orientation: Tensor) -> Tensor:
        """(N, 5k) zeros but for the five values of the anchor in question."""
        spread = deltas.new_zeros(len(deltas), self.orientations, PREDICTIONS)
        index = orientation[:, None, None].expand(-1, 1, PREDICTIONS)
        return torch.scatter(spread, 1, index, deltas[:, None]).flatten(1)
