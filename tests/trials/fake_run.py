"""A run that never took place: records, frames and a run directory for the tests of the report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trials.frames import write_frame
from trials.ledger import Ledger
from trials.outcomes import Outcome
from trials.record import TrialRecord, utc_now
from trials.run_directory import RunDirectory
from trials.schedule import PlannedTrial, make_schedule

OBJECTS = (
    "banana", "bowl", "cup", "dice", "hammer", "marker", "mug", "pear", "remote control", "scissors", "sponge", "tape",
)  # fmt: skip
FX = 615.0
FAILURES = {
    Outcome.EMPTY: "the jaws closed to 0.8 mm and nothing was detected between them",
    Outcome.SLIPPED: "object detected after closing, lost 74 mm above the table",
    Outcome.NO_GRASP: "no pair of edges faces each other within the stroke of 85 mm",
    Outcome.UNREACHABLE: "wrist 2 would need 371 degrees, its limit is 360",
    Outcome.PROTECTIVE_STOP: "C153A0: position deviates from path, joint 4, while lifting",
    Outcome.CAMERA_FAULT: "no frame within 2.0 s after three attempts",
}


def unit(*key: object) -> float:
    """A number in [0, 1) from a hash, so that the fake run never changes."""
    digest = hashlib.sha256(json.dumps([str(k) for k in key]).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def make_record(planned: PlannedTrial, **changes: Any) -> TrialRecord:
    """A plain successful trial, with some fields changed."""
    values: dict[str, Any] = {
        "trial": planned.trial,
        "object": planned.object,
        "pose_seed": planned.pose_seed,
        "detector": "antipodal",
        "outcome": Outcome.SUCCESS,
        "success": True,
        "referee_success": True,
        "started_at": utc_now(1_795_000_000 + 11.5 * planned.trial),
    }
    return TrialRecord(**(values | changes))


def fake_record(planned: PlannedTrial, detector: str = "antipodal", failing: float = 0.12) -> TrialRecord:
    """A record with a bit of everything, from the hash of its trial and detector."""

    def draw(what: str) -> float:
        return unit(what, detector, planned.trial)

    outcome = Outcome.SUCCESS
    if draw("fails") < failing * (2.2 if planned.object in ("scissors", "marker") else 0.8):
        outcome = list(FAILURES)[int(draw("how") * len(FAILURES))]
    success = outcome is Outcome.SUCCESS
    blind = outcome is Outcome.CAMERA_FAULT
    aimless = blind or outcome is Outcome.NO_GRASP
    fallback = not blind and draw("fallback") < 0.15
    u, v, angle, width = placement(planned)
    quality = round(0.55 + 0.44 * draw("quality") ** 0.5, 3)
    grasp = {
        "u": u + 4 * draw("u") - 2,
        "v": v + 4 * draw("v") - 2,
        "angle_rad": angle + 0.3 * draw("angle") - 0.15,
        "width_m": min(width + 0.015, 0.085),
        "depth_m": 0.68,
        "quality": quality,
    }
    return make_record(
        planned,
        detector=detector,
        outcome=outcome,
        success=success,
        referee_success=success if draw("referee") > 0.03 else not success,
        robust=None if blind else bool(success and draw("robust") < 0.9),
        quality=None if aimless else quality,
        detect_ms=None
        if blind
        else round(31 * 3 ** (2 * draw("time") ** 3) * (1 if detector == "antipodal" else 7), 2),
        inpaint_ms=round(4 + 2 * draw("inpaint"), 2),
        fallback_used=fallback,
        fallback_ms=round(400 + 900 * draw("slow"), 1) if fallback else 0.0,
        fallback_reason=f"not robust ({0.5 * draw('slow'):.2f})" if fallback else "",
        executed="" if aimless else "cem" if fallback else detector,
        cycle_s=round(9 + 5 * draw("cycle"), 2),
        grasp=None if aimless else grasp,
        reason=FAILURES.get(outcome, "held after the shake, jaws at 41 mm"),
    )


def placement(planned: PlannedTrial) -> tuple[float, float, float, float]:
    """Where the fake object lies: u, v [pixels], angle of its narrow side [rad], that side's length [m]."""
    u = 320 + 110 * (unit("u", planned.pose_seed) - 0.5)
    v = 240 + 110 * (unit("v", planned.pose_seed) - 0.5)
    return u, v, np.pi * (unit("angle", planned.pose_seed) - 0.5), 0.02 + 0.045 * unit("width", planned.object)


