"""Families of long things with a handle, and of small hardware."""

from __future__ import annotations

import math

import numpy as np

from detectors.synthesis.families.pieces import (
    ALONG_X,
    METAL,
    Dice,
    Piece,
    about,
    box,
    capsule,
    cylinder,
    ellipsoid,
    hull,
    moved,
    rings,
    rod,
    sphere,
)
from detectors.synthesis.families.solids import chamfered, ring_of_boxes

_LAP_M = 0.001


def handle(dice: Dice, length: float, thick: float, tone: int = 1) -> list[Piece]:
    """A handle along x from 0 to ``length``: round, square, oval or swelling."""
    kind = dice.pick(("round", "square", "capsule", "oval", "corners", "swelling"))
    middle = (length / 2, 0.0, 0.0)
    if kind == "round":
        return [cylinder(thick, length, middle, ALONG_X, tone=tone)]
    if kind == "square":
        return [box((length, thick, thick * dice.between(0.5, 1.0)), middle, tone=tone)]
    if kind == "capsule":
        return [capsule((thick / 2, 0.0, 0.0), (length - thick / 2, 0.0, 0.0), thick, tone=tone)]
    if kind == "oval":
        return [hull(rings([(thick / 2, 0.0), (thick / 2, length)], 16, 0.7), (0.0, 0.0, 0.0), ALONG_X, tone=tone)]
    if kind == "corners":
        return [
            hull(rings([(thick / 2, 0.0), (thick / 2, length)], dice.whole(5, 8)), (0.0, 0.0, 0.0), ALONG_X, tone=tone)
        ]
    profile = [(thick * 0.35, 0.0), (thick * 0.5, length * 0.3), (thick * 0.48, length * 0.7), (thick * 0.3, length)]
    return [hull(rings(profile, 14), (0.0, 0.0, 0.0), ALONG_X, tone=tone)]


def stick(dice: Dice) -> list[Piece]:
    """A pen, a candle, a dowel, a lipstick: thin and long, some with a cap, a tip and a clip."""
    thick, length = dice.between(0.007, 0.026), dice.between(0.06, 0.17)
    corners = dice.whole(3, 8)
    body = rod((0.0, 0.0, 0.0), (length, 0.0, 0.0), thick)
    if dice.chance(0.35):
        body = hull(rings([(thick / 2, 0.0), (thick / 2, length)], corners), (0.0, 0.0, 0.0), ALONG_X)
    pieces = [body]
    if dice.chance(0.5):
        tip = dice.between(0.8, 2.2) * thick
        pieces.append(hull(rings([(thick * 0.48, 0.0), (thick * 0.1, tip)], 14), (length, 0.0, 0.0), ALONG_X, tone=2))
    if dice.chance(0.55):
        cap, wider = length * dice.between(0.1, 0.4), thick * dice.between(1.05, 1.35)
        pieces.append(rod((-0.004, 0.0, 0.0), (cap, 0.0, 0.0), wider, tone=1))
        if dice.chance(0.5):
            pieces.append(box((cap, 0.004, 0.005), (cap * 0.6, 0.0, wider / 2 + 0.0015), tone=2))
    return pieces


def driver(dice: Dice) -> list[Piece]:
    """A handle and a thin shaft with a blade, an awl's point or a socket."""
    grip, thick = dice.between(0.05, 0.1), dice.between(0.018, 0.036)
    shaft, rod_m = dice.between(0.03, 0.11), dice.between(0.004, 0.009)
    pieces = [
        *handle(dice, grip, thick),
        rod((grip - 0.01, 0.0, 0.0), (grip + shaft, 0.0, 0.0), rod_m, tone=2, density=METAL),
    ]
    end = grip + shaft
    kind = dice.pick(("blade", "point", "socket", "none"))
    if kind == "blade":
        pieces.append(box((0.012, rod_m * 1.5, 0.003), (end + 0.005, 0.0, 0.0), tone=2, density=METAL))
    elif kind == "point":
        pieces.append(
            hull(rings([(rod_m / 2, 0.0), (0.0, 0.014)], 10), (end, 0.0, 0.0), ALONG_X, tone=2, density=METAL)
        )
    elif kind == "socket":
        pieces.append(rod((end - 0.005, 0.0, 0.0), (end + 0.012, 0.0, 0.0), rod_m * 2.0, tone=2, density=METAL))
    if dice.chance(0.3):
        pieces.append(rod((grip - 0.006, 0.0, 0.0), (grip + 0.004, 0.0, 0.0), thick * 1.15, tone=0))
    return pieces


