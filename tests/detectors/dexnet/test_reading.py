"""A folder made by somebody else reads right; whatever is wrong with one is named, and skipped or fatal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detectors.dexnet.reading import iter_tensors, open_folder, read_tensors
from detectors.dexnet.tensors import GraspTensors
from robot.errors import SettingsError
from tests.detectors.dexnet.published import COUNTS, make

TOTAL = sum(COUNTS)


def read(folder: Path, *, damaged: str = "stop", told: list[str] | None = None, **more: object) -> GraspTensors:
    told = [] if told is None else told
    return read_tensors(folder, damaged=damaged, tell=told.append, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("sub_folder", ["", "tensors"])
def test_the_published_layout_reads_right(tmp_path: Path, sub_folder: str) -> None:
    written = make(tmp_path / sub_folder)
    told: list[str] = []
    tensors = read(tmp_path, told=told)
    assert len(tensors) == TOTAL
    assert told == []
    row = COUNTS[0] + 7
    source = written[1]
    np.testing.assert_array_equal(tensors.crops_m[row], source["depth_ims_tf_table"][7, :, :, 0])
    np.testing.assert_array_equal(tensors.hand_poses[row], source["hand_poses"][7])
    assert tensors.v[row] == source["hand_poses"][7, 0]
    assert tensors.u[row] == source["hand_poses"][7, 1]
    assert tensors.depth_m[row] == source["hand_poses"][7, 2]
    assert tensors.angle_rad[row] == source["hand_poses"][7, 3]
    everything = np.concatenate([arrays["robust_ferrari_canny"] for arrays in written])
    np.testing.assert_array_equal(tensors.robust, everything > 0.002)
    assert 0 < tensors.robust.sum() < TOTAL
    assert tensors.force_closure is not None
    assert tensors.force_closure[row] == source["force_closure"][7]
    np.testing.assert_array_equal(tensors.width_m, np.float32(0.05))
    assert tensors.object_label is None
    assert tensors.physical_success is None
    assert not open_folder(tmp_path, told.append).own


def test_labels_are_read_where_there_are_any(tmp_path: Path) -> None:
    written = make(tmp_path / "tensors", labelled=True)
    (tmp_path / "config.json").write_text("{}")
    tensors = read(tmp_path)
    for attribute, name in (
        ("object_label", "obj_labels"),
        ("pose_label", "pose_labels"),
        ("image_label", "image_labels"),
        ("collision_free", "collision_free"),
    ):
        expected = np.concatenate([arrays[name] for arrays in written])
        np.testing.assert_array_equal(getattr(tensors, attribute), expected)


def test_one_index_at_a_time_with_a_limit_or_some_files_only(tmp_path: Path) -> None:
    make(tmp_path)
    found = dict(iter_tensors(tmp_path, damaged="stop", tell=pytest.fail))
    assert {index: len(part) for index, part in found.items()} == dict(enumerate(COUNTS))
    limited = dict(iter_tensors(tmp_path, damaged="stop", tell=pytest.fail, limit=25))
    assert {index: len(part) for index, part in limited.items()} == {0: 20, 1: 5}
    np.testing.assert_array_equal(read(tmp_path, limit=25).depth_m, read(tmp_path).depth_m[:25])
    np.testing.assert_array_equal(read(tmp_path, files=range(1, 2)).hand_poses, found[1].hand_poses)


def test_half_the_memory_costs_a_quarter_of_a_millimetre(tmp_path: Path) -> None:
    make(tmp_path)
    exact, lean = read(tmp_path), read(tmp_path, dtype=np.float16)
    assert lean.crops_m.dtype == np.float16
    assert lean.hand_poses.dtype == np.float32
    assert 0 < np.abs(lean.crops_m.astype(np.float64) - exact.crops_m).max() <= 2.5e-4


def rewrite(folder: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    path = folder / f"{name}_00001.npz"
    np.savez_compressed(path, change(np.load(path)["arr_0"]))


def with_nan(array: np.ndarray) -> np.ndarray:
    array[3] = np.nan
    return array


def truncate(folder: Path, name: str) -> None:
    path = folder / f"{name}_00001.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def flip_a_byte(folder: Path, name: str) -> None:
    path = folder / f"{name}_00001.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def two_keys(folder: Path) -> None:
    np.savez(folder / "hand_poses_00001.npz", a=np.zeros((20, 7)), b=np.zeros((20, 7)))


def objects(folder: Path) -> None:
    np.savez(folder / "hand_poses_00001.npz", np.array([{}] * 20, dtype=object))


DAMAGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "truncated": (lambda f: truncate(f, "depth_ims_tf_table"), "depth_ims_tf_table_00001.npz", "truncated"),
    "bad bytes": (lambda f: flip_a_byte(f, "depth_ims_tf_table"), "depth_ims_tf_table_00001.npz", "cannot be read"),
    "empty": (lambda f: (f / "hand_poses_00001.npz").write_bytes(b""), "hand_poses_00001.npz", "0 bytes"),
    "text": (lambda f: (f / "hand_poses_00001.npz").write_text("<html>404</html>"), "hand_poses_00001.npz", "whole"),
    "missing": (lambda f: (f / "robust_ferrari_canny_00001.npz").unlink(), "robust_ferrari_canny_00001.npz", "missing"),
    "optional missing": (lambda f: (f / "force_closure_00001.npz").unlink(), "force_closure_00001.npz", "missing"),
    "shorter": (lambda f: rewrite(f, "hand_poses", lambda a: a[:-1]), "hand_poses_00001.npz", "holds 19 grasps.* 20"),
    "image size": (
        lambda f: rewrite(f, "depth_ims_tf_table", lambda a: np.zeros((20, 96, 96, 1), np.float32)),
        "depth_ims_tf_table_00001.npz",
        r"\(20, 96, 96\), expected \(n, 32, 32\)",
    ),
    "pose columns": (lambda f: rewrite(f, "hand_poses", lambda a: a[:, :3]), "hand_poses_00001.npz", r"\(20, 3\)"),
    "integers": (
        lambda f: rewrite(f, "depth_ims_tf_table", lambda a: (a * 1000).astype(np.uint16)),
        "depth_ims_tf_table_00001.npz",
        "type uint16, expected float32",
    ),
    "millimetres": (lambda f: rewrite(f, "depth_ims_tf_table", lambda a: a * 1000), "depth_ims_tf_table", "metres"),
    "no depth": (lambda f: rewrite(f, "hand_poses", lambda a: a * 0), "hand_poses_00001.npz", "must be positive"),
    "nan crop": (lambda f: rewrite(f, "depth_ims_tf_table", with_nan), "depth_ims_tf_table_00001.npz", "not finite"),
    "nan label": (lambda f: rewrite(f, "robust_ferrari_canny", with_nan), "robust_ferrari_canny_00001", "not finite"),
    "two keys": (two_keys, "hand_poses_00001.npz", "holds 2 arrays"),
    "objects": (objects, "hand_poses_00001.npz", "cannot be read"),
    "share": (lambda f: rewrite(f, "force_closure", lambda a: a + 7), "force_closure_00001.npz", r"in \[0, 1\]"),
}


@pytest.mark.parametrize("kind", list(DAMAGES))
def test_each_damage_is_named_and_skipped_or_stops(tmp_path: Path, kind: str) -> None:
    make(tmp_path)
    damage, file, reason = DAMAGES[kind]
    damage(tmp_path)
    with pytest.raises(SettingsError, match=rf"{file}.*{reason}.*--damaged skip") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)
    told: list[str] = []
    tensors = read(tmp_path, damaged="skip", told=told)
    assert len(tensors) == COUNTS[0] + COUNTS[2]
    assert len(told) == 2
    assert file in told[0]
    assert "index 00001 is left out" in told[0]
    assert "1 of 3 indices" in told[1]
    expected = np.concatenate([np.load(tmp_path / f"hand_poses_0000{i}.npz")["arr_0"] for i in (0, 2)])
    np.testing.assert_array_equal(tensors.hand_poses, expected)


def test_a_label_that_is_no_whole_number_is_damage(tmp_path: Path) -> None:
    make(tmp_path, labelled=True)
    rewrite(tmp_path, "obj_labels", lambda a: a + 0.5)
    with pytest.raises(SettingsError, match=r"obj_labels_00001\.npz.*int64"):
        read(tmp_path)
    rewrite(tmp_path, "obj_labels", lambda a: np.floor(a))
    assert read(tmp_path).object_label is not None


def test_forms_that_differ_without_harm_are_read(tmp_path: Path) -> None:
    written = make(tmp_path / "plain")
    other = tmp_path / "other"
    other.mkdir()
    for index, arrays in enumerate(written):
        np.savez(other / f"depth_ims_tf_table_{index:05d}.npz", images=arrays["depth_ims_tf_table"][..., 0])
        wider = np.pad(arrays["hand_poses"], ((0, 0), (0, 2))).astype(np.float64)
        np.savez(other / f"hand_poses_{index:05d}.npz", wider)
        np.save(other / f"robust_ferrari_canny_{index:05d}.npy", arrays["robust_ferrari_canny"][:, None])
        np.savez(other / f"object_labels_{index:05d}.npz", np.arange(COUNTS[index]))
    (other / ".hand_poses_00000.npz.123.part").write_bytes(b"left by a killed run")
    (other / "notes_00000.npz").write_bytes(b"not ours")
    np.save(other / "renamed.npy", written[1]["hand_poses"])
    (other / "renamed.npy").rename(other / "hand_poses_00001.npz")
    plain, found = read(tmp_path / "plain"), read(other)
    for name in ("crops_m", "hand_poses", "robust_ferrari_canny"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
        assert getattr(found, name).dtype == np.float32
    assert found.object_label is not None
    rewrite(tmp_path / "plain", "hand_poses", lambda a: a[:, :4])
    narrow = read(tmp_path / "plain").hand_poses[COUNTS[0]]
    np.testing.assert_array_equal(narrow, [*plain.hand_poses[COUNTS[0], :4], 0, 0, 0])


def test_a_stray_optional_file_is_no_reason_to_drop_the_rest(tmp_path: Path) -> None:
    make(tmp_path)
    np.savez(tmp_path / "widths_m_00001.npz", np.full(COUNTS[1], 0.07))
    told: list[str] = []
    assert len(read(tmp_path, told=told)) == TOTAL
    assert "widths_m is ignored: 1 of 3" in told[0]


def test_folders_that_hold_nothing_readable_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such folder"):
        read(tmp_path / "absent")
    with pytest.raises(SettingsError, match="depth_ims_tf_table_00000"):
        read(tmp_path)
    make(tmp_path)
    for path in tmp_path.glob("hand_poses_*"):
        path.rename(path.with_name(f"grasps_{path.name[-9:]}"))
    with pytest.raises(SettingsError, match=r"no file hand_poses_\*\.npz"):
        read(tmp_path, damaged="skip")
    everything_bad = tmp_path / "bad"
    make(everything_bad)
    for path in everything_bad.glob("hand_poses_*"):
        path.write_bytes(b"bad")
    with pytest.raises(SettingsError, match="no readable grasps"):
        read(everything_bad, damaged="skip")
    with pytest.raises(SettingsError, match="at least one"):
        read(everything_bad, limit=0)
    with pytest.raises(SettingsError, match="'stop' or 'skip'"):
        read(everything_bad, damaged="ignore")
