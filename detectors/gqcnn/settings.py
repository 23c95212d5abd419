"""Every number the sampling detector works with, in metres and radians."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from detectors.antipodal.settings import AntipodalSettings


@dataclass(frozen=True)
class RefinementSettings:
    """Cross-entropy refinement of a ranked sample; the spreads are standard deviations.

    Attributes:
        rounds: how often the elite is fitted and drawn from anew; 0 keeps the sample as it is.
        draws: new grasps a round.
        elite: how many of the best grasps so far are fitted.
        modes: at most so many separate places are followed.
        same_place_m, same_angle_rad: elite grasps nearer than this to a mode's best belong to it.
        least_across_m, least_angle_rad, least_height_m, least_play_m: spreads below which a fit is not trusted: one
            lucky grasp must not end the search.
    """

    rounds: int = 2
    draws: int = 32
    elite: int = 16
    modes: int = 4
    same_place_m: float = 0.015
    same_angle_rad: float = math.radians(30)
    least_across_m: float = 0.003
    least_angle_rad: float = math.radians(4)
    least_height_m: float = 0.003
    least_play_m: float = 0.001

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise ValueError(f"rounds must not be negative, got {self.rounds}")
        if min(self.draws, self.elite, self.modes) < 1:
            raise ValueError("draws, elite and modes must be at least 1")


@dataclass(frozen=True)
class GqcnnSettings:
    """How many grasps are sampled and how they are refined.

    Attributes:
        name: the detector's name.
        candidates: grasps drawn from the depth image and ranked by the network.
        geometry: what the gripper measures, what counts as an object, how edges are paired.
        geometric_share: share of the candidates whose depth and opening are the geometric ones; the others' are drawn.
        trust_geometry: whether pairs that the gripper's geometry finds better are drawn more often.
        refinement: what follows the first ranking.
        equal_within: grasps whose probability is this near to the best one's count as equal, and the gripper's geometry
            chooses among them; 0 leaves all to the network.
    """

    name: str = "gqcnn"
    candidates: int = 96
    geometry: AntipodalSettings = field(default_factory=lambda: AntipodalSettings(pairs=300))
    geometric_share: float = 0.5
    trust_geometry: bool = True
    refinement: RefinementSettings = field(default_factory=RefinementSettings)
    equal_within: float = 0.03

    def __post_init__(self) -> None:
        if self.candidates < 1:
            raise ValueError(f"candidates must be at least 1, got {self.candidates}")
        if self.equal_within < 0:
            raise ValueError(f"equal_within must not be negative, got {self.equal_within}")
        if not 0.0 <= self.geometric_share <= 1.0:
            raise ValueError(f"geometric_share must lie in [0, 1], got {self.geometric_share}")


def plain_settings() -> GqcnnSettings:
    """The paper's Prop+GQ-CNN: 1,000 antipodal samples, ranked once (section V); the reference for speed ratios."""
    return GqcnnSettings(
        name="gqcnn-1000",
        candidates=1000,
        geometry=AntipodalSettings(pairs=1000),
        trust_geometry=False,
        equal_within=0.0,
        refinement=RefinementSettings(rounds=0),
    )
