"""Judges what left for the controller by the cell file alone; shares no code with the checks that it is to check."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from tests.cell.wire_recorder import Command, DashboardLine, Sent, Upload

MOVE_J, MOVE_L, STOP_L, STOP_J, SET_PAYLOAD, SET_TCP = 1, 3, 33, 34, 17, 29
MOVES = (MOVE_J, MOVE_L)
# clear, zero force, watchdog, inverse kinematics and its two questions, TCP offset, contact detection, stop script
MOTIONLESS = {0, 8, 35, 30, 46, 60, 61, 40, 62, 63, 64, 255}
NO_PATH = re.compile(r"# inject move path\s+end\b")
MOVING_LINES = ("play", "load", "pause")

GRIPPER_MAX_KG = 1.0
TARGET_TOLERANCE_M = 1e-4
PATH_TOLERANCE_M = 1e-3
PATH_STEP_RAD = 0.02
PATH_STEP_M = 0.01
RATE_TOLERANCE = 1e-9

UR5_A = (0.0, -0.425, -0.39225, 0.0, 0.0, 0.0)
UR5_D = (0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823)
UR5_ALPHA = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)


def flange_pose(q) -> np.ndarray:
    """(4, 4) T_base_flange of a UR5 by its published Denavit-Hartenberg table."""
    T = np.eye(4)
    for angle, a, d, alpha in zip(q, UR5_A, UR5_D, UR5_ALPHA, strict=True):
        c, s, ca, sa = math.cos(angle), math.sin(angle), math.cos(alpha), math.sin(alpha)
        T = T @ [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
    return T


def matrix(pose) -> np.ndarray:
    """A UR pose (6,) -> (4, 4)."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.from_rotvec(pose[3:]).as_matrix(), pose[:3]
    return T


@dataclass
class LimitChecker:
    """Reads what was sent, in order, and says what of it breaks the cell file's limits.

    Attributes:
        cell: the resolved cell file, as plain data (``run.yaml`` holds it).
        moves: how many moves were judged.
    """

    cell: dict
    moves: int = 0
    _T_flange_tcp: np.ndarray | None = field(default=None, repr=False)

    def violations(self, sent: Iterable[Sent]) -> list[str]:
        """Every breach, in words."""
        return [f"{number}: {words}" for number, item in enumerate(sent) for words in self._judge(item)]

    def _judge(self, item: Sent) -> Iterator[str]:
        if isinstance(item, Upload):
            self._T_flange_tcp = None  # a program that starts finds the installation's TCP
            if item.name != "rtde_control" or not NO_PATH.search(item.text):
                yield f"a program with motions of its own was sent: {item.name}"
        elif isinstance(item, DashboardLine):
            if item.text.split(" ")[0] in MOVING_LINES:
                yield f"the dashboard was told to '{item.text}'"
        elif not all(map(math.isfinite, item.doubles)):
            yield f"command {item.code} with {item.doubles}"
        else:
            yield from self._judge_command(item)

    def _judge_command(self, command: Command) -> Iterator[str]:
        if command.code in MOVES:
            self.moves += 1
            yield from self._judge_rates(command)
            yield from self._judge_way(command)
        elif command.code in (STOP_L, STOP_J):
            if command.doubles[0] <= 0:
                yield f"a stop with a deceleration of {command.doubles[0]}"
        elif command.code == SET_TCP:
            self._T_flange_tcp = matrix(command.doubles[:6])
        elif command.code == SET_PAYLOAD:
            limit_kg = self.cell["safety"]["payload_max_kg"] + GRIPPER_MAX_KG
            if not 0 <= command.doubles[0] <= limit_kg:
                yield f"a payload of {command.doubles[0]} kg, at most {limit_kg} are allowed"
        elif command.code not in MOTIONLESS:
            yield f"command {command.code}, which nobody has judged"

    def _judge_rates(self, command: Command) -> Iterator[str]:
        arm = self.cell["arm"]
        names = {
            MOVE_J: ("joint_speed_max_rad_s", "joint_acceleration_max_rad_s2"),
            MOVE_L: ("linear_speed_max_m_s", "linear_acceleration_max_m_s2"),
        }
        for name, value in zip(names[command.code], command.doubles[6:8], strict=True):
            if not 0 < value <= arm[name] * (1 + RATE_TOLERANCE):
                yield f"{value} where arm.{name} is {arm[name]}"

    def _judge_way(self, command: Command) -> Iterator[str]:
        if self._T_flange_tcp is None or command.q is None:
            yield "a move before the TCP was declared, or before the arm had told where it is"
            return
        way = self._joint_way(command) if command.code == MOVE_J else self._straight_way(command)
        *passed, target = way
        yield from (f"the target {words}" for words in self._misplaced(target, TARGET_TOLERANCE_M))
        for tcp in passed:
            found = [f"the way {words}" for words in self._misplaced(tcp, PATH_TOLERANCE_M)]
            if found:
                yield found[0]
                break
        if command.code == MOVE_J:
            arm = self.cell["arm"]
            for joint, q in enumerate(command.doubles[:6]):
                if not arm["joint_lower_rad"][joint] <= q <= arm["joint_upper_rad"][joint]:
                    yield f"joint {joint + 1} at {q} rad"

    def _joint_way(self, command: Command) -> list[np.ndarray]:
        """(3,) places of the TCP on the way, the target last."""
        q, q_to = np.array(command.q), np.array(command.doubles[:6])
        steps = max(math.ceil(min(np.abs(q_to - q).max(), 10.0) / PATH_STEP_RAD), 1)
        return [(flange_pose(q + (q_to - q) * i / steps) @ self._T_flange_tcp)[:3, 3] for i in range(steps + 1)]

    def _straight_way(self, command: Command) -> list[np.ndarray]:
        here, there = (flange_pose(command.q) @ self._T_flange_tcp)[:3, 3], np.array(command.doubles[:3])
        steps = max(math.ceil(min(math.dist(here, there), 10.0) / PATH_STEP_M), 1)
        return [here + (there - here) * i / steps for i in range(steps + 1)]

    def _misplaced(self, tcp: np.ndarray, tolerance_m: float) -> Iterator[str]:
        words = f"({', '.join(f'{v:.4f}' for v in tcp)})"
        floor_m = self.cell["table_height_m"] + self.cell["grasp"]["table_clearance_m"]
        if not _inside(tcp, self.cell["safety"]["tcp_box"], tolerance_m):
            yield f"{words} is outside safety.tcp_box"
        if tcp[2] < floor_m - tolerance_m:
            yield f"{words} is below the table's floor at {floor_m:.4f}"
        if any(_inside(tcp, box, -tolerance_m) for box in self.cell["keep_out"]):
            yield f"{words} is in a keep-out box"


def _inside(point: np.ndarray, box: dict, margin_m: float) -> bool:
    low, high = np.array(box["min_m"]) - margin_m, np.array(box["max_m"]) + margin_m
    return bool(np.all((point > low) & (point < high)))
