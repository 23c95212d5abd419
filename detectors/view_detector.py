"""A detector around a network that proposes places in a picture of the table; depth makes grasps of them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE
from detectors.antipodal.table import fit_table
from detectors.fcn.peaks import Peaks
from detectors.fcn.seeing import LEAST_PX, Seen, as_grasp, as_grasps, see
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Detection, Grasp
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import Images, table_row
from robot.frame import Frame

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

TABLE_POINTS = 600


class ViewDetector(ABC):
    """Lays a view over what stands on the table, asks for places in it, and reads depth and opening off the depth.

    The grasps' quality is the network's, and it alone orders them; GQ-CNN is asked whether they are robust, which is
    what a benchmark counts and what a fallback waits for.

    Args:
        name: the detector's name.
        metric: says what is robust.

    Attributes:
        least_view_px: no side of its views is shorter.
        spare: so many more places than asked for are looked at: some may have unknown ground under the fingers.
        wary: places where the depth says that nothing can be held come last; for a network that sees no depth.
        no_place: what it says where no place is good enough.
    """

    least_view_px = LEAST_PX
    spare = 4
    wary = False
    no_place = "no place in the picture is good enough"

    def __init__(self, name: str, metric: RobustnessMetric) -> None:
        self.name, self._metric = name, metric

    def detect(self, frame: Frame, *, top: int = 1, region: Mask | None = None, seed: int = 0) -> Detection:
        """Propose up to ``top`` places; see ``detectors.registry.Detector``."""
        started = time.perf_counter()
        cannot = self._cannot_see(frame)
        if cannot:
            return Detection((), _ms_since(started), reason=cannot)
        before_filling = time.perf_counter()
        filled = fill_holes(frame.depth_m, frame.valid)
        inpaint_ms = _ms_since(before_filling)
        grasps, reason = self._grasps(frame, filled, region, top, seed)
        return Detection(grasps, max(_ms_since(started) - inpaint_ms, 0.0), inpaint_ms, reason)

    def view(self, frame: Frame, seed: int = 0) -> Seen | None:
        """What the network is shown of a frame; None where no table is seen, or nothing on it."""
        if not frame.valid.any():
            return None
        table = fit_table(frame, np.random.default_rng(seed), TABLE_POINTS)
        if table is None:
            return None
        return see(frame, fill_holes(frame.depth_m, frame.valid), table_row(table), None, least_px=self.least_view_px)

    @abstractmethod
    def _places(self, frame: Frame, seen: Seen, count: int) -> Peaks:
        """Up to ``count`` places in the view, best first."""

    def _cannot_see(self, frame: Frame) -> str:
        """Why the frame cannot be used; empty where it can."""
        return "" if frame.valid.any() else NO_DEPTH

    def _grasps(
        self, frame: Frame, filled: Float, region: Mask | None, top: int, seed: int
    ) -> tuple[tuple[Grasp, ...], str]:
        table = fit_table(frame, np.random.default_rng(seed), TABLE_POINTS)
        if table is None:
            return (), NO_TABLE
        if region is not None and not (region & frame.valid).any():
            return (), NOT_ALLOWED
        seen = see(frame, filled, table_row(table), region, least_px=self.least_view_px)
        if seen is None:
            return (), NOTHING_THERE
        if not seen.allowed.any():
            return (), NOT_ALLOWED
        peaks = self._places(frame, seen, top + self.spare)
        if len(peaks) == 0:
            return (), self.no_place
        found, order = as_grasps(peaks, seen, Images.of(filled, frame.intrinsics, table), wary=self.wary)
        found, quality = found.take(order[:top]), peaks.quality[order[:top]]
        robust = self._metric.quality_in(filled, frame.intrinsics, found)
        return tuple(as_grasp(found, i, float(quality[i]), float(robust[i])) for i in range(len(found))), ""


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1e3
