"""Every number of the anchor network's training."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from detectors.anchor.losses import SELECTIONS, Selection
from robot.errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    The paper's (section V-A.2): stochastic gradient descent at 0.001 with momentum 0.9 and weight decay 0.0001 for
    100,000 steps of ten images, from weights learnt on ImageNet. Those cannot be had here: from random weights Adam
    (with the decay apart) learns faster, and the rate falls along a cosine.

    Attributes:
        epochs: of ``views`` training views each.
        views: an epoch.
        batch: views a step.
        rate: at the start.
        scorer_rate: of the scorer, as a multiple of the others': it begins afresh where they have learnt already.
        only_scorer: whether nothing but the scorer learns, on features and predictions that stay as they are.
        weight_decay: apart from the gradient (Loshchilov and Hutter).
        real_share: of a batch, where there are real photographs beside our own scenes.
        selection: which predictions teach the scorer, see ``detectors.anchor.losses``.
        averaging: decay per step of the running mean of the weights that is judged and kept.
        seed: of everything drawn.
    """

    epochs: int = 12
    views: int = 6000
    batch: int = 10
    rate: float = 1e-3
    scorer_rate: float = 6.0
    only_scorer: bool = False
    weight_decay: float = 1e-4
    real_share: float = 0.4
    selection: Selection = "primary"
    averaging: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        if self.selection not in SELECTIONS:
            raise SettingsError(f"unknown selection '{self.selection}'", did_you_mean(self.selection, SELECTIONS))
        if self.epochs < 1 or self.batch < 2 or self.views < self.batch:
            raise SettingsError("training needs an epoch, two views a batch and a batch an epoch at least")
        if not 0 <= self.real_share <= 1:
            raise SettingsError(f"the share of real pictures lies in 0..1, got {self.real_share}")
        if not (self.rate > 0 and self.scorer_rate > 0):
            raise SettingsError(
                f"learning rates must be positive, got {self.rate} and {self.scorer_rate} times that for the scorer"
            )

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return self.views // self.batch

    def rate_at(self, share_done: float) -> float:
        """Learning rate when this share of all steps is done; it warms up over the first hundredth."""
        warm = min(share_done / 0.01, 1.0) if share_done < 0.01 else 1.0
        return self.rate * max(warm, 0.05) * 0.5 * (1 + math.cos(math.pi * min(share_done, 1.0)))

    def to_json(self) -> dict[str, Any]:
        """What decides the outcome; a training can only be resumed with the same."""
        return asdict(self)
