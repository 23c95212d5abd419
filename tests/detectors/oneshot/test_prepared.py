"""A data set made ready: every column belongs to its image, and what was begun is gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.antipodal.table import fit_table
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import camera_row, table_row
from detectors.oneshot.prepared import FOLDER, load_prepared, prepare
from detectors.synthesis.scene_shards import SceneRecord, iter_scenes, scenes_file, write_scenes
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError
from tests.detectors.gqcnn.critic import GeometricCritic
from tests.detectors.oneshot.bars import GRASPS, bar_record, write_data

SCENES, A_SHARD = 5, 3  # two shards


def silent(line: str) -> None:
    """For what is said elsewhere."""


class Counted:
    """A classifier that counts the grasps it judges."""

    def __init__(self) -> None:
        self.judged = 0

    def predict(self, crops_m: NDArray[np.float32], depth_m: NDArray, width_m: NDArray) -> NDArray:
        self.judged += len(crops_m)
        return np.full(len(crops_m), 0.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_data(tmp_path / "bars", SCENES, A_SHARD)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / FOLDER).iterdir())}


def records(folder: Path) -> list[SceneRecord]:
    return list(iter_scenes(folder, damaged="stop", tell=silent))


def test_every_column_belongs_to_its_image(folder: Path) -> None:
    metric = RobustnessMetric(GeometricCritic())
    prepare(folder, metric, silent)
    found = load_prepared(folder)
    assert len(found) == SCENES
    depth = found.depth_m(np.arange(SCENES))
    for row, record in enumerate(records(folder)):
        frame = record.frame()
        filled = fill_holes(frame.depth_m, frame.valid)
        assert not frame.valid.all()
        np.testing.assert_allclose(depth[row], filled, atol=0.6e-4)
        table = fit_table(frame, np.random.default_rng(record.number))
        assert table is not None
        np.testing.assert_array_equal(found.table[row], table_row(table))
        np.testing.assert_allclose(found.camera[row], camera_row(record.camera), rtol=1e-6)
        assert (found.number[row], found.split[row]) == (record.number, split_of(int(record.things[0])))
        own = found.owner == row
        assert own.sum() == GRASPS
        for name, column in zip(("u", "v", "depth_m", "angle_rad", "width_m"), found.grasps[own].T, strict=True):
            np.testing.assert_array_equal(column, getattr(record.grasps, name))
        np.testing.assert_array_equal(found.success[own], record.grasps.physical_success)
        quality = metric.quality_in(filled, record.camera, GraspArrays(*found.grasps[own].T))
        np.testing.assert_allclose(found.quality[own], quality, atol=1e-6)
    assert len(set(found.quality)) > SCENES, "so that a mix-up would show"


def test_images_of_several_shards_are_found_in_any_order(folder: Path) -> None:
    prepare(folder, RobustnessMetric(Counted()), silent)
    found = load_prepared(folder)
    assert len(found.depth) == 2
    backwards = found.depth_m(np.arange(SCENES)[::-1])
    np.testing.assert_array_equal(backwards[::-1], found.depth_m(np.arange(SCENES)))
    assert not np.array_equal(backwards[0], backwards[1])
    assert isinstance(found.depth[0], np.memmap), "read when needed, not kept in memory"


def test_started_again_it_goes_on_where_it_was(folder: Path) -> None:
    metric, said = RobustnessMetric(Counted()), []
    prepare(folder, metric, silent)
    whole = contents(folder)
    (folder / FOLDER / "grasps_00001.npz").unlink()  # it died before this was written
    counted = Counted()
    prepare(folder, RobustnessMetric(counted), said.append)
    assert said == ["prepared scenes_00001.npz"]
    assert counted.judged == (SCENES - A_SHARD) * GRASPS
    assert contents(folder) == whole


def test_parts_share_the_work(folder: Path) -> None:
    said: list[str] = []
    prepare(folder, RobustnessMetric(Counted()), said.append, part=(1, 2))
    assert said == ["prepared scenes_00001.npz"]
    prepare(folder, RobustnessMetric(Counted()), said.append, part=(0, 2))
    assert said[1:] == ["prepared scenes_00000.npz"]
    assert len(load_prepared(folder)) == SCENES


def test_a_scene_without_a_table_is_left_out_and_the_others_keep_their_grasps(tmp_path: Path) -> None:
    wall = replace(bar_record(1), depth_m=np.random.default_rng(0).uniform(0.3, 3.0, (96, 96)))
    write_scenes(scenes_file(tmp_path, 0), [bar_record(0), wall, bar_record(2)])
    write_scenes(scenes_file(tmp_path, 1), [wall])
    said: list[str] = []
    prepare(tmp_path, RobustnessMetric(Counted()), said.append)
    found = load_prepared(tmp_path)
    assert found.number.tolist() == [0, 2]
    np.testing.assert_array_equal(found.grasps[found.owner == 1, 0], bar_record(2).grasps.u)
    assert "no table" in said[1]


def test_a_data_set_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no images .*--images"):
        prepare(tmp_path, RobustnessMetric(Counted()), silent)
    with pytest.raises(SettingsError, match="nothing is prepared"):
        load_prepared(tmp_path)


def test_a_damaged_shard_is_named(folder: Path) -> None:
    (folder / "scenes" / "scenes_00001.npz").write_bytes(b"PK garbage")
    with pytest.raises(SettingsError, match="scenes_00001"):
        prepare(folder, RobustnessMetric(Counted()), silent)


@pytest.mark.parametrize("name", ["grasps_00001.npz", "depth_00001.npy"])
@pytest.mark.parametrize("keep", [0, 60, 150])
def test_what_was_damaged_after_preparing_is_named(folder: Path, name: str, keep: int) -> None:
    prepare(folder, RobustnessMetric(Counted()), silent)
    file = folder / FOLDER / name
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(SettingsError, match=rf"{name}.*delete .*made again"):
        load_prepared(folder)


def test_what_is_missing_after_preparing_is_named(folder: Path) -> None:
    prepare(folder, RobustnessMetric(Counted()), silent)
    (folder / FOLDER / "depth_00000.npy").unlink()
    with pytest.raises(SettingsError, match="depth_00000"):
        load_prepared(folder)
