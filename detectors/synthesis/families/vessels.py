"""Families of hollow and turned things: cups, bowls, trays, rings, bottles, jars, tubes."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from detectors.synthesis.families.pieces import (
    ALONG_X,
    Dice,
    Piece,
    about,
    box,
    capsule,
    cylinder,
    hull,
    moved,
    rings,
    sphere,
)
from detectors.synthesis.families.solids import chamfered, ring_of_boxes

_LAP_M = 0.001


def ring(dice: Dice) -> list[Piece]:
    """A roll of tape or a bangle: a short tube of boxes."""
    outer = dice.between(0.04, 0.12)
    inner = outer * dice.between(0.45, 0.86)
    return ring_of_boxes(outer, inner, dice.log_between(0.008, 0.06), 16)


def coil(dice: Dice) -> list[Piece]:
    """A torus, or a coil of cable: a ring of capsules, some with the cable's ends."""
    count, thick = 14, dice.between(0.008, 0.024)
    radius = dice.between(0.018, 0.05) + thick / 2
    turns = 2 * np.pi * np.arange(count + 1) / count
    rise = thick * dice.between(0.0, 0.5)
    path = np.column_stack([radius * np.cos(turns), radius * np.sin(turns), np.linspace(0.0, rise, count + 1)])
    pieces = [capsule(path[i], path[i + 1], thick) for i in range(count)]
    if dice.chance(0.45):
        knee = path[0] + (dice.between(0.0, 0.02), -dice.between(0.02, 0.04), 0.0)
        pieces.append(capsule(path[0], knee, thick * 0.8, tone=1))
        size = (dice.between(0.012, 0.02), dice.between(0.016, 0.03), dice.between(0.008, 0.014))
        pieces.append(box(size, knee - (0.0, size[1] * 0.4, 0.0), tone=2))
    return pieces


def cup(dice: Dice) -> list[Piece]:
    """An open cup of slabs about a floor, straight or widening."""
    rim, height = dice.between(0.022, 0.04), dice.between(0.035, 0.12)
    return _shell(dice, _foot(dice, rim), rim, height, dice.whole(12, 15))


def handled_cup(dice: Dice) -> list[Piece]:
    """A cup with one handle of capsules: square, pointed or open at its lower end."""
    rim, height = dice.between(0.026, 0.042), dice.between(0.05, 0.1)
    foot = _foot(dice, rim)
    thick, reach = dice.between(0.007, 0.013), dice.between(0.018, 0.035)
    low, high = dice.between(0.12, 0.35), dice.between(0.65, 0.9)
    below, above = (foot + (rim - foot) * share - 0.002 for share in (low, high))
    out = max(below, above) + reach
    corners = [(above, high), (out, high), (out, low), (below, low)]
    if dice.chance(0.4):
        corners[1:3] = [(out, (low + high) / 2)]
    if dice.chance(0.25):
        corners = corners[:-1]
    path = [(x, 0.0, share * height) for x, share in corners]
    return _shell(dice, foot, rim, height, 12) + [capsule(a, b, thick, tone=1) for a, b in pairwise(path)]


def _foot(dice: Dice, rim: float) -> float:
    return rim if dice.chance(0.5) else rim * dice.between(0.6, 0.92)


def _shell(dice: Dice, foot: float, rim: float, height: float, count: int) -> list[Piece]:
    """A floor and ``count`` slabs about it, z from 0 to ``height``, of the outer radii ``foot`` and ``rim``."""
    wall, floor = dice.between(0.0038, 0.0065), dice.between(0.004, 0.009)
    bottom = cylinder(2 * foot - wall, floor, (0.0, 0.0, floor / 2))
    if foot == rim:
        return [bottom, *ring_of_boxes(2 * rim, 2 * (rim - wall), height, count, (0.0, 0.0, height / 2))]
    return [bottom, *_band([(foot, 0.0), (rim, height)], wall, count)]


def _band(profile: list[tuple[float, float]], wall: float, count: int) -> list[Piece]:
    """A hollow surface of revolution: ``count`` wedges for every step of the (outer radius, z) profile."""
    half = math.pi / count
    pieces = []
    for (r0, z0), (r1, z1) in pairwise(profile):
        scale = wall / math.hypot(r1 - r0, z1 - z0)
        inwards, upwards = scale * (z1 - z0), scale * (r1 - r0)
        corners = [
            (r * math.cos(side * half), r * math.sin(side * half), z + lift)
            for outer, z in ((r0, z0), (r1, z1))
            for r, lift in ((outer, 0.0), (max(outer - inwards, 0.001), upwards))
            for side in (-1, 1)
        ]
        wedge = hull(corners)
        pieces += [piece for i in range(count) for piece in moved([wedge], (0.0, 0.0, 0.0), about("z", 2 * half * i))]
    return pieces


