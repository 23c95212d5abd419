"""Every number of a map network's training."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from detectors.fcn.labels import MASK_FORMS, MaskForm
from detectors.fcn.views import VARIATIONS
from robot.errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    The paper's (section V-B): a hundred epochs, batch 32, Adam at 1e-3, on 400 x 400. Being fully convolutional, a
    network can learn from smaller views about the grasps, which is what a CPU has time for.

    Attributes:
        epochs: passes over the pictures.
        batch: views a step.
        view_px: side of a view.
        rate: of Adam at the start; falls to nothing along a cosine (0.5: no more than half of it is left half-way).
        variation: a name in ``detectors.fcn.views.VARIATIONS``.
        mask: form of the quality's masks, see ``detectors.fcn.labels``.
        averaging: decay per step of the running mean of the weights that is judged and kept.
        seed: of everything drawn.
    """

    epochs: int = 10
    batch: int = 16
    view_px: int = 192
    rate: float = 1e-3
    variation: str = "strong"
    mask: MaskForm = "tapered"
    averaging: float = 0.995
    seed: int = 0

    def __post_init__(self) -> None:
        if self.variation not in VARIATIONS:
            raise SettingsError(f"unknown variation '{self.variation}'", did_you_mean(self.variation, VARIATIONS))
        if self.mask not in MASK_FORMS:
            raise SettingsError(f"unknown form of masks '{self.mask}'", did_you_mean(self.mask, MASK_FORMS))
        if self.epochs < 1 or self.batch < 2 or self.view_px < 32:
            raise SettingsError("training needs an epoch, two views a batch and 32 pixels a view at least")

    def rate_at(self, share_done: float) -> float:
        """Learning rate when this share of all steps is done."""
        return self.rate * 0.5 * (1 + math.cos(math.pi * min(share_done, 1.0)))

    def to_json(self) -> dict[str, Any]:
        """What decides the outcome; a training can only be resumed with the same."""
        return asdict(self)
