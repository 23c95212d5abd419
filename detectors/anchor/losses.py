"""The three losses and who learns from which (paper, section IV-B, Eqs. 3 to 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from detectors.anchor.matching import Targets, match_jaccard
from detectors.anchor.network import AnchorNetwork, Predictions
from detectors.anchor.settings import NEGATIVES_PER_POSITIVE, REGRESSION_WEIGHT, SCORED

Selection = Literal["primary", "final"]
SELECTIONS: tuple[Selection, ...] = ("primary", "final")
"""By which score the T predictions that teach the scorer are chosen; "final" is the paper's worse variant (V-B.2)."""


@dataclass(frozen=True, eq=False)
class Losses:
    """Means over the images of a batch.

    Attributes:
        intermediate: Eq. 3, of the primary score.
        scorer: Eq. 4; 0 without a scorer.
        fit: first term of Eq. 5, alpha included.
        guide: second term of Eq. 5, what the scorer thinks of the predictions; 0 without a scorer.
        good_share: of the T predictions, those that Jaccard Matching calls good.
    """

    intermediate: Tensor
    scorer: Tensor
    fit: Tensor
    guide: Tensor
    good_share: float

    @property
    def total(self) -> Tensor:
        """Their sum, as in the paper without weights."""
        return self.intermediate + self.scorer + self.fit + self.guide


def anchor_losses(
    network: AnchorNetwork, found: Predictions, targets: Sequence[Targets], truths: Sequence[Tensor],
    selection: Selection = "primary", scored: int = SCORED,
) -> Losses:  # fmt: skip
    """All losses of a batch, each routed to the layers that learn from it.

    The scorer's loss reaches the scorer and the features, not the regression layer: it is computed from deformations
    cut off from their graph. The regression's loss, both terms, reaches the regression layer and the features, not the
    scorer: its second term runs through a scorer whose weights are cut off from theirs. It runs through the deformation
    alone, and so by way of the regression layer to the features: straight from the scorer's view of them it could lower
    itself by making every place look good, without bettering a single grasp.

    Args:
        network: with or without a scorer.
        found: what it says of B images.
        targets: B of them, from ``match_angles``.
        truths: B times (K, 5) true grasps, for Jaccard Matching.
        selection: how the T predictions are chosen.
        scored: T.
    """
    rows = range(len(targets))
    intermediate = torch.stack([_intermediate(found.primary[i], targets[i]) for i in rows]).mean()
    fit = torch.stack([_fit(found.deltas[i], targets[i]) for i in rows]).mean()
    if network.scorer is None:
        nothing = fit.new_zeros(())
        return Losses(intermediate, nothing, fit, nothing, 0.0)
    image, place = _chosen(network, found, selection, scored)
    deltas = found.deltas[image, place]
    with torch.no_grad():
        anchors = network.config.anchors()
        grasps = anchors.decode(deltas, anchors.grid(*found.grid)[place])
        good = torch.cat([match_jaccard(grasps[image == i], truths[i]) for i in rows])
    logits = network.scorer(found.features, deltas.detach(), image, place)
    frozen = {name: value.detach() for name, value in network.scorer.named_parameters()}
    guiding = functional_call(network.scorer, frozen, (found.features.detach(), deltas, image, place))
    return Losses(
        intermediate,
        functional.cross_entropy(logits, good.long()),
        fit,
        -functional.log_softmax(guiding, dim=1)[:, 1].mean(),
        float(good.float().mean()),
    )


def _intermediate(primary: Tensor, targets: Targets) -> Tensor:
    """Eq. 3 of one image: P positive anchors, and the 3P negative ones that look best."""
    positive = targets.positive
    if len(positive) == 0:
        return primary.sum() * 0.0
    with torch.no_grad():
        wrong = primary[:, 1] - primary[:, 0]
        wrong = wrong.masked_fill(targets.ignored, -torch.inf)
        wrong[positive] = -torch.inf
        free = int(torch.isfinite(wrong).sum())
        negative = wrong.topk(min(NEGATIVES_PER_POSITIVE * len(positive), free)).indices
    chosen = torch.cat([positive, negative])
    label = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))]).long()
    return functional.cross_entropy(primary[chosen], label)


def _fit(deltas: Tensor, targets: Targets) -> Tensor:
    """First term of Eq. 5 of one image."""
    if len(targets.positive) == 0:
        return deltas.sum() * 0.0
    apart = functional.smooth_l1_loss(deltas[targets.positive], targets.deltas, reduction="sum")
    return REGRESSION_WEIGHT * apart / len(targets.positive)


@torch.no_grad()
def _chosen(network: AnchorNetwork, found: Predictions, selection: Selection, scored: int) -> tuple[Tensor, Tensor]:
    """(B * T,) image and anchor of the predictions that teach the scorer."""
    score = found.primary[..., 1] - found.primary[..., 0] if selection == "primary" else network.scores(found).scorer
    place = score.topk(min(scored, score.shape[1]), dim=1).indices
    image = torch.arange(len(place)).repeat_interleave(place.shape[1])
    return image, place.flatten()
