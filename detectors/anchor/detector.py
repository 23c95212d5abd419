"""``anchor`` and its two other orders, and ``zhou``: grasps from colour; depth is asked only how deep and how wide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anchor import weights_file, zhou_weights_file
from detectors.anchor.anchors import folded
from detectors.anchor.judging import predict, whole_view
from detectors.anchor.network import AnchorNetwork
from detectors.anchor.picture import draw_scores
from detectors.anchor.settings import INPUT_PX
from detectors.anchor.views import cut
from detectors.anchor.weights import WITH_SCORER, WITHOUT_SCORER, load_weights
from detectors.evaluation.rectangles import Rectangle
from detectors.fcn.peaks import Peaks
from detectors.fcn.seeing import Seen
from detectors.fcn.settings import WIDTH_UNIT_PX
from detectors.fcn.views import inverse, moved
from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.gqcnn.network import one_thread
from detectors.grasp import Grasp
from detectors.overlay import draw_grasps
from detectors.rectangle_detector import ScoredRectangle
from detectors.view_detector import ViewDetector
from detectors.warming_up import bar_on_a_table
from robot.frame import Frame

Rgb = NDArray[np.uint8]

PRIMARY, SCORER = "anchor-primary", "anchor-scorer"
_ORDERS = {PRIMARY: "primary", SCORER: "scorer"}
NO_COLOR = "the frame has no colour, and this detector sees nothing else"
_LEAST_QUALITY = 0.05
_ROOM_PX, _ROOM_RAD = 12.0, np.deg2rad(25)  # a lower prediction this near to a higher one is the same grasp
_LEAST_SIDE_PX = 1e-3


class AnchorDetector(ViewDetector):
    """A detector around an anchor network.

    In the cell it looks at the colours of what stands on the table, resampled to 1.25 mm a pixel, and grasps lie only
    where the aligned depth was measured, last where it says that the jaws would close on nothing or come down on
    something: colour does not tell how tall a thing is. How deep they go is read off the depth around, and so is how
    much wider than the network says the jaws may open. On pictures without depth it gives rectangles.

    Args:
        name: the detector's name.
        network: trained, in evaluation mode.
        metric: says what is robust.
        weights_path: the file that the network came from.
        order: by which of ``detectors.anchor.network.Scores`` the predictions are ordered.

    Attributes:
        parameter_count, weights_path: of the network.
    """

    least_view_px = INPUT_PX
    spare = 10
    wary = True
    no_place = "no anchor is good enough, or none that may be grasped at was measured"

    def __init__(
        self, name: str, network: AnchorNetwork, metric: RobustnessMetric, weights_path: Path | None = None, *,
        order: str = "final",
    ) -> None:  # fmt: skip
        super().__init__(name, metric)
        self.network, self._order = network, order
        self.parameter_count, self.weights_path = network.parameter_count, weights_path

    def rectangles(self, color: Rgb, *, top: int = 1, scale: float | None = None) -> tuple[ScoredRectangle, ...]:
        """Up to ``top`` rectangles, best first; see ``detectors.rectangle_detector.RectangleDetector``.

        The predictions with the highest scores are given as they are, as in the papers: neighbours may be alike.
        """
        image, matrix = whole_view(color, INPUT_PX / min(color.shape[:2]) if scale is None else scale)
        boxes, score = self._scored(image)
        rows = moved(boxes[:, [0, 1, 4, 2, 3]], inverse(matrix))
        inside = (rows[:, 0] >= 0) & (rows[:, 0] < color.shape[1]) & (rows[:, 1] >= 0) & (rows[:, 1] < color.shape[0])
        order = [index for index in np.argsort(-score, kind="stable") if inside[index]][:top]
        return tuple(ScoredRectangle(_rectangle(rows[index]), float(score[index])) for index in order)

    def draw(self, frame: Frame, grasps: Sequence[Grasp], seed: int = 0) -> Rgb:
        """(H, W, 3) RGB: the grasps on what the camera saw, and the scores that they came from, where there are any."""
        overlay = draw_grasps(frame, grasps)
        seen = None if self._cannot_see(frame) else self.view(frame, seed)
        if seen is None:
            return overlay
        image = _colors(frame, seen)
        with one_thread():
            boxes, scores = predict(self.network, image)
        return draw_scores(overlay, image, boxes.numpy(), scores.primary[0].numpy(), scores.final[0].numpy())

    def _cannot_see(self, frame: Frame) -> str:
        return super()._cannot_see(frame) or (NO_COLOR if frame.color is None else "")

    def _places(self, frame: Frame, seen: Seen, count: int) -> Peaks:
        boxes, score = self._scored(_colors(frame, seen))
        rows, columns = np.rint(boxes[:, 1]).astype(np.intp), np.rint(boxes[:, 0]).astype(np.intp)
        height, width = seen.allowed.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width) & (score >= _LEAST_QUALITY)
        able = np.flatnonzero(inside)
        able = able[seen.allowed[rows[able], columns[able]]]
        kept = _apart(boxes, able[np.argsort(-score[able], kind="stable")], count)
        return Peaks(
            rows[kept], columns[kept], score[kept].astype(np.float32), boxes[kept, 4].astype(np.float32),
            (boxes[kept, 2] / WIDTH_UNIT_PX).astype(np.float32),
        )  # fmt: skip

    def _scored(self, image: Rgb) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(A, 5) x, y, w, h, theta in the image, the angles folded, and (A,) what they are ordered by."""
        with one_thread():
            boxes, scores = predict(self.network, image)
        boxes = torch.cat([boxes[:, :4], folded(boxes[:, 4:])], dim=1)
        return boxes.double().numpy(), getattr(scores, self._order)[0].double().numpy()


