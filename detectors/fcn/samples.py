"""What a map network learns from: pictures with their grasp rectangles, whatever data set they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.fcn.dense_shards import DenseGrasps
from detectors.fcn.heights import height_image, metric_scale
from detectors.fcn.settings import PLATE_M, STEP_M, WIDTH_UNIT_PX
from detectors.fcn.views import Image, Rows
from detectors.oneshot.prepared import PreparedScenes
from robot.gripper_geometry import PAD_WIDTH_M

_SAME_PX, _SAME_RAD = 6.0, np.deg2rad(15)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture as a network is to see it.

    Attributes:
        image: (H, W) or (H, W, C) float32, in the network's units.
        rectangles: (K, 5) good grasps in it, as in ``detectors.fcn.views``; height as they are to be painted.
        truths: (K, 5) the same, height as they are to be judged by.
        scale: pixels of a view for one of this image.
        middle: pixel to look at where nothing is drawn at random.
        plate_px: height that a proposed rectangle is drawn with, in pixels of a view; None for half its opening, as in
            GG-CNN's evaluation.
    """

    image: Image
    rectangles: Rows
    truths: Rows
    scale: float
    middle: tuple[float, float]
    plate_px: float | None


class Pictures(Protocol):
    """A set of pictures to learn from.

    Attributes:
        channels: of every image.
        width_unit_px: an opening of so many pixels of a view is 1 on the width map.
        names: (N,) what each picture is called.
    """

    channels: int
    width_unit_px: float
    names: NDArray[np.str_]

    def __len__(self) -> int:
        """How many pictures there are."""
        ...

    def picture(self, index: int) -> Picture:
        """One of them."""
        ...


class ScenePictures:
    """Our own scenes with their dense grasps, as heights above the table.

    Args:
        scenes: prepared images.
        dense: their grasps.
        split: which of them: "train", "validation" or "test"; only those with a grasp.
    """

    channels, width_unit_px = 1, WIDTH_UNIT_PX

    def __init__(self, scenes: PreparedScenes, dense: DenseGrasps, split: str) -> None:
        self._scenes, self._dense = scenes, dense
        known = np.isin(scenes.number, dense.number)
        self._rows = np.flatnonzero((scenes.split == split) & known)
        self.names = np.array([f"scene {number}" for number in scenes.number[self._rows]])

    def __len__(self) -> int:
        return len(self._rows)

    def picture(self, index: int) -> Picture:
        """A scene, and its grasps as drawn."""
        row = self._rows[index]
        scenes = self._scenes
        depth_m = scenes.depth_m(self._rows[index : index + 1])[0]
        camera, table = scenes.camera[row], scenes.table[row]
        grasps = self._dense.of(int(scenes.number[row])).astype(np.float64)
        px_per_m = camera[0] / grasps[:, 2]
        opening_m = usual_openings(grasps)
        truths = np.column_stack([grasps[:, :2], grasps[:, 3], grasps[:, 4] * px_per_m, PAD_WIDTH_M * px_per_m])
        rectangles = np.column_stack([truths[:, :3], opening_m * px_per_m, PLATE_M * px_per_m])
        image, table_depth_m = height_image(depth_m, camera, table)
        height, width = image.shape
        middle = ((width - 1) / 2, (height - 1) / 2)
        scale = metric_scale(table_depth_m, float(camera[0]))
        return Picture(image, rectangles, truths, scale, middle, PAD_WIDTH_M / STEP_M)


def usual_openings(grasps: Rows) -> NDArray[np.float64]:
    """(K,) mean opening [m] of those among K grasps (K, 5; see ``DenseGrasps``) that are about the same as each.

    How far the jaws open beyond what they hold was drawn at random, 3 to 30 mm. The narrowest grasp of many, which is
    painted last, would be the one with the least to spare; what it should teach is what usually holds there.
    """
    apart_px = np.hypot(*(grasps[:, None, axis] - grasps[None, :, axis] for axis in (0, 1)))
    turned = np.abs(np.remainder(grasps[:, None, 3] - grasps[None, :, 3] + np.pi / 2, np.pi) - np.pi / 2)
    same = (apart_px < _SAME_PX) & (turned < _SAME_RAD)
    return np.asarray((same @ grasps[:, 4]) / same.sum(axis=1))
