"""Any file is taken: it is refused in one line, or every wrong entry is named and the others are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.jacquardplus.predictions import Prediction, as_json, checked, read_predictions, write_predictions
from detectors.jacquardplus.settings import BenchmarkSettings
from robot.errors import SettingsError
from tests.detectors.jacquardplus.tiny import predictions_data

SETTINGS = BenchmarkSettings(seed=5, scenes=3)
GOOD = {"u": 10.0, "v": 20, "angle_rad": 0.5, "width_px": 30.0}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
GRASPS = st.lists(
    st.fixed_dictionaries(dict.fromkeys(GOOD, ANY_JSON), optional={"depth_m": ANY_JSON, "width_m": ANY_JSON})
    | st.just(GOOD) | ANY_JSON, max_size=3,
)  # fmt: skip


def read(rows: Any, **changes: Any):
    return checked(predictions_data(SETTINGS, rows) | changes, "p.json", SETTINGS)


def faults(*entries: Any) -> tuple[str, ...]:
    """What is said of scene 1."""
    return read({"0": [], "1": list(entries), "2": []}).faults


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "p.json"
    with_depth = Prediction(1.0, 2.0, -0.3, 40.0, 0.7, 0.05, 0.9)
    found = {0: [with_depth], 1: [], 2: [Prediction(**GOOD), with_depth]}
    rows = {number: [one.to_json() for one in grasps] for number, grasps in found.items()}
    write_predictions(path, as_json("mine", SETTINGS, rows))
    read_again = read_predictions(path, SETTINGS)
    assert (read_again.detector, read_again.scenes, read_again.faults) == ("mine", 3, ())
    assert read_again.first == {0: with_depth, 1: None, 2: Prediction(**GOOD)}
    assert read_again.silent == {1}


def test_fewer_scenes_than_there_are_may_be_predicted():
    found = checked(predictions_data(SETTINGS, {"0": [GOOD]}) | {"scenes": 1}, "p.json", SETTINGS)
    assert (set(found.first), found.faults) == ({0}, ())


@given(ANY_JSON)
def test_any_other_json_is_refused_in_one_line(data):
    with pytest.raises(SettingsError) as caught:
        checked(data, "p.json", SETTINGS)
    assert "\n" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(["0", "1", "2", "3", "-1", "01", "x", "٣"]), GRASPS | ANY_JSON))
def test_any_entries_leave_every_scene_judged(rows):
    found = read(rows)
    assert set(found.first) == {0, 1, 2}
    for number, first in found.first.items():
        listed = rows.get(str(number))
        if first is not None:
            assert isinstance(listed, list)
            assert 0 <= first.u + 0.5 < 400
            assert first.width_px > 0
        else:
            named = any(fault.startswith((f"scene {number}:", f"scene {number}, grasp 1:")) for fault in found.faults)
            assert named or (listed == [] and number in found.silent)
    assert all("\n" not in fault for fault in found.faults)


@pytest.mark.parametrize(("entry", "said"), [
    (GOOD | {"width_px": -3}, "scene 1, grasp 1: width_px is -3, must be > 0"),
    (GOOD | {"u": float("nan")}, "scene 1, grasp 1: u is nan, must be a finite number"),
    (GOOD | {"v": None}, "scene 1, grasp 1: v is nothing, must be a finite number"),
    (GOOD | {"angle_rad": "steep"}, 'scene 1, grasp 1: angle_rad is "steep", must be a finite number'),
    (GOOD | {"angle_rad": True}, "scene 1, grasp 1: angle_rad is true, must be a finite number"),
    (GOOD | {"u": 10**400}, f"scene 1, grasp 1: u is 1{'0' * 59}..., must be a finite number"),
    (GOOD | {"u": 399.5}, "scene 1, grasp 1: u is 399.5, must lie in the image, 0 to 399"),
    (GOOD | {"v": -0.6}, "scene 1, grasp 1: v is -0.6, must lie in the image, 0 to 399"),
    (GOOD | {"depth_m": 0}, "scene 1, grasp 1: depth_m is 0, must be > 0"),
    (GOOD | {"depth_m": 700.0}, "scene 1, grasp 1: depth_m is 700.0, must be at most 10: metres"),
    (GOOD | {"width_m": [0.05]}, "scene 1, grasp 1: width_m is a list, must be a finite number"),
    ({"u": 1}, "scene 1, grasp 1: v is missing"),
    ([1, 2], "scene 1, grasp 1: expected an object with u, v, angle_rad, width_px, got a list"),
])  # fmt: skip
def test_a_wrong_entry_is_named(entry, said):
    assert faults(entry) == (said,)
    assert read({"0": [], "1": [entry, GOOD], "2": []}).first[1] is None, "the second does not take its place"


def test_a_wrong_grasp_behind_a_good_one_is_named_and_changes_nothing():
    assert faults(GOOD, GOOD | {"width_px": 0}) == ("scene 1, grasp 2: width_px is 0, must be > 0",)
    assert read({"0": [], "1": [GOOD, 7], "2": []}).first[1] == Prediction(**GOOD)


def test_scenes_that_do_not_exist_or_are_missing_are_named():
    found = read({"0": [GOOD], "3": [GOOD], "two": [], "2": {}})
    assert found.faults == (
        'scene "3": there is no such scene, they are 0 to 2',
        'scene "two": there is no such scene, they are 0 to 2',
        "scene 1: is missing (a scene without a proposal has an empty list)",
        "scene 2: expected a list of grasps, got an object",
    )


@pytest.mark.parametrize(("changes", "said"), [
    ({"seed": 6}, "is for seed 6, the scenes are of seed 5"),
    ({"seed": "5"}, "'seed' must be a whole number"),
    ({"scenes": 4}, "is for 4 scenes, there are 3"),
    ({"scenes": 0}, "is for 0 scenes"),
    ({"scenes": True}, "'scenes' must be a whole number"),
    ({"benchmark": "jacquard"}, "'benchmark' must be 'jacquardplus', got \"jacquard\""),
    ({"predictions": []}, "'predictions' must be an object"),
])  # fmt: skip
def test_another_benchmark_is_refused(changes, said):
    with pytest.raises(SettingsError, match=said):
        read({}, **changes)


@pytest.mark.parametrize("content", [
    b"", b"\x00\xff\xfe", b"{", b"[1, 2]", b"7", b'"text"', b"[" * 100_000, b"9" * 5000,
    b'{"benchmark": "jacquardplus", "seed": 5, "seed": 5}',
])  # fmt: skip
def test_what_is_no_such_file_is_one_line(tmp_path, content):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_predictions(path, SETTINGS)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(SettingsError, match=str(path)):
            read_predictions(path, SETTINGS)


def test_python_writes_numbers_json_cannot_and_they_are_named(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(predictions_data(SETTINGS, {"0": [GOOD | {"u": float("inf")}], "1": [], "2": []})))
    assert read_predictions(path, SETTINGS).faults == ("scene 0, grasp 1: u is inf, must be a finite number",)
