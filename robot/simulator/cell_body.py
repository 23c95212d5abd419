"""The bare simulated cell in MuJoCo: floor, riser, table, arm and gripper, no objects.

World frame = the robot's base frame as its controller reports it, z up.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from robot.arm_body import ARM_BIT, OBJECT_BIT, SCENE_BIT, add_robot
from robot.kinematics import ArmModel

TABLE_TOP_M, FLOOR_M = -0.25, -0.90
TABLE_MIN_M, TABLE_MAX_M = (-0.95, -0.80), (0.95, 0.80)
TIME_STEP_S = 0.002
OBSTACLE_BODY, OBSTACLE_SIDE_M = "obstacle", 0.030
PARKED_M = (0.0, 0.0, -5.0)
"""Where the obstacle is while nobody has put it anywhere: out of everything's reach."""
HOME_RAD = (1.9, -1.7, 2.0, -1.8708, -1.5708, 0.0)  # beside the table's middle, out of the camera's view, tool down

_TABLE_COLOR, _FLOOR_COLOR, _RISER_COLOR = (0.55, 0.50, 0.44, 1.0), (0.34, 0.35, 0.36, 1.0), (0.30, 0.31, 0.33, 1.0)


def build_cell_spec(model: ArmModel) -> Any:
    """An ``mujoco.MjSpec`` of the cell without objects; add bodies to it, or compile it as it is.

    Joints: the six of ``JOINTS``, then the gripper's carrier and fingers. Bodies: ``base``, ``shoulder``,
    ``upper_arm``, ``forearm``, ``wrist_1`` .. ``wrist_3``, ``flange``, ``gripper``, its carrier and fingers, and the
    ``obstacle``. Actuators: the six joint servos, then ``jaws``.
    """
    spec = mujoco.MjSpec()
    spec.option.timestep = TIME_STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    spec.option.iterations = 30
    add_scene(spec)
    add_robot(spec, model)
    _add_obstacle(spec)
    return spec


def _add_obstacle(spec: Any) -> None:
    """A block that the camera does not see and only the robot can touch."""
    side = OBSTACLE_SIDE_M / 2
    body = spec.worldbody.add_body(name=OBSTACLE_BODY, mocap=True, pos=PARKED_M)
    body.add_geom(
        name=OBSTACLE_BODY, type=mujoco.mjtGeom.mjGEOM_BOX, size=[side, side, side], solref=[0.006, 1.0],
        contype=SCENE_BIT, conaffinity=ARM_BIT,
    )  # fmt: skip


def add_scene(spec: Any) -> None:
    """Floor, riser and table."""
    bits = {"contype": SCENE_BIT, "conaffinity": ARM_BIT | OBJECT_BIT}
    box, plane = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_PLANE
    spec.worldbody.add_geom(name="floor", type=plane, pos=[0, 0, FLOOR_M], size=[3, 3, 0.1], rgba=_FLOOR_COLOR, **bits)
    low, high = np.array(TABLE_MIN_M), np.array(TABLE_MAX_M)
    spec.worldbody.add_geom(
        name="table", type=box, pos=[*(low + high) / 2, TABLE_TOP_M - 0.02], size=[*(high - low) / 2, 0.02],
        rgba=_TABLE_COLOR, priority=2, condim=6, friction=[0.5, 0.003, 0.0005], solref=[0.006, 1.0], **bits,
    )  # fmt: skip
    spec.worldbody.add_geom(
        name="riser", type=box, pos=[0, 0, FLOOR_M / 2], size=[0.09, 0.09, -FLOOR_M / 2], rgba=_RISER_COLOR, **bits
    )
