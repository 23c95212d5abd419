from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.dexnet.reading import read_tensors
from detectors.gqcnn.grasp_data import joined, load_data
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError
from tests.detectors.gqcnn.bars import write_bars


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bars(tmp_path_factory.mktemp("bars"), 900)


def silent(line: str) -> None:
    """For what is said elsewhere."""


def test_crops_become_heights_above_the_grasp(folder: Path) -> None:
    data, tensors = load_data(folder, tell=silent), read_tensors(folder, damaged="stop", tell=silent)
    assert len(data) == 900
    np.testing.assert_allclose(data.heights_m, tensors.depth_m[:, None, None] - tensors.crops_m, atol=4e-5)
    np.testing.assert_array_equal(data.width_m, tensors.width_m)


def test_objects_are_split_as_everywhere(folder: Path) -> None:
    data = load_data(folder, tell=silent)
    for name, rows in data.rows.items():
        assert len(rows)
        assert {split_of(int(thing)) for thing in data.columns["object_label"][rows]} == {name}
    assert sum(len(rows) for rows in data.rows.values()) == len(data)
    assert data.split_by == "object"


def test_labels(folder: Path) -> None:
    physical, analytic = load_data(folder, tell=silent), load_data(folder, label="analytic", tell=silent)
    assert (physical.label_name, analytic.label_name) == ("physical", "analytic")
    assert set(np.unique(physical.label)) == {0.0, 0.25, 0.5, 0.75, 1.0}
    np.testing.assert_array_equal(analytic.label, analytic.columns["robust_ferrari_canny"] > 0.002)
    np.testing.assert_array_equal(analytic.truth, physical.columns["physical_success"] > 0.5)


def test_without_lifts_the_analytic_label_is_label_and_truth(folder: Path, tmp_path: Path) -> None:
    for file in (folder / "tensors").glob("*.npz"):
        if not file.name.startswith("physical"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    data = load_data(tmp_path, tell=silent)
    assert data.label_name == "analytic"
    np.testing.assert_array_equal(data.truth, data.robust)
    with pytest.raises(SettingsError, match="no physical label"):
        load_data(tmp_path, label="physical", tell=silent)


def test_a_set_without_object_labels_is_split_by_grasp_and_says_so(folder: Path, tmp_path: Path) -> None:
    for file in (folder / "tensors").glob("*.npz"):
        if not file.name.startswith("obj_labels"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    said: list[str] = []
    data = load_data(tmp_path, tell=said.append)
    assert data.split_by == "image"
    assert len(data.rows["train"]) == 720
    assert any("no object labels" in line for line in said)


def test_the_limit_takes_training_grasps_only(folder: Path) -> None:
    whole, few = load_data(folder, tell=silent), load_data(folder, limit=50, seed=1, tell=silent)
    assert len(few.rows["train"]) == 50
    assert set(few.rows["train"]) <= set(whole.rows["train"])
    np.testing.assert_array_equal(few.rows["test"], whole.rows["test"])


def test_the_digest_knows_the_data(folder: Path, tmp_path: Path) -> None:
    assert load_data(folder, tell=silent).digest == load_data(folder, limit=9, tell=silent).digest
    other = load_data(write_bars(tmp_path / "other", 900, seed=1), tell=silent)
    assert other.digest != load_data(folder, tell=silent).digest


def test_damage_stops_or_is_skipped(tmp_path: Path) -> None:
    folder = write_bars(tmp_path / "bars", 900)
    (folder / "tensors" / "widths_m_00001.npz").write_bytes(b"PK garbage")
    with pytest.raises(SettingsError, match="widths_m_00001"):
        load_data(folder, tell=silent)
    said: list[str] = []
    assert len(load_data(folder, damaged="skip", tell=said.append)) == 500
    assert any("widths_m_00001" in line for line in said)


def test_too_little_to_validate_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="too few grasps"):
        load_data(write_bars(tmp_path / "few", 3), tell=silent)


def test_joined_sets_keep_every_grasp_with_its_own(folder: Path, tmp_path: Path) -> None:
    first = load_data(folder, tell=silent)
    others = [load_data(write_bars(tmp_path / str(seed), 450, seed=seed), tell=silent) for seed in (1, 2)]
    both = joined(first, others)
    assert len(both) == 900 + 2 * 450
    start = 0
    for data in (first, *others):
        own = slice(start, start + len(data))
        np.testing.assert_array_equal(both.heights_m[own], data.heights_m)
        np.testing.assert_array_equal(both.label[own], data.label)
        np.testing.assert_array_equal(both.depth_m[own], data.depth_m)
        np.testing.assert_array_equal(both.truth[own], data.truth)
        for name, rows in data.rows.items():
            inside = both.rows[name][(both.rows[name] >= own.start) & (both.rows[name] < own.stop)]
            np.testing.assert_array_equal(inside, rows + start)
        start += len(data)
    assert (both.label_name, both.split_by) == (first.label_name, first.split_by)
    for name, rows in both.rows.items():
        assert {split_of(int(thing)) for thing in both.columns["object_label"][rows]} == {name}


@pytest.mark.parametrize("repeat", [1, 3])
def test_only_what_is_learnt_from_the_others_is_repeated(folder: Path, tmp_path: Path, repeat: int) -> None:
    first, other = load_data(folder, tell=silent), load_data(write_bars(tmp_path / "o", 450, seed=1), tell=silent)
    both = joined(first, [other], repeat)
    for name, rows in both.rows.items():
        found, times = np.unique(rows, return_counts=True)
        assert set(times[found < 900]) == {1}
        assert set(times[found >= 900]) == {repeat if name == "train" else 1}


def test_joined_sets_have_the_columns_that_all_have(folder: Path, tmp_path: Path) -> None:
    for file in (folder / "tensors").glob("*.npz"):
        if not file.name.startswith("families"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    first, other = load_data(folder, tell=silent), load_data(tmp_path, tell=silent)
    for one, two in ((first, other), (other, first)):
        both = joined(one, [two])
        assert set(both.columns) == set(first.columns) - {"family"}
        assert all(len(column) == 1800 for name, column in both.columns.items() if name != "crops_m")


def test_joined_sets_have_a_digest_of_their_own(folder: Path, tmp_path: Path) -> None:
    first, other = load_data(folder, tell=silent), load_data(write_bars(tmp_path / "o", 450, seed=1), tell=silent)
    digests = {first.digest, other.digest, joined(first, [other]).digest, joined(other, [first]).digest}
    assert len(digests) == 4


def test_sets_labelled_differently_are_not_joined(folder: Path) -> None:
    physical, analytic = (load_data(folder, label=label, tell=silent) for label in ("physical", "analytic"))
    with pytest.raises(SettingsError, match=r"labelled differently .*--label"):
        joined(physical, [analytic])
