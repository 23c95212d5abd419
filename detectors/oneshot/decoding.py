"""What the raw outputs of a localisation network stand for (GQ-STN, section IV-B), and how far they miss a target.

The paper prints sine and cosine of twice the angle as sigmoids, with which only directions between 0 and 45 degrees
could be reached; 2 sigmoid - 1 reaches all. Its w = s / 3 becomes w = s - 60 mm, for so GQ-CNN's window is defined
here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from detectors.gqcnn.crop import WINDOW_MARGIN_M, window_m
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.looking import Images, Views
from robot.gripper_geometry import STROKE_M

NARROWEST_M = 0.006
HEIGHT_MEAN_M, HEIGHT_UNIT_M = 0.025, 0.020
_LOG_LIMIT = 2.0


def shift_of(raw: Tensor) -> Tensor:
    """(..., 2) raw -> x, y = sigmoid(w) - 0.5, in sides of the view."""
    return torch.sigmoid(raw) - 0.5


def angle_of(raw: Tensor) -> Tensor:
    """(..., 2) raw alpha and beta -> (...) theta = atan2(alpha, beta) / 2 [rad]."""
    alpha, beta = (2 * torch.sigmoid(raw) - 1).unbind(dim=-1)
    return torch.atan2(alpha, beta) / 2


def window_of(raw: Tensor, gamma_m: float) -> Tensor:
    """(..., 2) raw w_s, w_z -> (...) side of the window that GQ-CNN is shown, s = gamma e^w_s [m]."""
    return gamma_m * torch.exp(raw[..., 0].clamp(-_LOG_LIMIT, _LOG_LIMIT))


def height_of(raw: Tensor) -> Tensor:
    """(..., 2) raw w_s, w_z -> (...) height of the grasp point above the table, linear in w_z [m]."""
    return HEIGHT_MEAN_M + HEIGHT_UNIT_M * raw[..., 1]


def grasps_at(images: Images, views: Views, raw: Tensor, gamma_m: float) -> GraspBatch:
    """The grasps (B, K) at the middles of turned views, by raw (B, K, 2) w_s, w_z."""
    depth = images.depth_at(views.centre_px, height_of(raw))
    width = _within_stroke(window_of(raw, gamma_m) - WINDOW_MARGIN_M)
    return GraspBatch(views.centre_px, depth, views.angle_rad.expand_as(depth), width)


def angle_loss(raw: Tensor, target_rad: Tensor) -> Tensor:
    """(..., 2) raw -> (...) L2 of sine and cosine of twice the angle."""
    wanted = torch.stack([torch.sin(2 * target_rad), torch.cos(2 * target_rad)], dim=-1)
    return (2 * torch.sigmoid(raw) - 1 - wanted).square().sum(dim=-1)


def size_loss(raw: Tensor, width_m: Tensor, height_m: Tensor, gamma_m: float) -> Tensor:
    """(..., 2) raw -> (...) L2 of w_s and w_z."""
    s = torch.log(window_m(width_m) / gamma_m)
    z = (height_m - HEIGHT_MEAN_M) / HEIGHT_UNIT_M
    return (raw[..., 0] - s).square() + (raw[..., 1] - z).square()


def _within_stroke(width_m: Tensor) -> Tensor:
    """Openings that the gripper has; the gradient passes as if there were no bounds."""
    return width_m + (width_m.clamp(NARROWEST_M, STROKE_M) - width_m).detach()
