"""Cornell's images with their rectangles; what is not whole is left out and counted.

    01/pcd0100r.png      colour, 640 x 480
    01/pcd0100cpos.txt   good grasps: four lines a rectangle, a corner each (see ``corners``)
    01/pcd0100cneg.txt   bad grasps (not needed here)
    01/pcd0100.txt       point cloud in the robot's frame (see ``point_cloud``)
    01/pcd0100d.tiff     not of the data set: GG-CNN's conversion of the point cloud

A ``d.tiff`` holds metres from the robot's base, not along the optical axis, with holes filled in; it is what GG-CNN and
most after it were trained on. So it stands for the depth as the papers have it, and the point cloud for the depth as a
camera has it. In distances from the base a table is no plane, and whatever looks for one is led astray: the point cloud
is preferred where nothing is asked for. A copy without either has colour alone: its frames have no depth reading.
Copies of another size, such as processed crops, are read too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.cornell.camera import assumed_camera
from detectors.cornell.corners import read_rectangles
from detectors.cornell.point_cloud import read_point_cloud
from detectors.cornell.things import things_of
from detectors.evaluation.labelled import LabelledImage, Unusable, existing, labelled_frame, readable
from detectors.reading import read_color, read_depth
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

Depth = Literal["cloud", "tiff", "none", "auto"]
DEPTHS: tuple[Depth, ...] = ("auto", "cloud", "tiff", "none")

_CLOUD_FROM_ORIGIN = "cloud from its origin"
_NOTES = {
    _CLOUD_FROM_ORIGIN: "have a point cloud that fits no camera: its depth is the distance from the cloud's origin"
}
_NOTES_OF_AUTO = {
    "tiff": "have no point cloud: their depth is d.tiff's distance from the robot's base, in which a table is no plane",
    "none": "have no depth file: colour alone",
}
_NAME = re.compile(r"pcd(?P<number>\d+)(?:r\.png|cpos\.txt|cneg\.txt|d\.tiff|\.txt)")


def iter_images(
    folder: Path, *, depth: Depth, camera: Intrinsics | None, skipped: Counter[str], tell: Callable[[str], None]
) -> Iterator[LabelledImage]:
    """The labelled images at any depth below ``folder``, in the order of folders and numbers.

    Args:
        folder: the data set or one of its parts.
        depth: "cloud" from the point clouds, "tiff" from GG-CNN's files, "none" for colour alone; "auto" takes the
            point cloud if it is there, else the tiff, else none.
        camera: of all images, another size is left out; None takes it from the point cloud, or else assumes one.
        skipped: counts the images that are left out, by reason.
        tell: takes a line on how things are told apart, and at the end, or where the iterator is closed, what
            rectangles and depths lack.

    Raises:
        SettingsError: nothing of Cornell's lies there, or ``depth`` is none of the four.
    """
    if depth not in DEPTHS:
        raise SettingsError(f"Cornell's depth is one of {', '.join(DEPTHS)}, got {depth!r}")
    found = _found(folder)
    things = things_of(folder, [int(digits) for _, digits in found], tell)
    dropped, kinds = 0, Counter[str]()
    try:
        for number, (home, digits) in enumerate(found):
            stem = home / f"pcd{digits}"
            try:
                truths, bad = read_rectangles(existing(_file(stem, "cpos.txt"), "no cpos.txt with rectangles"))
                frame, kind = _frame(stem, depth, camera, number)
            except Unusable as reason:
                skipped[str(reason)] += 1
                continue
            if truths:
                dropped, kinds[kind] = dropped + bad, kinds[kind] + 1
                yield LabelledImage(stem.name, frame, truths, things[int(digits)], kind)
            else:
                skipped["no whole rectangle in its cpos.txt"] += 1
    finally:  # whoever has enough closes the iterator, and is told as well
        _tell_lacks(dropped, kinds, depth, tell)


def _found(folder: Path) -> list[tuple[Path, str]]:
    """Folder and number of every image, in order; the number as it is written: 0100 is not 100."""
    names = ((file.parent, _NAME.fullmatch(file.name)) for file in folder.rglob("pcd*"))
    found = sorted({(home, name["number"]) for home, name in names if name})
    if not found:
        raise SettingsError(
            f"{folder}: no images in Cornell's layout", "expected 01/pcd0100r.png, 01/pcd0100cpos.txt and so on"
        )
    return found


def _tell_lacks(dropped: int, kinds: Mapping[str, int], depth: Depth, tell: Callable[[str], None]) -> None:
    if dropped:
        tell(f"{dropped} rectangle(s) are none and were left out (NaN, text, no size, or cut off)")
    notes = _NOTES | (_NOTES_OF_AUTO if depth == "auto" else {})
    for kind, count in kinds.items():
        if kind in notes:
            tell(f"{count} image(s) {notes[kind]}")


def _frame(stem: Path, depth: Depth, camera: Intrinsics | None, number: int) -> tuple[Frame, str]:
    """The frame, and what its depth was read from: "cloud", "cloud from its origin", "tiff" or "none"."""
    color = readable(read_color, existing(_file(stem, "r.png"), "no colour image"))
    height, width = color.shape[:2]
    source = _source(stem, depth)
    kind: str = source
    depth_m: NDArray[np.float32] | None = None
    seen_by = camera
    if source == "tiff":
        depth_m = readable(read_depth, existing(_file(stem, "d.tiff"), "no d.tiff depth image"))
        if depth_m.shape != (height, width):
            raise Unusable("colour and depth image are of different sizes")
    elif source == "cloud":
        cloud = read_point_cloud(existing(_file(stem, ".txt"), "no point cloud"), width, height)
        depth_m, seen_by = cloud.depth_m, camera or cloud.camera
        kind = "cloud" if cloud.camera else _CLOUD_FROM_ORIGIN
    return labelled_frame(depth_m, color, seen_by or assumed_camera(width, height), number), kind


def _source(stem: Path, depth: Depth) -> Depth:
    if depth != "auto":
        return depth
    if _file(stem, ".txt").is_file():
        return "cloud"
    return "tiff" if _file(stem, "d.tiff").is_file() else "none"


def _file(stem: Path, ending: str) -> Path:
    return stem.with_name(f"{stem.name}{ending}")
