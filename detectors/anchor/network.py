"""The network: features, two heads on them, and the scorer (paper, section IV-A and figure 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from detectors.anchor.anchors import Anchors
from detectors.anchor.backbone import BACKBONES, CHANNELS, make_backbone
from detectors.anchor.scorer import Scorer
from detectors.anchor.settings import ORIENTATIONS, PREDICTIONS
from robot.errors import SettingsError, did_you_mean

_HIDDEN = {"resnet50": 512, "small": 128}


@dataclass(frozen=True)
class AnchorConfig:
    """Everything that decides the network's shape.

    Attributes:
        backbone: "resnet50" (the paper's) or "small".
        scorer: without it this is the network of Zhou et al. (IROS 2018) with a mean box.
        width_px, height_px: the mean box of the training set, in pixels of the input.
        orientations: k.

    Raises:
        SettingsError: there is no such backbone.
        ValueError: a box has no size.
    """

    backbone: str
    scorer: bool
    width_px: float
    height_px: float
    orientations: int = ORIENTATIONS

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise SettingsError(f"unknown backbone '{self.backbone}'", did_you_mean(self.backbone, BACKBONES))
        self.anchors()

    def anchors(self) -> Anchors:
        """The reference grasps."""
        return Anchors(self.width_px, self.height_px, self.orientations)

    def to_json(self) -> dict[str, Any]:
        """As it is kept beside the weights."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AnchorConfig:
        """What ``to_json`` gave."""
        return cls(**data)


class Predictions(NamedTuple):
    """What the heads say of B images with A anchors each (the order of ``Anchors.grid``).

    Attributes:
        features: (B, C, rows, columns).
        primary: (B, A, 2) logits: bad, good.
        deltas: (B, A, 5).
    """

    features: Tensor
    primary: Tensor
    deltas: Tensor

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the feature map."""
        return int(self.features.shape[2]), int(self.features.shape[3])


class Scores(NamedTuple):
    """How good B times A predictions are, each in [0, 1].

    Attributes:
        primary: (B, A) of the anchors, before anything is known of their deformation.
        scorer: (B, A) of the deformed boxes; the primary score where there is no scorer.
        final: (B, A) what ``anchor`` orders by: the product of the two, for the scorer learns from those predictions
            alone that have the best primary score, and speaks for no others; the primary score where there is no
            scorer.
    """

    primary: Tensor
    scorer: Tensor
    final: Tensor


class AnchorNetwork(nn.Module):
    """Feature extractor, primary grasp predictor and, if wanted, the scorer."""

    def __init__(self, config: AnchorConfig) -> None:
        super().__init__()
        self.config = config
        channels, k = CHANNELS[config.backbone], config.orientations
        self.extractor = make_backbone(config.backbone)
        self.primary = nn.Conv2d(channels, 2 * k, 3, padding=1)
        self.regression = nn.Conv2d(channels, PREDICTIONS * k, 3, padding=1)
        self.scorer = Scorer(channels, k, _HIDDEN[config.backbone]) if config.scorer else None

    @property
    def parameter_count(self) -> int:
        """Of all three parts."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, images: Tensor) -> Predictions:
        """(B, 3, H, W) colours as ``detectors.anchor.views.as_input`` gives them; sides are multiples of 16."""
        features = self.extractor(images)
        return Predictions(features, self._by_anchor(self.primary(features), 2),
                           self._by_anchor(self.regression(features), PREDICTIONS))  # fmt: skip

    def scores(self, found: Predictions) -> Scores:
        """Of all predictions, as at test time."""
        primary = torch.softmax(found.primary, dim=-1)[..., 1]
        if self.scorer is None:
            return Scores(primary, primary, primary)
        count, anchors = primary.shape
        image = torch.arange(count).repeat_interleave(anchors)
        place = torch.arange(anchors).repeat(count)
        logits = self.scorer(found.features, found.deltas.reshape(-1, PREDICTIONS), image, place)
        scorer = torch.softmax(logits, dim=-1)[:, 1].reshape(count, anchors)
        return Scores(primary, scorer, primary * scorer)

    def _by_anchor(self, values: Tensor, size: int) -> Tensor:
        """(B, k * size, rows, columns) -> (B, rows * columns * k, size)."""
        return values.permute(0, 2, 3, 1).reshape(len(values), -1, size)
