"""Families of several simple solids: extrusions, brackets, toys, fruit, clusters."""

from __future__ import annotations

import math

import numpy as np

from detectors.synthesis.families.pieces import (
    ALONG_X,
    METAL,
    UPRIGHT,
    Dice,
    Matrix,
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
from detectors.synthesis.families.solids import chamfered, superquadric_points

_LAP_M = 0.001  # by which parts reach into each other


def extrusion(dice: Dice) -> list[Piece]:
    """The letters L, T, U, plus, H and Z of boxes."""
    depth, bar = dice.between(0.012, 0.06), dice.between(0.012, 0.03)
    long, short = dice.between(0.05, 0.15), dice.between(0.035, 0.09)
    across = box((bar, short, depth), tone=1)
    stem = box((long, bar, depth))
    end, side = (long - bar) / 2, short / 2
    letter = dice.pick(("L", "T", "U", "plus", "H", "Z"))
    places = {
        "L": [(end, side)],
        "T": [(end, 0.0)],
        "U": [(end, side), (-end, side)],
        "plus": [(dice.between(-0.5, 0.5) * end, 0.0)],
        "H": [(end, 0.0), (-end, 0.0)],
        "Z": [(end, side), (-end, -side)],
    }[letter]
    return [stem, *(piece for x, y in places for piece in moved([across], (x, y, 0.0)))]


def bracket(dice: Dice) -> list[Piece]:
    """An I-beam, a channel, or an angle with a gusset and a boss."""
    plate, length = dice.between(0.004, 0.01), dice.between(0.03, 0.13)
    width, height = dice.between(0.025, 0.06), dice.between(0.025, 0.08)
    base = box((width, length, plate), density=METAL)
    kind = dice.pick(("beam", "channel", "angle", "angle"))
    if kind == "beam":
        web = box((plate, length, height), (0.0, 0.0, height / 2))
        return [base, web, *moved([base], (0.0, 0.0, height))]
    if kind == "channel":
        wall = box((plate, length, height), (0.0, 0.0, height / 2 - plate / 2))
        x = (width - plate) / 2
        return [base, *moved([wall], (x, 0.0, 0.0)), *moved([wall], (-x, 0.0, 0.0))]
    wall = box((plate, length, height), ((plate - width) / 2, 0.0, height / 2 - plate / 2), density=METAL)
    leg = dice.between(0.4, 0.85) * min(width, height)
    foot = (plate - width) / 2
    flat = np.array([[foot, 0.0], [foot + leg, 0.0], [foot, leg]])
    gusset = [np.column_stack([flat[:, 0], np.full(3, y), flat[:, 1]]) for y in (-plate / 2, plate / 2)]
    pieces = [base, wall, hull(np.vstack(gusset), (0.0, dice.between(-0.4, 0.4) * length, 0.0), density=METAL)]
    if dice.chance(0.5):
        rise = dice.between(0.008, 0.02)
        at = (foot + rise / 2, dice.between(-0.25, 0.25) * length, height * 0.7)
        pieces.append(cylinder(dice.between(0.012, 0.022), rise, at, ALONG_X, tone=1, density=METAL))
    return pieces


def cluster(dice: Dice) -> list[Piece]:
    """Two to six random solids stuck into each other at random."""
    pieces: list[Piece] = []
    at, inner = np.zeros(3), 0.0
    for i in range(dice.whole(2, 6)):
        size = sorted(dice.between(0.014, 0.05) for _ in range(3))
        reach = size[0] / 2
        if i:
            at = at + dice.direction() * 0.9 * (inner + reach)
        inner = reach
        turned = about("x", dice.between(0, math.pi)) @ about("z", dice.between(0, math.pi))
        pieces.append(_random_solid(dice, size, at, turned, i % 3))
    return pieces


def _random_solid(dice: Dice, size: list[float], at: Matrix, turned: Matrix, tone: int) -> Piece:
    """A solid that holds the ball of diameter ``size[0]`` about ``at``; the sizes ascend."""
    kind = dice.pick(("box", "cylinder", "capsule", "ellipsoid", "superquadric"))
    if kind == "box":
        return box(size, at, turned, tone=tone)
    if kind == "cylinder":
        return cylinder(size[0], size[2], at, turned, tone=tone)
    if kind == "capsule":
        arm = turned[:, 2] * (size[2] - size[0]) / 2
        return capsule(at - arm, at + arm, size[0], tone=tone)
    if kind == "ellipsoid":
        return ellipsoid(size, at, turned, tone=tone)
    points = superquadric_points(dice.between(0.2, 0.9), dice.between(0.2, 0.9)) * np.array(size) * 0.55
    return hull(points, at, turned, tone=tone)


def one_feature(dice: Dice) -> list[Piece]:
    """A plate, block or dome over 90 mm across whose knob, fin, stem or handle is the one thing to hold it by."""
    wide, deep, thick = dice.between(0.12, 0.165), dice.between(0.12, 0.165), dice.log_between(0.008, 0.05)
    base = dice.pick(("plate", "disc", "dome"))
    if base == "plate":
        pieces = [box((wide, deep, thick), (0.0, 0.0, -thick / 2))]
    elif base == "disc":
        pieces = [cylinder(wide, thick, (0.0, 0.0, -thick / 2))]
    else:
        profile = [(wide / 2 * math.cos(a), thick * (math.sin(a) - 1.0)) for a in np.radians([0.0, 25.0, 50.0, 72.0])]
        pieces = [hull(rings(profile, 14))]
    off = np.array([dice.between(-0.2, 0.2) * wide, dice.between(-0.2, 0.2) * deep, 0.0])
    if base == "dome":
        off = np.zeros(3)
    feature = _feature(dice, thick * (0.6 if base == "dome" else 0.3))
    return pieces + moved(feature, off, about("z", dice.between(0.0, math.pi)))


def _feature(dice: Dice, sunk: float) -> list[Piece]:
    """Something to hold that stands on the plane z = 0; a handle's feet reach ``sunk`` below it."""
    kind = dice.pick(("knob", "fin", "stem", "handle", "ball"))
    height = dice.between(0.022, 0.06)
    if kind == "knob":
        neck, head = dice.between(0.012, 0.025), dice.between(0.025, 0.05)
        low = cylinder(neck, 0.5 * height + 0.005, (0.0, 0.0, 0.25 * height - 0.0025), tone=1)
        return [low, cylinder(head, 0.5 * height, (0.0, 0.0, 0.75 * height - _LAP_M), tone=1)]
    if kind == "fin":
        size = (dice.between(0.03, 0.09), dice.between(0.006, 0.03), height + 0.004)
        return [box(size, (0.0, 0.0, height / 2 - 0.002), tone=1)]
    if kind == "stem":
        thick = dice.between(0.012, 0.045)
        return [cylinder(thick, height * 1.4 + 0.004, (0.0, 0.0, height * 0.7 - 0.002), tone=1)]
    if kind == "ball":
        ball = dice.between(0.024, 0.05)
        stem = cylinder(ball * 0.5, ball * 0.6 + 0.004, (0.0, 0.0, ball * 0.3 - 0.002), tone=1)
        return [stem, sphere(ball, (0.0, 0.0, ball * 0.9), tone=1)]
    half, thick = dice.between(0.025, 0.05), dice.between(0.009, 0.02)
    left, right = (-half, 0.0, height), (half, 0.0, height)
    posts = [capsule((x, 0.0, thick / 2 - sunk), (x, 0.0, height), thick, tone=1) for x in (-half, half)]
    return [*posts, capsule(left, right, thick, tone=1)]


def fruit(dice: Dice) -> list[Piece]:
    """A lumpy thing of ellipsoids about an axis, with a stalk."""
    kind = dice.pick(("pear", "pepper", "root", "cluster"))
    girth, height = dice.between(0.035, 0.06), dice.between(0.03, 0.08)
    if kind == "pear":
        upper = girth * dice.between(0.45, 0.7)
        pieces = [ellipsoid((girth, girth * dice.between(0.85, 1.0), girth)), sphere(upper, (0.0, 0.0, girth * 0.55))]
        top = girth * 0.55 + upper / 2
    elif kind == "pepper":
        lobes = dice.whole(3, 5)
        pieces = []
        for i in range(lobes):
            turned = about("z", 2 * math.pi * i / lobes) @ about("y", dice.between(-0.15, 0.15))
            middle = turned @ np.array([girth * 0.22, 0.0, 0.0])
            pieces.append(ellipsoid((girth * 0.55, girth * 0.55, height), middle, turned))
        top = height * 0.38
    elif kind == "root":
        pieces = [hull(rings([(girth * 0.25, -height), (girth * 0.4, height * 0.2), (girth * 0.3, height * 0.5)], 14))]
        top = height * 0.5
    else:
        pieces = [sphere(girth * 0.6)]
        for i in range(dice.whole(3, 6)):
            ball = girth * dice.between(0.35, 0.55)
            pieces.append(sphere(ball, dice.direction() * (girth * 0.3 + ball * 0.2), tone=i % 2))
        top = girth * 0.25
    if dice.chance(0.7):
        tip = (dice.between(-0.008, 0.008), dice.between(-0.008, 0.008), top + dice.between(0.008, 0.025))
        pieces.append(capsule((0.0, 0.0, top - 0.008), tip, dice.between(0.004, 0.009), tone=2))
    return pieces


def bent(dice: Dice) -> list[Piece]:
    """A bow, an S or a hook of capsules that grow thinner towards the ends."""
    count, turn = dice.whole(4, 8), math.radians(dice.between(40.0, 220.0))
    thick, thin = dice.between(0.016, 0.045), dice.between(0.3, 0.95)
    length = dice.between(1.8, 4.5) * thick + 0.03
    shape = dice.pick(("bow", "bow", "s", "hook"))
    at, angle = np.zeros(3), -turn / 2
    pieces = []
    for i in range(count):
        middle = (i + 0.5) / count
        curl = {"bow": 1.0, "s": 1.0 if middle < 0.5 else -1.0, "hook": 2.0 if middle > 0.5 else 0.0}[shape]
        step = np.array([math.cos(angle), math.sin(angle), 0.0]) * length / count
        fade = 1.0 - (1.0 - thin) * abs(2 * middle - 1.0) ** 2
        pieces.append(capsule(at, at + step, thick * fade, tone=2 if thin < 0.6 and i == count - 1 else 0))
        at, angle = at + step, angle + curl * turn / count
    return pieces


def plug(dice: Dice) -> list[Piece]:
    """A plug or an adapter: a body, two or three prongs, perhaps the stub of a cable."""
    wide, deep, height = dice.between(0.026, 0.055), dice.between(0.024, 0.05), dice.between(0.02, 0.06)
    kind = dice.pick(("box", "chamfered", "round", "tapered"))
    if kind == "box":
        body = box((wide, deep, height))
    elif kind == "chamfered":
        body = hull(chamfered((wide, deep, height), 0.12 * min(wide, deep, height)))
    elif kind == "round":
        body = cylinder(wide, height)
    else:
        body = hull(rings([(wide / 2, -height / 2), (wide / 2 * dice.between(0.4, 0.8), height / 2)], 16, deep / wide))
    pin, reach = dice.between(0.004, 0.007), dice.between(0.012, 0.022)
    spots = [(-0.22, 0.0), (0.22, 0.0), (0.0, 0.25)][: dice.whole(2, 3)]
    flat = dice.chance(0.5)
    pieces = [body]
    for x, y in spots:
        at = (x * wide, y * deep, -(height + reach) / 2 + _LAP_M)
        pieces.append(
            box((pin * 0.7, pin * 1.5, reach), at, tone=2, density=METAL)
            if flat
            else cylinder(pin, reach, at, tone=2, density=METAL)
        )
    if dice.chance(0.6):
        thick, bend = dice.between(0.006, 0.011), dice.between(-0.03, 0.03)
        knee = (0.0, 0.0, height / 2 + dice.between(0.01, 0.03))
        pieces.append(capsule((0.0, 0.0, height / 2 - 0.004), knee, thick, tone=1))
        pieces.append(capsule(knee, (bend, 0.0, knee[2] + dice.between(0.01, 0.04)), thick, tone=1))
    return pieces


def spool(dice: Dice) -> list[Piece]:
    """Two heads on a bar: a dumb-bell, a reel, a bobbin."""
    bar, head = dice.between(0.012, 0.035), dice.between(0.032, 0.07)
    length, thick = dice.between(0.02, 0.1), dice.between(0.008, 0.03)
    corners = dice.whole(5, 8)
    kind = dice.pick(("disc", "ball", "corners"))
    pieces = [rod((-length / 2 - 0.002, 0.0, 0.0), (length / 2 + 0.002, 0.0, 0.0), bar, tone=1)]
    for side in (-1, 1):
        size = head * (1.0 if dice.chance(0.7) else dice.between(0.7, 1.1))
        at = (side * (length + thick) / 2, 0.0, 0.0)
        if kind == "disc":
            pieces.append(cylinder(size, thick, at, ALONG_X))
        elif kind == "ball":
            pieces.append(sphere(size, (side * (length / 2 + size * 0.35), 0.0, 0.0)))
        else:
            pieces.append(hull(rings([(size / 2, -thick / 2), (size / 2, thick / 2)], corners), at, ALONG_X @ UPRIGHT))
    return pieces
