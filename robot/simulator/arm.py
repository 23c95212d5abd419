"""The arm as the controller's program sees it: a target to lead, a measurement to read, a tool and its forces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from robot.geometry import invert, pose_to_transform
from robot.kinematics import ArmModel, forward
from robot.simulator.force import ContactHistory, ForceMode, ForceModeSettings, ForceSensor
from robot.simulator.interfaces import ArmWorld
from robot.simulator.motion import Motion, solve, tcp_twist
from robot.simulator.motion_runner import MotionRunner

Array = NDArray[np.float64]
Steps = Iterator[None]
"""A routine that takes simulated time: it yields once per control period."""

SETTLED_RAD = 0.0002
SETTLE_MAX_S = 0.3
_HALT_RAD_S2 = 8.0
_STILL_RAD_S = 0.002


class Arm:
    """One arm with its tool.

    Attributes:
        q, qd, torque: the latest measurement, (6,) each.
        tcp: the active tool centre point as a pose (6,) in flange axes.
    """

    def __init__(self, world: ArmWorld, model: ArmModel, period_s: float) -> None:
        self.model = model
        self.period_s = period_s
        self.runner = MotionRunner(model, world.q)
        self.sensor = ForceSensor()
        self.history = ContactHistory(period_s)
        self.q, self.qd, self.torque = world.q, world.qd, world.joint_torque
        self.payload_kg = 0.0
        self.payload_cog_m = np.zeros(3)
        self.payload_inertia = np.zeros(6)
        self.gravity_m_s2 = np.array([0.0, 0.0, 9.82])
        self.target_waypoint = np.zeros(6)
        self.force_gain_scaling = 0.5
        self.force_damping = 0.025
        self._world = world
        self._force_mode: ForceMode | None = None
        self.set_tcp(np.zeros(6))

    # -- the tool

    def set_tcp(self, pose: Array) -> None:
        """Make (6,) ``pose``, in flange axes, the tool centre point."""
        self.tcp = np.array(pose, dtype=np.float64)
        self.T_flange_tcp = pose_to_transform(self.tcp)
        self.T_tcp_flange = invert(self.T_flange_tcp)

    def tcp_transform(self, q: Array) -> Array:
        """(4, 4) T_base_tcp at (6,) ``q``."""
        T: Array = forward(self.model, q) @ self.T_flange_tcp
        return T

    def solve(self, T_base_tcp: Array, q_near: Array) -> Array:
        """(6,) joint angles for a TCP pose. Raises MotionError."""
        return solve(self.model, T_base_tcp, self.T_tcp_flange, q_near)

    def tcp_velocity(self) -> Array:
        """(6,) velocity of the TCP that the target has, base axes."""
        return tcp_twist(self.model, self.runner.q, self.runner.qd, self.T_flange_tcp)

    def tcp_force(self) -> Array:
        """(6,) zeroed force and torque on the tool, base axes, about the TCP."""
        return self.sensor.at_tcp(forward(self.model, self.q), self.T_flange_tcp)

    # -- every control period

    def measure(self) -> None:
        """Read the world."""
        self.q, self.qd, self.torque = self._world.q, self._world.qd, self._world.joint_torque
        self.sensor.update(self._world.flange_wrench(), self.period_s)
        self.history.append(self.q, self.sensor.wrench)
        if self._force_mode is not None:
            self._force_mode.reading = self.tcp_force()

    def drive(self, scaling: float) -> None:
        """Lead the target on by one period. Raises MotionError."""
        self.runner.tick(self.period_s, scaling)
        self._world.set_arm_target(self.runner.q, self.runner.qd)

    def hold_measured(self) -> None:
        """Stand where the arm is."""
        self.end_force_mode()
        self.runner.hold_at(self.q)
        self._world.set_arm_target(self.runner.q, self.runner.qd)

    def coast(self) -> None:
        """Brake at once, off the path if need be."""
        self._force_mode = None
        self.runner.coast()

    def hold_target(self) -> None:
        """Stand where the target is."""
        self._force_mode = None
        self.runner.correct = None
        self.runner.hold_at(self.runner.q)
        self._world.set_arm_target(self.runner.q, self.runner.qd)

    @property
    def active(self) -> bool:
        """The target moves or will move by itself."""
        return self.runner.active or (self._force_mode is not None and not self._force_mode.steady)

    @property
    def settled(self) -> bool:
        """The measured joints are where the target is."""
        return float(np.abs(self.q - self.runner.q).max()) < SETTLED_RAD

    @property
    def still(self) -> bool:
        """Neither target nor arm move."""
        return not self.active and float(np.abs(self.qd).max()) < _STILL_RAD_S

    # -- routines

    def run(self, motion: Motion) -> Steps:
        """Run ``motion`` to its end and let the arm settle there."""
        self.runner.start(motion)
        while not self.runner.idle:
            yield
        yield from self.settle()

    def settle(self) -> Steps:
        """Wait for the measured joints to arrive."""
        for _ in range(round(SETTLE_MAX_S / self.period_s)):
            yield
            if self.settled:
                return

    def halt(self) -> Steps:
        """Come to rest before something else begins."""
        if not self.runner.idle:
            self.stop_joints(_HALT_RAD_S2)
            while not self.runner.idle:
                yield

    def stop_joints(self, deceleration_rad_s2: float) -> None:
        """Begin to brake with so much on the fastest joint (never more than the joints can)."""
        fastest = float(np.abs(self.runner.qd).max())
        self._stop(fastest / max(deceleration_rad_s2, 0.05))

    def stop_linear(self, deceleration_m_s2: float) -> None:
        """Begin to brake with so much at the tool (m/s^2, rad/s^2 for its rotation)."""
        velocity = self.tcp_velocity()
        fastest = max(float(np.linalg.norm(velocity[:3])), float(np.linalg.norm(velocity[3:])))
        self._stop(fastest / max(deceleration_m_s2, 0.05))

    def stop_hard(self) -> None:
        """Begin to brake as hard as the joints can."""
        self._stop(0.0)

    def _stop(self, duration_s: float) -> None:
        self.runner.stop(max(duration_s, self.runner.shortest_stop_s()))

    # -- force mode

    @property
    def in_force_mode(self) -> bool:
        return self._force_mode is not None

    def begin_force_mode(self, settings: ForceModeSettings) -> None:
        """Start force mode, or give the running one new settings."""
        settings = settings.oriented(self.tcp_transform(self.runner.q), self.tcp_velocity()[:3])
        if self._force_mode is None:
            self._force_mode = ForceMode(self.model, settings, self.T_flange_tcp)
            self._force_mode.reading = self.tcp_force()
            # So that the first period, before any measurement, does not count as steady.
            self._force_mode.velocity = np.full(6, 1e-4) * np.array(settings.selection, dtype=float)
            self.runner.correct = self._force_mode.correct
        else:
            self._force_mode.settings = settings

    def end_force_mode(self) -> None:
        """Go back to position control where the arm is now."""
        self._force_mode = None
        self.runner.correct = None
        self.runner.rebase()
