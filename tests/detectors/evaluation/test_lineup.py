"""Who is judged, with which weights, and by whose network."""

from __future__ import annotations

import pytest

from detectors.evaluation import lineup
from detectors.evaluation.baselines import BASELINES
from detectors.evaluation.lineup import SAMPLING, check_variants, line_up, load_metric_for
from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqcnn.network import NetworkConfig, build_network
from detectors.gqcnn.weights import save_weights
from detectors.gqcnn.weights_file import SHIPPED
from robot.errors import SettingsError
from tests.detectors.depth_scenes import Box, render
from tests.detectors.gqcnn.critic import ConstantCritic

METRIC = RobustnessMetric(ConstantCritic(0.7))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "untrained.safetensors"
    save_weights(path, build_network(NetworkConfig("small")), {})
    return path


class Made:
    """What a detector's own maker makes."""

    name = "made"

    def __init__(self, path, metric):
        self.path, self.metric = path, metric


def test_beside_comes_after_the_first_once_and_the_baselines_last(weights):
    names = list(line_up("antipodal", METRIC, beside=["gqcnn-1000", "antipodal", "gqcnn-1000"]))
    assert names == ["antipodal", "gqcnn-1000", SAMPLING, *BASELINES]


def test_gqcnn_brings_its_plain_version_and_geometry_with_it(weights):
    detectors = line_up("gqcnn", METRIC, weights=weights)
    assert list(detectors) == ["gqcnn", "gqcnn-1000", "antipodal", SAMPLING, *BASELINES]
    assert detectors["gqcnn"].weights_path == detectors["gqcnn-1000"].weights_path == weights
    assert detectors["gqcnn"].parameter_count == build_network(NetworkConfig("small")).parameter_count


def test_a_hundred_samples_are_ranked_once_by_the_metric_itself():
    class Counting(ConstantCritic):
        def predict(self, crops, *poses):
            asked.append(len(crops))
            return super().predict(crops, *poses)

    asked = []
    sampled = line_up("antipodal", RobustnessMetric(Counting(0.7)))[SAMPLING]
    assert sampled.name == SAMPLING == "sampling-100"
    asked.clear()
    found = sampled.detect(render([Box(0.0, 0.0, 0.14, 0.03, 0.03, 0.4)]))
    assert found.grasps[0].quality == pytest.approx(0.7)
    assert asked == [100]


def test_variants_are_rows_of_their_own_after_those_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lineup, "_MAKERS", {"antipodal": f"{__name__}:Made"})
    variants = {"two": tmp_path / "2", "one": tmp_path / "1"}
    detectors = line_up("antipodal", METRIC, beside=["gqcnn-1000"], variants=variants)
    assert list(detectors) == ["antipodal", "gqcnn-1000", "two", "one", SAMPLING, *BASELINES]
    assert {name: detectors[name].path for name in variants} == variants
    assert detectors["one"].metric is METRIC


def test_gqcnns_variants_are_rankers_too(weights):
    detectors = line_up("gqcnn", METRIC, variants={"untrained": weights})
    assert detectors["untrained"].weights_path == weights
    assert detectors["gqcnn"].weights_path == detectors["gqcnn-1000"].weights_path == SHIPPED


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("antipodal", "one", "--variant is for gqcnn, .*, not for antipodal"),
        *(("gqstn", taken, f"the table has a row '{taken}' already")
          for taken in ("gqstn", "multigrasp", "oracle", SAMPLING, *BASELINES)),
        *(("gqcnn", taken, f"the table has a row '{taken}' already") for taken in ("gqcnn-1000", "antipodal")),
    ],
)  # fmt: skip
def test_a_variant_that_can_be_no_row_is_refused(weights, name, label, words):
    with pytest.raises(SettingsError, match=words):
        check_variants(name, ["multigrasp"], {label: weights})


def test_a_variant_needs_its_file_and_may_be_called_as_nobody_else_is(weights, tmp_path):
    check_variants("gqstn", [], {"antipodal": weights, "multigrasp": weights})
    check_variants("antipodal", [], {})
    with pytest.raises(SettingsError, match="gone: no such weights file"):
        check_variants("gqstn", [], {"one": weights, "two": tmp_path / "gone"})


def test_weights_of_its_own_go_through_the_detectors_maker(tmp_path, monkeypatch):
    monkeypatch.setattr(lineup, "_MAKERS", {"antipodal": f"{__name__}:Made"})
    made = line_up("antipodal", METRIC, weights=tmp_path / "mine.safetensors")["antipodal"]
    assert made.path == tmp_path / "mine.safetensors"
    assert made.metric is METRIC


@pytest.mark.parametrize("name", ["gqstn", "directgrasp", "multigrasp"])
def test_the_one_shot_detectors_take_weights(name, tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.safetensors"):
        line_up(name, METRIC, weights=tmp_path / "gone.safetensors")


def test_a_detector_without_weights_takes_none(tmp_path):
    with pytest.raises(SettingsError, match="not for antipodal"):
        line_up("antipodal", METRIC, weights=tmp_path / "mine.safetensors")


def test_the_metrics_network_is_the_one_asked_for_else_the_rankers_own_else_the_shipped_one(weights):
    assert load_metric_for("antipodal", None, weights).weights_path == weights
    assert load_metric_for("gqcnn", weights, None).weights_path == weights
    assert load_metric_for("gqcnn", weights, SHIPPED).weights_path == SHIPPED
    assert load_metric_for("gqstn", weights, None).weights_path == SHIPPED
