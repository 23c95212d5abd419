"""A third party's detector at its worst: grasps where none may be, numbers that are none, things that are no grasps."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random

import numpy as np

from detectors.antipodal.detector import AntipodalDetector
from detectors.grasp import Detection, Grasp

EACH_TIME = 9
NUMBERS = ("u", "v", "depth_m", "angle_rad", "width_m")


def forged(**values):
    """A Grasp that has never been validated."""
    grasp = object.__new__(Grasp)
    sound = {"u": 320.0, "v": 240.0, "depth_m": 0.68, "angle_rad": 0.3, "width_m": 0.05, "quality": 0.9, "robust": None}
    for name, value in (sound | values).items():
        object.__setattr__(grasp, name, value)
    return grasp


def sound(frame, rng, **changes):
    """A valid grasp somewhere in the image, at the depth that was measured there, with ``changes``."""
    v, u = rng.choice(np.argwhere(frame.valid).tolist() or [[240, 320]])
    values = {"u": float(u), "v": float(v), "depth_m": float(frame.depth_m[v, u]) or 0.7, "width_m": 0.05}
    values |= {"angle_rad": rng.uniform(-1.5, 1.5), "quality": rng.random()}
    return Grasp(**(values | changes))


def unknown_depth(frame, rng):
    """On a pixel whose depth nobody has measured, where there is one."""
    holes = np.argwhere(~frame.valid).tolist()
    v, u = rng.choice(holes) if holes else (0, 0)
    return sound(frame, rng, u=float(u), v=float(v), depth_m=0.68)


def border(frame, rng):
    """In a corner of the image, or just beyond it."""
    width, height = frame.intrinsics.width, frame.intrinsics.height
    u, v = rng.choice([0.0, width - 1.0, width - 0.5]), rng.choice([0.0, -0.5, height - 1.0])
    return sound(frame, rng, u=u, v=v)


WICKED = (
    lambda frame, rng: sound(frame, rng, depth_m=rng.uniform(0.71, 0.95)),  # under the table
    lambda frame, rng: sound(frame, rng, depth_m=10.0),
    lambda frame, rng: sound(frame, rng, depth_m=1e-6),  # in the camera's glass
    lambda frame, rng: sound(frame, rng, depth_m=rng.uniform(0.05, 0.6)),  # in the air
    lambda frame, rng: sound(frame, rng, u=rng.choice([-500.0, 1e6]), v=rng.choice([-1e9, 4000.0])),
    lambda frame, rng: sound(frame, rng, width_m=1.0),
    lambda frame, rng: sound(frame, rng, width_m=1e-9),
    lambda frame, rng: sound(frame, rng, angle_rad=rng.choice([1e9, -1e15, 7.0])),
    unknown_depth,
    border,
)
"""Sound numbers that no arm should follow."""

FORGED = (
    lambda frame, rng: forged(depth_m=-0.4),
    lambda frame, rng: forged(quality=2.0),
    lambda frame, rng: forged(quality=math.nan),
    lambda frame, rng: forged(angle_rad=1e300),
    lambda frame, rng: forged(width_m=rng.choice([-0.05, 0.0, math.inf])),
    lambda frame, rng: forged(**{rng.choice(NUMBERS): rng.choice([math.nan, math.inf])}),
    lambda frame, rng: forged(**{rng.choice([*NUMBERS, "robust"]): rng.choice([None, "wide", [0.1]])}),
)
"""Numbers that are none; our own class would have refused them."""

SPOILED = (
    lambda grasp: grasp,
    lambda grasp: dataclasses.replace(grasp, depth_m=grasp.depth_m + 0.2),  # the floor has to hold it up
    lambda grasp: dataclasses.replace(grasp, depth_m=max(grasp.depth_m - 0.1, 0.1)),
    lambda grasp: dataclasses.replace(grasp, width_m=0.001),  # closed jaws come down on the thing
    lambda grasp: dataclasses.replace(grasp, angle_rad=grasp.angle_rad + math.pi / 2),
)
"""Honest grasps, mostly with one lie in them: these are the ones that the arm will really try."""


class Adversary:
    """Every third proposal is honest but for one lie; the others are wicked, some of them forged, some no grasps."""

    name = "adversary"

    def __init__(self):
        self._calls = itertools.count()
        self._honest = AntipodalDetector()

    def detect(self, frame, *, top=1, region=None, seed=0):
        call, rng = next(self._calls), random.Random(seed)
        if call % 3 == 0:
            spoil = SPOILED[call // 3 % len(SPOILED)]
            grasps = [spoil(g) for g in self._honest.detect(frame, top=3, region=region, seed=seed).grasps]
        elif call % 25 == 10:
            raise RuntimeError("no grasps today")
        elif call % 25 == 20:
            return rng.choice([None, (), "a grasp", 42])
        else:
            kinds = WICKED if call % 3 == 1 else (*WICKED, *FORGED)
            grasps = [make(frame, rng) for make in rng.choices(kinds, k=EACH_TIME)]
        return Detection(tuple(grasps), detect_ms=1.0)
