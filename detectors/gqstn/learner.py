"""GQ-STN as the training loop sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from detectors.gqstn.losses import LossSettings, total_loss
from detectors.gqstn.network import GqStn
from detectors.oneshot.batches import Batch
from detectors.oneshot.grasp_batch import GraspBatch, Teacher
from detectors.oneshot.recipe import Stage
from detectors.oneshot.settings import FAR_PX


class GqStnLearner:
    """The cascade with both losses.

    Args:
        network: to be trained.
        teacher: a trained GQ-CNN, frozen.
        places: followed by the robustness loss once it is alone; see ``LossSettings``.
    """

    targets = 1

    def __init__(self, network: GqStn, teacher: Teacher, places: int) -> None:
        self.network, self._teacher, self._places = network, teacher, places

    def losses(self, batch: Batch, stage: Stage, dice: torch.Generator) -> dict[str, Tensor]:
        """See ``detectors.oneshot.training.Learner``."""
        places = self._places if stage.xi == 0 and self.network.config.head == "peaks" else 1
        return total_loss(self.network, batch, self._teacher, LossSettings(stage.xi, stage.forced, places), dice)

    def predict(self, batch: Batch) -> GraspBatch:
        """See ``detectors.oneshot.training.Learner``."""
        return self.network.cascade(batch.images, batch.views, (FAR_PX, FAR_PX)).grasps
