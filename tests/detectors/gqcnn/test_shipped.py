"""The weights that the program ships: whole, and good on things that no training has seen."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.dexnet.tensors import GraspTensors
from detectors.evaluation.judging import LIFTABLE, JudgedScene
from detectors.gqcnn.card import read_results
from detectors.gqcnn.detector import make_default, make_plain
from detectors.gqcnn.scores import score
from detectors.gqcnn.weights import load_for_training, load_gqcnn
from detectors.gqcnn.weights_file import SHIPPED, check_whole, file_sha256
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.making import MadeScene, joined_tensors, make_scene
from detectors.synthesis.settings import DatasetSettings

MIB = 2**20
SETTINGS = DatasetSettings(scenes=10, seed=31, split="test", samples=3, tries=3, held_out_tries=3, images="none")


@pytest.fixture(scope="module")
def made() -> list[MadeScene]:
    catalogue = open_catalogue(SETTINGS)
    return [make_scene(number, SETTINGS, catalogue) for number in range(SETTINGS.scenes)]


def test_the_card_describes_the_file() -> None:
    check_whole(SHIPPED)
    results = read_results(SHIPPED)
    assert results["sha256"] == file_sha256(SHIPPED)
    assert load_for_training(SHIPPED)[1]["data_sha256"] == results["training"]["data_sha256"]
    assert SHIPPED.stat().st_size < 25 * MIB


def test_held_out_grasps_are_told_apart(made: list[MadeScene]) -> None:
    grasps: GraspTensors = joined_tensors(made)
    quality = load_gqcnn().predict(np.asarray(grasps.crops_m, np.float32), grasps.depth_m, grasps.width_m)
    assert grasps.physical_success is not None
    found = score(quality, grasps.physical_success > LIFTABLE)
    assert found.auc > 0.93  # 400 grasps on a dozen things scatter; the card has the figure
    assert found.accuracy > 0.85


def test_first_grasps_lift_and_refinement_costs_less_than_a_thousand_samples(made: list[MadeScene]) -> None:
    catalogue, default, plain = open_catalogue(SETTINGS), make_default(), make_plain()
    lifted, asked, times = 0, 0, []
    for scene in made:
        frame = scene.record.frame()
        found = default.detect(frame, seed=scene.record.number)
        if not found.grasps or not found.grasps[0].robust:
            continue
        asked += 1
        lifted += JudgedScene.rebuild(scene.record, catalogue).success(found.grasps[0], tries=4) > LIFTABLE
        times.append((found.detect_ms, plain.detect(frame, seed=scene.record.number).detect_ms))
    assert asked >= 5
    assert lifted >= asked - 2
    mine, theirs = np.median(np.array(times), axis=0)
    assert mine < 0.75 * theirs
