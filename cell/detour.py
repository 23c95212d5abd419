"""A way around what stands between two configurations: two random trees that grow towards each other (RRT-Connect)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Joints = NDArray[np.float64]
Free = Callable[[Joints, Joints], bool]

_REACH_RAD = 1.5  # how far beyond both ends the trees may grow
_STEP_RAD = 0.6
_ROUNDS = 400
_SHORTCUTS = 40


def find_detour(free: Free, q_from: Joints, q_to: Joints, rng: np.random.Generator) -> tuple[Joints, ...] | None:
    """(6,) stops of free joint moves from ``q_from`` (left out) to ``q_to``; None when none were found.

    Args:
        free: says whether the joint move between two configurations is; it also keeps the limits.
    """
    low, high = np.minimum(q_from, q_to) - _REACH_RAD, np.maximum(q_from, q_to) + _REACH_RAD
    ours, theirs = _Tree(q_from), _Tree(q_to)
    for turn in range(_ROUNDS):
        reached = ours.grow(rng.uniform(low, high), free, whole_way=False)
        if reached is not None:
            met = theirs.grow(reached, free, whole_way=True)
            if met is not None and np.array_equal(met, reached):
                forth, back = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
                return _shortened([*forth.trunk(reached)[::-1], *back.trunk(reached)[1:]], free, rng)
        ours, theirs = theirs, ours
    return None


class _Tree:
    def __init__(self, root: Joints) -> None:
        self._nodes: list[Joints] = [root]
        self._parents: list[int] = [0]

    def grow(self, towards: Joints, free: Free, *, whole_way: bool) -> Joints | None:
        """The newest node after one step towards a configuration, or after as many as are free; None when none is."""
        nearest = int(np.argmin(np.abs(np.array(self._nodes) - towards).max(axis=1)))
        newest = None
        while not np.array_equal(self._nodes[nearest], towards):
            travel = towards - self._nodes[nearest]
            share = _STEP_RAD / np.abs(travel).max()
            q = towards if share >= 1.0 else self._nodes[nearest] + share * travel
            if not free(self._nodes[nearest], q):
                break
            self._nodes.append(q)
            self._parents.append(nearest)
            nearest, newest = len(self._nodes) - 1, q
            if not whole_way:
                break
        return newest

    def trunk(self, q: Joints) -> list[Joints]:
        """From a node down to the root."""
        index = next(i for i, node in enumerate(self._nodes) if np.array_equal(node, q))
        way = [self._nodes[index]]
        while index != 0:
            index = self._parents[index]
            way.append(self._nodes[index])
        return way


def _shortened(way: list[Joints], free: Free, rng: np.random.Generator) -> tuple[Joints, ...]:
    """The stops of ``way``, its start left out, without those that can be passed by."""
    for _ in range(_SHORTCUTS):
        if len(way) < 3:
            break
        first, last = sorted(rng.choice(len(way), 2, replace=False))
        if last - first > 1 and free(way[first], way[last]):
            way = way[: first + 1] + way[last:]
    return tuple(way[1:])
