"""Pictures to learn from: our own scenes in painted colours, and real ones with rectangles."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.anchor.color_shards import ColorScenes
from detectors.anchor.settings import INPUT_PX, STEP_M
from detectors.anchor.views import ColorPicture
from detectors.evaluation.labelled import LabelledImage
from detectors.fcn.dense_shards import DenseGrasps
from detectors.fcn.samples import usual_openings
from detectors.oneshot.prepared import PreparedScenes
from robot.gripper_geometry import PAD_WIDTH_M

Names = NDArray[np.str_]
_AROUND_PX = 70.0
HELD_OUT_PERCENT = 15
"""Of the ids of a real data set: never learnt from, so that every network's figures on them can be told."""


class ColorPictures(Protocol):
    """A set of pictures.

    Attributes:
        names: (N,) what each is called.
    """

    names: Names

    def __len__(self) -> int:
        """How many there are."""
        ...

    def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
        """One of them; with ``rng`` its focus may be drawn."""
        ...


class SceneColors:
    """Our own scenes with their dense grasps; the plates are as broad as the gripper's pads.

    Args:
        scenes, dense, colors: prepared.
        split: "train", "validation" or "test"; only those with a grasp and a picture.
    """

    def __init__(self, scenes: PreparedScenes, dense: DenseGrasps, colors: ColorScenes, split: str) -> None:
        self._dense, self._colors = dense, colors
        painted = np.isin(scenes.number, np.array(sorted(colors.place), np.int64))
        rows = np.flatnonzero((scenes.split == split) & np.isin(scenes.number, dense.number) & painted)
        self._number, self._camera, self._table = scenes.number[rows], scenes.camera[rows], scenes.table[rows]
        self.names: Names = np.array([f"scene {number}" for number in self._number])

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
        """A scene; with ``rng`` it is looked at near one of its grasps."""
        number = int(self._number[index])
        image = self._colors.of(number)
        grasps = self._dense.of(number).astype(np.float64)
        fx = float(self._camera[index, 0])
        px_per_m = fx / grasps[:, 2]
        truths = np.column_stack(
            [grasps[:, :2], grasps[:, 3], usual_openings(grasps) * px_per_m, PAD_WIDTH_M * px_per_m]
        )
        table = self._table[index]
        table_depth_m = float(table[3] + table[4]) / float(table[2])  # where the optical axis meets it
        scale = table_depth_m / (fx * STEP_M)
        rows, columns = image.shape[:2]
        focus = ((columns - 1) / 2, (rows - 1) / 2)
        if rng is not None:
            u, v = truths[int(rng.integers(len(truths))), :2] + rng.uniform(-_AROUND_PX, _AROUND_PX, 2) / scale
            focus = (float(u), float(v))
        return ColorPicture(image, truths, scale, focus)


class RealColors:
    """Labelled photographs, kept in memory.

    Args:
        images: with colour and at least one rectangle each.
    """

    def __init__(self, images: Sequence[LabelledImage]) -> None:
        self._images = images
        self.names: Names = np.array([image.name for image in images])

    def __len__(self) -> int:
        return len(self._images)

    def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
        """One photograph, looked at in its middle."""
        labelled = self._images[index]
        color = labelled.frame.color
        assert color is not None
        truths = np.array([[r.u, r.v, r.angle_rad, r.width_px, r.height_px] for r in labelled.truths], dtype=np.float64)
        rows, columns = color.shape[:2]
        return ColorPicture(color, truths, real_scale((rows, columns)), ((columns - 1) / 2, (rows - 1) / 2))


def real_scale(shape: tuple[int, int]) -> float:
    """Pixels of the input for one of a photograph: 320 on the shorter side, but large ones are shown as they are."""
    return max(INPUT_PX / min(shape), 1.0) if min(shape) < 2 * INPUT_PX else INPUT_PX / min(shape)


def held_out(names: Sequence[str]) -> NDArray[np.bool_]:
    """(N,) which photographs are never learnt from: those of about 15 % of the ids, the same on every machine.

    Two cuts from one photograph, ``01/pcd0100`` and ``01b/pcd0100``, have one id and stay together.
    """
    ids = [name.rsplit("/", 1)[-1] for name in names]
    return np.array([zlib.crc32(f"anchor {one}".encode()) % 100 < HELD_OUT_PERCENT for one in ids], dtype=bool)
