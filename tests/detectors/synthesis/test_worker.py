"""A worker makes its share of the shards, each whole, and fails in one line."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.dexnet.npz_files import load_array
from detectors.dexnet.writing import is_written, tensor_file
from detectors.synthesis import settings as settings_module
from detectors.synthesis import worker
from detectors.synthesis.scene_shards import read_scenes, scenes_file
from detectors.synthesis.settings import DATASET_FILE, GRASPS_PER_SCENE, open_dataset
from robot.errors import SettingsError
from tests.detectors.synthesis.small_shards import contents, wanted


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(settings_module, "SCENES_PER_SHARD", 1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings_module, "SCENES_PER_SHARD", 1)
        open_dataset(folder, wanted(3))
        worker.make_shards(folder, range(0, 10**9, 1))
    return folder


def test_every_shard_has_its_scenes_and_its_tensors(finished):
    for shard in range(3):
        assert is_written(finished, shard)
        assert [record.number for record in read_scenes(scenes_file(finished, shard))] == [shard]
        labels = load_array(tensor_file(finished, "physical_success", shard))
        assert labels.shape == (GRASPS_PER_SCENE,)
        assert load_array(tensor_file(finished, "depth_ims_tf_table", shard)).shape == (GRASPS_PER_SCENE, 32, 32, 1)
    assert not is_written(finished, 3)


def test_tensors_and_scenes_on_the_disk_agree(finished):
    record = read_scenes(scenes_file(finished, 1))[0]
    for name in ("physical_success", "robust_ferrari_canny", "force_closure", "collision_free"):
        np.testing.assert_array_equal(load_array(tensor_file(finished, name, 1)), getattr(record.grasps, name))
    poses = load_array(tensor_file(finished, "hand_poses", 1))
    np.testing.assert_allclose(poses[:, 2], record.grasps.depth_m, atol=1e-6)


def test_workers_share_the_shards_between_them(finished, tmp_path):
    open_dataset(tmp_path, wanted(3))
    worker.make_shards(tmp_path, range(1, 10**9, 2))
    assert [is_written(tmp_path, shard) for shard in range(3)] == [False, True, False]
    worker.make_shards(tmp_path, range(0, 10**9, 2))
    assert contents(tmp_path) == contents(finished)


def test_what_is_there_is_not_made_again(finished):
    before = {file: file.stat().st_mtime_ns for file in finished.rglob("*.npz")}
    worker.make_shards(finished, range(0, 10**9, 1))
    assert {file: file.stat().st_mtime_ns for file in finished.rglob("*.npz")} == before


def test_images_are_left_out_where_they_are_not_wanted(tmp_path):
    open_dataset(tmp_path, wanted(1, images="none"))
    worker.make_shards(tmp_path, range(1))
    assert is_written(tmp_path, 0)
    assert not scenes_file(tmp_path, 0).exists()


def test_a_failure_is_one_line_and_an_exit_code(tmp_path, capsys):
    assert worker.main([str(tmp_path), "0", "1"]) == SettingsError.exit_code
    assert capsys.readouterr().err.strip() == f"error: {tmp_path / DATASET_FILE}: no such file"


def test_a_full_or_forbidden_disk_is_said(tmp_path):
    open_dataset(tmp_path, wanted(1, images="none"))
    (tmp_path / "tensors").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be written"):
        worker.make_shards(tmp_path, range(1))
