"""Families of single convex solids."""

from __future__ import annotations

import math

import numpy as np

from detectors.synthesis.families.pieces import (
    ALONG_X,
    ORIGIN,
    Dice,
    Matrix,
    Piece,
    box,
    capsule,
    cylinder,
    ellipsoid,
    hull,
    rings,
    sphere,
)


def block(dice: Dice) -> list[Piece]:
    """A cuboid, some with chamfered edges."""
    size = (dice.between(0.02, 0.062), dice.between(0.022, 0.11), dice.between(0.025, 0.17))
    if dice.chance(0.35):
        return [hull(chamfered(size, dice.between(0.05, 0.25) * min(size)))]
    return [box(size)]


def slab(dice: Dice) -> list[Piece]:
    """A flat cuboid: a card, a phone, a book; now and then with a second layer or a corner cut."""
    thickness = dice.log_between(0.004, 0.022)
    width = dice.between(0.024, 0.062) if dice.chance(0.85) else dice.between(0.062, 0.11)
    length = dice.between(max(width, 0.045), 0.17)
    if dice.chance(0.25):
        return [hull(chamfered((length, width, thickness), 0.3 * thickness))]
    pieces = [box((length, width, thickness))]
    if dice.chance(0.3):
        inner = (length * dice.between(0.4, 0.95), width * dice.between(0.4, 0.95), thickness * dice.between(0.3, 1.0))
        pieces.append(box(inner, (0.0, 0.0, (thickness + inner[2]) / 2 - 1e-4), tone=1))
    return pieces


def disc(dice: Dice) -> list[Piece]:
    """A coin, a puck, a washer, a stack of two."""
    diameter, thickness = dice.between(0.026, 0.064), dice.log_between(0.004, 0.025)
    kind = dice.pick(("plain", "plain", "corners", "washer", "stack"))
    if kind == "corners":
        return [hull(rings([(diameter / 2, -thickness / 2), (diameter / 2, thickness / 2)], dice.whole(5, 12)))]
    if kind == "washer":
        inner = diameter * dice.between(0.2, 0.6)
        return ring_of_boxes(diameter, inner, thickness, 12)
    pieces = [cylinder(diameter, thickness)]
    if kind == "stack":
        upper = max(dice.between(0.3, 0.9) * thickness, 0.004)
        at = (0.0, 0.0, (thickness + upper) / 2 - 1e-4)
        pieces.append(cylinder(diameter * dice.between(0.4, 0.85), upper, at, tone=1))
    return pieces


def can(dice: Dice) -> list[Piece]:
    """A cylinder, some with a band or caps of another colour."""
    diameter, length = dice.between(0.014, 0.062), dice.between(0.03, 0.18)
    pieces = [cylinder(diameter, length)]
    if dice.chance(0.35):
        cap = dice.between(0.06, 0.3) * length
        at = (0.0, 0.0, (length + cap) / 2 - 1e-4)
        pieces.append(cylinder(diameter * dice.between(0.7, 1.1), cap, at, tone=1))
    return pieces


def pill(dice: Dice) -> list[Piece]:
    """A rod with round ends."""
    diameter = dice.between(0.016, 0.06)
    straight = dice.between(0.15, 3.0) * diameter
    return [capsule((0.0, 0.0, -straight / 2), (0.0, 0.0, straight / 2), diameter)]


def egg(dice: Dice) -> list[Piece]:
    """A ball or an ellipsoid."""
    if dice.chance(0.25):
        return [sphere(dice.between(0.027, 0.064))]
    return [ellipsoid((dice.between(0.022, 0.062), dice.between(0.025, 0.1), dice.between(0.03, 0.14)))]


def superquadric(dice: Dice) -> list[Piece]:
    """Something between a box, a ball and a double cone."""
    half = np.array([dice.between(0.012, 0.031), dice.between(0.014, 0.05), dice.between(0.016, 0.075)])
    return [hull(superquadric_points(dice.between(0.2, 1.7), dice.between(0.2, 1.7)) * half)]


def frustum(dice: Dice) -> list[Piece]:
    """A cone, a pyramid, or what is left when its tip is cut off."""
    radius, height = dice.between(0.013, 0.033), dice.between(0.03, 0.14)
    tip = 0.0 if dice.chance(0.2) else radius * dice.between(0.15, 0.9)
    sides = dice.whole(3, 8) if dice.chance(0.3) else 20
    return [hull(rings([(radius, -height / 2), (tip, height / 2)], sides))]


def spindle(dice: Dice) -> list[Piece]:
    """A convex thing from the lathe: barrel, top, plumb bob."""
    radius, height = dice.between(0.013, 0.032), dice.between(0.03, 0.15)
    heights = (-0.5, -dice.between(0.15, 0.4), dice.between(0.1, 0.4), 0.5)
    widths = (dice.between(0.15, 0.9), dice.between(0.8, 1.0), dice.between(0.7, 1.0), dice.between(0.1, 0.8))
    profile = [(radius * w, height * h) for w, h in zip(widths, heights, strict=True)]
    return [hull(rings(profile, 14))]


