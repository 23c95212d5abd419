"""Grasps as tensors that carry gradients, and GQ-CNN's word on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from detectors.gqcnn.crop import normalise_heights, normalise_pose
from detectors.oneshot.looking import Images, grasp_heights


@dataclass(frozen=True, eq=False)
class GraspBatch:
    """K grasps in each of B images.

    Attributes:
        pixels: (B, K, 2) centres (u, v).
        depth_m, angle_rad, width_m: (B, K) as in ``detectors.grasp.Grasp``.
    """

    pixels: Tensor
    depth_m: Tensor
    angle_rad: Tensor
    width_m: Tensor


class Teacher(Protocol):
    """A trained GQ-CNN, frozen."""

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        """(N, 1, 32, 32) and (N, 2) normalised inputs -> (N,) log odds of success."""
        ...


def robustness(teacher: Teacher, images: Images, grasps: GraspBatch) -> Tensor:
    """(B, K) log odds, by GQ-CNN, that the grasps hold."""
    heights = grasp_heights(images, grasps.pixels, grasps.depth_m, grasps.angle_rad, grasps.width_m)
    side = heights.shape[-1]
    poses = normalise_pose(grasps.depth_m.flatten(), grasps.width_m.flatten())
    logit = teacher.success_logit(normalise_heights(heights.reshape(-1, side, side)), poses)
    return logit.reshape(grasps.depth_m.shape)


def shaken(grasps: GraspBatch, images: Images, dice: torch.Generator, metres: float, radians: float) -> GraspBatch:
    """The grasps a little off, as a real arm leaves them: climbing GQ-CNN then climbs its mean about the grasp."""
    fx = images.camera[:, None, 0]
    moved = torch.randn(grasps.pixels.shape, generator=dice, device=fx.device) * metres
    turned = torch.randn(grasps.angle_rad.shape, generator=dice, device=fx.device) * radians
    pixels = grasps.pixels + moved * (fx / grasps.depth_m.detach())[..., None]
    return GraspBatch(pixels, grasps.depth_m, grasps.angle_rad + turned, grasps.width_m)
