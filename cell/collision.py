"""Which arm postures collide: MuJoCo's collision detection on the arm, the gripper and everything that is known.

That is the table, the keep-outs, a camera on the wrist, what the camera saw (a height field), and what the jaws hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cell.seen_scene import CELL_M, FORGIVEN_HEIGHT_M, SeenScene
from cell.settings import CellSettings
from cell.surroundings import T_FLANGE_TCP, Surroundings
from robot.arm_body import ARM_BIT, SCENE_BIT, add_robot, arm_addresses
from robot.geometry import Transform, transform
from robot.gripper_body import CARRIER_JOINT, FINGER_JOINTS
from robot.gripper_geometry import STROKE_M, fingertip_advance_m
from robot.kinematics import ArmModel

TABLE, SEEN, HELD, CAMERA = "table", "things that the camera sees", "held object", "camera on the wrist"
GRAZE_M = 1e-5
CAMERA_HALF_M = (0.048, 0.015, 0.015)
"""Half the sides of a camera's housing; its lenses look along z out of its front."""
_PLANE_SIZE_M = 3.0
_LEAST_HEIGHT_M = 0.001
_BENEATH_M = 0.02
_SCENE = {"contype": SCENE_BIT, "conaffinity": ARM_BIT}
_ARM = {"contype": ARM_BIT, "conaffinity": ARM_BIT}


def meeting(part: str, other: str) -> str:
    """How two parts that meet are told, and by what name the contact goes."""
    return f"the {part} would meet the {other}"


@dataclass(frozen=True, eq=False)
class CollisionChecker:
    """A kinematic model of the cell. See :class:`cell.sweeping.CollisionCheck`.

    The table counts as endless: no part of the arm has any business below its top.

    Attributes:
        forgiven_m: contacts less deep than this are none.
    """

    settings: CellSettings
    arm: ArmModel
    around: Surroundings
    model: Any
    data: Any
    names: tuple[str, ...]
    addresses: NDArray[np.int64]
    forgiven_m: float = GRAZE_M

    @classmethod
    def for_cell(cls, settings: CellSettings, arm: ArmModel, around: Surroundings | None = None) -> Self:
        """Build the model from what the cell file says stands where, and from what stands around at the time."""
        around = around or Surroundings()
        spec = mujoco.MjSpec()
        _add_cell(spec, settings)
        add_robot(spec, arm)
        if settings.calibration.mount == "wrist":
            T_flange_housing = camera_box(settings.calibration.camera_guess.transform)
            _add_box(spec.body("gripper"), CAMERA, T_flange_housing, CAMERA_HALF_M, _ARM)
        if around.held is not None:
            _add_box(spec.body("gripper"), HELD, T_FLANGE_TCP @ around.held.T_tcp_box, around.held.half_m, _ARM)
        if around.seen is not None:
            _add_seen(spec, around.seen)
        model = spec.compile()
        if around.seen is not None:  # the compiler would stretch the heights
            model.hfield_data[:] = around.seen.obstacle_m.ravel() / model.hfield_size[0, 2]
        names = tuple(model.geom(i).name.replace("_", " ") for i in range(model.ngeom))
        jaws = [int(model.joint(name).qposadr[0]) for name in (*FINGER_JOINTS, CARRIER_JOINT)]
        addresses = np.concatenate([arm_addresses(model), jaws])
        return cls(settings, arm, around, model, mujoco.MjData(model), names, addresses)

    def within(self, around: Surroundings) -> Self:
        """The same cell with other things around; takes some milliseconds where they differ."""
        if around.seen is self.around.seen and around.held is self.around.held:
            return replace(self, around=around)
        return replace(self.for_cell(self.settings, self.arm, around), forgiven_m=self.forgiven_m)

    def contacts(self, q: NDArray[np.float64], width_m: float) -> dict[str, float]:
        """What would meet what with the joints at (6,) ``q`` and the jaws ``width_m`` apart, and how deep [m].

        Depth into what the camera sees is how far the part's lowest point would be under the top of what it meets.
        """
        self._pose(q, width_m)
        found: dict[str, float] = {}
        contact = self.data.contact
        for i in np.flatnonzero(contact.dist < -self.forgiven_m):
            standing = self.model.geom_bodyid[contact.geom[i]] == 0
            part, other = contact.geom[i][np.argsort(standing, kind="stable")]
            depth_m = -float(contact.dist[i])
            if self.names[other] == SEEN:
                depth_m = max(depth_m, self._under_top(int(part), contact.pos[i]))
            name = meeting(self.names[part], self.names[other])
            found[name] = max(found.get(name, 0.0), depth_m)
        return found

    def contact(self, q: NDArray[np.float64], width_m: float) -> str | None:
        """The deepest of the contacts in words; None when nothing meets."""
        found = self.contacts(q, width_m)
        return max(found, key=lambda name: found[name]) if found else None

    def _pose(self, q: NDArray[np.float64], width_m: float) -> None:
        """As ``robot.arm_body.set_posture``, without looking everything up by its name hundreds of times a plan."""
        half = min(max(width_m, 0.0), STROKE_M) / 2
        self.data.qpos[self.addresses] = [*q, half, half, fingertip_advance_m(2 * half)]
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_collision(self.model, self.data)

    def _under_top(self, part: int, place_base_m: NDArray[np.float64]) -> float:
        """How far the geom's lowest point is under the seen top at a place [m]."""
        assert self.around.seen is not None
        box = self.model.geom_aabb[part]
        upwards = self.data.geom_xmat[part].reshape(3, 3)[2]
        lowest_m = self.data.geom_xpos[part, 2] + upwards @ box[:3] - np.abs(upwards) @ box[3:]
        return float(self.around.seen.top_m(place_base_m[:2]) - lowest_m)


