"""Which files the layout has, and what each may hold.

The published Dex-Net 2.0 training set (April 2017, 6,728,850 grasps of about 1,500 objects of KIT and 3DNet) is a
folder of compressed numpy files, one attribute each: ``<attribute>_<index>.npz`` with five digits, from 00000 to 06728,
1,000 grasps a file and 850 in the last; the array's key is ``arr_0``; row i of every file with one index is the same
grasp.
Sets made later with the same generator put the files into a ``tensors`` sub-folder, beside ``config.json`` and
``splits/``; both forms are read. What the attributes mean, from the README of the set and the code that made it:

    depth_ims_tf_table    (n, 32, 32, 1) metres along the optical axis: 96 x 96 px of a Primesense Carmine image, moved
                          and turned so that the grasp centre is in the middle and the grasp axis along the middle row,
                          then shrunk to a third. The window is fixed in pixels: it shows more of a deeper scene.
    hand_poses            (n, 7) 0: row, 1: column of the grasp centre in the image [px]; 2: depth of the grasp centre
                          from the camera [m]; 3: angle of the grasp axis about the optical axis, from the image's x
                          axis [rad]; 4, 5: row and column of what the README calls the object's centre and the
                          generator computes as the grasp centre's offset from the principal point [px]; 6: width of the
                          gripper in the image [px]. Training in the paper uses column 2 alone; sets of others hold
                          zeros elsewhere, so that only columns 0 to 3 are relied on here.
    robust_ferrari_canny  (n,) epsilon quality, mean over perturbed poses and friction; 0 where the gripper collides.
                          A grasp counts as robust where it is above 0.002 (Dex-Net 2.0, section IV).
    ferrari_canny, force_closure (both without perturbation), and in generated sets robust_force_closure, obj_masks,
    collision_free (0 or 1), obj_labels, pose_labels, image_labels (running numbers of object, stable pose and image).

The published archive has no obj_labels: it can be split by grasp only, not by object. The gripper opens 0.05 m in every
grasp of it. Our own folders keep to this and add what ``FIELDS`` lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CROP_PX = 32
POSE_COLUMNS = 7
POSITIVE_QUALITY = 0.002
KINDS = (
    "antipodal", "near miss", "random", "wrong depth", "wrong angle", "wrong width", "in the table", "on an edge",
    "on policy",
)  # fmt: skip
"""What the numbers in our ``grasp_kinds`` stand for; the last are a network's own proposals (``gqstn.mine``)."""
PUBLISHED_WIDTH_M = 0.05

_FARTHEST_M = 100.0  # beyond this depths are in another unit
_SHARE_SLACK = 1e-6


@dataclass(frozen=True)
class Field:
    """One attribute of a grasp.

    Attributes:
        attribute: its name in ``GraspTensors``.
        names: the file names without index; the first is written, all are read.
        dtype: what it is kept and written as.
        required: without it a folder is of no use.
    """

    attribute: str
    names: tuple[str, ...]
    dtype: type[np.generic]
    required: bool = False


FIELDS = (
    Field("hand_poses", ("hand_poses",), np.float32, True),
    Field("robust_ferrari_canny", ("robust_ferrari_canny",), np.float32, True),
    Field("width_m", ("widths_m",), np.float32),
    Field("object_label", ("obj_labels", "object_labels"), np.int64),
    Field("pose_label", ("pose_labels",), np.int64),
    Field("image_label", ("image_labels",), np.int64),
    Field("physical_success", ("physical_success",), np.float32),
    Field("collision_free", ("collision_free",), np.float32),
    Field("force_closure", ("force_closure",), np.float32),
    Field("kind", ("grasp_kinds",), np.int8),
    Field("family", ("families",), np.int16),
    Field("crops_m", ("depth_ims_tf_table",), np.float32, True),  # written last: it marks an index as complete
)
_SHARES = ("physical_success", "collision_free", "force_closure")


def as_rows(field: Field, array: NDArray[Any]) -> NDArray[Any]:
    """An array as found in a file, in the shape and type that ``GraspTensors`` holds: (n, 32, 32), (n, 7) or (n,).

    A narrower ``hand_poses`` is filled up with zeros, a wider one cut.

    Raises:
        ValueError: the shape or the type is another attribute's; the message says which.
    """
    whole = np.issubdtype(field.dtype, np.integer)
    if array.dtype.kind not in ("fiub" if whole or field.attribute in _SHARES else "f"):
        raise ValueError(f"has the type {array.dtype}, expected {'whole numbers' if whole else 'float32'}")
    if array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if field.attribute == "hand_poses":
        if array.ndim != 2 or array.shape[1] < 4:
            raise ValueError(f"has the shape {array.shape}, expected (n, {POSE_COLUMNS})")
        array = np.pad(array[:, :POSE_COLUMNS], ((0, 0), (0, max(0, POSE_COLUMNS - array.shape[1]))))
    expected = {"crops_m": (CROP_PX, CROP_PX), "hand_poses": (POSE_COLUMNS,)}.get(field.attribute, ())
    if array.ndim == 0 or array.shape[1:] != expected:
        wanted = ", ".join(["n", *map(str, expected)])
        raise ValueError(f"has the shape {array.shape}, expected ({wanted})")
    return _converted(field, array)


def problem(attribute: str, array: NDArray[Any]) -> str:
    """What is wrong with the numbers of one attribute, or nothing."""
    if len(array) == 0:
        return ""
    low, high = float(array.min()), float(array.max())  # both are NaN where any number is
    if not (np.isfinite(low) and np.isfinite(high)):
        return "holds numbers that are not finite"
    if attribute == "hand_poses":
        low, high = float(array[:, 2].min()), float(array[:, 2].max())
    if attribute in ("hand_poses", "crops_m") and max(-low, high) > _FARTHEST_M:
        return f"depths reach {high:g}, expected metres"
    if attribute in ("hand_poses", "width_m") and low <= 0:
        return f"{'depths' if attribute == 'hand_poses' else 'widths'} must be positive, the least is {low:g} m"
    if attribute in _SHARES and (low < -_SHARE_SLACK or high > 1.0 + _SHARE_SLACK):
        return f"shares must lie in [0, 1], found {low:g} to {high:g}"
    return ""


def _converted(field: Field, array: NDArray[Any]) -> NDArray[Any]:
    if not np.issubdtype(field.dtype, np.integer) or array.dtype.kind == "b":
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is found by ``problem``
            return array.astype(field.dtype, copy=False)
    with np.errstate(invalid="ignore"):
        converted = array.astype(field.dtype, copy=False)
    if not np.array_equal(converted, array):
        raise ValueError(f"holds numbers that are no {np.dtype(field.dtype)}")
    return converted
