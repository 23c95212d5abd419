"""Grasp rectangles, their exact overlap, and the rectangle metric in its two readings.

A predicted rectangle P is correct if, with a ground truth G, the angles differ by less than 30 degrees and the Jaccard
index |P n G| / |P u G| exceeds 0.25. In the literature on Cornell and Jacquard any ground truth may match: the rule
"any", the standard metric. The GQ-STN paper (section V-B) takes the closest one alone and does not say what closest
means. Here, in the rule "closest", it is the ground truth whose centre is nearest; of several with one centre (Jacquard
repeats a grasp for several jaw sizes) the one nearest in angle, and of those the one that overlaps most.

A grasp has no jaw size, a rectangle has a height. Which one a prediction is given must fit the ground truths: see the
height rules below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from detectors.grasp import Grasp
from robot.frame import Intrinsics
from robot.geometry import wrap_half_turn
from robot.gripper_geometry import PAD_WIDTH_M

Rule = Literal["closest", "any"]
Point = tuple[float, float]

ANGLE_RAD = math.radians(30)
JACCARD = 0.25
JACCARDS = (0.25, 0.30, 0.35, 0.40)
"""What a cross-validation reports: the usual threshold, and the stricter ones of later papers."""
REPORTED_JACCARDS = (0.20, *JACCARDS)
"""What an evaluation reports: one more lenient as well, as in Table III of the anchor scorer's preprint."""
NOT_COMPARED: dict[str, float | None] = {f"{least:.2f}": None for least in REPORTED_JACCARDS}
"""The shares of correct rectangles where there was nothing to compare."""
ANGLES_DEG = (10, 15, 20, 25, 30)
"""The same for the angle, the usual threshold last."""
HEIGHT_PER_WIDTH = 1 / 5
_SAME_PLACE_PX = 1e-6


@dataclass(frozen=True)
class Rectangle:
    """A grasp as a turned rectangle in the image.

    Attributes:
        u, v: centre [px].
        angle_rad: closing direction, from +u towards +v, folded into [-pi/2, pi/2).
        width_px: opening of the jaws, along the closing direction; > 0.
        height_px: size of the jaws, across it; > 0.
    """

    u: float
    v: float
    angle_rad: float
    width_px: float
    height_px: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in astuple(self)):
            raise ValueError(f"a rectangle needs finite numbers, got {astuple(self)}")
        if not (self.width_px > 0 and self.height_px > 0):
            raise ValueError(f"a rectangle needs positive sides, got {self.width_px} x {self.height_px} px")
        object.__setattr__(self, "angle_rad", wrap_half_turn(self.angle_rad))

    @property
    def area_px2(self) -> float:
        """Width times height [px^2]."""
        return self.width_px * self.height_px

    def corners(self) -> tuple[Point, Point, Point, Point]:
        """(u, v) of the four corners, turning from +u towards +v."""
        c, s = math.cos(self.angle_rad), math.sin(self.angle_rad)
        a, b = self.width_px / 2, self.height_px / 2
        along, across = (a * c, a * s), (-b * s, b * c)
        first, second, third, fourth = (
            (self.u + i * along[0] + j * across[0], self.v + i * along[1] + j * across[1])
            for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        )
        return first, second, third, fourth


HeightRule = Callable[[Grasp, Intrinsics], float]
"""The height [px] of the rectangle of a grasp that is seen by a camera."""


def fifth_of_opening(grasp: Grasp, intrinsics: Intrinsics) -> float:
    """The GQ-STN paper's: "the size of the gripper's finger tips"."""
    return grasp.width_px(intrinsics) * HEIGHT_PER_WIDTH


def half_of_opening(grasp: Grasp, intrinsics: Intrinsics) -> float:
    """GG-CNN's in its evaluation on rectangles drawn by hand, which are about so high."""
    return grasp.width_px(intrinsics) / 2


def pad_width(grasp: Grasp, intrinsics: Intrinsics) -> float:
    """The 2F-85's pads at the grasp's depth: the plates of the rectangle are the jaws."""
    return PAD_WIDTH_M * intrinsics.fx / grasp.depth_m


def grasp_rectangle(grasp: Grasp, intrinsics: Intrinsics, height: HeightRule) -> Rectangle:
    """A grasp as it lies in the image: the opening at the grasp's depth, the jaws as high as the rule says."""
    return Rectangle(grasp.u, grasp.v, grasp.angle_rad, grasp.width_px(intrinsics), height(grasp, intrinsics))


