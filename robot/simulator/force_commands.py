"""The commands of ur_rtde's control script about forces. Registers are those of the script."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robot.geometry import pose_to_transform
from robot.kinematics import forward
from robot.simulator.arm import Steps
from robot.simulator.force import ForceModeSettings
from robot.simulator.motion_commands import lead_tool
from robot.simulator.program import Program

Array = NDArray[np.float64]

_FORCE_STOP_M_S2 = 10.0


def force_mode(program: Program) -> None:
    registers = program.registers
    program.arm.begin_force_mode(
        ForceModeSettings(
            T_base_task=pose_to_transform(registers.doubles_in(0)),
            selection=tuple(bool(registers.int_in(index)) for index in range(2, 8)),
            wrench=registers.doubles_in(6),
            kind=registers.int_in(1),
            limits=registers.doubles_in(12),
            gain_scaling=program.arm.force_gain_scaling,
            damping=program.arm.force_damping,
        )
    )


def force_mode_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(_FORCE_STOP_M_S2)
    while not arm.runner.idle:
        yield
    arm.end_force_mode()
    yield from arm.settle()


def freedrive(program: Program) -> None:
    registers, arm = program.registers, program.arm
    arm.begin_force_mode(
        ForceModeSettings(
            T_base_task=pose_to_transform(registers.doubles_in(0)),
            selection=tuple(bool(registers.int_in(index)) for index in range(1, 7)),
            wrench=np.zeros(6),
            kind=2,
            limits=np.array([0.5] * 3 + [1.5] * 3),
            gain_scaling=1.0,
        )
    )


def teach_mode(program: Program) -> None:
    settings = ForceModeSettings(np.eye(4), (True,) * 6, np.zeros(6), 2, np.array([0.5] * 3 + [1.5] * 3), 1.0)
    program.arm.begin_force_mode(settings)


def freedrive_end(program: Program) -> None:
    program.arm.end_force_mode()


def freedrive_status(program: Program) -> None:
    program.registers.set_int(1, 1 if program.arm.in_force_mode else 0)


def zero_force(program: Program) -> None:
    arm = program.arm
    arm.sensor.zero(forward(arm.model, arm.q)[:3, :3])


def force_damping(program: Program) -> None:
    program.arm.force_damping = min(max(program.registers.double_in(0), 0.0), 1.0)


def force_gain(program: Program) -> None:
    program.arm.force_gain_scaling = min(max(program.registers.double_in(0), 0.0), 2.0)


def tool_contact(program: Program) -> None:
    arm, direction = program.arm, program.registers.doubles_in(0)
    against = direction if direction.any() else arm.tcp_velocity()
    zero = arm.sensor.wrench - arm.sensor.at_flange(forward(arm.model, arm.q)[:3, :3])
    program.registers.set_int(1, arm.history.steps_since_contact(against, zero))


def move_until_contact(program: Program) -> Steps:
    arm, registers = program.arm, program.registers
    velocity, direction, acceleration = registers.doubles_in(0), registers.doubles_in(6), registers.double_in(12)
    program.take_over()
    lead_tool(program, velocity, acceleration)
    program.start_contact(direction if direction.any() else velocity)
    while program.contact_steps_back == 0:
        yield
    yield from program.retreat(arm.history.q_before(program.contact_steps_back))
    program.drop_contact()


def start_contact(program: Program) -> None:
    program.start_contact(program.registers.doubles_in(0))


def stop_contact(program: Program) -> None:
    program.kill_contact()
    program.registers.set_int(1, program.contact_steps_back)


def read_contact(program: Program) -> None:
    program.registers.set_int(1, program.contact_steps_back)
