"""Judges all predictions of a file with several processes; what is judged is kept, whatever interrupts it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from detectors.jacquardplus.cameras import tilt_rad
from detectors.jacquardplus.journal import Journal
from detectors.jacquardplus.judging import Outcome, Stage, TrueScene, judge
from detectors.jacquardplus.parallel import mapped
from detectors.jacquardplus.predictions import Prediction, Predictions
from detectors.jacquardplus.scenes import catalogue
from detectors.jacquardplus.settings import SCENES_PER_SHARD
from detectors.synthesis.scene_shards import read_scenes, scenes_file

_JUDGE = 2  # version: another way to judge must not go on with what this one judged
_Task = tuple[TrueScene, Prediction]


def judge_all(
    folder: Path, scenes_hash: str, predictions: Predictions, workers: int, journal: Path,
    report: Callable[[int, int], None],
) -> tuple[dict[int, str], dict[int, float]]:  # fmt: skip
    """Try the first prediction of every scene.

    Args:
        folder: of the benchmark.
        scenes_hash: of its scenes, as ``settings.scenes_sha256`` says.
        predictions: to be judged.
        workers: how many processes.
        journal: where what is judged is kept until all is; a line that is there already is not judged again.
        report: takes how many are judged, and how many there are.

    Returns:
        Scene -> outcome, for those that have a prediction that can be tried; scene -> tilt of the camera, for all.

    Raises:
        CellError: a file cannot be read or written, or a worker was killed.
    """
    tried = {number: first for number, first in predictions.first.items() if first is not None}
    scenes = {scene.number: scene for scene in _scenes(folder, predictions.scenes)}
    tilts = {number: tilt_rad(scene.T_table_camera) for number, scene in scenes.items()}
    with Journal(journal, _key(scenes_hash, predictions), ("outcome",)) as kept:
        missing = [(scenes[number], first) for number, first in tried.items() if number not in kept.done]
        report(len(tried) - len(missing), len(tried))
        for number, outcome in mapped(_judged, missing, min(workers, max(len(missing), 1))):
            kept.append(number, {"outcome": outcome})
            report(len(kept.done), len(tried))
        judged = {number: str(kept.done[number]["outcome"]) for number in tried}
        kept.remove()
    return judged, tilts


def _scenes(folder: Path, count: int) -> Iterator[TrueScene]:
    """The first scenes of a benchmark, a shard in memory at a time."""
    for shard in range(-(-count // SCENES_PER_SHARD)):
        for record in read_scenes(scenes_file(folder, shard)):
            if record.number < count:
                yield TrueScene.of(record)


def _judged(task: _Task) -> tuple[int, Outcome]:
    scene, prediction = task
    return scene.number, judge(Stage.build(scene, catalogue()), prediction)


def _key(scenes_hash: str, predictions: Predictions) -> str:
    firsts = {number: first.to_json() if first else None for number, first in predictions.first.items()}
    text = json.dumps([_JUDGE, scenes_hash, firsts])
    return hashlib.sha256(text.encode()).hexdigest()
