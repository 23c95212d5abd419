"""Every number of a one-shot network's training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from robot.errors import SettingsError, did_you_mean


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs with one mix of losses and one learning rate.

    Attributes:
        epochs: how many.
        xi: share of the localisation loss; the rest is the robustness loss.
        rate: of Adam.
        forced: teacher forcing: every stage of the cascade is shown what the true grasp leads to.
    """

    epochs: int
    xi: float
    rate: float
    forced: bool


SCHEDULES: dict[str, tuple[Stage, ...]] = {
    # GQ-STN, section V: forty epochs, teacher forcing for the first twelve, early stopping in the last stage.
    "paper": (
        Stage(6, 1.0, 1e-3, True),
        Stage(3, 0.5, 2e-4, True),
        Stage(3, 0.2, 4e-5, True),
        Stage(9, 0.0, 4e-5, False),
        Stage(19, 0.0, 8e-6, False),
    ),
    # The same slide for small networks on a CPU: what they need less of epochs they make up for in rate.
    "short": (
        Stage(6, 1.0, 1e-3, True),
        Stage(2, 1.0, 3e-4, True),
        Stage(1, 0.5, 3e-4, True),
        Stage(1, 0.2, 2e-4, True),
        Stage(3, 0.0, 2e-4, False),
        Stage(1, 0.0, 5e-5, False),
    ),
    # A round on a repaired teacher.
    "round": (Stage(2, 0.0, 2e-4, False), Stage(1, 0.0, 5e-5, False)),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        stages: one after the other.
        batch: images a step.
        l2: on all weights (the paper's 1e-7).
        picks: a step's target is drawn among so many of the image's good grasps, the best by GQ-CNN; 0 takes any that
            lifted.
        places: see ``detectors.gqstn.losses.LossSettings``; counts where xi is 0.
        averaging: decay per step of the running mean of the weights that is judged and kept.
        patience: epochs of the last stage without a better validation before stopping (early stopping).
        seed: of everything drawn.
    """

    stages: tuple[Stage, ...]
    batch: int = 48
    l2: float = 1e-7
    picks: int = 4
    places: int = 2
    averaging: float = 0.998
    patience: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.stages or self.batch < 2:
            raise SettingsError("training needs at least one stage and two images a batch")

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> Stage:
        """The stage in which epoch ``epoch``, counted from 0, lies."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise ValueError("beyond the last epoch")

    def to_json(self) -> dict[str, Any]:
        """What decides the outcome; a training can only be resumed with the same."""
        return asdict(self) | {"stages": [asdict(stage) for stage in self.stages]}


def stages_of(name: str, *, robustness: bool = True, forcing: bool = True) -> tuple[Stage, ...]:
    """The schedule called ``name``; for ablations without the robustness loss or without teacher forcing.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in SCHEDULES:
        raise SettingsError(f"unknown schedule '{name}'", did_you_mean(name, SCHEDULES))
    return tuple(
        Stage(s.epochs, s.xi if robustness else 1.0, s.rate, (s.forced or not robustness) and forcing)
        for s in SCHEDULES[name]
    )
