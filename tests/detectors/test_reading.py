"""Files in, frames out; and one clear line for each way to get it wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.reading import read_color, read_depth, read_frame, read_intrinsics
from robot.errors import SettingsError

SHAPE = (48, 64)
GOOD: dict[str, Any] = {"fx": 60.0, "fy": 61.0, "cx": 31.5, "cy": 23.5, "width": 64, "height": 48}


def depth_m() -> np.ndarray:
    depth = np.full(SHAPE, 0.7, dtype=np.float32)
    depth[10:20, 10:20] = 0.65
    depth[0, 0] = 0.0
    return depth


def saved(path: Path, array: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        assert cv2.imwrite(str(path), array)
    return path


def intrinsics_file(folder: Path, data: Any = GOOD, name: str = "camera.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("name", ["d.npy", "d.png", "d.tiff"])
def test_every_format_gives_the_same_metres(tmp_path: Path, name: str) -> None:
    depth = depth_m()
    stored = np.round(depth * 1000).astype(np.uint16) if name.endswith(".png") else depth
    np.testing.assert_allclose(read_depth(saved(tmp_path / name, stored)), depth, atol=1e-6)


def test_singleton_channel_doubles_and_missing_readings(tmp_path: Path) -> None:
    depth = depth_m().astype(np.float64)
    depth[5, 5], depth[6, 6], depth[7, 7] = np.nan, -1.0, np.inf
    read = read_depth(saved(tmp_path / "d.npy", depth[:, :, None]))
    assert read.shape == SHAPE
    assert read.dtype == np.float32
    assert read[5, 5] == read[6, 6] == read[7, 7] == 0.0


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("d.npy", np.zeros(SHAPE, np.float32), "no valid pixel"),
        ("d.npy", np.full(SHAPE, np.nan, np.float32), "no valid pixel"),
        ("d.tiff", np.full(SHAPE, -1.0, np.float32), "no valid pixel"),
        ("d.png", np.zeros(SHAPE, np.uint16), "no valid pixel"),
        ("d.npy", np.full(SHAPE, 700.0, np.float32), "in metres"),
        ("d.npy", np.full(SHAPE, 700, np.uint16), "type uint16"),
        ("d.npy", np.full((*SHAPE, 3), 0.7, np.float32), r"\(48, 64, 3\)"),
        ("d.npy", np.full(64, 0.7, np.float32), r"\(64,\)"),
        ("d.npy", np.full(SHAPE, 1j), "type complex"),
        ("d.png", np.full(SHAPE, 200, np.uint8), "uint8"),
        ("d.png", np.full((*SHAPE, 3), 200, np.uint8), "colour image"),
    ],
)
def test_unusable_depth_is_one_clear_line(tmp_path: Path, name: str, array: np.ndarray, words: str) -> None:
    path = saved(tmp_path / name, array)
    with pytest.raises(SettingsError, match=words) as caught:
        read_depth(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("not an array")
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.savez(tmp_path / "many.npz", a=np.zeros(2))
    (tmp_path / "many.npz").rename(tmp_path / "many.npy")
    np.save(tmp_path / "objects.npy", np.array([{}, None], dtype=object), allow_pickle=True)
    for name in ("text.npy", "text.png", "empty.npy", "many.npy", "objects.npy", "missing.npy", "depth.exr", "."):
        with pytest.raises(SettingsError, match=r"file|archive|image") as caught:
            read_depth(tmp_path / name)
        assert "\n" not in str(caught.value)
    (tmp_path / "depth.exr").write_bytes(b"x")
    with pytest.raises(SettingsError, match="unknown depth format"):
        read_depth(tmp_path / "depth.exr")
    with pytest.raises(SettingsError, match="not a readable image"):
        read_color(tmp_path / "text.png")


def test_intrinsics_from_json_yaml_and_published_intr(tmp_path: Path) -> None:
    published = {f"_{key}": value for key, value in GOOD.items()} | {"_skew": 0.0, "_frame": "camera"}
    for path in (
        intrinsics_file(tmp_path),
        intrinsics_file(tmp_path, name="camera.yaml"),  # JSON is YAML
        intrinsics_file(tmp_path, published, "camera.intr"),
    ):
        found = read_intrinsics(path)
        assert (found.fx, found.fy, found.cx, found.cy, found.width, found.height) == tuple(GOOD.values())


@pytest.mark.parametrize("key", list(GOOD))
def test_a_missing_intrinsic_is_named(tmp_path: Path, key: str) -> None:
    rest = {k: v for k, v in GOOD.items() if k != key}
    with pytest.raises(SettingsError, match=f"missing key '{key}'"):
        read_intrinsics(intrinsics_file(tmp_path, rest))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fx": "wide"}, "'fx' must be a number"),
        ({"fx": True}, "'fx' must be a number"),
        ({"fx": 0.0}, "positive"),
        ({"width": 64.5}, "whole number"),
        ({"fy": float("nan")}, "'fy' must be a number"),
    ],
)
def test_a_senseless_intrinsic_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_intrinsics(intrinsics_file(tmp_path, GOOD | change))


@settings(deadline=None)
@given(text=st.text(max_size=40), suffix=st.sampled_from([".json", ".yaml", ".intr"]))
def test_any_text_as_intrinsics_is_a_settings_error(
    tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"camera{suffix}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        read_intrinsics(path)


def test_sizes_that_disagree_are_an_error(tmp_path: Path) -> None:
    depth = saved(tmp_path / "d.npy", depth_m())
    with pytest.raises(SettingsError, match=r"\(48, 64\).*\(60, 64\)"):
        read_frame(depth, intrinsics_file(tmp_path, GOOD | {"height": 60}, "other.json"))
    color = saved(tmp_path / "c.png", np.zeros((50, 64, 3), np.uint8))
    with pytest.raises(SettingsError, match="colour image has shape"):
        read_frame(depth, intrinsics_file(tmp_path), color)


def test_colour_is_rgb_and_aligned(tmp_path: Path) -> None:
    blue_in_bgr = np.zeros((*SHAPE, 3), np.uint8)
    blue_in_bgr[..., 0] = 255
    frame = read_frame(
        saved(tmp_path / "d.npy", depth_m()), intrinsics_file(tmp_path), saved(tmp_path / "c.png", blue_in_bgr)
    )
    assert frame.color is not None
    assert frame.color[0, 0].tolist() == [0, 0, 255]
