"""MultiGrasp as the training loop sees it."""

from __future__ import annotations

import torch
from torch import Tensor

from detectors.multigrasp.network import MultiGrasp
from detectors.oneshot.batches import Batch
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.recipe import Stage


class MultiGraspLearner:
    """Five good grasps drawn at random, as in the original; there is no robustness loss.

    Args:
        network: to be trained.
    """

    targets = 5

    def __init__(self, network: MultiGrasp) -> None:
        self.network = network

    def losses(self, batch: Batch, stage: Stage, dice: torch.Generator) -> dict[str, Tensor]:
        """See ``detectors.oneshot.training.Learner``."""
        raw = self.network.raw(batch.images, batch.views)
        offset, angle = batch.offset_in(batch.views), batch.angle_in(batch.views)
        return {"loss": self.network.loss(raw, offset, angle, batch.width_m, batch.height_m())}

    def predict(self, batch: Batch) -> GraspBatch:
        """See ``detectors.oneshot.training.Learner``."""
        raw = self.network.raw(batch.images, batch.views)
        return self.network.grasps(batch.images, batch.views, raw, self.network.best(raw, 1))
