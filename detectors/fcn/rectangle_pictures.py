"""Data sets that are labelled with rectangles (Cornell, Jacquard, Georgia) as pictures to learn from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
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
        images: with at least one rectangle each; no more are taken than are needed.
        shown: what of them the network sees.
        limit: at most so many that have it; None takes all.

    Attributes:
        names, things: (N,) what each image is called, and which thing it shows.
        lacking: how many images were left out, because they do not have what is to be shown.

    Raises:
        SettingsError: no image has what is to be shown.
    """

    def __init__(self, images: Iterable[LabelledImage], shown: Input, limit: int | None = None) -> None:
        self.shown: Input = shown
        self.channels = 1 if shown == "depth" else 3
        self.width_unit_px = WIDTH_UNIT_PX if shown == "depth" else COLOR_WIDTH_PX
        self._tables: list[NDArray[np.float32]] = []
        self._images: list[LabelledImage] = []
        self.lacking = 0
        for image in images:
            if self._keep(image):
                self._images.append(image)
            else:
                self.lacking += 1
            if len(self._images) == limit:
                break
        if not self._images:
            raise SettingsError(
                f"none of {self.lacking} images has " + ("depth with a table in it" if shown == "depth" else "colour"),
                "learn from the other: --input " + ("color" if shown == "depth" else "depth"),
            )
        self.names = np.array([image.name for image in self._images])
        self.things = np.array([image.thing for image in self._images])

    def _keep(self, image: LabelledImage) -> bool:
        """Whether it has what is to be shown; its table is remembered."""
        if self.shown == "color":
            return image.frame.color is not None
        table = fit_table(image.frame, np.random.default_rng(0)) if image.frame.valid.any() else None
        if table is not None:
            self._tables.append(table_row(table))
        return table is not None

    def __len__(self) -> int:
        return len(self._images)

    def sha256(self) -> str:
        """Of names, things, what is shown, the kind of depth and the rectangles: other ones are other data."""
        lines = (f"{image.name}\t{image.thing}\t{self._mark(image)}\n" for image in self._images)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def depths(self) -> str:
        """How many images have which kind of depth, such as "3 cloud, 1 tiff"; "" for colour or a single kind."""
        kinds = Counter(image.depth for image in self._images if image.depth and self.shown == "depth")
        return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))

    def _mark(self, image: LabelledImage) -> str:
        """What an image shows and its rectangles, in few words.

        A depth is marked by its count of readings and their mean in millimetres, and rectangles by hundredths of a
        pixel, not bit by bit: what is computed from a point cloud differs in its last digits between machines.
        """
        frame, mark = image.frame, ""
        if self.shown == "depth":
            mean_m = float(frame.depth_m[frame.valid].mean(dtype=np.float64))
            mark = f"{image.depth} {int(frame.valid.sum())} {mean_m:.3f}"
        elif frame.color is not None:
            mark = str(int(frame.color.sum(dtype=np.int64)))
        numbers = ((r.u, r.v, r.angle_rad, r.width_px, r.height_px) for r in image.truths)
        return f"{mark}\t" + " ".join(f"{value:.2f}" for row in numbers for value in row)

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
