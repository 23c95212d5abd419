"""DirectGrasp as the training loop sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from detectors.directgrasp.network import DirectGrasp
from detectors.oneshot.batches import Batch
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.recipe import Stage


class DirectGraspLearner:
    """Regression to a good grasp drawn at random; there is no robustness loss.

    Args:
        network: to be trained.
    """

    targets = 1

    def __init__(self, network: DirectGrasp) -> None:
        self.network = network

    def losses(self, batch: Batch, stage: Stage, dice: torch.Generator) -> dict[str, Tensor]:
        """See ``detectors.oneshot.training.Learner``."""
        raw = self.network.raw(batch.images, batch.views)
        offset, angle = batch.offset_in(batch.views)[:, 0], batch.angle_in(batch.views)[:, 0]
        return {"loss": self.network.loss(raw, offset, angle, batch.width_m[:, 0], batch.height_m()[:, 0])}

    def predict(self, batch: Batch) -> GraspBatch:
        """See ``detectors.oneshot.training.Learner``."""
        return self.network.grasps(batch.images, batch.views, self.network.raw(batch.images, batch.views))
