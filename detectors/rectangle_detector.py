"""What a detector offers that can do with colour alone: rectangles in the image, without a single metre."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.rectangles import Rectangle
from detectors.registry import Detector

INPUT_PX = 320
"""The side of what the papers' networks are shown (Zhou et al., IROS 2018, and the anchor scorer's)."""


@dataclass(frozen=True)
class ScoredRectangle:
    """A proposal.

    Attributes:
        rectangle: as the network drew it, in the pixels of the image that was given; its height is the network's own.
        score: what the proposals are ordered by, the greater the better; finite.
    """

    rectangle: Rectangle
    score: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.score):
            raise ValueError(f"a rectangle's score is a finite number, got {self.score}")


@runtime_checkable
class RectangleDetector(Detector, Protocol):
    """A detector that can also be shown a colour image without depth."""

    def rectangles(
        self, color: NDArray[np.uint8], *, top: int = 1, scale: float | None = None
    ) -> tuple[ScoredRectangle, ...]:
        """Propose up to ``top`` rectangles, best first.

        Args:
            color: (H, W, 3) RGB.
            top: how many at most.
            scale: pixels of the network's input for one of the image; None scales the shorter side to ``INPUT_PX``.

        Returns:
            In the pixels of ``color``, whatever the scale; empty where nothing was found.
        """
        ...


def sees_color_alone(detector: object) -> bool:
    """Whether ``detector`` can be judged on images that have colour and no depth."""
    return isinstance(detector, RectangleDetector)
