"""What the network sees of a grasp: crop, rotation and normalisation, in this one place for data, training and use.

As in Dex-Net 2.0 (section III-B of the GQ-STN paper) each grasp becomes a 32 x 32 depth image, centred on the grasp
and turned so that the closing direction runs along the columns. Two things differ: the window grows with the jaws'
opening, so that both fingers and the room beside them are always seen, and depth is taken relative to the grasp point,
so that the network need not learn to subtract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.gqcnn.grasp_arrays import GraspArrays
from robot.frame import Intrinsics

if TYPE_CHECKING:
    import torch

Float = NDArray[np.float32]

CROP_PX = 32
WINDOW_PER_WIDTH, WINDOW_MARGIN_M = 1.0, 0.060  # both fingers, 21 mm of room behind each, and what lies beside them

_FINE_PX = 2 * CROP_PX  # sampled twice as finely and averaged: half the noise, no aliasing
_DEPTH_UNIT_M, _DEPTH_LIMIT = 0.02, 4.0
_POSE_CENTRE_M, _POSE_UNIT_M, _POSE_LIMIT = (0.65, 0.055), (0.10, 0.020), 3.0  # depth, width


def window_m(width_m: Any) -> Any:
    """Side of the square window, at the grasp's depth, that a crop shows [m]; numpy arrays or torch tensors alike."""
    return WINDOW_PER_WIDTH * width_m + WINDOW_MARGIN_M


def crop_depths(depth_m: NDArray[np.floating], intrinsics: Intrinsics, grasps: GraspArrays) -> Float:
    """Cut the window around every grasp out of a depth image.

    The window's centre is the grasp's (u, v); its columns run along the closing direction and its rows a quarter turn
    further from +u towards +v. Beyond the image's edge the outermost depth goes on.

    Args:
        depth_m: (H, W) depth without holes [m]; see ``detectors.inpainting.fill_holes``.
        intrinsics: of ``depth_m``.
        grasps: N image grasps.

    Returns:
        (N, 32, 32) float32 depth along the optical axis [m].
    """
    image = np.ascontiguousarray(depth_m, dtype=np.float32)
    fine = np.empty((len(grasps), _FINE_PX, _FINE_PX), dtype=np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for matrix, crop in zip(_crop_to_image(intrinsics, grasps), fine, strict=True):
        cv2.warpAffine(image, matrix, (_FINE_PX, _FINE_PX), dst=crop, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if len(fine) == 0:
        return np.empty((0, CROP_PX, CROP_PX), dtype=np.float32)
    rows = cv2.resize(fine.reshape(-1, _FINE_PX), (CROP_PX, len(fine) * CROP_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(rows, dtype=np.float32).reshape(-1, CROP_PX, CROP_PX)


def _crop_to_image(intrinsics: Intrinsics, grasps: GraspArrays) -> NDArray[np.float64]:
    """(N, 2, 3) maps from (column, row) of the fine crop to (u, v) of the image."""
    step_m = window_m(grasps.width_m) / _FINE_PX
    c, s = np.cos(grasps.angle_rad) * step_m, np.sin(grasps.angle_rad) * step_m
    linear = np.stack([np.stack([c, -s], axis=-1), np.stack([s, c], axis=-1)], axis=-2)
    linear = linear * (np.array([intrinsics.fx, intrinsics.fy])[:, None] / grasps.depth_m[:, None, None])
    middle = np.full(2, (_FINE_PX - 1) / 2)
    centre = np.stack([grasps.u, grasps.v], axis=-1)
    return np.concatenate([linear, (centre - linear @ middle)[..., None]], axis=-1)


@overload
def network_input(
    crops_m: Float, depth_m: NDArray[np.floating], width_m: NDArray[np.floating]
) -> tuple[Float, Float]: ...


@overload
def network_input(
    crops_m: torch.Tensor, depth_m: torch.Tensor, width_m: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]: ...


def network_input(crops_m, depth_m, width_m):  # type: ignore[no-untyped-def]
    """Normalise crops and poses; numpy arrays give numpy arrays, torch tensors give tensors that carry gradients.

    Args:
        crops_m: (N, 32, 32) absolute depth [m].
        depth_m: (N,) depth of the grasp points [m].
        width_m: (N,) openings [m].

    Returns:
        images: (N, 1, 32, 32) as from ``normalise_heights``.
        poses: (N, 2) as from ``normalise_pose``.
    """
    if isinstance(crops_m, np.ndarray):  # depths in float64 would double the work on the crops
        depth_m, width_m = (np.asarray(column, dtype=np.float32) for column in (depth_m, width_m))
    return normalise_heights(depth_m[:, None, None] - crops_m), normalise_pose(depth_m, width_m)


def normalise_heights(heights_m: Any) -> Any:
    """(N, 32, 32) heights above the grasp point, towards the camera positive [m] -> (N, 1, 32, 32) in 2 cm, within +-4.

    Takes and gives numpy arrays or torch tensors alike.
    """
    return (heights_m * (1 / _DEPTH_UNIT_M)).clip(-_DEPTH_LIMIT, _DEPTH_LIMIT)[:, None]


def normalise_pose(depth_m: Any, width_m: Any) -> Any:
    """(N,) depths and openings [m] -> (N, 2) normalised, within +-3; numpy arrays or torch tensors alike."""
    columns = [
        ((value - centre) / unit).clip(-_POSE_LIMIT, _POSE_LIMIT)
        for value, centre, unit in zip((depth_m, width_m), _POSE_CENTRE_M, _POSE_UNIT_M, strict=True)
    ]
    if isinstance(columns[0], np.ndarray):
        return np.stack(columns, axis=-1)
    import torch

    return torch.stack(columns, dim=-1)


def normalisation() -> dict[str, float | list[float]]:
    """The constants above, to be stored beside weights: a network works only with those it has learnt on."""
    return {
        "crop_px": CROP_PX,
        "window_per_width": WINDOW_PER_WIDTH,
        "window_margin_m": WINDOW_MARGIN_M,
        "depth_unit_m": _DEPTH_UNIT_M,
        "depth_limit": _DEPTH_LIMIT,
        "pose_centre_m": list(_POSE_CENTRE_M),
        "pose_unit_m": list(_POSE_UNIT_M),
        "pose_limit": _POSE_LIMIT,
    }
