"""Waypoint paths: what ur_rtde injects into the script it uploads, and the motions that follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.geometry import pose_to_transform
from robot.simulator.arm import Arm
from robot.simulator.motion import FollowCartesianPath, FollowJointPath
from robot.simulator.profiles import CartesianPath, JointPath, Limits

Array = NDArray[np.float64]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CALL = re.compile(r"^\s*(movej|movel|movep|movec)\s*\((.*)\)\s*$")
_LIST = re.compile(r"(p?)\[([^\]]*)\]")
_OPTION = re.compile(rf"\b([avr])\s*=\s*({_NUMBER})")
_BEGIN = "# inject move path"

PathMotion = FollowJointPath | FollowCartesianPath


@dataclass(frozen=True)
class Waypoint:
    """One call of the path. ``target`` (and ``via`` of a movec): (6,) joints, or a pose where ``is_pose``."""

    command: str
    target: Array
    is_pose: bool
    acceleration: float
    speed: float
    blend_m: float
    via: Array | None = None


def parse_path(script: str) -> tuple[Waypoint, ...]:
    """The waypoints in an uploaded control script, in order; empty when it holds no path."""
    _, found, rest = script.partition(_BEGIN)
    if not found:
        return ()
    waypoints = []
    for line in rest.splitlines()[1:]:
        if line.strip() == "end":
            break
        match = _CALL.match(line)
        if match is not None:
            waypoints.append(_parse_call(match[1], match[2]))
    return tuple(waypoints)


def _parse_call(command: str, arguments: str) -> Waypoint:
    lists = _LIST.findall(arguments)
    options = {name: float(value) for name, value in _OPTION.findall(arguments)}
    vectors = [np.array([float(number) for number in text.split(",")]) for _, text in lists]
    if not vectors or any(vector.shape != (6,) for vector in vectors):
        raise ValueError(f"cannot read the waypoint {command}({arguments})")
    default_a, default_v = (1.4, 1.05) if command == "movej" else (1.2, 0.25)
    return Waypoint(
        command=command,
        target=vectors[-1],
        is_pose=lists[-1][0] == "p",
        acceleration=options.get("a", default_a),
        speed=options.get("v", default_v),
        blend_m=options.get("r", 0.0),
        via=vectors[0] if command == "movec" and len(vectors) > 1 else None,
    )


def joint_motion(arm: Arm, targets: Sequence[Array], limits: Sequence[Limits]) -> PathMotion:
    """Straight in joint space from where the target is."""
    path = JointPath.through(
        arm.runner.q_nominal,
        targets,
        limits,
        np.array(arm.model.speed_max_rad_s),
        np.array(arm.model.acceleration_max_rad_s2),
    )
    return FollowJointPath(path)


def cartesian_motion(arm: Arm, targets: Sequence[Array], limits: Sequence[Limits]) -> PathMotion:
    """Straight lines of the TCP from where the target is; ``targets`` are (4, 4) T_base_tcp."""
    start = arm.tcp_transform(arm.runner.q_nominal)
    return FollowCartesianPath(arm.model, CartesianPath.through(start, targets, limits), arm.T_flange_tcp)


def motions(arm: Arm, waypoints: Sequence[Waypoint]) -> Iterator[tuple[int, PathMotion]]:
    """(index of the first waypoint, motion) for each run of waypoints in the same space; made when asked for.

    Blending happens within a run; between joint-space and Cartesian motion the arm stops. Raises MotionError.
    """
    k = 0
    while k < len(waypoints):
        joint_space = waypoints[k].command == "movej"
        end = k
        while end < len(waypoints) and (waypoints[end].command == "movej") == joint_space:
            end += 1
        run = waypoints[k:end]
        yield k, (_joint_run(arm, run) if joint_space else _cartesian_run(arm, run))
        k = end


def _joint_run(arm: Arm, run: Sequence[Waypoint]) -> PathMotion:
    targets, limits = [], []
    q = arm.runner.q_nominal
    for waypoint in run:
        target = arm.solve(pose_to_transform(waypoint.target), q) if waypoint.is_pose else waypoint.target
        way_m = float(np.linalg.norm((arm.tcp_transform(target) - arm.tcp_transform(q))[:3, 3]))
        leading_rad = float(np.abs(target - q).max())
        blend_rad = waypoint.blend_m / way_m * leading_rad if way_m > 1e-6 else 0.0
        limits.append(Limits(waypoint.speed, waypoint.acceleration, blend_rad))
        targets.append(target)
        q = target
    return joint_motion(arm, targets, limits)


def _cartesian_run(arm: Arm, run: Sequence[Waypoint]) -> PathMotion:
    targets: list[Array] = []
    limits: list[Limits] = []
    T = arm.tcp_transform(arm.runner.q_nominal)
    for waypoint in run:
        goal = pose_to_transform(waypoint.target) if waypoint.is_pose else arm.tcp_transform(waypoint.target)
        points = [goal]
        if waypoint.via is not None:
            points = _arc(T, pose_to_transform(waypoint.via)[:3, 3], goal)
        chord_m = float(np.linalg.norm(points[0][:3, 3] - T[:3, 3]))
        for index, point in enumerate(points):
            last = index + 1 == len(points)
            blend = waypoint.blend_m if last else 0.5 * chord_m
            limits.append(Limits(waypoint.speed, waypoint.acceleration, blend))
            targets.append(point)
        T = goal
    return cartesian_motion(arm, targets, limits)


def _arc(start: Array, via_m: Array, goal: Array, pieces: int = 16) -> list[Array]:
    """Chords of the circle through three points; the orientation turns evenly."""
    a, b, c = start[:3, 3], via_m, goal[:3, 3]
    u, w = b - a, c - a
    normal = np.cross(u, w)
    size = float(normal @ normal)
    if size < 1e-12:
        return [goal]
    centre = a + np.cross((u @ u) * w - (w @ w) * u, normal) / (2 * size)
    x = a - centre
    y = np.cross(normal / np.sqrt(size), x)
    end = float(np.arctan2((c - centre) @ y, (c - centre) @ x)) % (2 * np.pi)
    turn = CartesianPath.through(start, [goal], [Limits(1.0, 1.0)])
    poses = []
    for k in range(1, pieces + 1):
        T = goal.copy()
        if k < pieces:
            angle = end * k / pieces
            T[:3, :3] = turn.at(_time_at_fraction(turn, k / pieces))[:3, :3]
            T[:3, 3] = centre + np.cos(angle) * x + np.sin(angle) * y
        poses.append(T)
    return poses


def _time_at_fraction(path: CartesianPath, fraction: float) -> float:
    low, high = 0.0, path.timeline.duration_s
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if path.timeline.fractions(middle)[0] < fraction else (low, middle)
    return high
