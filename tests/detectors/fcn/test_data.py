from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.cornell import reading
from detectors.fcn.data import held_aside, load_rectangles, read_rectangles
from robot.errors import SettingsError
from tests.detectors.cornell.made import RECTANGLE
from tests.detectors.fcn.drawn import write_drawn


def test_whole_things_are_held_aside_where_they_are_known(tmp_path: Path) -> None:
    told: list[str] = []
    learning = load_rectangles(write_drawn(tmp_path / "drawn", 5), "cornell", "color", told.append, seed=0)
    pictures = read_rectangles(tmp_path / "drawn", "cornell", "color", told.append)
    assert not {*pictures.things[learning.rows]} & {*pictures.things[learning.judged_rows]}
    assert sorted([*learning.rows, *learning.judged_rows]) == list(range(10))
    assert len(learning.judged_rows) == 2
    assert not [line for line in told if "tell its things apart" in line]


def test_images_are_held_aside_where_things_are_not_known(tmp_path: Path) -> None:
    _georgia(tmp_path, 12)
    told: list[str] = []
    learning = load_rectangles(tmp_path, "georgia", "color", told.append, seed=0)
    assert (len(learning.rows), len(learning.judged_rows)) == (10, 2)
    assert [line for line in told if "does not tell its things apart" in line]


def test_images_are_held_aside_where_all_show_one_thing(tmp_path: Path) -> None:
    told: list[str] = []
    learning = load_rectangles(write_drawn(tmp_path / "drawn", 1), "cornell", "color", told.append, seed=0)
    assert (len(learning.rows), len(learning.judged_rows)) == (1, 1)
    assert told[-1].startswith("the data set does not tell")


def test_a_single_image_is_too_few(tmp_path: Path) -> None:
    _georgia(tmp_path, 1)
    with pytest.raises(SettingsError, match="1 image to learn from leaves none to choose the best epoch by"):
        load_rectangles(tmp_path, "georgia", "color", print, seed=0)


def test_a_tenth_is_held_aside_and_never_part_of_a_group() -> None:
    names = np.array([f"image {i}" for i in range(100)])
    things = np.array([f"thing {i // 5}" for i in range(100)])
    by_image = held_aside(names, things, by="image", seed=1)
    by_object = held_aside(names, things, by="object", seed=1)
    assert by_image.sum() == by_object.sum() == 10
    assert not {*things[by_object]} & {*things[~by_object]}
    assert {*things[by_image]} & {*things[~by_image]}
    crops = np.array([f"photograph {i // 2}" for i in range(100)])
    aside = held_aside(crops, things, by="image", seed=1)
    assert not {*crops[aside]} & {*crops[~aside]}


def test_images_without_what_is_shown_are_counted(tmp_path: Path) -> None:
    folder = write_drawn(tmp_path / "drawn", 3, depth=True)
    (folder / "01" / "pcd0100d.tiff").unlink()
    told: list[str] = []
    assert len(read_rectangles(folder, "cornell", "depth", told.append)) == 5
    assert "left out 1 image(s): no depth with a table in it" in told


def test_of_a_limited_number_the_first_are_read(tmp_path: Path) -> None:
    folder = write_drawn(tmp_path / "drawn", 3)
    pictures = read_rectangles(folder, "cornell", "color", print, limit=4)
    assert pictures.names.tolist() == ["pcd0100", "pcd0101", "pcd0102", "pcd0103"]


def test_nothing_is_read_beyond_a_limited_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_drawn(tmp_path / "drawn", 10)
    (folder / "01" / "pcd0101r.png").write_bytes(b"torn")
    read: list[str] = []
    honest = reading.read_color

    def watched(path: Path) -> Any:
        read.append(path.name[:7])
        return honest(path)

    monkeypatch.setattr(reading, "read_color", watched)
    pictures = read_rectangles(folder, "cornell", "color", print, limit=3)
    assert pictures.names.tolist() == ["pcd0100", "pcd0102", "pcd0103"], "usable ones"
    assert read == ["pcd0100", "pcd0101", "pcd0102", "pcd0103"]


@pytest.mark.parametrize("limit", [2, 9, 18, 20])
def test_a_limit_is_of_what_is_learnt_from(tmp_path: Path, limit: int) -> None:
    _georgia(tmp_path, 40)
    learning = load_rectangles(tmp_path, "georgia", "color", print, seed=0, limit=limit)
    assert len(learning.rows) == limit
    assert len(learning.pictures) == limit + math.ceil(limit / 9)
    assert not {*learning.rows} & {*learning.judged_rows}


def test_what_the_reader_has_to_say_is_said_where_not_all_is_read(tmp_path: Path) -> None:
    folder = write_drawn(tmp_path / "drawn", 3, depth=True)
    told: list[str] = []
    read_rectangles(folder, "cornell", "depth", told.append, limit=4)
    assert [line[:36] for line in told if "d.tiff" in line] == ["4 image(s) have no point cloud: thei"]


def test_nothing_usable_is_an_error_that_says_why(tmp_path: Path) -> None:
    folder = write_drawn(tmp_path / "drawn", 1)
    for file in folder.rglob("*r.png"):
        file.unlink()
    with pytest.raises(SettingsError, match=r"no image could be used \(no colour image: 2\)"):
        read_rectangles(folder, "cornell", "color", print)


def test_a_folder_with_colour_alone_is_learnt_from_by_colour(tmp_path: Path) -> None:
    folder = write_drawn(tmp_path / "drawn", 2)
    with pytest.raises(SettingsError, match="--input color"):
        read_rectangles(folder, "cornell", "depth", print)


def _georgia(folder: Path, count: int) -> None:
    import cv2

    (folder / "rgbd").mkdir()
    (folder / "annotations").mkdir()
    for i in range(count):
        assert cv2.imwrite(str(folder / "rgbd" / f"rgb_{i:04d}.jpg"), np.full((80, 100, 3), 99, np.uint8))
        (folder / "annotations" / f"rgb_{i:04d}_annotations.txt").write_text(RECTANGLE, encoding="utf-8")
