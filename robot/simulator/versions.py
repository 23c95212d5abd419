"""The controllers that can be simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from robot.kinematics import UR5, UR5E, ArmModel


@dataclass(frozen=True)
class ControllerVersion:
    """What the controller says it is, and how often its control loop runs."""

    number: tuple[int, int, int, int]
    date: str
    serial: str
    period_s: float
    model: ArmModel


VERSIONS: Mapping[str, ControllerVersion] = MappingProxyType(
    {
        "cb3": ControllerVersion((3, 15, 8, 106339), "Nov 16 2021", "2018352097", 0.008, UR5),
        "e-series": ControllerVersion((5, 11, 1, 108318), "Sep 01 2021", "20195500097", 0.002, UR5E),
    }
)
