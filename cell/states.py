"""The states of a run and the one table that says which may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """What the cell is doing. A trial walks from ``homing`` to ``recording``."""

    CHECKING = "checking"
    CALIBRATING = "calibrating"
    HOMING = "homing"
    CAPTURING = "capturing"
    DETECTING = "detecting"
    PLANNING = "planning"
    APPROACHING = "approaching"
    GRASPING = "grasping"
    LIFTING = "lifting"
    VERIFYING = "verifying"
    PLACING = "placing"
    RECORDING = "recording"
    FAULTED = "faulted"
    RECOVERING = "recovering"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Transition:
    """``event`` leads from ``source`` to ``target``."""

    event: str
    source: State
    target: State


_IN_A_TRIAL = (
    State.HOMING,
    State.CAPTURING,
    State.DETECTING,
    State.PLANNING,
    State.APPROACHING,
    State.GRASPING,
    State.LIFTING,
    State.VERIFYING,
    State.PLACING,
)

TRANSITIONS: tuple[Transition, ...] = (
    Transition("ready", State.CHECKING, State.HOMING),
    Transition("nothing_to_do", State.CHECKING, State.STOPPED),
    Transition("not_calibrated", State.CHECKING, State.CALIBRATING),
    Transition("calibrated", State.CALIBRATING, State.CHECKING),
    Transition("object_placed", State.HOMING, State.CAPTURING),
    Transition("frame_taken", State.CAPTURING, State.DETECTING),
    Transition("grasp_chosen", State.DETECTING, State.PLANNING),
    Transition("no_grasp", State.DETECTING, State.RECORDING),
    Transition("detector_failed", State.DETECTING, State.RECORDING),
    Transition("planned", State.PLANNING, State.APPROACHING),
    Transition("refused", State.PLANNING, State.RECORDING),
    Transition("at_grasp", State.APPROACHING, State.GRASPING),
    Transition("obstructed", State.APPROACHING, State.RECORDING),
    Transition("closed_on_object", State.GRASPING, State.LIFTING),
    Transition("closed_empty", State.GRASPING, State.VERIFYING),
    Transition("lifted", State.LIFTING, State.VERIFYING),
    Transition("held", State.VERIFYING, State.PLACING),
    Transition("not_held", State.VERIFYING, State.RECORDING),
    Transition("put_back", State.PLACING, State.RECORDING),
    Transition("next_trial", State.RECORDING, State.HOMING),
    Transition("all_recorded", State.RECORDING, State.STOPPED),
    *(Transition("fault", source, State.FAULTED) for source in _IN_A_TRIAL),
    Transition("made_safe", State.FAULTED, State.RECOVERING),
    Transition("recovered", State.RECOVERING, State.RECORDING),
    Transition("gave_up", State.RECOVERING, State.STOPPED),
    *(
        Transition("abort", source, State.STOPPED)
        for source in (
            State.CHECKING,
            State.CALIBRATING,
            *_IN_A_TRIAL,
            State.RECORDING,
            State.FAULTED,
            State.RECOVERING,
        )
    ),
)

PHASES: tuple[str, ...] = tuple(s.value for s in _IN_A_TRIAL)
"""The states in which a scheduled fault can strike."""


def mermaid() -> str:
    """The table as a Mermaid state diagram; fault and abort edges are drawn once, from the whole trial."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.CHECKING.value}"]
    drawn: set[tuple[str, str, str]] = set()
    for t in TRANSITIONS:
        source = "trial" if t.event == "fault" else "any" if t.event == "abort" else t.source.value
        edge = (source, t.target.value, t.event)
        if source != "any" and edge not in drawn:
            drawn.add(edge)
            lines.append(f"    {source} --> {t.target.value}: {t.event}")
    lines.append(f"    note right of trial: every state from {PHASES[0]} to {PHASES[-1]}")
    lines.append(f"    note right of {State.STOPPED.value}: abort (Ctrl-C) leads here from any state")
    lines.append(f"    {State.STOPPED.value} --> [*]")
    return "\n".join(lines)
