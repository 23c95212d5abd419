"""Direct regression: x, y, angle, opening and height from the whole view at once (Redmon and Angelova, section III).

GQ-STN's section V puts a ResNet under it; here it is the same encoder as GQ-STN's, and the same view.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from detectors.oneshot.decoding import angle_loss, angle_of, grasps_at, shift_of, size_loss
from detectors.oneshot.detector import Looked
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.layers import Numbers, encoder
from detectors.oneshot.looking import Images, Views, see
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M

FIELD_M = FAR_PX * FAR_STEP_M
_OUTPUTS = 6  # x, y, alpha, beta, w_s, w_z
_SHIFT_WEIGHT = 20.0


@dataclass(frozen=True)
class DirectGraspConfig:
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


class DirectGrasp(nn.Module):
    """One network, six numbers.

    Attributes:
        any_size: False: the view is always 128 x 128.
        parameter_count: how many numbers are learnt; folding a normalisation into its layer does not change it.
    """

    any_size = False

    def __init__(self, config: DirectGraspConfig) -> None:
        super().__init__()
        self.config = config
        self.numbers = Numbers(encoder(config.backbone), FAR_PX, _OUTPUTS)
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def raw(self, images: Images, views: Views) -> Tensor:
        """(B, 6) for one view (B, 1) an image."""
        out: Tensor = self.numbers(see(images, views, (FAR_PX, FAR_PX), FAR_STEP_M))
        return out

    def grasps(self, images: Images, views: Views, raw: Tensor) -> GraspBatch:
        """(B, 1) what raw outputs stand for."""
        moved = views.moved(images, (shift_of(raw[:, :2]) * FIELD_M)[:, None])
        turned = moved.turned(angle_of(raw[:, 2:4])[:, None])
        return grasps_at(images, turned, raw[:, None, 4:], self.config.gamma_m)

    def loss(self, raw: Tensor, offset_m: Tensor, angle_rad: Tensor, width_m: Tensor, height_m: Tensor) -> Tensor:
        """Mean L2 of raw outputs (B, 6) to one target grasp an image: (B, 2) and (B,)."""
        shift = (shift_of(raw[:, :2]) - offset_m / FIELD_M).square().sum(dim=-1)
        size = size_loss(raw[:, 4:], width_m, height_m, self.config.gamma_m)
        return (_SHIFT_WEIGHT * shift + angle_loss(raw[:, 2:4], angle_rad) + size).mean()

    def propose(self, looked: Looked, count: int) -> GraspBatch:
        """See ``detectors.oneshot.detector.OneShotNetwork``; never more than one."""
        return self.grasps(looked.images, looked.views, self.numbers(looked.far))
