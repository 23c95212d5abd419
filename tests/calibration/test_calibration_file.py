"""What is written can be read by people and by the program, and a changed file is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import yaml

from calibration.errors import CalibrationError
from calibration.records import DepthCheck, TableMark, TouchMiss
from calibration.result import (
    CALIBRATION_FILE,
    VIEWS_FILE,
    Calibration,
    calibrate,
    read_calibration,
    read_views,
    write,
    write_views,
)
from robot.errors import SettingsError
from tests.calibration.synthetic_views import INTRINSICS, make_cell, settings, spoil

CELL = spoil(make_cell("wrist", 1, 12), 0.2, 1)


@pytest.fixture(scope="module")
def fresh():
    """With something in every place."""
    result = calibrate(CELL.views, INTRINSICS, settings("wrist"), np.random.default_rng(0))
    labels = {"camera_serial": "f1", "robot_serial": "2016", "arm_model": "UR5"}
    calibration = Calibration.of(result, made_at="2030-05-17T12:00:00+02:00", **labels)
    corners = np.random.default_rng(0).normal(size=(4, 3))
    return replace(
        calibration,
        marks=(TableMark(2, corners),),
        depth=DepthCheck(1.002, 0.001, 0.0015, 400),
        touch=(TouchMiss(0, (0.0003, -0.0004, 0.0)),),
    )


@pytest.fixture
def file(fresh, tmp_path):
    write(fresh, tmp_path)
    return tmp_path / CALIBRATION_FILE


def test_what_is_written_is_read_again(fresh, tmp_path):
    written = write(fresh, tmp_path)
    back = read_calibration(tmp_path)
    assert back.sha256 == written.sha256 != ""
    for name in ("T_parent_camera", "T_other_board", "covariance"):
        np.testing.assert_allclose(getattr(back, name), getattr(fresh, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back.marks[0].corners_base_m, fresh.marks[0].corners_base_m, atol=1e-9)
    exact = ("mount", "reasons", "board", "quality", "views", "depth", "touch", "made_at")
    for name in (*exact, "camera_serial", "robot_serial", "arm_model"):
        assert getattr(back, name) == getattr(fresh, name)
    assert [solver.name for solver in back.solvers] == [solver.name for solver in fresh.solvers]
    assert back.passed


def test_what_is_read_is_written_the_same(file, tmp_path):
    again = tmp_path / "again"
    write(read_calibration(tmp_path), again)
    assert (again / CALIBRATION_FILE).read_text() == file.read_text()


def test_people_find_millimetres_and_degrees_on_top(file, fresh):
    text = file.read_text()
    assert text.startswith("# Where the camera is.")
    assert text.index("summary:") < text.index("T_parent_camera:")
    summary = yaml.safe_load(text)["summary"]
    assert next(iter(summary)) == "verdict"
    np.testing.assert_allclose(summary["camera_position_mm"], fresh.T_parent_camera[:3, 3] * 1e3, atol=1e-3)
    assert summary["position_rms_mm"] == pytest.approx(fresh.quality.position_rms_m * 1e3, abs=1e-3)
    assert summary["angle_rms_deg"] == pytest.approx(math.degrees(fresh.quality.angle_rms_rad), abs=1e-3)
    assert summary["touch_miss_mm"] == [0.5]
    assert summary["views_used"] == "10 of 12"
    assert "!!" not in text


def test_small_variances_keep_their_digits(fresh, tmp_path):
    write(replace(fresh, covariance=fresh.covariance * 1e-6), tmp_path)
    np.testing.assert_allclose(read_calibration(tmp_path).covariance, fresh.covariance * 1e-6, rtol=1e-9)


def test_none_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(CalibrationError, match="there is no calibration") as raised:
        read_calibration(tmp_path)
    assert raised.value.exit_code == 3
    assert "run_cell.py calibrate" in raised.value.hint


def set_key(content, value, *path):
    for key in path[:-1]:
        content = content[key]
    content[path[-1]] = value


@pytest.mark.parametrize(
    "path",
    [
        ("T_parent_camera", 0, 3),
        ("summary", "position_rms_mm"),
        ("quality", "position_rms_m"),
        ("covariance", 2, 2),
        ("marks", 0, "corners_base_m", 1, 1),
        ("board", "square_m"),
        ("views", 3, "rms_px"),
    ],
)
def test_a_figure_that_was_changed_by_hand_is_refused(file, path):
    content = yaml.safe_load(file.read_text())
    set_key(content, 0.029, *path)
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(CalibrationError, match="changed by hand") as raised:
        read_calibration(file.parent)
    assert "calibrate again" in raised.value.hint


def test_reasons_cannot_be_struck_out(fresh, tmp_path):
    write(replace(fresh, reasons=("too few views",)), tmp_path)
    assert not read_calibration(tmp_path).passed
    content = yaml.safe_load((tmp_path / CALIBRATION_FILE).read_text())
    content["reasons"] = []
    (tmp_path / CALIBRATION_FILE).write_text(yaml.safe_dump(content))
    with pytest.raises(CalibrationError, match="changed by hand"):
        read_calibration(tmp_path)


def test_the_hash_does_not_hang_on_the_date(fresh, tmp_path):
    first, second = write(fresh, tmp_path / "a"), write(replace(fresh, made_at="2031-01-01T00:00:00"), tmp_path / "b")
    assert first.sha256 == second.sha256
    assert read_calibration(tmp_path / "b").made_at == "2031-01-01T00:00:00"
    assert write(replace(fresh, camera_serial="other"), tmp_path / "c").sha256 != first.sha256


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (lambda c: c.pop("covariance"), "missing key 'covariance'"),
        (lambda c: c.update(extra=1), "unknown key 'extra'"),
        (lambda c: c["quality"].pop("turning_rad"), "missing key 'turning_rad'"),
        (lambda c: c["views"][0].update(colour="red"), "unknown key 'colour'"),
        (lambda c: c["T_parent_camera"].pop(), "expected 4 values"),
        (lambda c: set_key(c, float("nan"), "T_parent_camera", 0, 0), "finite"),
        (lambda c: c.update(mount="ceiling"), "ceiling"),
        (lambda c: c.update(made_at="yesterday"), "made_at is no date"),
        (lambda c: c.update(made_at=20300101), "made_at"),
        (lambda c: set_key(c, -1.0, "board", "square_m"), "square_m"),
        (lambda c: c.pop("sha256"), "missing key 'sha256'"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_place(file, spoiled, words):
    content = yaml.safe_load(file.read_text())
    spoiled(content)
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(CalibrationError, match=re.escape(words)) as raised:
        read_calibration(file.parent)
    assert raised.value.exit_code == 3
    assert "calibrate again" in raised.value.hint


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "\x00", "mount: fixed"])
def test_a_file_that_is_none_is_refused(file, text):
    file.write_text(text)
    with pytest.raises(CalibrationError) as raised:
        read_calibration(file.parent)
    assert raised.value.hint


def test_half_a_file_is_refused(file):
    whole = file.read_bytes()
    for share in (0.2, 0.5, 0.9, 0.999):
        file.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(CalibrationError):
            read_calibration(file.parent)


def test_a_folder_that_cannot_be_written_is_a_settings_error(fresh, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(SettingsError, match="cannot be written"):
        write(fresh, tmp_path / "taken")


def test_figures_and_words_for_the_command_line(fresh, tmp_path):
    calibration = write(fresh, tmp_path)
    figures = json.loads(json.dumps(calibration.figures()))
    assert figures["passed"] is True
    assert figures["sha256"] == calibration.sha256
    assert figures["position_rms_mm"] == pytest.approx(fresh.quality.position_rms_m * 1e3, abs=1e-3)
    assert figures == read_calibration(tmp_path).figures()
    words = calibration.in_words()
    assert words.startswith("the calibration passed")
    assert "touch: corner 0 missed by 0.50 mm" in words
    refused = replace(calibration, reasons=("too few views: 3", "and more")).in_words()
    assert "refused" in refused.splitlines()[0]
    assert "too few views: 3" in refused


def test_it_can_be_solved_again_from_its_folder(tmp_path):
    write_views(tmp_path, CELL.views, INTRINSICS)
    views, intrinsics = read_views(tmp_path)
    assert intrinsics == INTRINSICS
    for view, back in zip(CELL.views, views, strict=True):
        for field in fields(view):
            np.testing.assert_allclose(getattr(back, field.name), getattr(view, field.name), atol=1e-9)
        assert back.ids.dtype == np.int64
    first = calibrate(CELL.views, INTRINSICS, settings("wrist"), np.random.default_rng(0))
    second = calibrate(views, intrinsics, settings("wrist"), np.random.default_rng(0))
    np.testing.assert_allclose(second.T_parent_camera, first.T_parent_camera, atol=1e-7)


def test_a_view_without_a_corner_can_be_kept(tmp_path):
    view = CELL.views[0]
    empty = replace(view, ids=view.ids[:0], pixels=view.pixels[:0], depth_m=view.depth_m[:0])
    write_views(tmp_path, [empty], INTRINSICS)
    ((back,), _) = read_views(tmp_path)
    assert back.pixels.shape == (0, 2)


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"intrinsics": 1, "views": []}'])
def test_views_that_cannot_be_read_are_an_error_with_a_remedy(tmp_path, text):
    if text is not None:
        (tmp_path / VIEWS_FILE).write_text(text)
    with pytest.raises(CalibrationError) as raised:
        read_views(tmp_path)
    assert raised.value.hint


def test_views_that_do_not_fit_together_are_an_error(tmp_path):
    write_views(tmp_path, CELL.views, INTRINSICS)
    content = json.loads((tmp_path / VIEWS_FILE).read_text())
    content["views"][2]["ids"].pop()
    (tmp_path / VIEWS_FILE).write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match="view 3: ids, pixels and depth_m differ in length"):
        read_views(tmp_path)