def fake_frame(planned: PlannedTrial) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(480, 640) depth [m] and (480, 640, 3) colour of one rounded thing on a table, with noise and holes."""
    u, v, angle, width = placement(planned)
    y, x = np.mgrid[0:480, 0:640].astype(np.float64)
    scale = FX / 0.68
    a = ((x - u) * np.cos(angle) + (y - v) * np.sin(angle)) / (0.5 * width * scale)
    b = ((y - v) * np.cos(angle) - (x - u) * np.sin(angle)) / ((0.02 + 0.05 * unit("length", planned.object)) * scale)
    n = 2 + 4 * unit("round", planned.object)
    inside = np.abs(a) ** n + np.abs(b) ** n
    noise = np.random.default_rng(planned.pose_seed).normal(0.0, 1.0, (480, 640))
    depth = np.where(inside < 1, 0.665 + 0.02 * np.clip(inside, 0, 1), 0.70) + 0.0008 * noise
    depth[(np.abs(inside - 1.1) < 0.15) & (noise > 0.4)] = 0.0
    hue = np.array([0.25 + 0.7 * unit(c, planned.object) for c in "rgb"])
    table = np.array([0.62, 0.60, 0.56]) * (0.9 + 0.1 * np.sin(x / 40)[..., None])
    color = np.where((inside < 1)[..., None], hue * (1.05 - 0.35 * np.clip(inside, 0, 1))[..., None], table)
    return depth.astype(np.float32), np.clip(255 * color + 3 * noise[..., None], 0, 255).astype(np.uint8)


def make_run(
    path: Path, detector: str = "antipodal", trials: int = 60, done: int | None = None, seed: int = 7,
    failing: float = 0.12, frames: bool = True, objects: tuple[str, ...] = OBJECTS, fallback: str = "cem",
) -> RunDirectory:  # fmt: skip
    """A run directory on disk with ``done`` of ``trials`` trials carried out, one of them after a voided attempt."""
    run = RunDirectory.create(path, run_info(detector, trials, seed, objects) | {"fallback": fallback})
    with Ledger.open(run.ledger_path) as ledger:
        for planned in run.planned()[:done]:
            record = fake_record(planned, detector, failing)
            if planned.trial == 3:
                ledger.append(make_record(planned, detector=detector, voided=True, reason="a hand was in the picture"))
            ledger.append(record)
            if frames and record.outcome is not Outcome.CAMERA_FAULT:
                write_frame(run.frames_path, planned.trial, *fake_frame(planned))
    return run


def run_info(detector: str, trials: int, seed: int, objects: tuple[str, ...]) -> dict[str, Any]:
    """What stands in the fake run's ``run.yaml``."""
    return {
        "detector": detector, "fallback": "cem", "trials": trials, "seed": seed, "objects": list(objects),
        "cell_file": "cell.yaml", "dry_run": True, "started_at": "2026-11-20T09:13:20.000+00:00",
        "git_revision": "0ec37291b2d4", "versions": {"python": "3.11.9", "numpy": "2.4.6", "mujoco": "4.0.0"},
        "camera": {"fx": FX, "fy": FX, "cx": 321.5, "cy": 239.5, "width": 640, "height": 480},
    }  # fmt: skip


def schedule(trials: int = 12, objects: tuple[str, ...] = OBJECTS, seed: int = 7) -> tuple[PlannedTrial, ...]:
    """A plan to make records from."""
    return make_schedule(objects, trials, seed)
