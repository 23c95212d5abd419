"""Which object lies where in which trial: seeded, blocked, the same for every detector."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from robot.errors import SettingsError

_SEED_BITS = 31  # fits a signed 32-bit integer, which every random generator takes as a seed


@dataclass(frozen=True)
class PlannedTrial:
    """One trial as planned.

    Attributes:
        trial: number in the run, from 1.
        object: name of the object.
        pose_seed: seed of the object's placement; in [0, 2**31).
        repeat: how often this object has been placed by then, this time included: from 1.
    """

    trial: int
    object: str
    pose_seed: int
    repeat: int


def make_schedule(objects: Sequence[str], trials: int, seed: int) -> tuple[PlannedTrial, ...]:
    """Plan a run in blocks: each holds every object once, in a shuffled order; the last may hold a random part of them.

    Orders and placements are drawn by hashing, so they do not depend on the version of any library. A shorter run is
    the beginning of a longer one with the same seed, and a further object leaves the placements of the others alone.

    Raises:
        SettingsError: no objects, an object named twice, or fewer than one trial.
    """
    if trials < 1:
        raise SettingsError(f"trials: at least 1 is needed, got {trials}")
    if not objects:
        raise SettingsError("objects: the object set is empty")
    twice = sorted({name for name in objects if list(objects).count(name) > 1})
    if twice:
        raise SettingsError(f"objects: named twice: {', '.join(twice)}", "give every object a name of its own")
    planned: list[PlannedTrial] = []
    repeat = 0
    while len(planned) < trials:
        repeat += 1
        for name in _shuffled(objects, seed, repeat)[: trials - len(planned)]:
            planned.append(PlannedTrial(len(planned) + 1, name, pose_seed(seed, name, repeat), repeat))
    return tuple(planned)


def pose_seed(seed: int, object_name: str, repeat: int) -> int:
    """The seed of a placement; depends on nothing but its three arguments."""
    return _draw("pose", seed, object_name, repeat) >> (256 - _SEED_BITS)


def _shuffled(objects: Sequence[str], seed: int, repeat: int) -> list[str]:
    return sorted(objects, key=lambda name: _draw("order", seed, name, repeat))


def _draw(purpose: str, seed: int, object_name: str, repeat: int) -> int:
    text = json.dumps([purpose, seed, object_name, repeat])
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
