"""One line of the ledger: what happened in one trial. The field names are public."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from trials.outcomes import Outcome

GRASP_FIELDS = ("u", "v", "angle_rad", "width_m", "depth_m", "quality")
_ADDED_LATER = ("judge_ms", "fallback_reason", "executed")  # a line without them is of an older run


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """What happened in one trial.

    Attributes:
        trial: number in the schedule, from 1.
        object: name of the object.
        pose_seed: seed of the object's placement.
        detector: name of the detector that was asked first.
        outcome: how the trial ended, in the cell's own judgement.
        success: the cell's own judgement; true exactly when ``outcome`` is ``success``.
        referee_success: the operator's word, or the physics' in a dry run; None where nobody judged.
        robust: whether the detector's top grasp, before any fallback, is robust by the GQ-CNN metric, or None.
        quality: confidence in the executed grasp in [0, 1], by the detector that proposed it, or None without one.
        detect_ms: image in hand to grasp, in-painting and fallback left out [ms]; None if nothing was detected.
        inpaint_ms: time for in-painting [ms].
        judge_ms: time for the metric's word on the top grasp, where a fallback hung on it; else 0 [ms].
        fallback_used: whether the fallback detector was asked.
        fallback_ms: the time that took, its grasp's judging included [ms].
        fallback_reason: why it was asked, and what became of it, if it failed; empty where it was not asked.
        executed: name of the detector whose grasp was executed, or was to be; empty without one, and in older ledgers.
        cycle_s: from the start of the trial to its outcome [s].
        grasp: the grasp that was executed, or was to be (u, v [pixels], angle_rad, width_m, depth_m, quality), or None.
        started_at: ISO 8601 in UTC.
        reason: why it ended like that, in words.
        voided: the operator declared the trial void: it is repeated and counted apart.
    """

    trial: int
    object: str
    pose_seed: int
    detector: str
    outcome: Outcome
    success: bool
    referee_success: bool | None = None
    robust: bool | None = None
    quality: float | None = None
    detect_ms: float | None = None
    inpaint_ms: float = 0.0
    judge_ms: float = 0.0
    fallback_used: bool = False
    fallback_ms: float = 0.0
    fallback_reason: str = ""
    executed: str = ""
    cycle_s: float = 0.0
    grasp: Mapping[str, float] | None = None
    started_at: str
    reason: str = ""
    voided: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))
        for name in ("trial", "pose_seed"):
            _check_int(name, getattr(self, name))
        if self.trial < 1:
            raise ValueError(f"trials count from 1, got {self.trial}")
        for name in ("object", "detector", "started_at", "reason", "fallback_reason", "executed"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be text, got {getattr(self, name)!r}")
        for name in ("success", "fallback_used", "voided", "referee_success", "robust"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (value is not None or name not in ("referee_success", "robust")):
                raise ValueError(f"{name} must be true or false, got {value!r}")
        if self.success != (self.outcome is Outcome.SUCCESS):
            raise ValueError(f"success is {self.success}, but the outcome is {self.outcome}")
        for name in ("inpaint_ms", "judge_ms", "fallback_ms", "cycle_s"):
            _check_number(name, getattr(self, name))
        for name in ("detect_ms", "quality"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name))
        _check_utc(self.started_at)
        if self.grasp is not None:
            object.__setattr__(self, "grasp", _checked_grasp(self.grasp))

    @property
    def judged_success(self) -> bool:
        """The referee's word where there is one, otherwise the cell's own."""
        return self.success if self.referee_success is None else self.referee_success

    @property
    def planning_ms(self) -> float | None:
        """From the image in hand to the grasp that is executed, all included [ms]; None if nothing was detected."""
        if self.detect_ms is None:
            return None
        return self.detect_ms + self.inpaint_ms + self.judge_ms + self.fallback_ms

    @property
    def fallback_cause(self) -> str:
        """The kind of ``fallback_reason``, without its numbers: ``not robust`` of ``not robust (0.31)``."""
        return re.split(r"\s*[(;]", self.fallback_reason, maxsplit=1)[0]

    @property
    def executed_fallback(self) -> bool:
        """Whether it was the fallback's grasp that was executed, or was to be."""
        return self.fallback_used and self.executed not in ("", self.detector)

    def to_json(self) -> str:
        """One line of JSON, without the line's end."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["outcome"] = self.outcome.value
        values["grasp"] = None if self.grasp is None else dict(self.grasp)
        return json.dumps(values, allow_nan=False)

    @staticmethod
    def from_json(line: str) -> TrialRecord:
        """Parse one line of a ledger.

        Raises:
            ValueError: not JSON, a field missing (but for those that older ledgers lack) or unknown, or a value that
                makes no sense.
        """
        values = json.loads(line)
        if not isinstance(values, dict):
            raise ValueError("not a JSON object")
        known = {field.name for field in dataclasses.fields(TrialRecord)}
        if unknown := sorted(values.keys() - known):
            raise ValueError(f"unknown field '{unknown[0]}'")
        if missing := sorted(known - values.keys() - set(_ADDED_LATER)):
            raise ValueError(f"field '{missing[0]}' is missing")
        return TrialRecord(**values)


def utc_now(now_s: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond, for ``started_at``."""
    return datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds")


def _check_int(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number, got {value!r}")


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    if value < 0:
        raise ValueError(f"{name} must not be negative, got {value!r}")


def _check_utc(text: str) -> None:
    if datetime.fromisoformat(text).utcoffset() != timedelta(0):
        raise ValueError(f"started_at must be in UTC, got {text!r}")


def _checked_grasp(grasp: Any) -> Mapping[str, float]:
    if not isinstance(grasp, Mapping) or set(grasp) != set(GRASP_FIELDS):
        raise ValueError(f"grasp needs exactly {', '.join(GRASP_FIELDS)}, got {grasp!r}")
    for name in GRASP_FIELDS:
        value = grasp[name]
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(f"grasp.{name} must be a finite number, got {value!r}")
    if grasp["depth_m"] <= 0 or grasp["width_m"] <= 0:
        raise ValueError(f"grasp needs a positive depth and width, got {dict(grasp)}")
    return MappingProxyType({name: float(grasp[name]) for name in GRASP_FIELDS})
