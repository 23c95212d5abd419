"""What is written is in the published layout, reads back the same, and is the same bytes every time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from detectors.dexnet.reading import open_folder, read_tensors
from detectors.dexnet.tensors import GraspTensors
from detectors.dexnet.writing import CROP_STEP_M, is_written, write_tensors
from robot.errors import SettingsError
from tests.detectors.dexnet.grasps import make_tensors


def test_numpy_alone_finds_the_published_layout(tmp_path: Path) -> None:
    tensors = make_tensors(17)
    write_tensors(tmp_path, 3, tensors)
    expected = {
        "depth_ims_tf_table": ((17, 32, 32, 1), np.float32),
        "hand_poses": ((17, 7), np.float32),
        "robust_ferrari_canny": ((17,), np.float32),
        "obj_labels": ((17,), np.int64),
        "pose_labels": ((17,), np.int64),
        "image_labels": ((17,), np.int64),
        "physical_success": ((17,), np.float32),
        "collision_free": ((17,), np.float32),
        "force_closure": ((17,), np.float32),
        "grasp_kinds": ((17,), np.int8),
        "widths_m": ((17,), np.float32),
        "families": ((17,), np.int16),
    }
    assert {path.name for path in (tmp_path / "tensors").iterdir()} == {f"{name}_00003.npz" for name in expected}
    for name, (shape, dtype) in expected.items():
        with np.load(tmp_path / "tensors" / f"{name}_00003.npz") as archive:
            assert archive.files == ["arr_0"]
            assert (archive["arr_0"].shape, archive["arr_0"].dtype) == (shape, dtype)
    np.testing.assert_array_equal(np.load(tmp_path / "tensors" / "hand_poses_00003.npz")["arr_0"], tensors.hand_poses)


def test_round_trip_rounds_the_crops_once_and_nothing_else(tmp_path: Path) -> None:
    tensors = make_tensors(40)
    write_tensors(tmp_path, 0, tensors)
    (tmp_path / "dataset.yaml").write_text("")
    found = read_tensors(tmp_path, damaged="stop", tell=pytest.fail)
    assert open_folder(tmp_path, pytest.fail).own
    assert open_folder(tmp_path / "tensors", pytest.fail).own
    for field in dataclasses.fields(GraspTensors):
        if field.name != "crops_m":
            np.testing.assert_array_equal(getattr(found, field.name), getattr(tensors, field.name))
    assert 0 < np.abs(found.crops_m.astype(np.float64) - tensors.crops_m).max() <= CROP_STEP_M / 2
    again = tmp_path / "again"
    write_tensors(again, 0, found)
    for path in (tmp_path / "tensors").iterdir():
        assert path.read_bytes() == (again / "tensors" / path.name).read_bytes()


def test_an_index_is_complete_only_when_all_of_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detectors.dexnet import writing

    whole = make_tensors(5)
    write_tensors(tmp_path, 0, whole)
    assert is_written(tmp_path, 0)
    assert not is_written(tmp_path, 1)
    written: list[str] = []

    def killed(path: Path, arrays: object) -> None:
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(path.name)

    monkeypatch.setattr(writing, "save_arrays", killed)
    with pytest.raises(KeyboardInterrupt):
        write_tensors(tmp_path, 0, whole)
    assert not is_written(tmp_path, 0)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        write_tensors(tmp_path, 0, make_tensors(5).select(slice(0)))
    (tmp_path / "tensors").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_tensors(tmp_path, 0, make_tensors(5))
