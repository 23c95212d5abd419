"""Detectors and a metric that answer what they are told to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Detection, Grasp
from robot.frame import Frame, Intrinsics

FRAME = Frame(np.full((480, 640), 0.7, np.float32), Intrinsics(615.0, 615.0, 320.0, 240.0, 640, 480))
GRASP = Grasp(u=320.0, v=240.0, depth_m=0.68, angle_rad=0.0, width_m=0.05, quality=0.9)


def grasp(quality: float, robust: bool | None = None, u: float = 320.0) -> Grasp:
    """A grasp that ``QualityMetric`` finds as good as it says."""
    return replace(GRASP, quality=quality, robust=robust, u=u)


def broken_grasp(**changes: float) -> Grasp:
    """A grasp that went round its own checks."""
    made = replace(GRASP)
    for name, value in changes.items():
        object.__setattr__(made, name, value)
    return made


class Answering:
    """Answers with grasps, or raises; counts how often it is asked."""

    def __init__(self, name: str, *grasps: Grasp, error: BaseException | None = None, sleep_s: float = 0.0) -> None:
        self.name = name
        self.grasps = grasps
        self.error = error
        self.sleep_s = sleep_s
        self.asked: list[dict[str, Any]] = []

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        self.asked.append({"frame": frame, "top": top, "region": region, "seed": seed})
        time.sleep(self.sleep_s)
        if self.error is not None:
            raise self.error
        return Detection(self.grasps, detect_ms=7.0, reason="" if self.grasps else f"{self.name} sees nothing")


class QualityMetric:
    """A metric that believes what a grasp says of itself; writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Grasp, ...]] = []

    def quality(self, frame: Frame, grasps: Sequence[Grasp]) -> NDArray[np.float64]:
        self.asked.append(tuple(grasps))
        return np.array([g.quality for g in grasps])
