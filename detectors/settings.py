"""What a cell file says about detection, whoever detects."""

from __future__ import annotations

from dataclasses import dataclass

_ROBUST = 0.5  # detectors.gqcnn.metric.ROBUST_THRESHOLD, whose module is too heavy for reading a cell file


@dataclass(frozen=True, kw_only=True)
class DetectionSettings:
    """How long a detector may take, and how bad a grasp may be.

    The floor is a probability by the GQ-CNN metric. An attempt that fails costs time and may push the object about, but
    loses nothing in the rate, where a trial without an attempt counts as not successful too: so the floor stands where
    hardly any lift holds, far below the robust threshold of 0.5. Of the held-out grasps to which the shipped network
    gives about 0.1, 7 % lift; of those about 0.17, 10 %; of those about 0.3, 26 % (its card, calibration).

    Attributes:
        deadline_s: a detector that has not answered by then ends its trial as ``detector_fault``.
        floor: where there is a fallback, an answer whose top grasp has a lower probability is not executed; 0 for none.
            Without a fallback the detector's grasp is executed whatever its probability, as in the paper's benchmark.
    """

    deadline_s: float = 10.0
    floor: float = 0.1

    def __post_init__(self) -> None:
        if self.deadline_s <= 0:
            raise ValueError(f"deadline_s must be positive, got {self.deadline_s}")
        if not 0.0 <= self.floor < _ROBUST:
            raise ValueError(f"floor must be at least 0 and below {_ROBUST}, where grasps are robust, got {self.floor}")
