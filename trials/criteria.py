"""What counts as success, in the words that everybody is told: the operator, the ledger, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Criterion = Literal["held_after_shake", "put_back"]


@dataclass(frozen=True, kw_only=True)
class CriterionWords:
    """One criterion in words.

    Attributes:
        success, slipped: what these two outcomes mean under it; whole sentences.
        short: success in a few words.
        question: what the operator is asked about a trial.
        believed, doubted: what the cell believes of a trial, told with that question.
        reason: why the cell calls a trial a success.
        lost: why it calls one slipped.
        measured_by: what the cell's own judgement rests on; goes on a sentence.
        cycle: what a trial's time holds; a whole sentence.
    """

    success: str
    slipped: str
    short: str
    question: str
    believed: str
    doubted: str
    reason: str
    lost: str
    measured_by: str
    cycle: str


CRITERIA: Mapping[Criterion, CriterionWords] = MappingProxyType(
    {
        "held_after_shake": CriterionWords(
            success="The object was lifted and was still held after the lift and a short shake.",
            slipped="The object was held and then lost, during the lift or the shake.",
            short="held after the lift and a short shake",
            question="Is the object lifted and held?",
            believed="held",
            doubted="not held",
            reason="held after the lift and the shake",
            lost="lost during the lift or the shake",
            measured_by="the gripper's position, its object-detected flag and a second look with the camera",
            cycle="Putting the object back is not part of it.",
        ),
        "put_back": CriterionWords(
            success="The object was lifted, moved away and put back on the gripping area without being dropped on the "
            "way.",
            slipped="The object was held and then lost before it was set down on purpose, or it did not stay on the "
            "gripping area.",
            short="lifted, moved away and put back without a drop",
            question="Was the object lifted, moved away and put back on the gripping area without being dropped?",
            believed="put back",
            doubted="not put back",
            reason="lifted, moved away and put back",
            lost="lost while it was lifted or moved away",
            measured_by="what the gripper feels up to the release, a look at the table while the object is away from "
            "it, and a look at what stands there afterwards",
            cycle="Putting the object back is part of it.",
        ),
    }
)
