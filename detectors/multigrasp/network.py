"""A grid over the view, every cell with a grasp and the probability that it is one (Redmon and Angelova, section III).

GQ-STN's section V puts a ResNet under it; here it is the same encoder as GQ-STN's, and the same view, which gives
8 x 8 cells (theirs: 7 x 7). The most probable cell's grasp is the answer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from detectors.oneshot.decoding import angle_loss, angle_of, grasps_at, shift_of, size_loss
from detectors.oneshot.detector import Looked
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.layers import STRIDE, conv, encoder
from detectors.oneshot.looking import Images, Views, see
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M

CELL_M = STRIDE * FAR_STEP_M
_OUTPUTS = 7  # probability, x, y, alpha, beta, w_s, w_z
_NOT_HERE = -1e4


@dataclass(frozen=True)
class MultiGraspConfig:
    """What is needed to build the network.

    Attributes:
        backbone: see ``detectors.oneshot.layers``.
        gamma_m: mean window of the training grasps [m].
    """

    backbone: str = "small"
    gamma_m: float = 0.115

    def to_json(self) -> dict[str, Any]:
        """Everything, for the weights' metadata."""
        return asdict(self)


class MultiGrasp(nn.Module):
    """One network, seven numbers a cell.

    Attributes:
        any_size: True: the grid is as large as the view.
        parameter_count: how many numbers are learnt; folding a normalisation into its layer does not change it.
    """

    any_size = True

    def __init__(self, config: MultiGraspConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder(config.backbone)
        width = self.encoder.widths[-1]
        self.out = nn.Sequential(*conv(width, width), nn.Conv2d(width, _OUTPUTS, 1))
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def raw(self, images: Images, views: Views) -> Tensor:
        """(B, rows, columns, 7) for one 128 x 128 view (B, 1) an image."""
        return self.cells(see(images, views, (FAR_PX, FAR_PX), FAR_STEP_M))

    def cells(self, far: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, H / 16, W / 16, 7)."""
        out: Tensor = self.out(self.encoder(far)[-1])
        return out.permute(0, 2, 3, 1)

    def best(self, raw: Tensor, count: int) -> Tensor:
        """(B, K) the most probable cells."""
        score = raw[..., 0].flatten(1)
        return score.topk(min(count, score.shape[1]), dim=1).indices

    def grasps(self, images: Images, views: Views, raw: Tensor, cell: Tensor) -> GraspBatch:
        """(B, K) what the cells (B, K) stand for."""
        rows, columns = raw.shape[1:3]
        numbers = raw.flatten(1, 2).gather(1, cell[..., None].expand(-1, -1, _OUTPUTS))
        x, y = cell % columns - (columns - 1) / 2, cell // columns - (rows - 1) / 2
        middle = torch.stack([x, y], dim=-1)
        moved = views.moved(images, (middle + shift_of(numbers[..., 1:3])) * CELL_M)
        turned = moved.turned(angle_of(numbers[..., 3:5]))
        return grasps_at(images, turned, numbers[..., 5:], self.config.gamma_m)

    def loss(self, raw: Tensor, offset_m: Tensor, angle_rad: Tensor, width_m: Tensor, height_m: Tensor) -> Tensor:
        """Mean loss for T targets an image, (B, T, 2) and (B, T).

        Every cell is asked for its probability, 1 where a target lies in it; those that hold one also for its numbers.
        Targets beyond the view are nobody's.
        """
        rows, columns = raw.shape[1:3]
        x = offset_m[..., 0] / CELL_M + (columns - 1) / 2
        y = offset_m[..., 1] / CELL_M + (rows - 1) / 2
        column, row = x.round().clamp(0, columns - 1), y.round().clamp(0, rows - 1)
        seen = (((x - column).abs() <= 0.5) & ((y - row).abs() <= 0.5)).to(raw.dtype)
        cell = (row * columns + column).long()
        wanted = torch.zeros_like(raw[..., 0]).flatten(1).scatter_reduce(1, cell, seen, "amax")
        probable = (torch.sigmoid(raw[..., 0]).flatten(1) - wanted).square().sum(dim=1)
        numbers = raw.flatten(1, 2).gather(1, cell[..., None].expand(-1, -1, _OUTPUTS))
        shift = shift_of(numbers[..., 1:3]) - torch.stack([x - column, y - row], dim=-1)
        grasp = shift.square().sum(dim=-1) + angle_loss(numbers[..., 3:5], angle_rad)
        grasp = grasp + size_loss(numbers[..., 5:], width_m, height_m, self.config.gamma_m)
        return (probable + (grasp * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)).mean()

    def propose(self, looked: Looked, count: int) -> GraspBatch:
        """See ``detectors.oneshot.detector.OneShotNetwork``; only cells in which a grasp may lie."""
        raw = self.cells(looked.far)
        allowed = adaptive_max_pool2d(torch.from_numpy(looked.allowed)[None].float(), tuple(raw.shape[1:3]))[0] > 0
        raw = raw.clone()
        raw[..., 0] = raw[..., 0].masked_fill(~allowed[None], _NOT_HERE)
        return self.grasps(looked.images, looked.views, raw, self.best(raw, count))
