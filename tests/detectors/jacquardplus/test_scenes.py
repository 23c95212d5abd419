"""A scene follows from seed and number; it shows held-out things, and knows where they are."""

from __future__ import annotations

import math
import multiprocessing

import numpy as np
import pytest

from detectors.jacquardplus.cameras import tilt_rad
from detectors.jacquardplus.judging import Stage, TrueScene
from detectors.jacquardplus.parallel import mapped
from detectors.jacquardplus.scenes import catalogue, make_scene
from detectors.jacquardplus.settings import BenchmarkSettings
from detectors.synthesis.scene_shards import SceneRecord, read_scenes, write_scenes
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError

SETTINGS = BenchmarkSettings(seed=3, scenes=20)


@pytest.fixture(scope="module")
def scene() -> SceneRecord:
    return make_scene(4, SETTINGS)


def arrays(record: SceneRecord) -> dict[str, np.ndarray]:
    names = ("things", "T_table_object", "T_table_camera", "depth_m", "clean_depth_m", "mask", "color")
    return {name: getattr(record, name) for name in names}


def test_a_scene_is_what_the_benchmark_promises(scene):
    assert 2 <= len(scene.things) <= 5
    assert {split_of(int(number)) for number in scene.things} == {"test"}
    assert scene.color is not None
    assert scene.color.shape == (400, 400, 3)
    assert scene.color.std() > 1
    assert len(scene.grasps) == 0
    assert 0 <= math.degrees(tilt_rad(scene.T_table_camera)) <= 70
    assert (scene.clean_depth_m > 0).all(), "every ray meets the table"
    known = scene.depth_m > 0
    assert known.mean() > 0.5
    off = np.abs(scene.depth_m - scene.clean_depth_m)[known]
    assert 0 < np.median(off) < 0.01
    assert set(np.unique(scene.mask)) <= set(range(len(scene.things) + 1))


def test_the_same_number_gives_the_same_scene_and_another_another(scene):
    again, other = make_scene(4, SETTINGS), make_scene(5, SETTINGS)
    for name, array in arrays(scene).items():
        np.testing.assert_array_equal(getattr(again, name), array)
    assert (other.depth_m != scene.depth_m).any()
    more = make_scene(4, BenchmarkSettings(seed=3, scenes=1000))
    np.testing.assert_array_equal(more.color, scene.color)


def test_it_can_be_kept_and_the_mask_is_what_the_judge_sees(scene, tmp_path):
    write_scenes(tmp_path / "scenes_00000.npz", [scene])
    (kept,) = read_scenes(tmp_path / "scenes_00000.npz")
    stage = Stage.build(TrueScene.of(kept), catalogue())
    rng = np.random.default_rng(1)
    hits = [(u, v) for u, v in rng.integers(0, 400, size=(300, 2))]
    agree = [stage.seen(float(u), float(v))[1] + 1 == kept.mask[v, u] for u, v in hits]
    assert np.mean(agree) > 0.98, "but for rays through an outline"
    depth = [abs(stage.seen(float(u), float(v))[0] - kept.clean_depth_m[v, u]) for u, v in hits]
    assert np.median(depth) < 1e-4


def _squared(number: int) -> int:
    if number < 0:
        raise SettingsError(f"{number} is no number", "give another")
    return number**2


def _in_a_child(number: int) -> bool:
    return multiprocessing.parent_process() is not None


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_done_once_whoever_does_it(workers):
    assert sorted(mapped(_squared, range(9), workers)) == [n**2 for n in range(9)]
    assert list(mapped(_in_a_child, [1], workers)) == [workers > 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_through_with_its_hint(workers):
    with pytest.raises(SettingsError, match="-1 is no number") as caught:
        list(mapped(_squared, [3, -1], workers))
    assert (caught.value.hint, caught.value.exit_code) == ("give another", 2)