def mallet(dice: Dice) -> list[Piece]:
    """A head across the end of a handle: mallet, pick, axe, paint roller."""
    length, thick = dice.between(0.09, 0.16), dice.between(0.014, 0.03)
    wide, head = dice.between(0.045, 0.1), dice.between(0.02, 0.04)
    metal = METAL if dice.chance(0.6) else 1.0
    kind = dice.pick(("round", "square", "corners", "axe", "roller"))
    at = np.array([length + head / 2 - 0.006, 0.0, 0.0])
    across = about("x", -math.pi / 2)  # own z along y
    if kind == "square":
        pieces = [box((head, wide, head * dice.between(0.7, 1.1)), at, density=metal)]
    elif kind == "axe":
        edge = [(-0.5, -0.3), (0.5, -0.3), (0.8, 0.6), (-0.8, 0.6)]
        flat = [(x * head, y * wide, z * head * (0.5 if y < 0 else 0.12)) for x, y in edge for z in (-1, 1)]
        pieces = [hull(flat, at, density=metal)]
    elif kind == "corners":
        pieces = [
            hull(rings([(head / 2, -wide / 2), (head / 2, wide / 2)], dice.whole(6, 8)), at, across, density=metal)
        ]
    else:
        pieces = [cylinder(head, wide, at, across, density=metal if kind == "round" else 1.0)]
    if kind == "round" and dice.chance(0.5):
        pieces.append(
            hull(
                rings([(head * 0.5, 0.0), (head * 0.15, head)], 14),
                at + np.array([0.0, wide / 2, 0.0]),
                across,
                density=metal,
            )
        )
    return [*handle(dice, length, thick), *pieces]


def spanner(dice: Dice) -> list[Piece]:
    """A flat bar with a ring, a fork or a block at either end."""
    length, wide, thick = dice.between(0.07, 0.14), dice.between(0.009, 0.02), dice.between(0.0045, 0.01)
    pieces = [box((length, wide, thick * dice.between(0.7, 1.0)), density=METAL)]
    for side in (-1, 1):
        kind = dice.pick(("ring", "fork", "fork", "block", "none"))
        size = wide * dice.between(1.5, 2.2)
        end: list[Piece] = []
        if kind == "ring":
            end = moved(ring_of_boxes(size, size * dice.between(0.5, 0.65), thick, 8), (size * 0.42, 0.0, 0.0))
        elif kind == "fork":
            jaw = size * 0.3
            end = [box((size * 0.4, size, thick), (size * 0.1, 0.0, 0.0))]
            end += [box((size * 0.7, jaw, thick), (size * 0.55, s * (size - jaw) / 2, 0.0)) for s in (-1, 1)]
            end = moved(end, (0.0, 0.0, 0.0), about("z", dice.between(-0.3, 0.3)))
        elif kind == "block":
            end = [box((size * 0.8, size * 0.8, thick * dice.between(1.0, 2.5)), (size * 0.3, 0.0, 0.0))]
        way = about("z", 0.0 if side > 0 else math.pi)
        pieces += moved(end, (side * length / 2, 0.0, 0.0), way)
    return pieces


def pliers(dice: Dice) -> list[Piece]:
    """Two crossed levers about a pivot: pliers, shears, tongs; open or shut."""
    reach, jaw = dice.between(0.05, 0.1), dice.between(0.02, 0.06)
    thick, bar = dice.between(0.006, 0.012), dice.between(0.006, 0.013)
    opening = math.radians(dice.between(6.0, 32.0))
    loops = dice.chance(0.4)
    pieces = [cylinder(dice.between(0.012, 0.02), thick * 1.4, (0.0, 0.0, 0.0), tone=2, density=METAL)]
    for side in (-1, 1):
        nose = about("z", side * opening * 0.5)
        tip = np.array([[0.0, -bar / 2], [0.0, bar / 2], [jaw, -bar * 0.2], [jaw, bar * 0.2]])
        flat = np.vstack([np.column_stack([tip, np.full(4, z)]) for z in (-thick / 2, thick / 2)])
        shift = np.array([0.0, side * bar * 0.25, 0.0])
        pieces.append(hull(flat, shift, nose, tone=2, density=METAL))
        back = about("z", math.pi + side * opening)
        arm = reach * (0.6 if loops else 1.0)
        end = back @ np.array([arm, 0.0, 0.0])
        pieces.append(capsule((0.0, 0.0, 0.0), end, max(bar, thick), tone=1))
        if loops:
            size = reach * dice.between(0.35, 0.5)
            grip = ring_of_boxes(size, size * 0.62, thick, 8, tone=1)
            pieces += moved(grip, end * (1.0 + size * 0.42 / arm), back)
    return pieces


