"""A detector of somebody else's that sees colour alone: whatever is not as most of the picture, across its length."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from detectors.evaluation.rectangles import Rectangle
from detectors.grasp import Detection, Grasp
from detectors.rectangle_detector import ScoredRectangle
from robot.frame import Frame

NAME = "blob"
FURTHER_PX = 1000.0
"""What comes after its first rectangle lies so far off that no ground truth can be met."""
_OTHER_COLOR = 40
_FEWEST_PX = 20


class ColorBlob:
    """Proposes one rectangle across the middle of the blob, then ones beside the picture; keeps what it was shown."""

    name = NAME

    def __init__(self, height_px: float | None = None) -> None:
        self.shown: list[dict[str, Any]] = []
        self._height_px = height_px

    def rectangles(
        self, color: NDArray[np.uint8], *, top: int = 1, scale: float | None = None
    ) -> tuple[ScoredRectangle, ...]:
        self.shown.append({"shape": color.shape, "dtype": color.dtype, "top": top, "scale": scale})
        found = across(color)
        if found is None:
            return ()
        first = found if self._height_px is None else replace(found, height_px=self._height_px)
        return tuple(ScoredRectangle(replace(first, u=first.u + i * FURTHER_PX), 1.0 - i) for i in range(top))

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        assert frame.color is not None, "whoever asks has seen to it"
        found = self.rectangles(frame.color, top=1)
        if not found:
            return Detection((), 1.0, reason="one colour only")
        at = found[0].rectangle
        depth = float(frame.depth_m[round(at.v), round(at.u)]) or 0.7
        width_m = min(at.width_px * depth / frame.intrinsics.fx, 0.085)
        return Detection((Grasp(at.u, at.v, depth, at.angle_rad, width_m, 0.5),), 1.0)


def across(color: NDArray[np.uint8]) -> Rectangle | None:
    """Across the middle of the pixels of another colour; None where there are none."""
    other = np.abs(color.astype(int) - np.median(color, axis=(0, 1))).max(axis=2) > _OTHER_COLOR
    v, u = np.nonzero(other)
    if len(u) < _FEWEST_PX:
        return None
    middle = np.array([u.mean(), v.mean()])
    away = np.stack([u, v], axis=1) - middle
    sizes, axes = np.linalg.eigh(np.cov(away.T) + np.eye(2) * 1e-6)
    length = math.sqrt(12.0 * sizes[0])  # a uniform strip of width w has the variance w^2 / 12
    return Rectangle(*(float(x) for x in middle), math.atan2(axes[1, 0], axes[0, 0]), length * 1.3, length * 0.6)


def install(monkeypatch: Any) -> None:
    """As a package that brings it through an entry point would."""
    entry = EntryPoint(NAME, f"{__name__}:ColorBlob", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([entry] if group == entry.group else []))
