"""What each command code of ur_rtde's control script does. Numbers and registers are those of the script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from robot.geometry import pose_to_transform, transform_to_pose
from robot.kinematics import forward, inverse_near
from robot.simulator import force_commands as forces
from robot.simulator import motion_commands as motions
from robot.simulator.motion_commands import solve_for_script
from robot.simulator.program import Handler, Program

Array = NDArray[np.float64]


# -- kinematics


def _has_solution(program: Program, q_near: Array) -> None:
    arm = program.arm
    T = pose_to_transform(program.registers.doubles_in(0)) @ arm.T_tcp_flange
    program.registers.set_int(1, int(inverse_near(arm.model, T, q_near) is not None))


def _inverse_kinematics(program: Program) -> None:
    registers = program.registers
    registers.set_doubles(0, solve_for_script(program, registers.doubles_in(0)))


def _inverse_kinematics_near(program: Program) -> None:
    registers = program.registers
    registers.set_doubles(0, solve_for_script(program, registers.doubles_in(0), registers.doubles_in(6)))


def _forward_here(program: Program) -> None:
    program.registers.set_doubles(0, transform_to_pose(program.arm.tcp_transform(program.arm.q)))


def _forward_of(program: Program) -> None:
    registers, arm = program.registers, program.arm
    T_flange_tcp = pose_to_transform(registers.doubles_in(6)) if program.sent_tcp else arm.T_flange_tcp
    registers.set_doubles(0, transform_to_pose(forward(arm.model, registers.doubles_in(0)) @ T_flange_tcp))


def _flange_pose(program: Program) -> None:
    program.registers.set_doubles(0, transform_to_pose(forward(program.arm.model, program.arm.q)))


def _pose_trans(program: Program) -> None:
    registers = program.registers
    T = pose_to_transform(registers.doubles_in(0)) @ pose_to_transform(registers.doubles_in(6))
    registers.set_doubles(0, transform_to_pose(T))


def _pose_is_safe(program: Program) -> None:
    _has_solution(program, program.arm.runner.q)


def _joints_are_safe(program: Program) -> None:
    registers = program.registers
    registers.set_int(1, int(program.arm.model.within_limits(registers.doubles_in(0))))


# -- settings and readings


def _set_payload(program: Program) -> None:
    registers = program.registers
    program.arm.payload_kg = registers.double_in(0)
    cog = registers.doubles_in(1, 3)
    if cog.any():
        program.arm.payload_cog_m = cog


def _set_target_payload(program: Program) -> None:
    _set_payload(program)
    program.arm.payload_inertia = program.registers.doubles_in(4)


def _set_tcp(program: Program) -> None:
    program.arm.set_tcp(program.registers.doubles_in(0))


def _set_gravity(program: Program) -> None:
    program.arm.gravity_m_s2 = program.registers.doubles_in(0, 3)


def _publish_doubles(read: Callable[[Program], Array]) -> Handler:
    def handler(program: Program) -> None:
        program.registers.set_doubles(0, read(program))

    return handler


def _history(program: Program) -> Array:
    return program.arm.history.q_before(program.registers.int_in(1))


def _is_steady(program: Program) -> None:
    program.registers.set_int(1, int(program.arm.still and not program.arm.in_force_mode))


def _trigger_protective_stop(program: Program) -> None:
    program.protective_stop("asked for by the program")


def _watchdog(program: Program) -> None:
    program.set_watchdog(program.registers.double_in(0))


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        1: motions.move_j,
        2: motions.move_j_ik,
        3: motions.move_l,
        4: motions.move_l_fk,
        6: forces.force_mode,
        7: forces.force_mode_stop,
        8: forces.zero_force,
        9: motions.speed_j,
        10: motions.speed_l,
        11: motions.servo_j,
        12: motions.servo_c,
        15: motions.speed_stop,
        16: motions.servo_stop,
        17: _set_payload,
        18: forces.teach_mode,
        19: forces.freedrive_end,
        20: forces.force_damping,
        21: forces.force_gain,
        24: motions.servo_l,
        25: forces.tool_contact,
        26: _publish_doubles(lambda program: np.array([program.arm.period_s])),
        27: _publish_doubles(_history),
        28: _publish_doubles(lambda program: program.arm.target_waypoint),
        29: _set_tcp,
        30: _inverse_kinematics_near,
        31: _trigger_protective_stop,
        33: motions.stop_l,
        34: motions.stop_j,
        35: _watchdog,
        36: _pose_is_safe,
        37: _joints_are_safe,
        38: _publish_doubles(lambda program: program.arm.torque),
        39: _pose_trans,
        40: _publish_doubles(lambda program: program.arm.tcp),
        41: motions.jog_start,
        42: motions.jog_stop,
        43: _forward_here,
        44: _forward_of,
        45: motions.move_path,
        46: _inverse_kinematics,
        47: _is_steady,
        51: forces.move_until_contact,
        52: forces.freedrive,
        53: forces.freedrive_end,
        54: forces.freedrive_status,
        58: _flange_pose,
        59: _set_gravity,
        60: lambda program: _has_solution(program, program.arm.runner.q),
        61: lambda program: _has_solution(program, program.registers.doubles_in(6)),
        62: forces.start_contact,
        63: forces.stop_contact,
        64: forces.read_contact,
        65: _set_target_payload,
    }
)
