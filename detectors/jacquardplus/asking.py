"""Asks a detector about every scene of the benchmark; its answers are kept, whatever interrupts it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.grasp import Grasp
from detectors.jacquardplus.journal import Journal
from detectors.jacquardplus.predictions import Prediction
from detectors.rectangle_detector import RectangleDetector, sees_color_alone
from detectors.registry import Detector
from detectors.synthesis.scene_shards import SceneRecord, iter_scenes
from robot.frame import Intrinsics
from robot.revision import git_revision


@dataclass(frozen=True)
class Asked:
    """What a detector answered.

    Attributes:
        grasps: scene -> its predictions, best first, as in the file.
        detect_ms: scene -> image in hand to grasps, in-painting left out.
    """

    grasps: Mapping[int, list[dict[str, float]]]
    detect_ms: Mapping[int, float]


def ask(
    detector: Detector, folder: Path, scenes: int, top: int, journal: Journal, report: Callable[[int, int], None]
) -> Asked:
    """Show the first scenes of a benchmark to a detector, one at a time.

    Args:
        detector: who is asked; one that can do with colour alone is shown nothing else.
        folder: of the benchmark.
        scenes: how many.
        top: how many grasps it is asked for.
        journal: takes the answers; a scene that stands there is not asked about again.
        report: takes how many are done, and how many there are.

    Raises:
        SettingsError: a file cannot be read or written.
    """
    report(len(journal.done), scenes)
    for record in iter_scenes(folder, damaged="stop", tell=lambda line: None):
        if record.number >= scenes:
            break
        if record.number not in journal.done:
            found, detect_ms = _answer(detector, record, top)
            journal.append(record.number, {"grasps": [one.to_json() for one in found], "detect_ms": detect_ms})
            report(len(journal.done), scenes)
    numbers = range(scenes)
    return Asked(
        {number: journal.done[number]["grasps"] for number in numbers},
        {number: float(journal.done[number]["detect_ms"]) for number in numbers},
    )


def asking_key(name: str, weights: Path | None, scenes_hash: str, top: int) -> str:
    """What the answers depend on: those of other weights, scenes or another version of the program are not taken up."""
    from detectors.gqcnn.weights_file import file_sha256

    of_weights = file_sha256(weights) if weights else None
    text = json.dumps([name, of_weights, scenes_hash, top, git_revision()])
    return hashlib.sha256(text.encode()).hexdigest()


def _answer(detector: Detector, record: SceneRecord, top: int) -> tuple[list[Prediction], float]:
    if sees_color_alone(detector):
        return _in_color(detector, record, top)  # type: ignore[arg-type]
    found = detector.detect(record.frame(), top=top, seed=record.number)
    return [_of_grasp(grasp, record.camera) for grasp in found.grasps[:top]], found.detect_ms


def _in_color(detector: RectangleDetector, record: SceneRecord, top: int) -> tuple[list[Prediction], float]:
    assert record.color is not None, "every scene of the benchmark has colour"
    began = time.perf_counter()
    found = detector.rectangles(record.color, top=top)[:top]
    detect_ms = (time.perf_counter() - began) * 1e3
    boxes = [(one.rectangle, one.score) for one in found]
    return [Prediction(b.u, b.v, b.angle_rad, b.width_px, quality=score) for b, score in boxes], detect_ms


def _of_grasp(grasp: Grasp, camera: Intrinsics) -> Prediction:
    values: dict[str, Any] = {name: float(getattr(grasp, name)) for name in ("depth_m", "width_m", "quality")}
    return Prediction(float(grasp.u), float(grasp.v), float(grasp.angle_rad), float(grasp.width_px(camera)), **values)
