"""Trapezoidal speed profiles along joint-space and Cartesian paths.

A path is a chain of straight segments, each with its own trapezoid. Where a waypoint has a blend radius, the next
segment starts before the previous one has ended and the two displacements add up, so that the arm passes the waypoint
within that radius without stopping. Waypoints without a radius are stopped at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from robot.simulator.rotations import rotation_about

Array = NDArray[np.float64]

_MIN_SPEED = 1e-4
_MIN_ACCELERATION = 1e-3
# A turn on the spot is timed as if the tool reached this far from the axis; the controller's manual names no figure.
ROTATION_LEVER_M = 0.25


@dataclass(frozen=True)
class Trapezoid:
    """From 0 to ``distance`` (>= 0) with limited speed and acceleration, at rest at both ends."""

    distance: float
    acceleration: float
    ramp_s: float
    cruise_s: float

    @classmethod
    def of(cls, distance: float, speed: float, acceleration: float) -> Trapezoid:
        speed, acceleration = max(speed, _MIN_SPEED), max(acceleration, _MIN_ACCELERATION)
        ramp_s = min(speed / acceleration, sqrt(distance / acceleration))
        reached = acceleration * ramp_s
        cruise_s = max(0.0, distance / reached - ramp_s) if reached > 0 else 0.0
        return cls(distance, acceleration, ramp_s, cruise_s)

    @property
    def duration_s(self) -> float:
        """Time from rest to rest."""
        return 2 * self.ramp_s + self.cruise_s

    def at(self, time_s: float) -> float:
        """Distance covered at ``time_s`` (clamped to the profile's ends)."""
        if time_s <= 0:
            return 0.0
        if time_s < self.ramp_s:
            return 0.5 * self.acceleration * time_s * time_s
        rest_s = self.duration_s - time_s
        if rest_s <= 0:
            return self.distance
        if rest_s < self.ramp_s:
            return self.distance - 0.5 * self.acceleration * rest_s * rest_s
        return self.acceleration * self.ramp_s * (time_s - 0.5 * self.ramp_s)

    def speed_at(self, time_s: float) -> float:
        """Speed at ``time_s``."""
        return self.acceleration * max(0.0, min(time_s, self.ramp_s, self.duration_s - time_s))


@dataclass(frozen=True)
class Timeline:
    """When each segment starts, overlaps at blended waypoints included."""

    profiles: tuple[Trapezoid, ...]
    starts_s: tuple[float, ...]

    @classmethod
    def of(cls, profiles: Sequence[Trapezoid], blends: Sequence[float]) -> Timeline:
        """``blends[k]``: radius at the end of segment k, in the units of its distance."""
        starts, now = [], 0.0
        for k, profile in enumerate(profiles):
            starts.append(now)
            now += profile.duration_s
            if k + 1 < len(profiles) and blends[k] > 0:
                overlap = sqrt(2 * blends[k] / profile.acceleration)
                now -= min(overlap, profile.ramp_s, profiles[k + 1].ramp_s)
        return cls(tuple(profiles), tuple(starts))

    @property
    def duration_s(self) -> float:
        """Until the last segment has ended."""
        return self.starts_s[-1] + self.profiles[-1].duration_s if self.profiles else 0.0

    def fractions(self, time_s: float) -> list[float]:
        """How much of each segment, 0..1, is done at ``time_s``."""
        return [
            profile.at(time_s - start) / profile.distance if profile.distance > 0 else float(time_s >= start)
            for profile, start in zip(self.profiles, self.starts_s, strict=True)
        ]

    def segment_at(self, time_s: float) -> int:
        """Index of the last segment that has started."""
        return max(0, sum(1 for start in self.starts_s if start <= time_s) - 1)


@dataclass(frozen=True)
class Limits:
    """Speed and acceleration of the leading axis, or of the tool (m, or rad via ROTATION_LEVER_M)."""

    speed: float
    acceleration: float
    blend: float = 0.0


@dataclass(frozen=True)
class JointPath:
    """Straight lines in joint space; all joints start and arrive together, the one with the longest way leads."""

    start: Array
    deltas: Array
    timeline: Timeline

    @classmethod
    def through(
        cls, start: Array, targets: Sequence[Array], limits: Sequence[Limits], speed_max: Array, acceleration_max: Array
    ) -> JointPath:
        """From (6,) ``start`` through (6,) ``targets`` [rad]; no joint exceeds its own limits.

        A blend radius is in radians of the leading axis here.
        """
        points = np.vstack([start, *targets])
        deltas = np.diff(points, axis=0)
        profiles = []
        for delta, limit in zip(deltas, limits, strict=True):
            share = np.abs(delta)
            leading = float(share.max())
            if leading < 1e-12:
                profiles.append(Trapezoid.of(0.0, 1.0, 1.0))
                continue
            share = np.maximum(share / leading, 1e-9)
            speed = min(limit.speed, float((speed_max / share).min()))
            acceleration = min(limit.acceleration, float((acceleration_max / share).min()))
            profiles.append(Trapezoid.of(leading, speed, acceleration))
        return cls(points[0], deltas, Timeline.of(profiles, [limit.blend for limit in limits]))

    def at(self, time_s: float) -> Array:
        """(6,) joint angles [rad]."""
        q: Array = self.start + np.asarray(self.timeline.fractions(time_s)) @ self.deltas
        return q


@dataclass(frozen=True)
class CartesianPath:
    """Straight lines of a point with an even rotation about a fixed axis on each."""

    start: Array
    translations_m: Array
    axes: Array
    angles_rad: Array
    timeline: Timeline

    @classmethod
    def through(cls, start: Array, targets: Sequence[Array], limits: Sequence[Limits]) -> CartesianPath:
        """From (4, 4) ``start`` through (4, 4) ``targets``; a blend radius is in metres."""
        poses = [start, *targets]
        count = len(targets)
        translations, axes, angles = np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count)
        profiles = []
        for k, limit in enumerate(limits):
            T_a, T_b = poses[k], poses[k + 1]
            translations[k] = T_b[:3, 3] - T_a[:3, 3]
            turn = Rotation.from_matrix(T_b[:3, :3] @ T_a[:3, :3].T).as_rotvec()
            angles[k] = float(np.linalg.norm(turn))
            axes[k] = turn / angles[k] if angles[k] > 1e-12 else (0.0, 0.0, 1.0)
            length = max(float(np.linalg.norm(translations[k])), ROTATION_LEVER_M * angles[k])
            profiles.append(Trapezoid.of(length, limit.speed, limit.acceleration))
        timeline = Timeline.of(profiles, [limit.blend for limit in limits])
        return cls(np.array(start), translations, axes, angles, timeline)

    def at(self, time_s: float) -> Array:
        """(4, 4) pose."""
        done = self.timeline.fractions(time_s)
        T = self.start.copy()
        T[:3, 3] += np.asarray(done) @ self.translations_m
        for fraction, axis, angle in zip(done, self.axes, self.angles_rad, strict=True):
            if fraction > 0 and angle > 0:
                T[:3, :3] = rotation_about(axis, angle * fraction) @ T[:3, :3]
        return T
