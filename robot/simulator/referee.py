"""The truth about an object, from its placing to its release, as somebody who never looks away would tell it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from robot.geometry import Transform, apply
from robot.shapes import Vertices
from robot.simulator.cell_body import TABLE_TOP_M

LIFTED_M = 0.020
"""An object whose lowest point is higher than this above the table is lifted; let go up there, it is dropped."""
_LOST_AFTER_S = 0.1  # contacts flicker


@dataclass(frozen=True)
class Referee:
    """The truth about the object.

    Attributes:
        lifted, held: now; held means by both fingers.
        height_m: of its lowest point above the table.
        carried_m: how far sideways it was moved in the jaws, at most.
        released: it was held from its lift until the jaws opened, and was on the table then.
        dropped: it was lifted and then lost, or let go in the air.
        middle_m: where its middle is, base frame.
    """

    object: str
    lifted: bool
    held: bool
    height_m: float
    carried_m: float = 0.0
    released: bool = False
    dropped: bool = False
    middle_m: tuple[float, float, float] = (0.0, 0.0, 0.0)


class _Stage(Enum):
    LYING = "lying"
    CARRIED = "carried"
    RELEASED = "released"
    DROPPED = "dropped"


class CarryWatch:
    """Follows one object from the moment it was laid."""

    def __init__(self, vertices_object: Vertices) -> None:
        self._vertices = vertices_object
        self._middle = (vertices_object.min(axis=0) + vertices_object.max(axis=0)) / 2
        self._stage = _Stage.LYING
        self._lifted_at: NDArray[np.float64] = np.zeros(2)
        self._unheld_s = 0.0
        self._carried_m = 0.0

    def judge(self, name: str, T_base_object: Transform, touched: bool) -> Referee:
        """The truth now; ``touched``: both fingers press against the object."""
        height_m = self._height_m(T_base_object)
        lifted = height_m > LIFTED_M
        x, y, z = map(float, apply(T_base_object, self._middle))
        released, dropped = self._stage is _Stage.RELEASED, self._stage is _Stage.DROPPED
        return Referee(name, lifted, lifted and touched, height_m, self._carried_m, released, dropped, (x, y, z))

    def saw(self, T_base_object: Transform, touched: bool, duration_s: float) -> None:
        """Some time has passed; ``touched``: both fingers press against the object."""
        if self._stage is _Stage.LYING and touched and self._height_m(T_base_object) > LIFTED_M:
            self._stage, self._unheld_s = _Stage.CARRIED, 0.0
            self._lifted_at = self._place_m(T_base_object)
        if self._stage is not _Stage.CARRIED:
            return
        self._unheld_s = 0.0 if touched else self._unheld_s + duration_s
        if touched:
            way = self._place_m(T_base_object) - self._lifted_at
            self._carried_m = max(self._carried_m, float(np.linalg.norm(way)))
        elif self._unheld_s > _LOST_AFTER_S:
            self._stage = _Stage.DROPPED

    def jaws_open(self, T_base_object: Transform) -> None:
        """The jaws are told to open."""
        if self._stage is _Stage.CARRIED:
            in_the_air = self._height_m(T_base_object) > LIFTED_M
            self._stage = _Stage.DROPPED if in_the_air else _Stage.RELEASED

    def _height_m(self, T_base_object: Transform) -> float:
        return float((self._vertices @ T_base_object[2, :3]).min() + T_base_object[2, 3] - TABLE_TOP_M)

    def _place_m(self, T_base_object: Transform) -> NDArray[np.float64]:
        return np.asarray(apply(T_base_object, self._middle)[:2])
