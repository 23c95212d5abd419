"""``directgrasp`` with weights from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from detectors.directgrasp import weights_file
from detectors.directgrasp.detector import make_with_weights
from detectors.directgrasp.network import DirectGrasp, DirectGraspConfig
from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqcnn.weights import round_weights
from detectors.oneshot.detector import OneShotDetector
from detectors.oneshot.weights import save_weights
from robot.errors import SettingsError
from tests.detectors.gqcnn.critic import GeometricCritic
from tests.detectors.oneshot.bars import TINY, picture, small_networks

METRIC = RobustnessMetric(GeometricCritic())


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make() -> DirectGrasp:
    torch.manual_seed(0)
    network = DirectGrasp(DirectGraspConfig(TINY))
    round_weights(network)
    return network.eval()


def test_it_is_what_its_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_weights(path, "directgrasp", make(), {})
    found = make_with_weights(path, METRIC)
    assert (found.name, found.weights_path, found.parameter_count) == ("directgrasp", path, make().parameter_count)
    one, other = (d.detect(picture(3).frame) for d in (found, OneShotDetector("directgrasp", make(), METRIC)))
    assert one.reason == other.reason
    assert len(one.grasps) == len(other.grasps) == 1
    assert (one.grasps[0].u, one.grasps[0].width_m) == pytest.approx((other.grasps[0].u, other.grasps[0].width_m))


def test_missing_weights_are_a_missing_part_of_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_file, "SHIPPED", tmp_path / "directgrasp.safetensors")
    with pytest.raises(
        SettingsError, match=r"directgrasp\.safetensors: no such .*detectors\.train directgrasp"
    ) as caught:
        weights_file.require_shipped()
    assert caught.value.exit_code == 3