def prism(dice: Dice) -> list[Piece]:
    """An irregular convex polygon, drawn out; some leaning."""
    corners = dice.whole(3, 8)
    turns = [2 * math.pi * (i + dice.between(-0.3, 0.3)) / corners for i in range(corners)]
    half_x, half_y, depth = dice.between(0.014, 0.032), dice.between(0.016, 0.055), dice.log_between(0.01, 0.15)
    flat = np.array([[half_x * math.cos(a), half_y * math.sin(a)] for a in turns])
    lean = np.array([dice.between(-0.3, 0.3), dice.between(-0.3, 0.3)]) * half_x if dice.chance(0.3) else np.zeros(2)
    low = np.column_stack([flat - lean, np.full(corners, -depth / 2)])
    high = np.column_stack([flat + lean, np.full(corners, depth / 2)])
    return [hull(np.vstack([low, high]))]


def rock(dice: Dice) -> list[Piece]:
    """The hull of random points about an ellipsoid."""
    half = np.array([dice.between(0.014, 0.031), dice.between(0.015, 0.045), dice.between(0.018, 0.07)])
    points = [dice.direction() * dice.between(0.75, 1.0) for _ in range(dice.whole(12, 36))]
    return [hull(np.array(points) * half)]


def chamfered(size_m: tuple[float, ...], cut: float) -> Matrix:
    """(24, 3) corners of a box whose edges are cut off by ``cut``."""
    points = []
    for inset in ((0.0, cut, cut), (cut, 0.0, cut), (cut, cut, 0.0)):
        half = np.array(size_m) / 2 - np.array(inset)
        points += [half * (x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    return np.array(points)


def superquadric_points(e_z: float, e_xy: float) -> Matrix:
    """(56, 3) points of a superquadric of half sizes 1 with the exponents ``e_z`` (along z) and ``e_xy`` (across)."""
    latitudes = np.radians([-78.0, -47.0, 0.0, 47.0, 78.0])[:, None]
    longitudes = (np.arange(11) / 11 * 2 * np.pi if e_xy > 0.8 else np.arange(12) / 12 * 2 * np.pi + np.pi / 12)[None]
    if e_xy <= 0.8:
        latitudes = np.radians([-75.0, -40.0, 40.0, 75.0])[:, None]

    def power(values: Matrix, exponent: float) -> Matrix:
        return np.asarray(np.sign(values) * np.abs(values) ** exponent)

    across = power(np.cos(latitudes), e_z)
    x = across * power(np.cos(longitudes), e_xy)
    y = across * power(np.sin(longitudes), e_xy)
    z = np.broadcast_to(power(np.sin(latitudes), e_z), x.shape)
    return np.column_stack([x.ravel(), y.ravel(), z.ravel()])


def ring_of_boxes(
    outer: float, inner: float, height: float, count: int, at: tuple[float, float, float] = ORIGIN, tone: int = 0
) -> list[Piece]:
    """A hollow cylinder along z of ``count`` boxes, of the given diameters."""
    length = outer * math.tan(math.pi / count)
    middle = (outer + inner) / 4
    pieces = []
    for i in range(count):
        angle = 2 * math.pi * i / count
        c, s = math.cos(angle), math.sin(angle)
        turned = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        where = (at[0] + middle * c, at[1] + middle * s, at[2])
        pieces.append(box(((outer - inner) / 2, length, height), where, turned, tone=tone))
    return pieces


def big_block(dice: Dice) -> list[Piece]:
    """A cuboid too wide for the jaws in every direction."""
    size = tuple(dice.between(0.112, 0.165) for _ in range(3))
    if dice.chance(0.3):
        return [hull(chamfered(size, dice.between(0.05, 0.1) * min(size)))]
    return [box(size)]


def big_ball(dice: Dice) -> list[Piece]:
    """A ball, an ellipsoid or a rounded block too wide in every direction."""
    kind = dice.pick(("ball", "ellipsoid", "superquadric", "rock"))
    if kind == "ball":
        return [sphere(dice.between(0.112, 0.165))]
    size = np.array([dice.between(0.112, 0.165) for _ in range(3)])
    if kind == "ellipsoid":
        return [ellipsoid(tuple(size))]
    if kind == "superquadric":
        return [hull(superquadric_points(dice.between(0.3, 1.0), dice.between(0.3, 1.0)) * size * 0.56)]
    points = [dice.direction() * dice.between(0.95, 1.0) for _ in range(50)]
    return [hull(np.array(points) * size * 0.6)]


def big_drum(dice: Dice) -> list[Piece]:
    """A drum, a bucket with its lid on or a dome too wide in every direction; some lie on their side."""
    radius, height = dice.between(0.058, 0.08), dice.between(0.112, 0.15)
    kind = dice.pick(("drum", "bucket", "dome"))
    turned = ALONG_X if dice.chance(0.5) else None
    if kind == "drum":
        piece = cylinder(2 * radius, height)
    elif kind == "bucket":
        piece = hull(rings([(radius, -height / 2), (radius * dice.between(1.05, 1.3), height / 2)], 24))
    else:
        dome = [(radius * 1.15 * math.cos(a), height * math.sin(a)) for a in np.radians([0.0, 35.0, 65.0])]
        piece = hull(rings([(radius * 1.15, -height * 0.35), *dome], 14))
    if turned is None:
        return [piece]
    return [Piece(piece.shape, piece.size_m, piece.at, turned, piece.tone, piece.density, piece.points)]