def angle_difference_rad(one: float, other: float) -> float:
    """Between two closing directions, in [0, pi/2]: a half turn makes no difference."""
    return abs(math.remainder(one - other, math.pi))


def jaccard(one: Rectangle, other: Rectangle) -> float:
    """Area of the intersection by that of the union, exactly, in [0, 1]."""
    reach = (math.hypot(one.width_px, one.height_px) + math.hypot(other.width_px, other.height_px)) / 2
    if _apart_px(one, other) >= reach:
        return 0.0
    common = min(_area(_intersection(one, other)), one.area_px2, other.area_px2)
    return common / (one.area_px2 + other.area_px2 - common)


def overlap(
    prediction: Rectangle, truths: Sequence[Rectangle], rule: Rule = "any", angle_rad: float = ANGLE_RAD
) -> float:
    """The Jaccard index that decides: the greatest with any ground truth, or that with the closest.

    Ground truths whose angle differs by ``angle_rad`` or more count as not met at all.

    Returns:
        In [0, 1]; 0 without ground truths. The prediction is correct where it exceeds the threshold.
    """
    met = truths if rule == "any" else _closest(prediction, truths)
    near = (truth for truth in met if angle_difference_rad(prediction.angle_rad, truth.angle_rad) < angle_rad)
    return max((jaccard(prediction, truth) for truth in near), default=0.0)


def overlaps_by_angle(prediction: Rectangle, truths: Sequence[Rectangle]) -> tuple[float, ...]:
    """``overlap`` with any ground truth at each threshold of ``ANGLES_DEG``; no pair is cut twice."""
    turned = ((angle_difference_rad(prediction.angle_rad, truth.angle_rad), truth) for truth in truths)
    met = [(angle, jaccard(prediction, truth)) for angle, truth in turned if angle < math.radians(ANGLES_DEG[-1])]
    return tuple(max((j for angle, j in met if angle < math.radians(limit)), default=0.0) for limit in ANGLES_DEG)


def is_correct(
    prediction: Rectangle,
    truths: Sequence[Rectangle],
    *,
    rule: Rule = "any",
    angle_rad: float = ANGLE_RAD,
    least_jaccard: float = JACCARD,
) -> bool:
    """The rectangle metric."""
    return overlap(prediction, truths, rule, angle_rad) > least_jaccard


def _closest(prediction: Rectangle, truths: Sequence[Rectangle]) -> list[Rectangle]:
    """The truths that are equally near in place and, among those, in angle: one, as a rule."""
    if not truths:
        return []
    nearest = min(_apart_px(prediction, truth) for truth in truths)
    here = [truth for truth in truths if _apart_px(prediction, truth) <= nearest + _SAME_PLACE_PX]
    turned = [angle_difference_rad(prediction.angle_rad, truth.angle_rad) for truth in here]
    return [truth for truth, angle in zip(here, turned, strict=True) if angle <= min(turned) + _SAME_PLACE_PX]


def _apart_px(one: Rectangle, other: Rectangle) -> float:
    return math.hypot(one.u - other.u, one.v - other.v)


def _intersection(one: Rectangle, other: Rectangle) -> list[Point]:
    """Corners of the common polygon: ``one`` is cut along every side of ``other`` (Sutherland and Hodgman).

    OpenCV's ``intersectConvexConvex`` gives wrong areas where sides coincide, as in repeated labels they do.
    """
    polygon, cutter = list(one.corners()), other.corners()
    for start, end in zip(cutter, (*cutter[1:], cutter[0]), strict=True):
        polygon = _cut(polygon, start, end)
    return polygon


def _cut(polygon: list[Point], start: Point, end: Point) -> list[Point]:
    """What lies on the inner side of the line from ``start`` to ``end``."""
    inside = [(end[0] - start[0]) * (p[1] - start[1]) - (end[1] - start[1]) * (p[0] - start[0]) for p in polygon]
    kept: list[Point] = []
    for i, (point, depth) in enumerate(zip(polygon, inside, strict=True)):
        before, depth_before = polygon[i - 1], inside[i - 1]
        if (depth >= 0) != (depth_before >= 0):
            t = depth_before / (depth_before - depth)
            kept.append((before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1])))
        if depth >= 0:
            kept.append(point)
    return kept


def _area(polygon: Sequence[Point]) -> float:
    """By the shoelace formula, about the first corner: pixels far from the origin cost no digits."""
    if len(polygon) < 3:
        return 0.0
    u0, v0 = polygon[0]
    moved = [(u - u0, v - v0) for u, v in polygon]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(moved, (*moved[1:], moved[0]), strict=True))) / 2
