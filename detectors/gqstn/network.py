"""The cascade STN_trans -> STN_rot -> STN_scale (GQ-STN, section IV and figure 3), each stage a view one can look at.

The first view shows the table about the workspace, the second is moved to the grasp's centre, the third turned to its
angle; the fourth is GQ-CNN's 32 x 32 crop at its opening. Each is sampled from the full-resolution image through the
composed transform (``detectors.oneshot.looking``), and everything is differentiable, so that GQ-CNN's word on the
fourth can be climbed down to the first stage's weights.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from detectors.gqstn.heads import (
    Head,
    PaperRotation,
    PaperTranslation,
    PeakRotation,
    PeakTranslation,
)
from detectors.oneshot.decoding import grasps_at, window_of
from detectors.oneshot.detector import Looked
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.layers import Numbers, encoder
from detectors.oneshot.looking import Images, Views, see
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M
from robot.errors import SettingsError

NEAR_PX, NEAR_STEP_M = 64, 0.0024
"""The second and third view: 154 mm, in which both open jaws fit at any angle."""

_NOT_HERE = -1e4

HeadKind = Literal["peaks", "paper"]


@dataclass(frozen=True)
class GqStnConfig:
    """What is needed to build the network.

    Attributes:
        backbone: of the localisation networks, see ``detectors.oneshot.layers``; the paper's is resnet34.
        head: "peaks" or the paper's regression; see ``detectors.gqstn.heads``.
        gamma_m: mean window of the training grasps [m].
    """

    backbone: str = "small"
    head: HeadKind = "peaks"
    gamma_m: float = 0.115

    def __post_init__(self) -> None:
        if self.head not in ("peaks", "paper"):
            raise SettingsError(f"unknown head '{self.head}'", "there are: peaks, paper")

    def to_json(self) -> dict[str, Any]:
        """Everything, for the weights' metadata."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Cascade:
    """What the three stages did with K places in each of B images.

    Attributes:
        far, near, turned: what each stage was shown: (B, 1, rows, columns), (B, K, 64, 64) twice.
        views: where the third stage's views lie: centred on the grasps and turned to them.
        log_weight: (B, K) the first two stages' logits of the places chosen.
        grasps: (B, K) the answer.
        raw_window_m: (B, K) the window before it was held to what the gripper has [m].
    """

    far: Tensor
    near: Tensor
    turned: Tensor
    views: Views
    log_weight: Tensor
    grasps: GraspBatch
    raw_window_m: Tensor

    def place(self, k: int) -> Cascade:
        """What was done with the ``k``-th place alone."""
        one = slice(k, k + 1)
        g, views = self.grasps, self.views
        return Cascade(
            self.far, self.near[:, one], self.turned[:, one],
            Views(views.centre_px[:, one], views.turn[:, one], views.distance_m[:, one]),
            self.log_weight[:, one],
            GraspBatch(g.pixels[:, one], g.depth_m[:, one], g.angle_rad[:, one], g.width_m[:, one]),
            self.raw_window_m[:, one],
        )  # fmt: skip


class GqStn(nn.Module):
    """Three localisation networks and the views between them.

    Attributes:
        any_size: whether the first view may be of any size.
        parameter_count: how many numbers are learnt; folding a normalisation into its layer does not change it.
    """

    def __init__(self, config: GqStnConfig) -> None:
        super().__init__()
        self.config = config
        name = config.backbone
        self.translation: Head
        self.rotation: Head
        if config.head == "paper":
            self.translation, self.rotation = PaperTranslation(name, FAR_STEP_M, FAR_PX), PaperRotation(name, NEAR_PX)
        else:
            self.translation, self.rotation = PeakTranslation(name, FAR_STEP_M, FAR_PX), PeakRotation(name, NEAR_PX)
        self.scaling = Numbers(encoder(name), NEAR_PX, 2)
        self.any_size = config.head == "peaks"
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def locate(self, images: Images, views: Views, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The first stage on one view (B, 1) an image: what it is shown and its raw output."""
        far = see(images, views, shape, FAR_STEP_M)
        return far, self.translation(_last(far))

    def near(self, images: Images, views: Views) -> tuple[Tensor, Tensor]:
        """The second stage: what it is shown (B, K, 64, 64) and its raw output (B K, ...)."""
        shown = see(images, views, (NEAR_PX, NEAR_PX), NEAR_STEP_M)
        return shown, self.rotation(_last(shown.reshape(-1, 1, NEAR_PX, NEAR_PX)))

    def size(self, images: Images, views: Views) -> tuple[Tensor, Tensor]:
        """The third stage: what it is shown (B, K, 64, 64) and its raw output (B K, 2)."""
        shown = see(images, views, (NEAR_PX, NEAR_PX), NEAR_STEP_M)
        return shown, self.scaling(_last(shown.reshape(-1, 1, NEAR_PX, NEAR_PX)))

    def grasp(self, images: Images, views: Views, raw: Tensor) -> tuple[GraspBatch, Tensor]:
        """The grasps (B, K) at the middles of turned views, and the raw windows (B, K) [m]."""
        raw = raw.reshape(*views.distance_m.shape, 2)
        gamma = self.config.gamma_m
        return grasps_at(images, views, raw, gamma), window_of(raw, gamma)

    def cascade(
        self,
        images: Images,
        views: Views,
        shape: tuple[int, int],
        count: int = 1,
        dice: torch.Generator | None = None,
    ) -> Cascade:
        """All three stages, each where the one before has led.

        Args:
            images: B images.
            views: (B, 1) where the first stage looks.
            shape: rows and columns of its view.
            count: K places that are followed: the best, or drawn by their weight where there is dice.
            dice: draws places and angles.
        """
        far, raw = self.locate(images, views, shape)
        choice, weight = self.translation.draw(raw, count, dice)
        return self.follow(images, views, far, self.translation.value(raw, choice), weight, dice)

    def follow(
        self, images: Images, views: Views, far: Tensor, offset_m: Tensor, weight: Tensor,
        dice: torch.Generator | None = None,
    ) -> Cascade:  # fmt: skip
        """The second and third stage at ``offset_m`` (B, K, 2) from the middle of the first view [m]."""
        moved = views.moved(images, offset_m)
        near, raw = self.near(images, moved)
        choice, angle_weight = self.rotation.draw(raw, 1, dice)
        turned = moved.turned(self.rotation.value(raw, choice).reshape(weight.shape))
        shown, raw = self.size(images, turned)
        grasps, window = self.grasp(images, turned, raw)
        return Cascade(far, near, shown, turned, weight + angle_weight.reshape(weight.shape), grasps, window)

    def propose(self, looked: Looked, count: int) -> GraspBatch:
        """See ``detectors.oneshot.detector.OneShotNetwork``."""
        return self.stages(looked, count).grasps

    def stages(self, looked: Looked, count: int, dice: torch.Generator | None = None) -> Cascade:
        """The cascade on one image, only where a grasp may be; the best places, or drawn where there is dice."""
        raw = self.translation(_last(looked.far))
        if self.any_size:
            raw = raw.masked_fill(~torch.from_numpy(looked.allowed)[None], _NOT_HERE)
        choice, weight = self.translation.draw(raw, count, dice)
        offset = self.translation.value(raw, choice)
        return self.follow(looked.images, looked.views, looked.far, offset, weight, dice)


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
