"""The twelve ways a trial can end, and how they are told to a reader."""

from __future__ import annotations

from enum import StrEnum

from trials.criteria import CRITERIA, Criterion


class Outcome(StrEnum):
    """Every planned trial ends in exactly one of these; every one counts."""

    SUCCESS = "success"
    EMPTY = "empty"
    SLIPPED = "slipped"
    NO_GRASP = "no_grasp"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"
    PROTECTIVE_STOP = "protective_stop"
    ARM_FAULT = "arm_fault"
    GRIPPER_FAULT = "gripper_fault"
    CAMERA_FAULT = "camera_fault"
    DETECTOR_FAULT = "detector_fault"
    OPERATOR_ABORT = "operator_abort"

    @property
    def words(self) -> str:
        """The name as it is printed, for example ``no grasp``."""
        return self.value.replace("_", " ")

    @property
    def code(self) -> str:
        """One character that stands for the outcome where there is no room for the name."""
        return "✓" if self is Outcome.SUCCESS else self.value[0].upper()

    @property
    def family(self) -> str:
        """``success``, ``grasp`` (the jaws closed in vain), ``plan`` (they never closed) or ``fault``."""
        return _FAMILIES.get(self, "fault")

    def meaning(self, criterion: Criterion) -> str:
        """The definition, in one sentence, where ``criterion`` says what counts as success."""
        if self is Outcome.SUCCESS:
            return CRITERIA[criterion].success
        return CRITERIA[criterion].slipped if self is Outcome.SLIPPED else _MEANINGS[self]


_FAMILIES = {
    Outcome.SUCCESS: "success",
    Outcome.EMPTY: "grasp",
    Outcome.SLIPPED: "grasp",
    Outcome.NO_GRASP: "plan",
    Outcome.UNREACHABLE: "plan",
    Outcome.BLOCKED: "plan",
}

_MEANINGS = {
    Outcome.EMPTY: "The jaws closed and held nothing.",
    Outcome.NO_GRASP: "Neither the detector nor the fallback proposed a grasp that could be used.",
    Outcome.UNREACHABLE: "The arm cannot reach the grasp within its joint limits and its workspace.",
    Outcome.BLOCKED: "Every way to the grasp would collide, or the hand met something on its way down.",
    Outcome.PROTECTIVE_STOP: "The robot controller stopped the arm to protect it or its surroundings.",
    Outcome.ARM_FAULT: "The arm or the link to it failed.",
    Outcome.GRIPPER_FAULT: "The gripper reported a fault or did not answer.",
    Outcome.CAMERA_FAULT: "No fresh, usable frame came from the camera.",
    Outcome.DETECTOR_FAULT: "The detector raised an error, answered nonsense, or did not answer by its deadline.",
    Outcome.OPERATOR_ABORT: "The operator ended the trial.",
}
