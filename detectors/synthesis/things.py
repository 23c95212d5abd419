"""Synthetic graspable things: the thing of a number is the same for ever, on every machine.

A catalogue is the numbers 0 .. ``THINGS`` - 1, 3,000 unless another size is asked for (Dex-Net 2.0 had 1,500 objects).
Ten numbers in a row belong to one family of ``FAMILY_NAMES``; the last digit says whether a thing is learnt from
(``splits.py``). Nothing is taken from the benchmark's household objects; all sizes come from the families' own ranges.

What is drawn, for every thing:

* size: by the family; the longest side of the bounding box 25 .. 220 mm, no primitive thinner than 3 mm. Most things
  have something no wider than 75 mm (the jaws open 85 mm); the things of ``OVERSIZE_FAMILIES`` (7 % of the catalogue)
  are convex and wider than 85 mm in every direction, so that no grasp of them is right.
* stretch: six things in ten are stretched along three axes by 0.8 .. 1.2, each its own.
* mass: the volume of the parts times a density of 150 .. 1500 kg/m3, uniform in the logarithm and held to
  0.01 .. 0.8 kg; metal parts are four times as dense as the rest of their thing.
* friction: Coulomb coefficient 0.4 .. 0.8, uniform (rubber pads on everyday materials).
* colours: three for every thing.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detectors.synthesis.families import compounds, solids, tools, toys, vessels
from detectors.synthesis.families.pieces import Dice, Piece, bounds, part, stretched
from detectors.synthesis.splits import THINGS
from robot.objects import Color, ObjectSpec

__all__ = ["FAMILY_NAMES", "OVERSIZE_FAMILIES", "THINGS", "SyntheticThing", "family_of", "make_thing"]

Family = Callable[[Dice], list[Piece]]

_SEED = 20_170_327  # any; changing it changes every thing
_LONGEST_M = (0.025, 0.220)
_STRETCH, _STRETCHED_SHARE = (0.8, 1.2), 0.6
_DENSITY_KG_M3 = (150.0, 1500.0)
_MASS_KG = (0.01, 0.8)
_FRICTION = (0.4, 0.8)
_NUMBERS_A_FAMILY = 10

_FAMILIES: tuple[Family, ...] = (
    solids.block, vessels.cup, tools.stick, compounds.extrusion, solids.slab, vessels.bottle, compounds.cluster,
    solids.can, tools.spanner, vessels.ring, solids.superquadric, compounds.one_feature, tools.pliers,
    solids.big_block, vessels.handled_cup, solids.egg, toys.toy, tools.driver, solids.disc, vessels.bowl,
    compounds.bracket, solids.rock, vessels.turned, tools.spoon, solids.pill, toys.controller, solids.big_ball,
    vessels.tray, solids.frustum, tools.mallet, compounds.fruit, vessels.trigger_bottle, solids.prism, compounds.bent,
    vessels.jar, tools.brush, solids.spindle, vessels.coil, compounds.plug, solids.big_drum, tools.key, vessels.tube,
    compounds.spool, tools.clip,
)  # fmt: skip
FAMILY_NAMES: tuple[str, ...] = tuple(family.__name__ for family in _FAMILIES)
OVERSIZE_FAMILIES = ("big_block", "big_ball", "big_drum")


@dataclass(frozen=True, eq=False)
class SyntheticThing:
    """One thing of the catalogue.

    Attributes:
        number: its place in the catalogue, from 0.
        family: one of ``FAMILY_NAMES``.
        spec: what the simulator takes: convex parts about the middle of their bounding box [m], mass [kg], friction.
    """

    number: int
    family: str
    spec: ObjectSpec


def family_of(number: int) -> str:
    """The family of the thing ``number`` (>= 0)."""
    return FAMILY_NAMES[number // _NUMBERS_A_FAMILY % len(FAMILY_NAMES)]


def make_thing(number: int) -> SyntheticThing:
    """The thing ``number`` of the catalogue.

    Raises:
        ValueError: the number is negative.
    """
    if number < 0:
        raise ValueError(f"things are numbered from 0, got {number}")
    dice = Dice(np.random.default_rng([_SEED, number]))
    pieces = _placed(_FAMILIES[number // _NUMBERS_A_FAMILY % len(_FAMILIES)](dice), dice)
    colors = _colors(dice)
    parts = tuple(part(piece, colors) for piece in pieces)
    solid_m3 = sum(p.volume_m3 * p.relative_density for p in parts)
    mass_kg = min(max(solid_m3 * dice.log_between(*_DENSITY_KG_M3), _MASS_KG[0]), _MASS_KG[1])
    name = f"{family_of(number)}-{number:06d}"
    friction = round(dice.between(*_FRICTION), 4)
    return SyntheticThing(number, family_of(number), ObjectSpec(name, round(mass_kg, 5), friction, colors[0], parts))


def _placed(pieces: list[Piece], dice: Dice) -> list[Piece]:
    """Stretched, of a legal size, and about the middle of the bounding box."""
    factors = np.ones(3)
    if dice.chance(_STRETCHED_SHARE):
        factors = np.array([dice.between(*_STRETCH) for _ in range(3)])
    pieces = [stretched(piece, factors) for piece in pieces]
    low, high = _bounds(pieces)
    longest = float((high - low).max())
    fit = min(max(longest, _LONGEST_M[0]), _LONGEST_M[1]) / longest
    if fit != 1.0:
        pieces = [stretched(piece, np.full(3, fit)) for piece in pieces]
        low, high = _bounds(pieces)
    return [replace(piece, at=piece.at - (low + high) / 2) for piece in pieces]


def _bounds(pieces: list[Piece]) -> tuple[np.ndarray, np.ndarray]:
    lows, highs = zip(*(bounds(piece) for piece in pieces), strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _colors(dice: Dice) -> tuple[Color, Color, Color]:
    """The thing's own colour, a second one, and that of dark or metal parts."""
    own = _color(dice.between(0.0, 1.0), dice.between(0.05, 0.9), dice.between(0.25, 0.95))
    second = _color(dice.between(0.0, 1.0), dice.between(0.05, 0.9), dice.between(0.2, 0.95))
    return own, second, _color(0.6, 0.06, dice.between(0.12, 0.75))


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red, 4), round(green, 4), round(blue, 4)
