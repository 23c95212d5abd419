"""Jacquard's images with their rectangles; what is not whole is left out and counted.

    ID/N_ID_RGB.png             colour
    ID/N_ID_mask.png            the thing's pixels (not needed here)
    ID/N_ID_perfect_depth.tiff  as rendered
    ID/N_ID_stereo_depth.tiff   as a stereo camera would see it: metres, -1 where there is no reading
    ID/N_ID_grasps.txt          a line a rectangle: x;y;theta;opening;jaw size

Pixels, and theta in degrees: the closing direction from +x (right) towards +y (down), clockwise for who looks at the
image, which is our own angle. Code that counts angles from +x upwards therefore takes -theta (GG-CNN's loader: "the
Jacquard dataset's angles are flipped around an axis"). One grasp comes on several lines, with different jaw sizes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from detectors.evaluation.labelled import LabelledImage, Unusable, existing, labelled_frame, readable
from detectors.evaluation.rectangles import Rectangle
from detectors.reading import read_color, read_depth
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

Depth = Literal["stereo", "perfect", "none"]
DEPTHS: tuple[Depth, ...] = ("stereo", "perfect", "none")

_NAME = re.compile(r"(?P<pose>\d+)_(?P<thing>.+)_(?:grasps\.txt|(?:stereo|perfect)_depth\.tiff|RGB\.png|mask\.png)")
_NUMBERS = 5


def iter_images(
    folder: Path, *, depth: Depth, camera: Intrinsics, skipped: Counter[str], tell: Callable[[str], None]
) -> Iterator[LabelledImage]:
    """The labelled images at any depth below ``folder``, in the order of things and poses.

    Args:
        folder: the data set, one of its parts, or one thing's folder.
        depth: which of the two depth images, or "none" for colour alone: frames without a depth reading.
        camera: of all of them; an image of another size is left out.
        skipped: counts the images that are left out, by reason.
        tell: takes one line about the single rectangles that were left out, at the end.

    Raises:
        SettingsError: nothing of Jacquard's lies there.
    """
    names = ((file.parent, _NAME.fullmatch(file.name)) for file in folder.rglob("*_*"))
    found = {(home, name["thing"], int(name["pose"])) for home, name in names if name}
    if not found:
        raise SettingsError(
            f"{folder}: no images in Jacquard's layout", "expected ID/N_ID_grasps.txt and its companions"
        )
    dropped = 0
    for number, (home, thing, pose) in enumerate(sorted(found)):
        stem = home / f"{pose}_{thing}"
        try:
            truths, bad = read_rectangles(existing(_file(stem, "grasps.txt"), "no grasps file"))
            frame = _frame(stem, depth, camera, number)
        except Unusable as reason:
            skipped[str(reason)] += 1
            continue
        if truths:
            dropped += bad
            yield LabelledImage(stem.name, frame, truths, thing)
        else:
            skipped["no whole rectangle in its grasps file"] += 1
    if dropped:
        tell(f"{dropped} line(s) of grasps files hold no rectangle (NaN, text or no size)")


def read_rectangles(path: Path) -> tuple[tuple[Rectangle, ...], int]:
    """The rectangles of a ``grasps.txt``, and how many lines hold none."""
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    parsed = [_rectangle(line) for line in lines]
    whole = tuple(rectangle for rectangle in parsed if rectangle is not None)
    return whole, len(lines) - len(whole)


def _rectangle(line: str) -> Rectangle | None:
    words = line.strip().rstrip(";").split(";")
    if len(words) != _NUMBERS:
        return None
    try:
        x, y, degrees, opening, jaw = (float(word) for word in words)
        return Rectangle(x, y, math.radians(degrees), opening, jaw)
    except ValueError:  # text, NaN, or no size
        return None


def _frame(stem: Path, depth: Depth, camera: Intrinsics, number: int) -> Frame:
    color_path = _file(stem, "RGB.png")
    if depth == "none":
        return labelled_frame(None, readable(read_color, existing(color_path, "no colour image")), camera, number)
    depth_m = readable(read_depth, existing(_file(stem, f"{depth}_depth.tiff"), f"no {depth} depth image"))
    color = readable(read_color, color_path) if color_path.is_file() else None
    return labelled_frame(depth_m, color, camera, number)


def _file(stem: Path, ending: str) -> Path:
    return stem.with_name(f"{stem.name}_{ending}")
