"""What each command code of ur_rtde's control script does. Numbers and registers are those of the script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from robot.geometry import pose_to_transform, transform_to_pose
from robot.kinematics import forward, inverse_near
from robot.simulator.arm import Steps
from robot.simulator.force import ForceModeSettings
from robot.simulator.motion import JointVelocity, Motion, MotionError, Servo, ToolVelocity
from robot.simulator.move_path import Limits, cartesian_motion, joint_motion, motions
from robot.simulator.program import Handler, Program, ProgramError

Array = NDArray[np.float64]
_FORCE_STOP_M_S2 = 10.0
_JOG_STOP_M_S2 = 1.2


# -- moves


def _move(program: Program, make: Callable[[], Motion]) -> Steps | None:
    arm = program.arm
    program.kill_move()

    def steps() -> Steps:
        yield from arm.halt()
        yield from arm.run(make())

    return _maybe_async(program, steps())


def _maybe_async(program: Program, steps: Steps) -> Steps | None:
    if program.registers.int_in(1) != 1:
        return steps
    program.start_move(steps)
    return None


def _limits(program: Program) -> Limits:
    return Limits(program.registers.double_in(6), program.registers.double_in(7))


def _move_j(program: Program) -> Steps | None:
    q, limits = program.registers.doubles_in(0), _limits(program)
    _require_within_limits(program, q)
    program.arm.target_waypoint = transform_to_pose(program.arm.tcp_transform(q))
    return _move(program, lambda: joint_motion(program.arm, [q], [limits]))


def _move_j_ik(program: Program) -> Steps | None:
    pose, limits = program.registers.doubles_in(0), _limits(program)
    q = program.arm.solve(pose_to_transform(pose), program.arm.runner.q)
    program.arm.target_waypoint = pose
    return _move(program, lambda: joint_motion(program.arm, [q], [limits]))


def _move_l(program: Program) -> Steps | None:
    pose, limits = program.registers.doubles_in(0), _limits(program)
    T = pose_to_transform(pose)
    program.arm.solve(T, program.arm.runner.q)
    program.arm.target_waypoint = pose
    return _move(program, lambda: cartesian_motion(program.arm, [T], [limits]))


def _move_l_fk(program: Program) -> Steps | None:
    q, limits = program.registers.doubles_in(0), _limits(program)
    _require_within_limits(program, q)
    T = program.arm.tcp_transform(q)
    program.arm.target_waypoint = transform_to_pose(T)
    return _move(program, lambda: cartesian_motion(program.arm, [T], [limits]))


def _move_path(program: Program) -> Steps | None:
    arm = program.arm
    program.kill_move()

    def steps() -> Steps:
        yield from arm.halt()
        for first, motion in motions(arm, program.waypoints):
            arm.runner.start(motion)
            shown = -1
            while not arm.runner.idle:
                waypoint = first + motion.path.timeline.segment_at(motion.time_s)
                if waypoint != shown:
                    program.report_progress(waypoint)
                    shown = waypoint
                yield
        yield from arm.settle()

    return _maybe_async(program, steps())


def _require_within_limits(program: Program, q: Array) -> None:
    if not program.arm.model.within_limits(q):
        raise MotionError("the target lies outside the joint limits")


def _stop(program: Program, brake: Callable[[float], None]) -> Steps | None:
    arm, deceleration = program.arm, program.registers.double_in(0)
    if not program.kill_stop():
        program.kill_move()

    def steps() -> Steps:
        brake(deceleration)
        while not arm.runner.idle:
            yield
        yield from arm.settle()

    if program.registers.int_in(1) != 1:
        return steps()
    program.start_stop(steps())
    return None


def _stop_l(program: Program) -> Steps | None:
    return _stop(program, program.arm.stop_linear)


def _stop_j(program: Program) -> Steps | None:
    return _stop(program, program.arm.stop_joints)


# -- velocities and servoing


def _speed_j(program: Program) -> None:
    runner, registers = program.arm.runner, program.registers
    program.take_over()
    motion = runner.motion
    if not isinstance(motion, JointVelocity) or runner.stopping:
        motion = JointVelocity(program.arm.model, runner.qd)
        runner.start(motion)
    motion.command(registers.doubles_in(0), registers.double_in(6))


def _speed_l(program: Program) -> None:
    registers = program.registers
    program.take_over()
    _lead_tool(program, registers.doubles_in(0), registers.double_in(6))


def _lead_tool(program: Program, velocity: Array, acceleration: float) -> None:
    runner = program.arm.runner
    motion = runner.motion
    if not isinstance(motion, ToolVelocity) or runner.stopping:
        motion = ToolVelocity(program.arm.model, runner.q_nominal, runner.qd, program.arm.T_flange_tcp)
        runner.start(motion)
    motion.command(velocity, acceleration)


def _speed_stop(program: Program) -> Steps:
    arm, deceleration = program.arm, program.registers.double_in(0)
    brake = arm.stop_joints if isinstance(arm.runner.motion, JointVelocity) else arm.stop_linear
    brake(deceleration)
    while not arm.runner.idle:
        yield
    yield from arm.settle()


def _servo_to(program: Program, q: Array, lookahead_s: float) -> None:
    runner = program.arm.runner
    _require_within_limits(program, q)
    program.take_over()
    motion = runner.motion
    if not isinstance(motion, Servo) or runner.stopping:
        motion = Servo(program.arm.model, runner.qd)
        runner.start(motion)
    motion.command(q, lookahead_s)


def _servo_j(program: Program) -> None:
    _servo_to(program, program.registers.doubles_in(0), program.registers.double_in(9))


def _servo_l(program: Program) -> None:
    _servo_to(program, _solve_for_script(program, program.registers.doubles_in(0)), program.registers.double_in(9))


def _servo_c(program: Program) -> None:
    _servo_to(program, program.arm.solve(pose_to_transform(program.registers.doubles_in(0)), program.arm.runner.q), 0.1)


def _servo_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(program.registers.double_in(0))
    while not arm.runner.idle:
        yield
    yield from arm.settle()


def _jog_start(program: Program) -> None:
    registers, arm = program.registers, program.arm
    velocity, feature = registers.doubles_in(0), int(registers.double_in(6))
    R = np.eye(3)
    if feature == 1:
        R = arm.tcp_transform(arm.runner.q)[:3, :3]
    elif feature == 2:
        R = pose_to_transform(registers.doubles_in(8))[:3, :3]
    program.take_over()
    _lead_tool(program, np.concatenate([R @ velocity[:3], R @ velocity[3:]]), registers.double_in(7))


def _jog_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(_JOG_STOP_M_S2)
    while not arm.runner.idle:
        yield
    yield from arm.settle()


# -- forces


def _force_mode(program: Program) -> None:
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


def _force_mode_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(_FORCE_STOP_M_S2)
    while not arm.runner.idle:
        yield
    arm.end_force_mode()
    yield from arm.settle()


def _freedrive(program: Program) -> None:
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


def _teach_mode(program: Program) -> None:
    settings = ForceModeSettings(np.eye(4), (True,) * 6, np.zeros(6), 2, np.array([0.5] * 3 + [1.5] * 3), 1.0)
    program.arm.begin_force_mode(settings)


def _freedrive_end(program: Program) -> None:
    program.arm.end_force_mode()


def _freedrive_status(program: Program) -> None:
    program.registers.set_int(1, 1 if program.arm.in_force_mode else 0)


def _zero_force(program: Program) -> None:
    arm = program.arm
    arm.sensor.zero(forward(arm.model, arm.q)[:3, :3])


def _force_damping(program: Program) -> None:
    program.arm.force_damping = min(max(program.registers.double_in(0), 0.0), 1.0)


def _force_gain(program: Program) -> None:
    program.arm.force_gain_scaling = min(max(program.registers.double_in(0), 0.0), 2.0)


def _tool_contact(program: Program) -> None:
    arm, direction = program.arm, program.registers.doubles_in(0)
    against = direction if direction.any() else arm.tcp_velocity()
    zero = arm.sensor.wrench - arm.sensor.at_flange(forward(arm.model, arm.q)[:3, :3])
    program.registers.set_int(1, arm.history.steps_since_contact(against, zero))


def _move_until_contact(program: Program) -> Steps:
    arm, registers = program.arm, program.registers
    velocity, direction, acceleration = registers.doubles_in(0), registers.doubles_in(6), registers.double_in(12)
    program.take_over()
    _lead_tool(program, velocity, acceleration)
    program.start_contact(direction if direction.any() else velocity)
    while program.contact_steps_back == 0:
        yield
    yield from program.retreat(arm.history.q_before(program.contact_steps_back))
    program.drop_contact()


def _start_contact(program: Program) -> None:
    program.start_contact(program.registers.doubles_in(0))


def _stop_contact(program: Program) -> None:
    program.kill_contact()
    program.registers.set_int(1, program.contact_steps_back)


def _read_contact(program: Program) -> None:
    program.registers.set_int(1, program.contact_steps_back)


# -- kinematics


def _solve_for_script(program: Program, pose: Array, q_near: Array | None = None) -> Array:
    arm = program.arm
    near = arm.runner.q if q_near is None else q_near
    q = inverse_near(arm.model, pose_to_transform(pose) @ arm.T_tcp_flange, near)
    if q is None:
        raise ProgramError("get_inverse_kin: unable to find an inverse kinematics solution")
    return q


def _has_solution(program: Program, q_near: Array) -> None:
    arm = program.arm
    T = pose_to_transform(program.registers.doubles_in(0)) @ arm.T_tcp_flange
    program.registers.set_int(1, int(inverse_near(arm.model, T, q_near) is not None))


def _inverse_kinematics(program: Program) -> None:
    registers = program.registers
    registers.set_doubles(0, _solve_for_script(program, registers.doubles_in(0)))


def _inverse_kinematics_near(program: Program) -> None:
    registers = program.registers
    registers.set_doubles(0, _solve_for_script(program, registers.doubles_in(0), registers.doubles_in(6)))


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
        1: _move_j,
        2: _move_j_ik,
        3: _move_l,
        4: _move_l_fk,
        6: _force_mode,
        7: _force_mode_stop,
        8: _zero_force,
        9: _speed_j,
        10: _speed_l,
        11: _servo_j,
        12: _servo_c,
        15: _speed_stop,
        16: _servo_stop,
        17: _set_payload,
        18: _teach_mode,
        19: _freedrive_end,
        20: _force_damping,
        21: _force_gain,
        24: _servo_l,
        25: _tool_contact,
        26: _publish_doubles(lambda program: np.array([program.arm.period_s])),
        27: _publish_doubles(_history),
        28: _publish_doubles(lambda program: program.arm.target_waypoint),
        29: _set_tcp,
        30: _inverse_kinematics_near,
        31: _trigger_protective_stop,
        33: _stop_l,
        34: _stop_j,
        35: _watchdog,
        36: _pose_is_safe,
        37: _joints_are_safe,
        38: _publish_doubles(lambda program: program.arm.torque),
        39: _pose_trans,
        40: _publish_doubles(lambda program: program.arm.tcp),
        41: _jog_start,
        42: _jog_stop,
        43: _forward_here,
        44: _forward_of,
        45: _move_path,
        46: _inverse_kinematics,
        47: _is_steady,
        51: _move_until_contact,
        52: _freedrive,
        53: _freedrive_end,
        54: _freedrive_status,
        58: _flange_pose,
        59: _set_gravity,
        60: lambda program: _has_solution(program, program.arm.runner.q),
        61: lambda program: _has_solution(program, program.registers.doubles_in(6)),
        62: _start_contact,
        63: _stop_contact,
        64: _read_contact,
        65: _set_target_payload,
    }
)
