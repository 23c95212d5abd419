"""Every number of the training recipe."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from detectors.gqcnn.augmentation import Augmentation
from detectors.gqcnn.network import NetworkConfig
from robot.errors import SettingsError

_USUAL_BATCH, _USUAL_RATE = 256, 1e-3
_CAREFUL_RATE = 0.3  # without batch normalisation the network of Dex-Net 2.0 does not stand the usual rate


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Attributes:
        network: what is trained.
        epochs: passes over the training grasps.
        batch: grasps a step.
        rate: highest learning rate; None takes 1e-3 for 256 grasps a step and its root for more (less for dexnet2).
        warm_up: share of the steps in which the rate rises; in the rest it falls along a cosine (one cycle).
        weight_decay: of AdamW.
        averaging: decay per step of the running mean of the weights that is judged and kept; 0 keeps the last.
        patience: epochs without a better validation AUC before stopping; 0 never stops early.
        augmentation: what is changed in the crops.
        calibrate: what the probabilities are made to mean on the validation grasps: that most lifts succeed ("truth",
            as the network is judged), or the share of lifts that succeed ("share").
        seed: of everything drawn.
        bfloat16: compute in this precision: faster on a GPU, and on a CPU that has it in hardware (AVX512-BF16).
        max_minutes: stop before this and keep the best; None never does.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    epochs: int = 12
    batch: int = _USUAL_BATCH
    rate: float | None = None
    warm_up: float = 0.2
    weight_decay: float = 0.01
    averaging: float = 0.998
    patience: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    calibrate: Literal["truth", "share"] = "truth"
    seed: int = 0
    bfloat16: bool = False
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2:
            raise SettingsError("training needs at least one epoch and two grasps a batch")
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise SettingsError(f"--max-minutes must be positive, got {self.max_minutes}")

    @property
    def top_rate(self) -> float:
        """The highest learning rate."""
        if self.rate is not None:
            return self.rate
        careful = _CAREFUL_RATE if self.network.architecture == "dexnet2" else 1.0
        return careful * _USUAL_RATE * math.sqrt(self.batch / _USUAL_BATCH)

    def rate_at(self, progress: float) -> float:
        """Learning rate after the share ``progress`` of all steps: one cycle."""
        low = self.top_rate / 25
        if progress < self.warm_up:
            return low + (self.top_rate - low) * progress / self.warm_up
        falling = (progress - self.warm_up) / max(1.0 - self.warm_up, 1e-9)
        return self.top_rate * max(0.5 * (1 + math.cos(math.pi * min(falling, 1.0))), 1e-4)

    def recipe(self) -> dict[str, Any]:
        """What decides the outcome; a training can only be resumed with the same."""
        return {name: value for name, value in asdict(self).items() if name != "max_minutes"}
