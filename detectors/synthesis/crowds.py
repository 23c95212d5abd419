"""Scenes of a wanted number of things, all of them in the picture.

The usual scenes take what finds a place in a square of 28 cm and let the camera cut off what lies at its edge. A crowd
is laid out within a circle, which a camera turned in any way sees whole, and only a camera that sees everything will
do: it is drawn like the others, but the nearest ones drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from detectors.synthesis.catalogue import Catalogue
from detectors.synthesis.lifting import Lying
from detectors.synthesis.scene import GAP_M, apart, outline_of, settle
from detectors.synthesis.settings import DatasetSettings
from detectors.synthesis.splits import Split
from detectors.synthesis.viewing import Camera, sample_camera
from robot.errors import CellError
from robot.geometry import apply, invert, transform
from robot.objects import ObjectSpec

Array = NDArray[np.float64]

_RADII_M = (0.15, 0.17, 0.19, 0.21, 0.23)  # tried in turn, until all have found a place
_LAYOUT_TRIES = 60  # for a thing in one of the circles
_CAMERA_TRIES = 60
_DRAWS = 30  # of other things, where those drawn find no place or are in no picture
_MARGIN_PX = 2.0


@dataclass(frozen=True, eq=False)
class Crowd:
    """The numbers of the things, how they lie (in the same order), and the camera above them."""

    numbers: NDArray[np.int64]
    scene: list[Lying]
    camera: Camera


def draw_crowd(split: Split, settings: DatasetSettings, catalogue: Catalogue, rng: np.random.Generator) -> Crowd:
    """Between ``least`` and ``most`` things of the split, lying apart, and a camera that sees them all.

    Other things are drawn until as many as are wanted have found a place; a fuller crowd than any before is kept, and
    taken when all draws are spent.

    Raises:
        CellError: however often other things were drawn, too few found a place.
    """
    available = catalogue.numbers(split)
    count = min(int(rng.integers(settings.least, settings.most + 1)), len(available))
    fullest: Crowd | None = None
    for _ in range(_DRAWS):
        numbers = rng.choice(available, size=count, replace=False)
        things = [catalogue.thing(int(n)) for n in numbers]
        scene = lay_out_crowd(things, rng)
        enough = settings.least if fullest is None else len(fullest.scene) + 1
        camera = _camera_over(scene, rng) if len(scene) >= enough else None
        if camera is not None:
            number_of = {id(thing): int(n) for thing, n in zip(things, numbers, strict=True)}
            placed = np.array([number_of[id(lying.spec)] for lying in scene], dtype=np.int64)
            fullest = Crowd(placed, scene, camera)
            if len(scene) == count:
                return fullest
    if fullest is not None:
        return fullest
    raise CellError(
        f"{settings.least} things found no place in the picture in {_DRAWS} draws",
        "give a smaller --things-per-scene, or smaller things", exit_code=1,
    )  # fmt: skip


def lay_out_crowd(things: Sequence[ObjectSpec], rng: np.random.Generator) -> list[Lying]:
    """Settle every thing and lay them side by side, the largest first, in the smallest circle that has room for all.

    What finds no place in the widest circle is left out.
    """
    settled = [Lying(thing, settle(thing, rng)) for thing in things]
    settled.sort(key=lambda lying: -_reach_m(outline_of(lying)))
    fullest: list[Lying] = []
    for radius in _RADII_M:
        scene = _laid_within(settled, radius, rng)
        fullest = max(fullest, scene, key=len)
        if len(scene) == len(things):
            break
    return fullest


def _laid_within(settled: Sequence[Lying], radius_m: float, rng: np.random.Generator) -> list[Lying]:
    scene: list[Lying] = []
    outlines: list[Array] = []
    for lying in settled:
        outline = outline_of(lying)
        room = radius_m - _reach_m(outline)
        for _ in range(_LAYOUT_TRIES if room > 0 else 0):
            away, towards = room * np.sqrt(rng.random()), rng.uniform(-np.pi, np.pi)
            middle = [away * np.cos(towards), away * np.sin(towards), 0.0]
            place = transform(Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)), middle)
            moved = outline @ place[:2, :2].T + place[:2, 3]
            gap = rng.uniform(*GAP_M)
            if all(apart(moved, other, gap) for other in outlines):
                scene.append(Lying(lying.spec, place @ lying.T_table_object))
                outlines.append(moved)
                break
    return scene


def _reach_m(outline: Array) -> float:
    """How far an outline about the origin reaches from it."""
    return float(np.linalg.norm(outline, axis=1).max())


def _camera_over(scene: Sequence[Lying], rng: np.random.Generator) -> Camera | None:
    """A camera that sees every corner of every thing, or None."""
    corners = np.vstack([lying.vertices_table() for lying in scene])
    for _ in range(_CAMERA_TRIES):
        camera = sample_camera(rng)
        pixels = camera.intrinsics.project(apply(invert(camera.T_table_camera), corners))
        last = np.array([camera.intrinsics.width, camera.intrinsics.height]) - 1 - _MARGIN_PX
        if ((pixels >= _MARGIN_PX) & (pixels <= last)).all():
            return camera
    return None