def bowl(dice: Dice) -> list[Piece]:
    """A bowl or a plate: two bands of wedges on a floor; rims of 60 to 150 mm."""
    rim, height = dice.between(0.03, 0.075), dice.between(0.02, 0.07)
    foot, wall = rim * dice.between(0.4, 0.75), dice.between(0.004, 0.008)
    middle = (foot + (rim - foot) * dice.between(0.55, 0.85), height * dice.between(0.25, 0.5))
    floor = cylinder(2 * foot, wall * 1.2, (0.0, 0.0, wall * 0.6))
    return [floor, *_band([(foot, 0.0), middle, (rim, height)], wall, 9)]


def tray(dice: Dice) -> list[Piece]:
    """An open box: a floor and four walls, some leaning out, some with a partition."""
    wide, long, height = dice.between(0.035, 0.085), dice.between(0.05, 0.16), dice.between(0.015, 0.07)
    wall, floor = dice.between(0.003, 0.007), dice.between(0.003, 0.008)
    pieces = [box((long, wide, floor), (0.0, 0.0, floor / 2))]
    flare = dice.between(0.05, 0.35) * height if dice.chance(0.4) else 0.0
    for side in (-1, 1):
        pieces += [
            _wall(side * long / 2, wide / 2, wall, height, flare, 0),
            _wall(side * wide / 2, long / 2, wall, height, flare, 1),
        ]
    if dice.chance(0.35):
        at = (dice.between(-0.3, 0.3) * long, 0.0, height * 0.4)
        pieces.append(box((wall, wide - wall, height * 0.8), at, tone=1))
    return pieces


def _wall(at: float, half: float, wall: float, height: float, flare: float, axis: int) -> Piece:
    """A tray's wall across x (axis 0) or y (axis 1): 2 ``half`` long, outer foot ``at``, leaning out by ``flare``."""
    way = math.copysign(1.0, at)
    points = [
        (at + way * (out - inset), side * (half + out), z)
        for out, z in ((0.0, 0.0), (flare, height))
        for inset in (0.0, wall)
        for side in (-1, 1)
    ]
    return hull(points if axis == 0 else [(y, x, z) for x, y, z in points])


def bottle(dice: Dice) -> list[Piece]:
    """A body, a shoulder, a neck and a cap; round, flat or square."""
    radius, height = dice.between(0.018, 0.034), dice.between(0.06, 0.13)
    shoulder, neck = dice.between(0.008, 0.035), dice.between(0.007, 0.014)
    rise, cap = dice.between(0.01, 0.03), dice.between(0.009, 0.022)
    sides, flat = (8, 1.0) if dice.chance(0.2) else (18, 1.0 if dice.chance(0.6) else dice.between(0.5, 0.9))
    if sides == 18 and flat == 1.0:
        body = cylinder(2 * radius, height, (0.0, 0.0, height / 2))
    else:
        body = hull(rings([(radius, 0.0), (radius, height)], sides, flat))
    z = height + shoulder
    pieces = [body, hull(rings([(radius, height), (neck, z)], sides, flat))]
    pieces.append(cylinder(2 * neck * min(flat * 1.1, 1.0), rise + 0.004, (0.0, 0.0, z + rise / 2 - 0.002)))
    if dice.chance(0.8):
        wider = dice.between(1.05, 1.5)
        pieces.append(cylinder(2 * neck * wider, cap, (0.0, 0.0, z + rise + cap / 2 - 0.004), tone=1))
    return pieces


def trigger_bottle(dice: Dice) -> list[Piece]:
    """A bottle with a head that hangs over: a trigger, a pump or a dosing arm."""
    wide, deep, height = dice.between(0.036, 0.062), dice.between(0.03, 0.055), dice.between(0.06, 0.12)
    shoulder, neck = dice.between(0.01, 0.035), dice.between(0.014, 0.024)
    rise, head = dice.between(0.01, 0.03), dice.between(0.018, 0.03)
    over, back = dice.between(0.02, 0.05), dice.between(0.008, 0.02)
    sides = dice.pick((4, 16))
    turned = about("z", math.pi / 4 if sides == 4 else 0.0)
    grow = math.sqrt(2.0) if sides == 4 else 1.0
    body = (
        rings([(wide / 2 * grow, 0.0), (wide / 2 * grow, height), (neck / 2 * grow, height + shoulder)], sides)
        @ turned.T
    )
    z = height + shoulder + rise
    middle = (over - back) / 2
    pieces = [
        hull(body * (1.0, deep / wide, 1.0)),
        cylinder(neck, rise + 0.006, (0.0, 0.0, z - rise / 2), tone=1),
        box((over + back, head * 0.8, head), (middle, 0.0, z + head / 2 - _LAP_M), tone=1),
    ]
    if dice.chance(0.75):
        reach = dice.between(0.6, 1.2) * (rise + shoulder)
        start = np.array([over * 0.55, 0.0, z + 0.004])
        pieces.append(capsule(start, start + np.array([dice.between(-0.004, 0.008), 0.0, -reach]), 0.008, tone=2))
    nozzle = (over - 0.002, 0.0, z + head * 0.6)
    pieces.append(cylinder(head * 0.45, 0.014, nozzle, ALONG_X, tone=2))
    return pieces


