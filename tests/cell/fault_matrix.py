"""Every injectable fault in every phase of a trial: what has to come of it, and what does."""

from __future__ import annotations

import time
from pathlib import Path

import yaml

from cell.states import PHASES
from robot.simulator.faults import FAULT_NAMES
from tests.cell.calibrated_cell import calibrated_cell
from tests.cell.dry_runs import ledger, run
from trials.outcomes import Outcome

SEED = 5
PROPERTY = "fault_matrix"
"""Under this name a test hands its row to the summary at the end of the session."""

# A column says when the fault is armed, a cell how that trial has to end; `_fault` and `_stop` are left out.
# - What stops a moving arm waits for its next motion: in the phases before the approach that is the approach.
# - A camera is looked through twice, before the grasp and after the lift. A fault of it that comes after the second
#   look strikes nobody, and is withdrawn at the trial's end; the trial is what it would have been.
# - Nobody needs the dashboard, or lays hands on the registers anew, in a trial in which nothing else goes wrong.
# - Pads without friction let the thing go wherever it is held by them; when the trial has been judged, that is late.
# - An obstacle that nobody sees is met on the way down to a grasp; on the way down to put a thing back, that is where
#   it is put.
EXPECTED_TABLE = """
fault            homing     capturing  detecting  planning   approaching grasping   lifting    verifying  placing
protective_stop  protective protective protective protective protective  protective protective protective protective
emergency_stop   arm        arm        arm        arm        arm         arm        arm        arm        arm
safeguard_stop   protective protective protective protective protective  protective protective protective protective
program_stopped  arm        arm        arm        arm        arm         arm        arm        arm        arm
rtde_silence     arm        arm        arm        arm        arm         arm        arm        arm        arm
dropped_sockets  arm        arm        arm        arm        arm         arm        arm        arm        arm
local_mode       arm        arm        arm        arm        arm         arm        arm        arm        arm
dashboard_down   success    success    success    success    success     success    success    success    success
registers_in_use success    success    success    success    success     success    success    success    success
gripper_fault    gripper    gripper    gripper    gripper    gripper     gripper    gripper    gripper    gripper
gripper_silence  gripper    gripper    gripper    gripper    gripper     gripper    gripper    gripper    gripper
gripper_inactive gripper    gripper    gripper    gripper    gripper     gripper    gripper    gripper    gripper
object_lost      slipped    slipped    slipped    slipped    slipped     slipped    slipped    slipped    success
camera_silence   camera     camera     camera     camera     camera      camera     camera     camera     success
camera_missing   camera     camera     camera     camera     camera      camera     camera     camera     success
frozen_frame     camera     camera     camera     camera     camera      camera     camera     camera     success
all_holes        camera     camera     camera     camera     camera      camera     camera     camera     success
camera_bumped    camera     camera     camera     camera     camera      camera     camera     camera     success
unseen_obstacle  blocked    blocked    blocked    blocked    blocked     success    success    success    success
"""

BLOCK = {"shape": "box", "size_m": [0.04, 0.06, 0.02], "position_m": [0, 0, 0]}
OBJECTS = {"objects": [{"name": "block", "mass_kg": 0.1, "friction": 0.8, "primitives": [BLOCK]}]}
IMPATIENT = {
    "arm": {"link_timeout_s": 0.6, "reply_timeout_s": 2.0, "watchdog_hz": 0.2},
    "gripper": {"answer_timeout_s": 0.5, "move_timeout_s": 3.0},
    "camera": {"attempts": 2, "frame_timeout_s": 0.8, "reset_timeout_s": 0.5, "warm_up_frames": 1},
}
"""So that what is lost does not cost the tests the time that it is worth to a real cell."""


def expected_outcomes() -> dict[str, dict[str, str]]:
    """Fault -> phase -> short outcome."""
    header, *rows = (line.split() for line in EXPECTED_TABLE.strip().splitlines())
    return {fault: dict(zip(header[1:], cells, strict=True)) for fault, *cells in rows}


def share(number: int) -> tuple[str, ...]:
    """The faults of one of the two test files that split the matrix."""
    return FAULT_NAMES[number::2]


def short(outcome: str) -> str:
    """An outcome's name as the tables have it."""
    return Outcome(outcome).value.removesuffix("_fault").removesuffix("_stop")


def check_row(fault: str, tmp_path: Path, tmp_path_factory, record_property) -> None:
    """One run: the odd trials meet ``fault``, each in another phase, the even ones meet nothing and have to succeed."""
    schedule = [{"fault": fault, "trial": 2 * i + 1, "phase": phase} for i, phase in enumerate(PHASES)]
    (tmp_path / "faults.yaml").write_text(yaml.safe_dump(schedule))
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump(OBJECTS))
    cell_file = calibrated_cell(tmp_path_factory, tmp_path / "cell.yaml", IMPATIENT)
    begun = time.monotonic()
    code, printed = run(
        *("--cell", cell_file, "--objects", tmp_path / "objects.yaml", "--faults", tmp_path / "faults.yaml"),
        *("--trials", 2 * len(PHASES), "--seed", SEED, "--out", tmp_path / "run"),
    )
    records = {r["trial"]: r for r in ledger(tmp_path / "run")}
    wanted, cells, wrong = expected_outcomes()[fault], [], []
    for i, phase in enumerate(PHASES):
        struck, after = records.get(2 * i + 1), records.get(2 * i + 2)
        found = short(struck["outcome"]) if struck else "none"
        cells.append(found if found == wanted[phase] else f"{found}!")
        if found != wanted[phase]:
            wrong.append(f"{phase}: {found} instead of {wanted[phase]}: {struck and struck['reason']}")
        if after is None or after["outcome"] != Outcome.SUCCESS:
            cells[-1] += "+"
            wrong.append(f"the trial after {phase}: {after and (after['outcome'], after['reason'])}")
    record_property(PROPERTY, [fault, *cells, f"{time.monotonic() - begun:.0f} s"])
    assert not wrong, "\n".join([*wrong, printed])
    assert code == 0, printed
    assert sorted(records) == list(range(1, 2 * len(PHASES) + 1))
