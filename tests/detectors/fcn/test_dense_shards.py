"""Dense grasps of real scenes: found once, kept, and good ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluation.judging import JudgedScene
from detectors.fcn.dense_shards import load_dense, prepare_dense
from detectors.gqcnn.metric import ROBUST_THRESHOLD, RobustnessMetric
from detectors.grasp import Grasp
from detectors.oneshot.prepared import FOLDER
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.scene_shards import read_scenes, scenes_file
from detectors.synthesis.settings import read_dataset
from robot.errors import SettingsError
from tests.detectors.fcn.scenes import SHARDS
from tests.detectors.gqcnn.critic import ConstantCritic

LIKES_ALL, LIKES_NONE = RobustnessMetric(ConstantCritic(0.9)), RobustnessMetric(ConstantCritic(0.2))


class Choosy:
    """Likes wide grasps."""

    def predict(self, crops_m: NDArray[np.float32], depth_m: NDArray, width_m: NDArray) -> NDArray:
        return np.where(width_m > 0.05, 0.7, 0.3)


def silent(line: str) -> None:
    """For what is said elsewhere."""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / FOLDER).glob("dense_*"))}


@pytest.fixture
def bare(ready_scenes: Path, tmp_path: Path) -> Path:
    """The last shard alone, nothing prepared: quick."""
    (tmp_path / "scenes").mkdir()
    shutil.copy(ready_scenes / "dataset.yaml", tmp_path)
    shutil.copy(scenes_file(ready_scenes, 2), tmp_path / "scenes")
    return tmp_path


@pytest.fixture
def copied(ready_scenes: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ready_scenes, tmp_path / "tiny"))


def test_they_lift_where_the_picture_says_they_are(ready_scenes: Path) -> None:
    """Through the whole chain: pixels, depth, angle and opening of a few, carried out in physics."""
    dense, catalogue = load_dense(ready_scenes), open_catalogue(read_dataset(ready_scenes))
    lifted = []
    for record in read_scenes(scenes_file(ready_scenes, 0)):
        judged, own = JudgedScene.rebuild(record, catalogue), dense.of(record.number)
        for u, v, depth_m, angle, width in own[:: max(len(own) // 3, 1)][:3].astype(float).tolist():
            lifted.append(judged.success(Grasp(u, v, depth_m, angle, width, 1.0), tries=2))
    assert len(lifted) >= 6
    assert np.mean(lifted) > 0.75


def test_they_are_robust_and_sorted_and_mostly_on_something(ready_scenes: Path) -> None:
    dense = load_dense(ready_scenes)
    assert (dense.quality >= ROBUST_THRESHOLD).all()
    assert (np.diff(dense.number) >= 0).all()
    assert len(dense.number) == len(dense.grasps) == len(dense.quality) > 100
    assert set(dense.number) <= {number for shard in SHARDS for number in shard}
    for number in set(dense.number):
        np.testing.assert_array_equal(dense.of(int(number)), dense.grasps[dense.number == number])
    on = []
    for record in (one for shard in range(len(SHARDS)) for one in read_scenes(scenes_file(ready_scenes, shard))):
        u, v = np.rint(dense.of(record.number)[:, :2]).astype(int).T
        on.extend((record.mask[v, u] > 0).tolist())
    assert np.mean(on) > 0.8, "a clip, it is true, is also held across its gap"
    assert dense.of(12345).shape == (0, 5)


def test_only_what_gqcnn_calls_robust_is_kept(bare: Path) -> None:
    found = {}
    for name, critic in (("all", ConstantCritic(0.5)), ("wide", Choosy()), ("none", ConstantCritic(0.49))):
        prepare_dense(bare, RobustnessMetric(critic), silent)
        found[name] = load_dense(bare)
        shutil.rmtree(bare / FOLDER)
    assert len(found["none"].number) == 0
    assert found["none"].of(18).shape == (0, 5)
    wide = found["all"].grasps[:, 4] > 0.05
    assert 0 < wide.sum() < len(wide)
    np.testing.assert_array_equal(found["wide"].grasps, found["all"].grasps[wide])
    assert set(found["wide"].quality) == {np.float32(0.7)}


def test_they_are_found_once(copied: Path) -> None:
    before, said = contents(copied), []
    assert sorted(before) == ["dense_00000.npz", "dense_00001.npz", "dense_00002.npz"]
    prepare_dense(copied, LIKES_NONE, said.append)
    assert said == []
    assert contents(copied) == before


def test_started_again_it_goes_on_where_it_was(bare: Path, ready_scenes: Path) -> None:
    shutil.copy(scenes_file(ready_scenes, 0), bare / "scenes")
    prepare_dense(bare, LIKES_ALL, silent)
    whole, said = contents(bare), []
    (bare / FOLDER / "dense_00002.npz").unlink()  # it died before this was written
    prepare_dense(bare, LIKES_ALL, said.append)
    assert said == ["dense grasps of scenes_00002.npz"]
    assert contents(bare) == whole


def test_parts_share_the_work(bare: Path, ready_scenes: Path) -> None:
    shutil.copy(scenes_file(ready_scenes, 0), bare / "scenes")
    said: list[str] = []
    prepare_dense(bare, LIKES_ALL, said.append, part=(1, 2))
    assert said == ["dense grasps of scenes_00002.npz"]
    prepare_dense(bare, LIKES_ALL, said.append, part=(0, 2))
    assert said[1:] == ["dense grasps of scenes_00000.npz"]


@pytest.mark.parametrize("keep", [0, 60, 400])
def test_a_damaged_file_is_named_with_what_to_do(copied: Path, keep: int) -> None:
    file = copied / FOLDER / "dense_00001.npz"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(SettingsError, match=r"dense_00001\.npz.*\(delete dense_00001\.npz: it will be made again\)"):
        load_dense(copied)
    file.unlink()
    prepare_dense(copied, LIKES_ALL, silent)
    assert len(load_dense(copied).number)


def test_another_file_of_that_name_is_refused(copied: Path) -> None:
    np.savez(copied / FOLDER / "dense_00001.npz", number=np.zeros(3))
    with pytest.raises(SettingsError, match=r"dense_00001\.npz: holds no dense grasps \(delete"):
        load_dense(copied)


def test_nothing_prepared_is_named(bare: Path) -> None:
    with pytest.raises(SettingsError, match="no dense grasps are prepared"):
        load_dense(bare)


def test_a_folder_without_a_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"dataset\.yaml"):
        prepare_dense(tmp_path, LIKES_ALL, silent)


def test_a_damaged_shard_of_scenes_is_named(bare: Path) -> None:
    scenes_file(bare, 2).write_bytes(b"PK garbage")
    with pytest.raises(SettingsError, match=r"scenes_00002\.npz"):
        prepare_dense(bare, LIKES_ALL, silent)
    assert contents(bare) == {}
