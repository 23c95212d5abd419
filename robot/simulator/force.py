"""Forces: the sensor's reading, contact detection, and force mode as an admittance controller."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robot.geometry import invert
from robot.kinematics import ArmModel, forward
from robot.simulator.motion import solve
from robot.simulator.rotations import cross, rotation_by

Array = NDArray[np.float64]

FILTER_S = 0.016
USUAL_S = 0.15
JOLT_N = 10.0
CONTACT_FORCE_N = 8.0
CONTACT_TORQUE_NM = 1.5
_ONSET = 0.25
_HISTORY_S = 1.0
# Admittance at gain scaling 1: a contact of up to some 10 N/mm stays stable with the filter above.
_LINEAR_GAIN_M_S_N = 0.003
_ANGULAR_GAIN_RAD_S_NM = 0.15
_STEADY_M_S = 2e-5


class ForceSensor:
    """The wrench at the flange, low-pass filtered and with a zero that can be set (in flange axes, as a real one)."""

    def __init__(self) -> None:
        self.wrench = np.zeros(6)
        self._zero = np.zeros(6)
        self._usual_force = np.zeros(3)

    @property
    def jolted(self) -> bool:
        """The force is not what it was a moment ago: the tool has met something, or lost it."""
        return float(np.linalg.norm(self.wrench[:3] - self._usual_force)) > JOLT_N

    def update(self, flange_wrench: Array, period_s: float) -> None:
        """Take a sample: (6,) in base axes about the flange."""
        self.wrench = self.wrench + (flange_wrench - self.wrench) * (period_s / (period_s + FILTER_S))
        self._usual_force += (self.wrench[:3] - self._usual_force) * (period_s / (period_s + USUAL_S))

    def zero(self, R_base_flange: Array) -> None:
        """Make the present reading the zero."""
        self._zero = _rotated(R_base_flange.T, self.wrench)

    def at_flange(self, R_base_flange: Array) -> Array:
        """(6,) reading in base axes about the flange."""
        return self.wrench - _rotated(R_base_flange, self._zero)

    def at_tcp(self, T_base_flange: Array, T_flange_tcp: Array) -> Array:
        """(6,) reading in base axes about the TCP: what the world does to the tool."""
        R = T_base_flange[:3, :3]
        reading = self.at_flange(R)
        reading[3:] -= cross(R @ T_flange_tcp[:3, 3], reading[:3])
        return reading


def _rotated(R: Array, wrench: Array) -> Array:
    return np.concatenate([R @ wrench[:3], R @ wrench[3:]])


class ContactHistory:
    """Joint positions and forces of the last second, one entry per control period."""

    def __init__(self, period_s: float) -> None:
        self._samples: deque[tuple[Array, Array]] = deque(maxlen=max(2, round(_HISTORY_S / period_s)))

    def append(self, q: Array, wrench: Array) -> None:
        self._samples.append((q, wrench))

    def q_before(self, steps: int) -> Array:
        """(6,) measured joints ``steps`` control periods ago."""
        if not self._samples:
            return np.zeros(6)
        return self._samples[max(0, len(self._samples) - 1 - max(0, steps))][0].copy()

    def steps_since_contact(self, direction: Array, baseline: Array) -> int:
        """tool_contact: how many periods ago a contact against (6,) ``direction`` began; 0 = there is none."""
        if not self._samples:
            return 0
        if self._resistance(self._samples[-1][1], direction, baseline) < 1.0:
            return 0
        steps = 0
        for _, wrench in reversed(self._samples):
            if self._resistance(wrench, direction, baseline) < _ONSET:
                break
            steps += 1
        return max(1, min(steps, len(self._samples) - 1))

    @staticmethod
    def _resistance(wrench: Array, direction: Array, baseline: Array) -> float:
        """1 at the threshold."""
        extra = wrench - baseline
        share = 0.0
        for part, limit in ((slice(0, 3), CONTACT_FORCE_N), (slice(3, 6), CONTACT_TORQUE_NM)):
            length = float(np.linalg.norm(direction[part]))
            if length > 1e-9:
                share = max(share, float(-extra[part] @ direction[part]) / length / limit)
        return share


@dataclass(frozen=True)
class ForceModeSettings:
    """The arguments of force_mode. ``T_base_task`` (4, 4); wrench (6,) [N, Nm]; limits (6,) [m/s, rad/s or m, rad]."""

    T_base_task: Array
    selection: tuple[bool, ...]
    wrench: Array
    kind: int
    limits: Array
    gain_scaling: float = 0.5
    damping: float = 0.025

    def oriented(self, T_base_tcp: Array, tcp_velocity: Array) -> ForceModeSettings:
        """With the task frame turned as ``kind`` asks (1: y at the TCP, 2: as it is, 3: x along the motion)."""
        T = self.T_base_task
        if self.kind == 1:
            y = T[:3, 3] - T_base_tcp[:3, 3]
            R = _frame_with(y, axis=1, keep=T[:3, 0])
        elif self.kind == 3:
            in_plane = tcp_velocity - T[:3, 2] * float(tcp_velocity @ T[:3, 2])
            R = _frame_with(in_plane, axis=0, keep=T[:3, 1])
        else:
            R = None
        if R is None:
            return self
        turned = T.copy()
        turned[:3, :3] = R
        return replace(self, T_base_task=turned)


def _frame_with(direction: Array, axis: int, keep: Array) -> Array | None:
    """A right-handed frame with ``direction`` as its x (0) or y (1) axis and the other one near ``keep``."""
    length = float(np.linalg.norm(direction))
    if length < 1e-6:
        return None
    first = direction / length
    other = keep - first * float(keep @ first)
    if float(np.linalg.norm(other)) < 1e-6:
        return None
    other = other / np.linalg.norm(other)
    x, y = (first, other) if axis == 0 else (other, first)
    return np.stack([x, y, np.cross(x, y)], axis=1)


class ForceMode:
    """Shifts the TCP in the compliant directions until the contact forces are as asked.

    Outside the compliant directions the nominal motion goes on; its share in the compliant ones is kept too, which a
    real controller would drop. Freedrive is force mode with a wrench of zero.
    """

    def __init__(self, model: ArmModel, settings: ForceModeSettings, T_flange_tcp: Array) -> None:
        self.settings = settings
        self.reading = np.zeros(6)
        self._model = model
        self._T_flange_tcp = T_flange_tcp
        self._T_tcp_flange = invert(T_flange_tcp)
        self._shift_m = np.zeros(3)
        self._turn = np.eye(3)
        self.velocity = np.zeros(6)

    @property
    def steady(self) -> bool:
        """The forces are in balance."""
        return float(np.abs(self.velocity).max()) < _STEADY_M_S

    def correct(self, q_nominal: Array, q_before: Array, period_s: float) -> Array:
        """(6,) joint target for the nominal one. Raises MotionError."""
        settings = self.settings
        R = settings.T_base_task[:3, :3]
        acting = _rotated(R.T, self.reading)
        gains = settings.gain_scaling * np.array([_LINEAR_GAIN_M_S_N] * 3 + [_ANGULAR_GAIN_RAD_S_NM] * 3)
        wanted = gains * (settings.wrench + acting) * np.array(settings.selection, dtype=float)
        limits = np.abs(settings.limits)
        wanted = np.clip(wanted, -limits, limits)
        # Some inertia, so that the onset is no jerk; more damping answers more slowly.
        inertia_s = 0.02 * (1.0 + settings.damping)
        self.velocity = self.velocity + (wanted - self.velocity) * (period_s / (period_s + inertia_s))
        self._shift_m = self._shift_m + R @ self.velocity[:3] * period_s
        self._turn = rotation_by(R @ self.velocity[3:] * period_s) @ self._turn
        T = forward(self._model, q_nominal) @ self._T_flange_tcp
        T[:3, 3] += self._shift_m
        T[:3, :3] = self._turn @ T[:3, :3]
        q = solve(self._model, T, self._T_tcp_flange, q_before)
        step = np.array(self._model.speed_max_rad_s) * period_s
        return np.clip(q, q_before - step, q_before + step)
