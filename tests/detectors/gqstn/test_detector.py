"""``gqstn`` with weights from a file, and the stages behind its answer."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqcnn.weights import round_weights
from detectors.gqstn import weights_file
from detectors.gqstn.detector import GqStnDetector, make_with_weights
from detectors.gqstn.network import GqStn, GqStnConfig
from detectors.oneshot.weights import save_weights
from robot.errors import SettingsError
from robot.frame import Frame
from tests.detectors.depth_scenes import render
from tests.detectors.gqcnn.critic import GeometricCritic
from tests.detectors.oneshot.bars import CAMERA, TINY, picture, small_networks

METRIC = RobustnessMetric(GeometricCritic())
BAR = picture(3).frame


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = GqStn(GqStnConfig(TINY))
    round_weights(network)
    save_weights(tmp_path / "tiny.safetensors", "gqstn", network, {})
    return tmp_path / "tiny.safetensors"


def test_it_is_what_its_file_holds(weights: Path) -> None:
    found = make_with_weights(weights, METRIC)
    torch.manual_seed(0)
    network = GqStn(GqStnConfig(TINY))
    assert (found.name, found.weights_path, found.parameter_count) == ("gqstn", weights, network.parameter_count)
    round_weights(network)
    (one,), (other,) = (d.detect(BAR).grasps for d in (found, GqStnDetector(network.eval(), METRIC)))
    assert (one.u, one.v, one.width_m) == pytest.approx((other.u, other.v, other.width_m), abs=1e-3)


def test_the_stages_are_those_that_led_to_the_answer(weights: Path) -> None:
    found = make_with_weights(weights, METRIC)
    noisy = Frame(BAR.depth_m + np.random.default_rng(0).normal(0, 0.001, BAR.depth_m.shape), CAMERA)
    for seed in (0, 7):
        (grasp,) = found.detect(noisy, seed=seed).grasps
        looked, several = found.stages(noisy, seed=seed, count=3)
        away = [math.dist(pixel, (grasp.u, grasp.v)) for pixel in several.grasps.pixels[0].tolist()]
        stages = several.place(int(np.argmin(away)))  # not the first place where that one lies over bare table
        assert min(away) < 1e-4
        assert float(stages.grasps.width_m) == pytest.approx(grasp.width_m)
        assert float(stages.grasps.depth_m) == pytest.approx(grasp.depth_m)
        assert torch.equal(stages.far, looked.far)
        assert stages.near.shape == stages.turned.shape == (1, 1, 64, 64)


def test_the_stages_keep_to_the_region(weights: Path) -> None:
    region = np.zeros((96, 96), dtype=bool)
    region[:40, :40] = True
    found = make_with_weights(weights, METRIC).stages(BAR, region)
    assert found is not None
    assert (found[1].grasps.pixels < 41).all()


def test_without_a_table_there_are_no_stages(weights: Path) -> None:
    found = make_with_weights(weights, METRIC)
    assert found.stages(Frame(np.zeros((96, 96), np.float32), CAMERA)) is None
    wild = np.random.default_rng(0).uniform(0.3, 3.0, (96, 96)).astype(np.float32)
    assert found.stages(Frame(wild, CAMERA)) is None
    assert found.stages(render([], camera=CAMERA)) is not None


def test_missing_weights_are_a_missing_part_of_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "SHIPPED", tmp_path / "gqstn.safetensors")
    with pytest.raises(SettingsError, match=r"gqstn\.safetensors: no such weights .*detectors\.train gqstn") as caught:
        weights_file.require_shipped()
    assert caught.value.exit_code == 3
