"""Scenes come back as they were, to the tenth of a millimetre; a damaged shard is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.synthesis.scene_shards import (
    DEPTH_STEP_M,
    SceneGrasps,
    SceneRecord,
    iter_scenes,
    read_scenes,
    scenes_file,
    write_scenes,
)
from robot.errors import SettingsError
from robot.frame import Intrinsics

CAMERA = Intrinsics(fx=31.0, fy=31.0, cx=19.5, cy=11.5, width=40, height=24)


def make_scene(number: int, things: int = 2, grasps: int = 6, color: bool = True) -> SceneRecord:
    rng = np.random.default_rng(number)
    noisy = rng.uniform(0.5, 0.8, (24, 40)).astype(np.float32)
    noisy[rng.random(noisy.shape) < 0.1] = 0.0
    columns: dict[str, Any] = {
        field.name: rng.uniform(0.01, 1.0, grasps).astype(np.float32) for field in dataclasses.fields(SceneGrasps)
    }
    columns["kind"] = rng.integers(0, 8, grasps).astype(np.int8)
    columns["object_index"] = rng.integers(-1, things, grasps).astype(np.int16)
    return SceneRecord(
        number=number,
        things=rng.integers(0, 3000, things),
        T_table_object=rng.standard_normal((things, 4, 4)),
        camera=dataclasses.replace(CAMERA, fx=31.0 + number),
        T_table_camera=rng.standard_normal((4, 4)),
        depth_m=noisy,
        clean_depth_m=rng.uniform(0.5, 0.8, (24, 40)).astype(np.float32),
        mask=rng.integers(0, things + 1, (24, 40)).astype(np.uint8),
        color=rng.integers(0, 256, (24, 40, 3)).astype(np.uint8) if color else None,
        grasps=SceneGrasps(**columns),
    )


def assert_same(found: SceneRecord, made: SceneRecord) -> None:
    assert (found.number, found.camera) == (made.number, made.camera)
    for name in ("things", "T_table_object", "T_table_camera", "mask"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    for name in ("depth_m", "clean_depth_m"):
        a, b = getattr(found, name), getattr(made, name)
        assert np.abs(a.astype(np.float64) - b).max() <= DEPTH_STEP_M / 2 + 1e-7
        np.testing.assert_array_equal(a == 0, b == 0)
    assert (found.color is None) == (made.color is None)
    if made.color is not None:
        np.testing.assert_array_equal(found.color, made.color)
    for field in dataclasses.fields(SceneGrasps):
        a, b = getattr(found.grasps, field.name), getattr(made.grasps, field.name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


SCENES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7), st.booleans()), min_size=1, max_size=5)


@settings(deadline=None, max_examples=40)
@given(SCENES)
def test_round_trip_and_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("scenes")
    made = [make_scene(number, *shape) for number, shape in enumerate(shapes)]
    write_scenes(folder / "a.npz", made)
    found = read_scenes(folder / "a.npz")
    assert len(found) == len(made)
    for one, other in zip(found, made, strict=True):
        assert_same(one, other)
    write_scenes(folder / "b.npz", found)  # what was rounded once is not rounded again
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_every_depth_that_can_be_stored_comes_back_exactly(tmp_path: Path) -> None:
    every = (np.arange(65536, dtype=np.float64) / 10_000).astype(np.float32).reshape(256, 256)
    empty = {field.name: np.zeros(0) for field in dataclasses.fields(SceneGrasps)}
    scene = SceneRecord(
        number=0,
        things=np.zeros(0, np.int64),
        T_table_object=np.zeros((0, 4, 4)),
        camera=Intrinsics(300.0, 300.0, 127.5, 127.5, 256, 256),
        T_table_camera=np.eye(4),
        depth_m=every,
        clean_depth_m=every,
        mask=np.zeros((256, 256), np.uint8),
        color=None,
        grasps=SceneGrasps(**empty),  # type: ignore[arg-type]
    )
    write_scenes(tmp_path / "a.npz", [scene])
    np.testing.assert_array_equal(read_scenes(tmp_path / "a.npz")[0].depth_m, every)
    with pytest.raises(ValueError, match=r"expected 0 to 6\.5535 m"):
        dataclasses.replace(scene, depth_m=every + np.float32(0.001))


def test_a_scene_is_a_frame_for_a_detector() -> None:
    scene = make_scene(3)
    frame = scene.frame()
    np.testing.assert_array_equal(frame.depth_m, scene.depth_m)
    np.testing.assert_array_equal(frame.color, scene.color)
    assert (frame.intrinsics, frame.number) == (scene.camera, 3)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("depth_m", np.zeros((24, 39)), "depth_m must be finite and of the shape"),
        ("depth_m", np.full((24, 40), np.nan), "depth_m must be finite"),
        ("clean_depth_m", np.full((24, 40), -0.1), "clean_depth_m reaches from -0.1"),
        ("clean_depth_m", np.full((24, 40), 700.0), "expected 0 to 6.5535 m"),
        ("mask", np.full((24, 40), 3), "mask names thing 3 of 2"),
        ("T_table_object", np.zeros((3, 4, 4)), r"shape \(2, 4, 4\)"),
        ("color", np.zeros((24, 40)), "color"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(make_scene(0), **{name: value})


def test_grasps_that_do_not_fit_are_refused() -> None:
    grasps = make_scene(0).grasps
    with pytest.raises(ValueError, match="width_m must be 6 finite numbers"):
        dataclasses.replace(grasps, width_m=np.zeros(5, np.float32))
    with pytest.raises(ValueError, match="depth_m must be 6 finite"):
        dataclasses.replace(grasps, depth_m=np.full(6, np.nan, np.float32))
    with pytest.raises(ValueError, match="object_index must lie between -1 and 1"):
        dataclasses.replace(make_scene(0), grasps=dataclasses.replace(grasps, object_index=np.full(6, 2, np.int16)))


def test_no_scenes_or_images_of_two_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one scene"):
        write_scenes(tmp_path / "a.npz", [])
    small = make_scene(1, color=False)
    cut = {name: getattr(small, name)[:20] for name in ("depth_m", "clean_depth_m", "mask")}
    other = dataclasses.replace(small, camera=dataclasses.replace(CAMERA, height=20), **cut)
    with pytest.raises(ValueError, match="images of one size"):
        write_scenes(tmp_path / "a.npz", [small, other])


def make_folder(folder: Path) -> None:
    for index in range(3):
        write_scenes(scenes_file(folder, index), [make_scene(2 * index), make_scene(2 * index + 1, color=False)])


def change(path: Path, **arrays: np.ndarray) -> None:
    np.savez(path, **{**dict(np.load(path)), **arrays})


DAMAGES = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "truncated"),
    "other file": (lambda path: np.savez(path, np.zeros(3)), "it lacks number, thing_count"),
    "fewer cameras": (lambda path: change(path, camera=np.ones((1, 6))), "differ in how many scenes"),
    "wrong type": (lambda path: change(path, mask=np.zeros((2, 24, 40))), "mask has the type float64"),
    "wrong shape": (lambda path: change(path, depth=np.zeros((2, 3, 24, 40), np.uint8)), "depth has the type"),
    "grasps lost": (lambda path: change(path, grasp_u=np.zeros(7, np.float32)), "finite numbers"),
    "more things": (lambda path: change(path, thing_count=np.array([2, 9])), "scene 3 is not complete"),
    "no camera": (lambda path: change(path, camera=np.full((2, 6), np.nan)), "NaN"),
    "endless camera": (lambda path: change(path, camera=np.full((2, 6), np.inf)), "infinity"),
    "colour lost": (lambda path: change(path, color=np.zeros((0, 24, 40, 3), np.uint8)), "out of bounds"),
}


@pytest.mark.parametrize("kind", list(DAMAGES))
def test_each_damage_is_named_and_skipped_or_stops(tmp_path: Path, kind: str) -> None:
    make_folder(tmp_path)
    damage, words = DAMAGES[kind]
    damage(scenes_file(tmp_path, 1))
    with pytest.raises(SettingsError, match=rf"scenes_00001\.npz.*{words}"):
        read_scenes(scenes_file(tmp_path, 1))
    with pytest.raises(SettingsError, match=rf"scenes_00001\.npz.*{words}.*--damaged skip"):
        list(iter_scenes(tmp_path, damaged="stop", tell=pytest.fail))
    told: list[str] = []
    assert [scene.number for scene in iter_scenes(tmp_path, damaged="skip", tell=told.append)] == [0, 1, 4, 5]
    assert "scenes_00001.npz" in told[0]
    assert "1 of 3 shards" in told[1]


def test_a_folder_is_read_in_order_from_above_or_inside(tmp_path: Path) -> None:
    make_folder(tmp_path)
    for folder in (tmp_path, tmp_path / "scenes"):
        assert [scene.number for scene in iter_scenes(folder, damaged="stop", tell=pytest.fail)] == list(range(6))


def test_a_folder_without_scenes_is_one_clear_line(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(SettingsError, match=r"no scenes_\*\.npz"):
            list(iter_scenes(folder, damaged="skip", tell=pytest.fail))
    make_folder(tmp_path)
    for index in range(3):
        scenes_file(tmp_path, index).write_bytes(b"bad")
    with pytest.raises(SettingsError, match="no readable scenes"):
        list(iter_scenes(tmp_path, damaged="skip", tell=lambda line: None))
