"""Grasps as they are carried out: straight down, in the table's frame (z up, the table's top at z = 0)."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M, closed_tip_drop_m, fingertip_advance_m

Array = NDArray[np.float64]

TIP_BELOW_GRASP_M = 0.010  # as the cell carries grasps out: see cell.settings.GraspSettings
TABLE_CLEARANCE_M = 0.003

_WIDTHS_M = np.linspace(0.0, STROKE_M, 86)
_DROP_M = np.array([closed_tip_drop_m(width, TIP_BELOW_GRASP_M) for width in _WIDTHS_M])
_ADVANCE_M = np.array([fingertip_advance_m(width) for width in _WIDTHS_M])


@dataclass(frozen=True, eq=False)
class TableGrasps:
    """Vertical grasps in the table's frame, all arrays (N, ...).

    Attributes:
        centre_m: (N, 3) the point half-way between the pads' contacts.
        yaw_rad: (N,) closing direction about the table's z axis.
        width_m: (N,) opening before closing.
    """

    centre_m: Array
    yaw_rad: Array
    width_m: Array

    def __len__(self) -> int:
        return len(self.width_m)

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_] | slice) -> TableGrasps:
        return TableGrasps(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @property
    def closing(self) -> Array:
        """(N, 3) horizontal unit vectors along which the jaws close."""
        return np.asarray(np.stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad), np.zeros(len(self))], axis=-1))

    @property
    def flange_m(self) -> Array:
        """(N,) height of the flange at the grasp: the tips never come closer to the table than its clearance."""
        closed_tip = self.centre_m[:, 2] - np.interp(self.width_m, _WIDTHS_M, _DROP_M)
        return np.asarray(np.maximum(closed_tip, TABLE_CLEARANCE_M) + TIP_FROM_FLANGE_CLOSED_M)

    def tip_m(self, opening_m: Array) -> Array:
        """(N,) height of the fingertips' lower ends when the jaws are ``opening_m`` (N,) apart."""
        still_to_come = _ADVANCE_M[0] - np.interp(opening_m, _WIDTHS_M, _ADVANCE_M)
        return np.asarray(self.flange_m - TIP_FROM_FLANGE_CLOSED_M + still_to_come)


def joined(several: list[TableGrasps]) -> TableGrasps:
    """One after the other."""
    return TableGrasps(*(np.concatenate([getattr(g, f.name) for g in several]) for f in fields(TableGrasps)))


@dataclass(frozen=True, eq=False)
class ImageGrasps:
    """Grasps in an image, arrays (N,): see :class:`detectors.grasp.Grasp`."""

    u: Array
    v: Array
    depth_m: Array
    angle_rad: Array
    width_m: Array


def to_image(grasps: TableGrasps, intrinsics: Intrinsics, T_table_camera: Transform) -> ImageGrasps:
    """Table grasps as the camera sees them: exactly those that :func:`to_table` carries out as these."""
    centre = apply(invert(T_table_camera), grasps.centre_m)
    pixels = intrinsics.project(centre)
    # The direction in the image's plane that comes to lie along the closing direction once laid into the table's.
    direction = grasps.closing[:, :2] @ np.linalg.inv(T_table_camera[:2, :2]).T
    angle = np.arctan2(direction[:, 1], direction[:, 0])
    return ImageGrasps(pixels[:, 0], pixels[:, 1], centre[:, 2], _folded(angle), grasps.width_m.copy())


def to_table(grasps: ImageGrasps, intrinsics: Intrinsics, T_table_camera: Transform) -> TableGrasps:
    """Image grasps as the cell carries them out: closing direction laid into the table's plane, approach vertical."""
    centre = apply(T_table_camera, intrinsics.deproject(grasps.u, grasps.v, grasps.depth_m))
    direction = np.stack([np.cos(grasps.angle_rad), np.sin(grasps.angle_rad), np.zeros(len(grasps.u))], axis=-1)
    direction = direction @ T_table_camera[:3, :3].T
    return TableGrasps(centre, np.arctan2(direction[:, 1], direction[:, 0]), np.asarray(grasps.width_m, dtype=float))


def _folded(angle_rad: Array) -> Array:
    return np.asarray((angle_rad + math.pi / 2) % math.pi - math.pi / 2)
