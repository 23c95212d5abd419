"""The variables a UR controller publishes, computed when a client wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from robot.kinematics import forward, link_transforms
from robot.simulator.arm import Arm
from robot.simulator.motion import tcp_twist
from robot.simulator.rotations import pose_of
from robot.simulator.safety import RobotMode, RuntimeState

if TYPE_CHECKING:
    from robot.simulator.controller import URController

Array = NDArray[np.float64]

# Nm per A at the joint, gear included (size 3 and size 1 joints of a UR5).
_TORQUE_PER_AMPERE = np.array([12.0, 12.0, 12.0, 9.4, 9.4, 9.4])
_JOINT_MODES = {RobotMode.POWER_OFF: 239, RobotMode.IDLE: 255, RobotMode.RUNNING: 253}
_MAINS_V = 48.0
_ELECTRONICS_A = 0.6
_EFFECTIVE_MASS_KG = 18.4


class Report(Mapping[str, Any]):
    """One moment of the controller. A variable is computed at its first use and then kept."""

    def __init__(self, controller: URController) -> None:
        self._c = controller
        self._arm: Arm = controller.arm
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        value = self._values.get(name)
        if value is None:
            compute = _VARIABLES.get(name)
            value = compute(self) if compute is not None else self._c.registers.published(name)
            if isinstance(value, np.ndarray):
                value = value.tolist()
            self._values[name] = value
        return value

    def __iter__(self) -> Any:
        return iter(_VARIABLES)

    def __len__(self) -> int:
        return len(_VARIABLES)

    @cached_property
    def T_base_flange(self) -> Array:
        return forward(self._arm.model, self._arm.q)

    @cached_property
    def target_current(self) -> Array:
        current: Array = self._arm.torque / _TORQUE_PER_AMPERE
        return current

    @cached_property
    def tcp_velocity(self) -> Array:
        return tcp_twist(self._arm.model, self._arm.q, self._arm.qd, self._arm.T_flange_tcp)

    @cached_property
    def tcp_force(self) -> Array:
        return self._arm.sensor.at_tcp(self.T_base_flange, self._arm.T_flange_tcp)

    def powered(self, value: float) -> float:
        return value if self._c.robot_mode is not RobotMode.POWER_OFF else 0.0

    @cached_property
    def raw_wrench(self) -> Array:
        R = self.T_base_flange[:3, :3]
        wrench = self._arm.sensor.wrench
        return np.concatenate([R.T @ wrench[:3], R.T @ wrench[3:]])


def _status_bits(report: Report) -> int:
    controller = report._c
    powered = controller.robot_mode is not RobotMode.POWER_OFF
    return int(powered) | int(controller.runtime_state is RuntimeState.PLAYING) << 1


_VARIABLES: dict[str, Callable[[Report], Any]] = {
    "timestamp": lambda r: r._c.timestamp_s,
    "target_q": lambda r: r._arm.runner.q,
    "target_qd": lambda r: r._arm.runner.qd,
    "target_qdd": lambda r: r._arm.runner.qdd,
    "target_current": lambda r: r.target_current,
    "target_moment": lambda r: r._arm.torque,
    "actual_q": lambda r: r._arm.q,
    "actual_qd": lambda r: r._arm.qd,
    "actual_current": lambda r: r.target_current,
    "actual_current_as_torque": lambda r: r._arm.torque,
    "actual_current_window": lambda r: [0.5] * 6,
    "joint_control_output": lambda r: r.target_current,
    "actual_TCP_pose": lambda r: pose_of(r.T_base_flange @ r._arm.T_flange_tcp),
    "actual_TCP_speed": lambda r: r.tcp_velocity,
    "actual_TCP_force": lambda r: r.tcp_force,
    "tcp_force_scalar": lambda r: float(np.linalg.norm(r.tcp_force[:3])),
    "target_TCP_pose": lambda r: pose_of(r._arm.tcp_transform(r._arm.runner.q)),
    "target_TCP_speed": lambda r: r._arm.tcp_velocity(),
    "tcp_offset": lambda r: r._arm.tcp,
    "actual_digital_input_bits": lambda r: r._c.io.digital_in,
    "actual_digital_output_bits": lambda r: r._c.io.digital_out,
    "joint_temperatures": lambda r: [29.0, 29.5, 30.0, 31.0, 31.5, 32.0],
    "actual_execution_time": lambda r: 0.0002,
    "robot_mode": lambda r: int(r._c.robot_mode),
    "joint_mode": lambda r: [_JOINT_MODES[r._c.robot_mode]] * 6,
    "safety_mode": lambda r: r._c.safety.mode,
    "safety_status": lambda r: r._c.safety.mode,
    "safety_status_bits": lambda r: r._c.safety.bits,
    "robot_status_bits": _status_bits,
    "runtime_state": lambda r: int(r._c.runtime_state),
    "actual_tool_accelerometer": lambda r: r.T_base_flange[:3, :3].T @ r._arm.gravity_m_s2,
    "speed_scaling": lambda r: r._c.io.scaling if r._c.runtime_state is RuntimeState.PLAYING else 0.0,
    "target_speed_fraction": lambda r: r._c.io.slider,
    "actual_momentum": lambda r: _EFFECTIVE_MASS_KG * float(np.linalg.norm(r.tcp_velocity[:3])),
    "actual_main_voltage": lambda r: _MAINS_V,
    "actual_robot_voltage": lambda r: r.powered(_MAINS_V),
    "actual_robot_current": lambda r: r.powered(_ELECTRONICS_A + 0.1 * float(np.abs(r.target_current).sum())),
    "actual_joint_voltage": lambda r: [r.powered(_MAINS_V)] * 6,
    "standard_analog_input0": lambda r: 0.0,
    "standard_analog_input1": lambda r: 0.0,
    "standard_analog_output0": lambda r: r._c.io.analog_out(0),
    "standard_analog_output1": lambda r: r._c.io.analog_out(1),
    "analog_io_types": lambda r: (
        int(r._c.io.analog_out_is_voltage[0]) << 2 | int(r._c.io.analog_out_is_voltage[1]) << 3
    ),
    "io_current": lambda r: 0.0,
    "tool_mode": lambda r: 253,
    "tool_output_voltage": lambda r: 24,
    "tool_output_current": lambda r: 0.1,
    "tool_temperature": lambda r: 30.0,
    "tool_analog_input0": lambda r: 0.0,
    "tool_analog_input1": lambda r: 0.0,
    "ft_raw_wrench": lambda r: r.raw_wrench,
    "payload": lambda r: r._arm.payload_kg,
    "payload_cog": lambda r: r._arm.payload_cog_m,
    "payload_inertia": lambda r: r._arm.payload_inertia,
    "elbow_position": lambda r: _elbow(r),
    "elbow_velocity": lambda r: [0.0] * 3,
    "collision_detection_ratio": lambda r: 0.0,
    "output_bit_registers0_to_31": lambda r: 0,
    "output_bit_registers32_to_63": lambda r: 0,
}


def _elbow(report: Report) -> Array:
    return np.asarray(link_transforms(report._arm.model, report._arm.q)[1, :3, 3])
