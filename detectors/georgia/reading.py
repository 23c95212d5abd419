"""Georgia's images with their rectangles; what is not whole is left out and counted.

    rgbd/rgb_0000.jpg                      colour, 640 x 480
    rgbd/depth_0000.png                    depth, 16 bit: millimetres
    annotations/rgb_0000_annotations.txt   the good grasps of all things in it, four lines a rectangle as Cornell's

This is the repository ivalab/grasp_multiObject. The annotations lie in it, and were read; the images are a download of
their own (``rgbd.tar.gz``, to be unpacked into ``rgbd``), of which no copy has been at hand. What is said of them here
is what the repository's scripts do with them: ``rgbd2rgd.m`` reads ``rgb*.jpg`` and ``depth*.png`` and maps the depths
500 to 1200 onto the colours 0 to 255, pixel on pixel, which makes them millimetres aligned to colour. ``image2txt.m``
crops 321 pixels out of the middle of 640 x 480. Its README calls the folder ``annotation``, and an image could be PNG:
both are read too, and so are all three files in one folder. The crops that the scripts make are not.

Nothing says which camera it was; a Kinect's intrinsics are assumed (``detectors.cornell.camera``). Nothing says which
thing is which either, and every image shows several: ``thing`` stays empty, so that there are folds by image only.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from detectors.cornell.camera import assumed_camera
from detectors.cornell.corners import read_rectangles
from detectors.cornell.reading import Depth
from detectors.evaluation.labelled import LabelledImage, Unusable, labelled_frame, readable
from detectors.reading import read_color, read_depth
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

_NAMES = {
    "annotations": re.compile(r"rgb_(\d+)_annotations\.txt"),
    "color": re.compile(r"rgb_(\d+)\.(?:jpe?g|png)"),
    "depth": re.compile(r"depth_(\d+)\.png"),
}
_PARTS = ("rgbd", "annotations", "annotation")
_Files = dict[str, Path]


def iter_images(
    folder: Path, *, depth: Depth, camera: Intrinsics | None, skipped: Counter[str], tell: Callable[[str], None]
) -> Iterator[LabelledImage]:
    """The labelled images at any depth below ``folder``, in the order of folders and numbers.

    Args:
        folder: the data set, with ``rgbd`` and ``annotations`` in it.
        depth: "auto" takes the depth image if there is one, "none" colour alone; the others are Cornell's.
        camera: of all images, another size is left out; None assumes one.
        skipped: counts the images that are left out, by reason.
        tell: takes one line about the single rectangles that were left out, at the end.

    Raises:
        SettingsError: nothing of Georgia's lies there, or ``depth`` asks for what it does not have.
    """
    if depth not in ("auto", "none"):
        raise SettingsError(f"Georgia's depth comes as PNG, there is no '{depth}'", "ask for 'auto' or 'none'")
    found = _found(folder)
    if not found:
        raise SettingsError(
            f"{folder}: no images in Georgia's layout",
            "expected rgbd/rgb_0000.jpg, rgbd/depth_0000.png and annotations/rgb_0000_annotations.txt",
        )
    dropped = 0
    for number, ((_, digits), files) in enumerate(sorted(found.items())):
        try:
            truths, bad = read_rectangles(_part(files, "annotations", "no annotations file"))
            frame = _frame(files, depth, camera, number)
        except Unusable as reason:
            skipped[str(reason)] += 1
            continue
        if truths:
            dropped += bad
            yield LabelledImage(f"rgb_{digits}", frame, truths)
        else:
            skipped["no whole rectangle in its annotations file"] += 1
    if dropped:
        tell(f"{dropped} rectangle(s) are none and were left out (NaN, text, no size, or cut off)")


def _found(folder: Path) -> dict[tuple[Path, str], _Files]:
    """(home of the data set, number as written) -> its files by what they are."""
    found: defaultdict[tuple[Path, str], _Files] = defaultdict(dict)
    for path in sorted(folder.rglob("*_*")):
        home = path.parent.parent if path.parent.name in _PARTS else path.parent
        for what, pattern in _NAMES.items():
            if name := pattern.fullmatch(path.name):
                found[home, name[1]].setdefault(what, path)
    return dict(found)


def _frame(files: _Files, depth: Depth, camera: Intrinsics | None, number: int) -> Frame:
    color = readable(read_color, _part(files, "color", "no colour image"))
    height, width = color.shape[:2]
    depth_m = readable(read_depth, files["depth"]) if depth == "auto" and "depth" in files else None
    if depth_m is not None and depth_m.shape != (height, width):
        raise Unusable("colour and depth image are of different sizes")
    return labelled_frame(depth_m, color, camera or assumed_camera(width, height), number)


def _part(files: _Files, what: str, otherwise: str) -> Path:
    if what not in files:
        raise Unusable(otherwise)
    return files[what]
