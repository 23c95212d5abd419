"""What is asked of the arm, and what the arm says of itself."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.arm_safety import Safety
from robot.errors import SettingsError
from robot.geometry import Transform, invert, pose_to_transform

Vector6 = NDArray[np.float64]
_ROBOT_MODES = {3: "POWER_OFF", 4: "POWER_ON", 5: "IDLE", 6: "BACKDRIVE", 7: "RUNNING"}


@dataclass(frozen=True, kw_only=True)
class ArmSettings:
    """Where the controller is, what the arm may do at most, and how long anything may take.

    Attributes:
        reply_timeout_s: longest silence of the controller or of our process for it.
        link_timeout_s: longest time without a new state packet.
        move_timeout_s: longest time for one motion.
        watchdog_hz: the controller ends our program, and so any motion, when it hears less often from us.
        contact_force_n: default change of force that ends a ``descend``.
    """

    address: str = "127.0.0.1"
    joint_speed_max_rad_s: float = math.pi / 2
    joint_acceleration_max_rad_s2: float = 3.0
    linear_speed_max_m_s: float = 0.5
    linear_acceleration_max_m_s2: float = 2.0
    joint_lower_rad: tuple[float, float, float, float, float, float] = (-2 * math.pi,) * 6
    joint_upper_rad: tuple[float, float, float, float, float, float] = (2 * math.pi,) * 6
    contact_force_n: float = 15.0
    contact_force_max_n: float = 60.0
    joint_tolerance_rad: float = 0.003
    position_tolerance_m: float = 0.002
    angle_tolerance_rad: float = 0.01
    connect_timeout_s: float = 10.0
    reply_timeout_s: float = 3.0
    link_timeout_s: float = 1.0
    move_timeout_s: float = 60.0
    recovery_timeout_s: float = 30.0
    watchdog_hz: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not (math.isfinite(value) and value > 0):
                raise SettingsError(f"arm.{name} must be above 0, got {value}")
        if not np.all(np.less(self.joint_lower_rad, self.joint_upper_rad)):
            raise SettingsError("arm.joint_lower_rad must lie below arm.joint_upper_rad at every joint")
        if self.contact_force_n > self.contact_force_max_n:
            raise SettingsError("arm.contact_force_n is above arm.contact_force_max_n")


@dataclass(frozen=True)
class ArmState:
    """The arm as the newest packet of its controller shows it.

    Attributes:
        q, qd: (6,) measured joint angles [rad] and velocities [rad/s].
        T_base_tcp: (4, 4) measured pose of the active TCP.
        T_flange_tcp: (4, 4) the active TCP.
        tcp_force: (6,) force [N] and torque [Nm] at the TCP, base axes, as the controller estimates them.
        robot_mode: RUNNING, IDLE, POWER_OFF, ...
        timestamp_s: the controller's clock.
        received_at: when the packet came, on our monotonic clock [s].
    """

    q: Vector6
    qd: Vector6
    T_base_tcp: Transform
    T_flange_tcp: Transform
    tcp_force: Vector6
    safety: Safety
    program_running: bool
    robot_mode: str
    speed_scaling: float
    timestamp_s: float
    received_at: float

    @property
    def T_base_flange(self) -> Transform:
        return self.T_base_tcp @ invert(self.T_flange_tcp)

    def age_s(self, now: float | None = None) -> float:
        """Time since the packet came [s]."""
        return (time.monotonic() if now is None else now) - self.received_at


def state_from_message(message: dict[str, Any]) -> ArmState:
    """From what the arm process answers to ``state``."""
    return ArmState(
        q=np.array(message["q"]),
        qd=np.array(message["qd"]),
        T_base_tcp=pose_to_transform(message["tcp_pose"]),
        T_flange_tcp=pose_to_transform(message["tcp_offset"]),
        tcp_force=np.array(message["tcp_force"]),
        safety=Safety.from_bits(message["safety_bits"]),
        program_running=message["program_running"],
        robot_mode=_ROBOT_MODES.get(message["robot_mode"], str(message["robot_mode"])),
        speed_scaling=message["speed_scaling"],
        timestamp_s=message["timestamp_s"],
        received_at=message["received_at"],
    )