def spoon(dice: Dice) -> list[Piece]:
    """A spoon, a ladle, a spatula, a lollipop: a thin stem with something flat or round at its end."""
    length, thick = dice.between(0.08, 0.15), dice.between(0.006, 0.014)
    flat = thick * dice.between(0.4, 1.0)
    lift = math.radians(dice.between(-25.0, 25.0))
    pieces = [box((length, thick, max(flat, 0.004)), (length / 2, 0.0, 0.0), tone=1)]
    if dice.chance(0.4):
        pieces = [rod((0.0, 0.0, 0.0), (length, 0.0, 0.0), thick, tone=1)]
    wide, long = dice.between(0.024, 0.055), dice.between(0.03, 0.06)
    kind = dice.pick(("bowl", "blade", "ball", "ladle"))
    if kind == "bowl":
        head = [ellipsoid((long, wide, dice.between(0.008, 0.02)), (long * 0.33, 0.0, 0.0))]
    elif kind == "blade":
        head = [box((long, wide, dice.between(0.003, 0.006)), (long * 0.45, 0.0, 0.0))]
    elif kind == "ball":
        head = [sphere(wide * 0.8, (wide * 0.35, 0.0, 0.0))]
    else:
        depth = dice.between(0.014, 0.026)
        cup = [cylinder(wide, 0.004, (0.0, 0.0, -depth))]
        cup += ring_of_boxes(wide, wide - 0.008, depth, 10, (0.0, 0.0, -depth / 2 - 0.001))
        head = moved(cup, (wide * 0.5 - 0.003, 0.0, 0.003))
    return pieces + moved(head, (length, 0.0, 0.0), about("y", lift))


def brush(dice: Dice) -> list[Piece]:
    """A handle that widens into a head with bristles: brush, razor, comb."""
    length, thick = dice.between(0.06, 0.12), dice.between(0.009, 0.02)
    long, wide, back = dice.between(0.025, 0.07), dice.between(0.012, 0.05), dice.between(0.006, 0.014)
    bristles = dice.between(0.01, 0.035)
    head = [box((long, wide, back), (long / 2 - 0.004, 0.0, 0.0))]
    kind = dice.pick(("block", "tufts", "along"))
    if kind == "along":
        head.append(box((bristles, wide * 0.9, back * 0.7), (long + bristles / 2 - 0.005, 0.0, 0.0), tone=2))
    elif kind == "block":
        at = (long / 2 - 0.004, 0.0, -(back + bristles) / 2 + _LAP_M)
        head.append(box((long * 0.9, wide * 0.85, bristles), at, tone=2))
    else:
        rows = dice.whole(3, 5)
        for i in range(rows):
            x = long * (i + 0.5) / rows - 0.004
            size = (max(long * 0.5 / rows, 0.004), wide * 0.85, bristles)
            head.append(box(size, (x, 0.0, -(back + bristles) / 2 + _LAP_M), tone=2))
    return handle(dice, length, thick) + moved(head, (length, 0.0, 0.0), about("y", dice.between(-0.25, 0.25)))


def key(dice: Dice) -> list[Piece]:
    """A key or a tag: a flat bow with a hole, a blade, teeth; or a bow alone with a fob."""
    bow, thick = dice.between(0.022, 0.042), dice.log_between(0.004, 0.01)
    blade, wide = dice.between(0.03, 0.07), dice.between(0.006, 0.012)
    if dice.chance(0.5):
        pieces = ring_of_boxes(bow, bow * dice.between(0.35, 0.65), thick, 10)
    else:
        pieces = [hull(chamfered((bow, bow * dice.between(0.7, 1.3), thick), thick * 0.3))]
    start = bow * 0.4
    pieces.append(box((blade, wide, thick * 0.9), (start + blade / 2, 0.0, 0.0), tone=2, density=METAL))
    for i in range(dice.whole(0, 4)):
        size = (dice.between(0.004, 0.008), dice.between(0.003, 0.009), thick * 0.9)
        x = start + blade * (0.95 - 0.16 * i) - size[0] / 2
        pieces.append(box(size, (x, (wide + size[1]) / 2 - _LAP_M, 0.0), tone=2, density=METAL))
    return pieces


def clip(dice: Dice) -> list[Piece]:
    """A clothes-peg, a binder clip, a bag clip: two wings that meet at one end."""
    length, wide, thick = dice.between(0.03, 0.11), dice.between(0.01, 0.045), dice.between(0.004, 0.009)
    tilt = math.radians(dice.between(4.0, 18.0))
    pieces = []
    for side in (-1, 1):
        wing = box((length, wide, thick), (length / 2, 0.0, 0.0))
        pieces += moved([wing], (0.0, 0.0, side * thick * 0.4), about("y", -side * tilt))
    kind = dice.pick(("pivot", "spring", "loops"))
    if kind == "pivot":
        pieces.append(box((thick * 1.6, wide, thick * 2.4), tone=1))
    elif kind == "spring":
        at = length * dice.between(0.25, 0.5)
        gap = 2 * (at * math.tan(tilt) + thick)
        pieces.append(rod((at, -wide * 0.6, 0.0), (at, wide * 0.6, 0.0), gap, tone=2, density=METAL))
    else:
        reach = length * dice.between(0.3, 0.7)
        for side in (-1, 1):
            tip = (-reach * math.cos(tilt * 2), 0.0, side * reach * math.sin(tilt * 2))
            pieces.append(capsule((0.0, 0.0, 0.0), tip, 0.005, tone=2, density=METAL))
        pieces.append(box((thick * 1.6, wide, thick * 2.0), tone=1))
    return pieces