def camera_box(T_parent_camera: Transform) -> Transform:
    """(4, 4) of the middle of a camera's housing, in the frame that the camera's pose is given in."""
    return T_parent_camera @ transform(np.eye(3), [0.0, 0.0, -CAMERA_HALF_M[2]])


def _add_cell(spec: Any, settings: CellSettings) -> None:
    spec.worldbody.add_geom(
        name=TABLE,
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        pos=[0, 0, settings.table_height_m],
        size=[_PLANE_SIZE_M, _PLANE_SIZE_M, 0.1],
        **_SCENE,
    )
    for i, box in enumerate(settings.keep_out):
        low, high = np.array(box.min_m), np.array(box.max_m)
        _add_box(spec.worldbody, f"keep-out {i + 1}", transform(np.eye(3), (low + high) / 2), (high - low) / 2, _SCENE)


def _add_box(body: Any, name: str, T_body_box: Transform, half_m: ArrayLike, bits: dict[str, int]) -> None:
    x, y, z, w = Rotation.from_matrix(T_body_box[:3, :3]).as_quat()
    kind = mujoco.mjtGeom.mjGEOM_BOX
    body.add_geom(name=name, type=kind, pos=T_body_box[:3, 3], quat=[w, x, y, z], size=np.asarray(half_m), **bits)


def _add_seen(spec: Any, seen: SeenScene) -> None:
    rows, columns = seen.grid.shape
    half_m = np.array([columns - 1, rows - 1]) * CELL_M / 2
    highest_m = max(float(seen.obstacle_m.max()), _LEAST_HEIGHT_M)
    spec.add_hfield(
        name=SEEN, nrow=rows, ncol=columns, size=[*half_m, highest_m, _BENEATH_M], userdata=[0.0] * (rows * columns)
    )
    spec.worldbody.add_geom(
        name=SEEN,
        type=mujoco.mjtGeom.mjGEOM_HFIELD,
        hfieldname=SEEN,
        pos=[*(np.array(seen.grid.low_m) + half_m), seen.grid.table_height_m - FORGIVEN_HEIGHT_M],
        **_SCENE,
    )
