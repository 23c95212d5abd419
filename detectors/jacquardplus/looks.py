"""How a scene of the benchmark looks: lamps, decor and materials, from easy to very difficult.

One number, drawn evenly, says how difficult the light is: with it lamps sink towards the horizon, take on colour, the
light from everywhere fades, the exposure goes astray, and the sensor's noise grows. Materials are drawn apart for every
thing, from matt to polished metal; the things keep their own base colours.
"""

from __future__ import annotations

import math

import numpy as np

from detectors.jacquardplus.textures import TEXTURES, texture
from detectors.synthesis.painting import Lamp, Look, Material

_MOST_LAMPS = 3
_LAMP_DISTANCE_M = (1.0, 2.5)
_USUAL_DISTANCE_M = 1.5  # a lamp's colour is what it gives from here: it is made brighter, the farther it stands
_HIGH_RAD, _LOW_RAD = math.radians(75), math.radians(12)


def draw_look(things: int, rng: np.random.Generator) -> Look:
    """A look for a scene of so many things."""
    difficulty = float(rng.random())
    table = texture(int(rng.integers(TEXTURES)))
    turn = float(rng.uniform(-np.pi, np.pi))
    count = int(rng.integers(1, _MOST_LAMPS + 1))
    strengths = rng.dirichlet(np.full(count, 1.5)) * rng.uniform(0.55, 1.1)
    lamps = tuple(_lamp(difficulty, float(strength), rng) for strength in strengths)
    sky = rng.uniform(0.35, 0.55) * (1 - 0.8 * difficulty * rng.random())
    ambient = sky * (1 + 0.15 * difficulty * rng.uniform(-1, 1, size=3))
    materials = tuple(_material(rng) for _ in range(things))
    astray = difficulty * rng.uniform(-1.0, 0.7)  # in stops
    return Look(
        lamps=lamps,
        ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
        table=table,
        table_turn_rad=turn,
        materials=materials,
        exposure=float(2.0**astray),
        blur_px=float(rng.uniform(0.4, 0.6 + 0.6 * difficulty)),
        noise=float(rng.uniform(0.5, 2.0 + 6.0 * difficulty)),
    )


def _lamp(difficulty: float, strength: float, rng: np.random.Generator) -> Lamp:
    lowest = _HIGH_RAD + (_LOW_RAD - _HIGH_RAD) * difficulty
    rise, around = rng.uniform(lowest, math.radians(90)), rng.uniform(-np.pi, np.pi)
    distance = rng.uniform(*_LAMP_DISTANCE_M)
    position = distance * np.array([np.cos(rise) * np.cos(around), np.cos(rise) * np.sin(around), np.sin(rise)])
    tint = 1 - 0.7 * difficulty * rng.uniform(0.0, 1.0, size=3)
    color = tint / tint.max() * strength * (distance / _USUAL_DISTANCE_M) ** 2
    x, y, z = (float(value) for value in position)
    red, green, blue = (float(value) for value in color)
    return Lamp((x, y, z), (red, green, blue))


def _material(rng: np.random.Generator) -> Material:
    """Three in ten things are matt, four of plastic or varnish, three of metal."""
    kind, polish = rng.random(), rng.random()
    shininess = float(5.0 * 60.0**polish)
    if kind < 0.3:
        return Material(specular=0.0, shininess=shininess, metal=0.0)
    if kind < 0.7:
        return Material(specular=float(rng.uniform(0.05, 0.6)), shininess=shininess, metal=0.0)
    return Material(specular=float(rng.uniform(0.5, 1.0)), shininess=shininess, metal=float(rng.uniform(0.6, 1.0)))
