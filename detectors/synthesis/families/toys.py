"""Families of toys and of things to play with."""

from __future__ import annotations

import math

import numpy as np

from detectors.synthesis.families.pieces import (
    ALONG_Y,
    Dice,
    Piece,
    about,
    box,
    capsule,
    cylinder,
    ellipsoid,
    facing,
    hull,
    sphere,
)

_LAP_M = 0.001  # by which parts reach into each other


def toy(dice: Dice) -> list[Piece]:
    """A car, a tower of blocks, a figure or an aeroplane."""
    return dice.pick((_car, _tower, _figure, _plane))(dice)


def _car(dice: Dice) -> list[Piece]:
    length, width, height = dice.between(0.06, 0.13), dice.between(0.028, 0.05), dice.between(0.014, 0.028)
    wheel, tyre = dice.between(0.016, 0.028), dice.between(0.005, 0.009)
    body = box((length, width, height), (0.0, 0.0, height / 2))
    top, roof = dice.between(0.35, 0.6) * length, dice.between(0.012, 0.026)
    cabin = np.array([[x * top / 2, y * width * 0.45, 0.0] for x in (-1, 1) for y in (-1, 1)])
    cabin = np.vstack([cabin, cabin * (dice.between(0.5, 0.95), 0.85, 1.0) + (0.0, 0.0, roof)])
    pieces = [body, hull(cabin, (dice.between(-0.15, 0.1) * length, 0.0, height - _LAP_M), tone=1)]
    for x in (-0.3, 0.3):
        for y in (-1, 1):
            at = (x * length, y * (width + tyre) / 2 - y * _LAP_M, height * 0.2)
            pieces.append(cylinder(wheel, tyre, at, ALONG_Y, tone=2))
    return pieces


def _tower(dice: Dice) -> list[Piece]:
    pieces: list[Piece] = []
    z, half = 0.0, 0.0
    at = np.zeros(2)
    for i in range(dice.whole(2, 5)):
        size = np.array([dice.between(0.022, 0.055), dice.between(0.022, 0.055), dice.between(0.012, 0.03)])
        if i:
            at = at + np.array([dice.between(-0.6, 0.6), dice.between(-0.6, 0.6)]) * half
        half = float(min(size[:2])) / 2
        where = (at[0], at[1], z + size[2] / 2)
        turned = about("z", dice.between(0.0, math.pi) if dice.chance(0.4) else 0.0)
        round_one = dice.chance(0.25)
        pieces.append(
            cylinder(2 * half, size[2], where, tone=i % 3) if round_one else box(tuple(size), where, turned, tone=i % 3)
        )
        z += size[2] - _LAP_M
    return pieces


def _figure(dice: Dice) -> list[Piece]:
    height, girth = dice.between(0.03, 0.06), dice.between(0.02, 0.038)
    limb, head = dice.between(0.009, 0.015), dice.between(0.02, 0.036)
    pieces = [ellipsoid((girth, girth * 0.8, height * 1.3), (0.0, 0.0, 0.0))]
    pieces.append(sphere(head, (0.0, 0.0, height * 0.65 + head * 0.35), tone=1))
    for side in (-1, 1):
        shoulder, hip = (side * girth * 0.3, 0.0, height * 0.3), (side * girth * 0.25, 0.0, -height * 0.4)
        hand = (
            side * (girth * 0.5 + dice.between(0.01, 0.03)),
            dice.between(-0.02, 0.02),
            height * dice.between(-0.2, 0.8),
        )
        foot = (side * girth * dice.between(0.3, 0.7), dice.between(-0.01, 0.02), -height * dice.between(0.8, 1.2))
        pieces += [capsule(shoulder, hand, limb, tone=1), capsule(hip, foot, limb * 1.2, tone=2)]
    return pieces


def _plane(dice: Dice) -> list[Piece]:
    length, girth = dice.between(0.08, 0.15), dice.between(0.02, 0.035)
    span, chord = dice.between(0.08, 0.15), dice.between(0.02, 0.04)
    tail = -length / 2 + girth * 0.4
    return [
        capsule((-length / 2, 0.0, 0.0), (length / 2, 0.0, 0.0), girth),
        box((chord, span, dice.between(0.004, 0.008)), (dice.between(-0.1, 0.2) * length, 0.0, 0.0), tone=1),
        box((chord * 0.6, span * 0.4, 0.004), (tail, 0.0, girth * 0.2), tone=1),
        box((chord * 0.6, 0.004, girth * 1.4), (tail, 0.0, girth * 0.7), tone=2),
    ]


def controller(dice: Dice) -> list[Piece]:
    """A game controller or a handset: a flat body with two grips, sticks and buttons."""
    width, deep, thick = dice.between(0.07, 0.13), dice.between(0.04, 0.06), dice.between(0.02, 0.034)
    grip, reach = dice.between(0.022, 0.034), dice.between(0.02, 0.05)
    pieces = [ellipsoid((width * 1.1, deep, thick)) if dice.chance(0.5) else box((width, deep * 0.8, thick * 0.8))]
    for side in (-1, 1):
        start = np.array([side * width * 0.42, 0.0, 0.0])
        end = start + np.array([side * dice.between(0.0, 0.5), -1.0, -dice.between(0.0, 0.4)]) * reach
        along = end - start
        size = (grip, grip, float(np.sqrt((along**2).sum())) + grip)
        pieces.append(ellipsoid((size[0], size[1], size[2] * 1.2), (start + end) / 2, facing(along)))
        at = (side * width * 0.2, dice.between(-0.15, 0.1) * deep, thick * 0.42)
        pieces.append(cylinder(dice.between(0.01, 0.018), dice.between(0.008, 0.016), at, tone=2))
    if dice.chance(0.6):
        pieces.append(box((width * 0.3, 0.012, 0.008), (0.0, deep * 0.2, thick * 0.4), tone=1))
    return pieces
