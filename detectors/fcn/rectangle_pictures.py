"""Data sets that are labelled with rectangles (Cornell, Jacquard, Georgia) as pictures to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.table import fit_table
from detectors.evaluation.labelled import LabelledImage
from detectors.fcn.heights import color_image, color_scale, height_image, metric_scale
from detectors.fcn.samples import Picture
from detectors.fcn.settings import WIDTH_UNIT_PX
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import camera_row, table_row
from robot.errors import SettingsError

Input = Literal["depth", "color"]
INPUTS: tuple[Input, ...] = ("depth", "color")

COLOR_WIDTH_PX = 200.0
"""Half a view: in a picture without depth nothing is known in metres."""


class RectanglePictures:
    """Labelled images, kept in memory.

    Depth becomes heights above the table, in the scale of our own scenes, so that networks can go from one to the
    other. Colour is shown as it is, the image's longer side scaled to the view's.

    Args:
        images: with at least one rectangle each.
        shown: what of them the network sees.

    Raises:
        SettingsError: no image has what is to be shown.
    """

    def __init__(self, images: Sequence[LabelledImage], shown: Input) -> None:
        self.shown: Input = shown
        self.channels = 1 if shown == "depth" else 3
        self._tables: list[NDArray[np.float32]] = []
        kept = []
        for image in images:
            if shown == "depth":
                table = fit_table(image.frame, np.random.default_rng(0)) if image.frame.valid.any() else None
                if table is None:
                    continue
                self._tables.append(table_row(table))
            elif image.frame.color is None:
                continue
            kept.append(image)
        if not kept:
            raise SettingsError(
                f"none of {len(images)} images has " + ("depth with a table in it" if shown == "depth" else "colour"),
                "learn from the other: --input " + ("color" if shown == "depth" else "depth"),
            )
        self._images = kept
        self.names = np.array([image.name for image in kept])
        self.things = np.array([image.thing for image in kept])
        self.width_unit_px = WIDTH_UNIT_PX if shown == "depth" else COLOR_WIDTH_PX

    def __len__(self) -> int:
        return len(self._images)

    def picture(self, index: int) -> Picture:
        """One image, and its rectangles as drawn."""
        labelled = self._images[index]
        frame = labelled.frame
        if self.shown == "depth":
            camera = np.array(camera_row(frame.intrinsics), np.float32)
            filled = fill_holes(frame.depth_m, frame.valid)
            image, table_depth_m = height_image(filled, camera, self._tables[index])
            scale = metric_scale(table_depth_m, float(camera[0]))
        else:
            assert frame.color is not None
            image, scale = color_image(frame.color), color_scale(frame.color.shape[:2])
        truths = np.array([[r.u, r.v, r.angle_rad, r.width_px, r.height_px] for r in labelled.truths], dtype=np.float64)
        rows, columns = image.shape[:2]
        # The middle of the image, not of its grasps, as in GG-CNN's loader: that would tell where to look.
        return Picture(image, truths, truths, scale, ((columns - 1) / 2, (rows - 1) / 2), plate_px=None)
