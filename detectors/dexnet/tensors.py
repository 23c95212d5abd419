"""Many grasps as columns: crop, gripper configuration, labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import FIELDS, POSITIVE_QUALITY, Field, as_rows, problem
from robot.frame import Intrinsics

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class GraspTensors:
    """N grasps; row i of every column is the same one. Arrays of the right type are kept as they are, not copied.

    Attributes:
        crops_m: (N, 32, 32) float32 (or float16) absolute depth, closing direction along the columns [m].
        hand_poses: (N, 7) float32, columns as in ``detectors.dexnet.fields``.
        width_m: (N,) opening of the jaws [m].
        robust_ferrari_canny: (N,) epsilon quality, 0 where the gripper collides.
        object_label: (N,) int64 number of the object, or None where the set does not say; likewise all that follow.
        pose_label, image_label: (N,) int64.
        physical_success: (N,) float32 share of noisy lifts that succeeded.
        collision_free, force_closure: (N,) float32 share of noisy samples (0 or 1 in the original).
        kind: (N,) int8 how the grasp was drawn.
        family: (N,) int16 shape family of the object.
    """

    crops_m: NDArray[Any]
    hand_poses: Floats
    width_m: Floats
    robust_ferrari_canny: Floats
    object_label: Labels | None = None
    pose_label: Labels | None = None
    image_label: Labels | None = None
    physical_success: Floats | None = None
    collision_free: Floats | None = None
    force_closure: Floats | None = None
    kind: NDArray[np.int8] | None = None
    family: NDArray[np.int16] | None = None

    def __post_init__(self) -> None:
        for field in FIELDS:
            value = getattr(self, field.attribute)
            if value is None:
                continue
            half = field.attribute == "crops_m" and np.asarray(value).dtype == np.float16
            column = _checked(field, np.asarray(value), half)
            if len(column) != len(self.hand_poses):
                raise ValueError(f"{field.attribute} has {len(column)} rows, hand_poses {len(self.hand_poses)}")
            object.__setattr__(self, field.attribute, column)

    def __len__(self) -> int:
        return len(self.hand_poses)

    @property
    def v(self) -> Floats:
        """(N,) row of the grasp centre [px]."""
        return self.hand_poses[:, 0]

    @property
    def u(self) -> Floats:
        """(N,) column of the grasp centre [px]."""
        return self.hand_poses[:, 1]

    @property
    def depth_m(self) -> Floats:
        """(N,) depth of the grasp point along the optical axis [m]."""
        return self.hand_poses[:, 2]

    @property
    def angle_rad(self) -> Floats:
        """(N,) closing direction about the optical axis, from +u towards +v [rad]."""
        return self.hand_poses[:, 3]

    @property
    def robust(self) -> NDArray[np.bool_]:
        """(N,) the label of Dex-Net 2.0: epsilon quality above 0.002."""
        return self.robust_ferrari_canny > POSITIVE_QUALITY

    def columns(self) -> Iterator[tuple[Field, NDArray[Any]]]:
        """Every attribute that is there."""
        for field in FIELDS:
            value = getattr(self, field.attribute)
            if value is not None:
                yield field, value

    def select(self, rows: NDArray[Any] | slice) -> GraspTensors:
        """The grasps of a mask (N,), of row numbers or of a slice; a slice gives views."""
        return assemble({field.attribute: value[rows] for field, value in self.columns()})


def concatenate(parts: Sequence[GraspTensors]) -> GraspTensors:
    """All grasps of ``parts`` in order.

    Raises:
        ValueError: there are no parts, or they do not all have the same attributes.
    """
    if not parts:
        raise ValueError("nothing to concatenate")
    names = [field.attribute for field, _ in parts[0].columns()]
    for part in parts[1:]:
        found = [field.attribute for field, _ in part.columns()]
        if found != names:
            raise ValueError(f"parts differ in {', '.join(sorted(set(names) ^ set(found)))}")
    return assemble({name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def assemble(columns: Mapping[str, NDArray[Any]]) -> GraspTensors:
    """Grasps from columns that are known to be valid: checking millions of crops again would take minutes."""
    tensors = object.__new__(GraspTensors)
    for field in FIELDS:
        object.__setattr__(tensors, field.attribute, columns.get(field.attribute))
    return tensors


def make_hand_poses(
    *, u: Floats, v: Floats, depth_m: Floats, angle_rad: Floats, width_m: Floats, camera: Intrinsics
) -> Floats:
    """(N, 7) the original's columns for grasps (N,) in an image of ``camera``."""
    offsets = (np.asarray(v) - camera.cy, np.asarray(u) - camera.cx)
    width_px = np.asarray(width_m) * camera.fx / np.asarray(depth_m)
    return np.stack([v, u, depth_m, angle_rad, *offsets, width_px], axis=1).astype(np.float32)


def _checked(field: Field, value: NDArray[Any], half: bool) -> NDArray[Any]:
    try:
        column = value if half and value.shape[1:] == (32, 32) else as_rows(field, value)
    except ValueError as error:
        raise ValueError(f"{field.attribute} {error}") from None
    wrong = problem(field.attribute, column)
    if wrong:
        raise ValueError(f"{field.attribute}: {wrong}")
    return column