def _colors(frame: Frame, seen: Seen) -> Rgb:
    assert frame.color is not None
    height, width = seen.allowed.shape
    return cut(frame.color, seen.matrix, (height, width))


def _apart(boxes: NDArray[np.float64], order: NDArray[np.intp], count: int) -> list[int]:
    """The first ``count`` of them that are not about the same as one before."""
    kept: list[int] = []
    for index in order.tolist():
        if len(kept) >= count:
            break
        near = np.hypot(*(boxes[kept, :2] - boxes[index, :2]).T) < _ROOM_PX
        turned = np.abs(np.remainder(boxes[kept, 4] - boxes[index, 4] + np.pi / 2, np.pi) - np.pi / 2) < _ROOM_RAD
        if not (near & turned).any():
            kept.append(index)
    return kept


def _rectangle(row: NDArray[np.float64]) -> Rectangle:
    u, v, angle, width, height = (float(value) for value in row)
    return Rectangle(u, v, angle, max(width, _LEAST_SIDE_PX), max(height, _LEAST_SIDE_PX))


def make_default() -> AnchorDetector:
    """``anchor`` with the network that the program ships."""
    return make_with_weights(weights_file.SHIPPED, load_metric())


def make_default_primary() -> AnchorDetector:
    """``anchor-primary``: the same network, ordered by its primary score."""
    return _made(PRIMARY, weights_file.SHIPPED, load_metric())


def make_default_scorer() -> AnchorDetector:
    """``anchor-scorer``: the same network, ordered by its scorer alone, as in the paper."""
    return _made(SCORER, weights_file.SHIPPED, load_metric())


def make_default_zhou() -> AnchorDetector:
    """``zhou``: the network without a scorer that the program ships."""
    return make_zhou_with_weights(zhou_weights_file.SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> AnchorDetector:
    """``anchor`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    return _made(WITH_SCORER, path, metric)


def make_zhou_with_weights(path: Path, metric: RobustnessMetric) -> AnchorDetector:
    """``zhou`` with the weights in a file. Raises as ``make_with_weights``."""
    return _made(WITHOUT_SCORER, path, metric)


def _made(name: str, path: Path, metric: RobustnessMetric) -> AnchorDetector:
    network = load_weights(path, WITHOUT_SCORER if name == WITHOUT_SCORER else WITH_SCORER)
    detector = AnchorDetector(name, network, metric, path, order=_ORDERS.get(name, "final"))
    detector.detect(bar_on_a_table(), top=2)
    return detector
