"""Where an object is carried and brought back from, when a protocol wants it moved away after the lift."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cell.sweeping import PlanRefused
from robot.errors import SettingsError
from robot.geometry import Transform
from robot.placement_settings import BoxSettings
from trials.protocol import TrialProtocol

_DIRECTIONS = 12
_ROUNDING_M = 1e-9


def ways_away(workspace: BoxSettings, T_base_lift: Transform, distance_m: float) -> tuple[tuple[Transform, ...], ...]:
    """Ways of two TCP poses each: ``distance_m`` to one side of (4, 4) ``T_base_lift``, at its height, and back to it.

    All of them stay in the workspace; the first keeps farthest from its sides. Where :func:`require_room` is content,
    there is one from every place in the workspace.

    Raises:
        PlanRefused: the workspace has no room for any.
    """
    low, high = np.array(workspace.min_m)[:2], np.array(workspace.max_m)[:2]
    here_m = T_base_lift[:2, 3]
    corners_m = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    towards_corners = np.arctan2(*(corners_m - here_m).T[::-1])
    turn = np.concatenate([np.linspace(0.0, 2 * np.pi, _DIRECTIONS, endpoint=False), towards_corners])
    there_m = here_m + distance_m * np.column_stack([np.cos(turn), np.sin(turn)])
    room_m = np.minimum(there_m - low, high - there_m).min(axis=1)
    ranked = [i for i in np.argsort(-room_m, kind="stable") if room_m[i] >= -_ROUNDING_M]
    if not ranked:
        raise PlanRefused("unreachable", f"the workspace has no room to carry the object {distance_m:g} m away")
    return tuple((_at(T_base_lift, np.clip(there_m[i], low, high)), T_base_lift) for i in ranked)


def require_room(workspace: BoxSettings, protocol: TrialProtocol) -> None:
    """Refuse a protocol that no trial in this workspace could carry out.

    Raises:
        SettingsError: from its middle, an object cannot be carried as far as the protocol wants.
    """
    sides_m = np.array(workspace.max_m)[:2] - np.array(workspace.min_m)[:2]
    room_m = float(np.linalg.norm(sides_m) / 2)
    if room_m < protocol.carry_away_m:
        raise SettingsError(
            f"the protocol {protocol.name} carries every object {protocol.carry_away_m:g} m away, the workspace of "
            f"this cell has room for {room_m:.2f} m",
            "make the cell file's workspace larger, or write a protocol with a smaller carry_away_m",
        )


def _at(T: Transform, place_m: NDArray[np.float64]) -> Transform:
    moved = T.copy()
    moved[:2, 3] = place_m
    return moved