def jar(dice: Dice) -> list[Piece]:
    """A jar or a tin with a lid, round or square, some with a knob on top."""
    wide, height, lid = dice.between(0.03, 0.062), dice.between(0.025, 0.09), dice.between(0.007, 0.02)
    ratio = dice.between(0.85, 1.12)
    top = (0.0, 0.0, height + lid / 2 - _LAP_M)
    kind = dice.pick(("round", "round", "square", "belly"))
    if kind == "square":
        pieces = [hull(chamfered((wide, wide, height), 0.1 * wide), (0.0, 0.0, height / 2))]
        pieces.append(box((wide * ratio * 0.9, wide * ratio * 0.9, lid), top, tone=1))
    else:
        neck = wide * 0.42
        profile = [(wide * 0.4, 0.0), (wide * 0.5, height * 0.3), (wide * 0.5, height * 0.65), (neck, height)]
        body = hull(rings(profile, 14)) if kind == "belly" else cylinder(wide, height, (0.0, 0.0, height / 2))
        pieces = [body, cylinder(wide * ratio * (0.9 if kind == "belly" else 1.0), lid, top, tone=1)]
    if dice.chance(0.3):
        size = dice.between(0.012, 0.024)
        pieces.append(sphere(size, (0.0, 0.0, height + lid + size * 0.3), tone=2))
    return pieces


def tube(dice: Dice) -> list[Piece]:
    """A squeezed tube: round at the cap, flat at the crimp."""
    radius, length, width = dice.between(0.012, 0.024), dice.between(0.06, 0.15), dice.between(0.9, 1.5)
    crimp, cap = dice.between(0.004, 0.01), dice.between(0.012, 0.03)
    belly = dice.between(0.6, 1.0)
    shoulder = rings([(radius, 0.0)], 14)
    middle = rings([(radius * 1.05, length * dice.between(0.3, 0.5))], 14, belly)
    half = radius * width
    end = np.array([[x * half, y * 0.0025, length] for x in (-1, 1) for y in (-1, 1)])
    pieces = [hull(np.vstack([shoulder, middle, end]))]
    pieces.append(box((2 * half, 0.005, crimp + 0.002), (0.0, 0.0, length + crimp / 2 - 0.001), tone=1))
    size = 2 * radius * dice.between(0.5, 1.0)
    pieces.append(cylinder(size, cap + 0.002, (0.0, 0.0, -cap / 2 + 0.001), tone=2))
    return pieces


def turned(dice: Dice) -> list[Piece]:
    """From the lathe, not convex: goblet, vase, bulb, chess piece, skittle."""
    steps = dice.whole(3, 7)
    height, widest = dice.between(0.05, 0.16), dice.between(0.016, 0.033)
    heights = [0.0]
    for _ in range(steps):
        heights.append(heights[-1] + dice.between(0.4, 1.6))
    waist = dice.chance(0.7)
    radii = []
    for i in range(steps + 1):
        wide = (i % 2 == 0) if waist else dice.chance(0.6)
        radii.append(widest * (dice.between(0.75, 1.0) if wide else dice.between(0.25, 0.6)))
    if dice.chance(0.4):
        radii[-1] = widest * dice.between(0.0, 0.3) + 0.0015
    profile = [(r, height * h / heights[-1]) for r, h in zip(radii, heights, strict=True)]
    pieces = []
    for i, (low, high) in enumerate(pairwise(profile)):
        pieces.append(hull(rings([low, high], 18), tone=i % 2 if steps < 5 else 0))
    if dice.chance(0.3):
        size = 2 * widest * dice.between(0.5, 1.0)
        pieces.append(sphere(size, (0.0, 0.0, height + size * 0.25), tone=1))
    return pieces
