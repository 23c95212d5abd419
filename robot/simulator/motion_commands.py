"""The commands of ur_rtde's control script that move the arm. Registers are those of the script."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robot.geometry import pose_to_transform, transform_to_pose
from robot.kinematics import inverse_near
from robot.simulator.arm import Steps
from robot.simulator.motion import JointVelocity, Motion, MotionError, Servo, ToolVelocity
from robot.simulator.move_path import cartesian_motion, joint_motion, motions
from robot.simulator.profiles import Limits
from robot.simulator.program import Program, ProgramError

Array = NDArray[np.float64]

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


def move_j(program: Program) -> Steps | None:
    q, limits = program.registers.doubles_in(0), _limits(program)
    _require_within_limits(program, q)
    program.arm.target_waypoint = transform_to_pose(program.arm.tcp_transform(q))
    return _move(program, lambda: joint_motion(program.arm, [q], [limits]))


def move_j_ik(program: Program) -> Steps | None:
    pose, limits = program.registers.doubles_in(0), _limits(program)
    q = program.arm.solve(pose_to_transform(pose), program.arm.runner.q)
    program.arm.target_waypoint = pose
    return _move(program, lambda: joint_motion(program.arm, [q], [limits]))


def move_l(program: Program) -> Steps | None:
    pose, limits = program.registers.doubles_in(0), _limits(program)
    T = pose_to_transform(pose)
    program.arm.solve(T, program.arm.runner.q)
    program.arm.target_waypoint = pose
    return _move(program, lambda: cartesian_motion(program.arm, [T], [limits]))


def move_l_fk(program: Program) -> Steps | None:
    q, limits = program.registers.doubles_in(0), _limits(program)
    _require_within_limits(program, q)
    T = program.arm.tcp_transform(q)
    program.arm.target_waypoint = transform_to_pose(T)
    return _move(program, lambda: cartesian_motion(program.arm, [T], [limits]))


def move_path(program: Program) -> Steps | None:
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


def stop_l(program: Program) -> Steps | None:
    return _stop(program, program.arm.stop_linear)


def stop_j(program: Program) -> Steps | None:
    return _stop(program, program.arm.stop_joints)


# -- velocities and servoing


def speed_j(program: Program) -> None:
    runner, registers = program.arm.runner, program.registers
    program.take_over()
    motion = runner.motion
    if not isinstance(motion, JointVelocity) or runner.stopping:
        motion = JointVelocity(program.arm.model, runner.qd)
        runner.start(motion)
    motion.command(registers.doubles_in(0), registers.double_in(6))


def speed_l(program: Program) -> None:
    registers = program.registers
    program.take_over()
    lead_tool(program, registers.doubles_in(0), registers.double_in(6))


def lead_tool(program: Program, velocity: Array, acceleration: float) -> None:
    runner = program.arm.runner
    motion = runner.motion
    if not isinstance(motion, ToolVelocity) or runner.stopping:
        motion = ToolVelocity(program.arm.model, runner.q_nominal, runner.qd, program.arm.T_flange_tcp)
        runner.start(motion)
    motion.command(velocity, acceleration)


def speed_stop(program: Program) -> Steps:
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


def servo_j(program: Program) -> None:
    _servo_to(program, program.registers.doubles_in(0), program.registers.double_in(9))


def servo_l(program: Program) -> None:
    _servo_to(program, solve_for_script(program, program.registers.doubles_in(0)), program.registers.double_in(9))


def servo_c(program: Program) -> None:
    _servo_to(program, program.arm.solve(pose_to_transform(program.registers.doubles_in(0)), program.arm.runner.q), 0.1)


def servo_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(program.registers.double_in(0))
    while not arm.runner.idle:
        yield
    yield from arm.settle()


def jog_start(program: Program) -> None:
    registers, arm = program.registers, program.arm
    velocity, feature = registers.doubles_in(0), int(registers.double_in(6))
    R = np.eye(3)
    if feature == 1:
        R = arm.tcp_transform(arm.runner.q)[:3, :3]
    elif feature == 2:
        R = pose_to_transform(registers.doubles_in(8))[:3, :3]
    program.take_over()
    lead_tool(program, np.concatenate([R @ velocity[:3], R @ velocity[3:]]), registers.double_in(7))


def jog_stop(program: Program) -> Steps:
    arm = program.arm
    arm.stop_linear(_JOG_STOP_M_S2)
    while not arm.runner.idle:
        yield
    yield from arm.settle()


def solve_for_script(program: Program, pose: Array, q_near: Array | None = None) -> Array:
    arm = program.arm
    near = arm.runner.q if q_near is None else q_near
    q = inverse_near(arm.model, pose_to_transform(pose) @ arm.T_tcp_flange, near)
    if q is None:
        raise ProgramError("get_inverse_kin: unable to find an inverse kinematics solution")
    return q
