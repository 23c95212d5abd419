"""What a loader of a data set gives: an image with its good grasps."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.evaluation.rectangles import Rectangle
from robot.frame import Frame


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image of a data set that is labelled with rectangles.

    Attributes:
        name: for messages.
        frame: its ``number`` becomes the seed of whatever is drawn.
        truths: the good grasps.
    """

    name: str
    frame: Frame
    truths: tuple[Rectangle, ...]
