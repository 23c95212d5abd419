"""Hits and misses land on their own sheets, the prediction in its colour over the ground truths."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detectors.evaluation.first_grasps import FirstGrasp, Truths
from detectors.evaluation.pictures import HITS, MISSES, Pictures
from detectors.evaluation.rectangles import Rectangle, half_of_opening
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

K = Intrinsics(300.0, 300.0, 80.0, 60.0, 160, 120)
DEPTH = np.full((120, 160), 0.7, np.float32)
FRAME = Frame(DEPTH, K)
TRUTH = Rectangle(40.0, 60.0, 0.0, 40.0, 20.0)
TRUTHS = Truths((TRUTH,), half_of_opening, ())
RIGHT = FirstGrasp(by_angle=(0.9,) * 5, rectangle=TRUTH)
WRONG = FirstGrasp(by_angle=(0.25,) * 5, rectangle=Rectangle(120.0, 60.0, np.pi / 2, 40.0, 20.0))
SILENT = FirstGrasp(by_angle=(0.0,) * 5, proposed=False, reason="shy")


def sheets(folder, *shown, count=24):
    """What is written of (name, frame, truths, answer), RGB, and how many there are of each."""
    pictures = Pictures(count)
    for one in shown:
        pictures.watch(*one)
    counts = pictures.write(folder)
    return [cv2.imread(str(folder / name))[:, :, ::-1].astype(int) for name in (HITS, MISSES)], counts


def reddest(sheet, u, v):
    """How much more red than blue and green about a pixel."""
    near = sheet[v - 2 : v + 3, u - 2 : u + 3].reshape(-1, 3)
    return int((near[:, 0] - near[:, 1:].max(axis=1)).max())


def bluest(sheet, u, v):
    near = sheet[v - 2 : v + 3, u - 2 : u + 3].reshape(-1, 3)
    return int((near[:, 2] - near[:, :2].max(axis=1)).max())


def greenest(sheet, u, v):
    near = sheet[v - 2 : v + 3, u - 2 : u + 3].reshape(-1, 3)
    return int((near[:, 1] - near[:, [0, 2]].max(axis=1)).max())


def test_a_hit_is_blue_and_a_miss_is_red_over_green_truths(tmp_path):
    (hits, misses), counts = sheets(
        tmp_path, ("a", FRAME, TRUTHS, RIGHT), ("b", FRAME, TRUTHS, WRONG), ("c", FRAME, TRUTHS, WRONG)
    )
    assert counts == {HITS: 1, MISSES: 2}
    assert bluest(hits, 60, 60) > 80, "the right plate of the prediction, over that of the truth"
    assert reddest(hits, 60, 60) <= 0
    assert greenest(misses, 60, 60) > 80, "the truth's right plate"
    assert reddest(misses, 120, 80) > 80, "the lower plate of a prediction that closes along v"
    assert bluest(misses, 120, 80) <= 0
    assert misses.shape[1] == 2 * hits.shape[1]


def test_an_index_of_exactly_the_threshold_is_a_miss_and_so_is_silence(tmp_path):
    (_, misses), counts = sheets(tmp_path, ("a", FRAME, TRUTHS, WRONG), ("b", FRAME, TRUTHS, SILENT))
    assert counts == {HITS: 0, MISSES: 2}
    assert greenest(misses[:, misses.shape[1] // 2 :], 60, 60) > 80, "who is silent is shown what there was"


def test_an_image_without_a_ground_truth_is_on_neither_sheet(tmp_path):
    bare = FirstGrasp(rectangle=TRUTH)
    assert sheets(tmp_path, ("a", FRAME, Truths((), half_of_opening, ()), bare))[1] == {HITS: 0, MISSES: 0}
    assert (tmp_path / HITS).is_file(), "a blank sheet, in place of an older one"


def test_no_more_than_were_asked_for_in_rows_of_six(tmp_path):
    (hits, _), counts = sheets(tmp_path, *[(str(i), FRAME, TRUTHS, RIGHT) for i in range(9)], count=8)
    assert counts[HITS] == 8
    one = sheets(tmp_path, ("a", FRAME, TRUTHS, RIGHT))[0][0].shape
    assert hits.shape == (2 * one[0], 6 * one[1], 3)


def test_the_background_is_the_depth_and_colour_only_where_there_is_none(tmp_path):
    purple = np.full((120, 160, 3), (150, 0, 150), np.uint8)
    stepped = DEPTH.copy()
    stepped[:30] = 0.6
    near_and_far = Frame(stepped, K, purple)
    blind = Frame(np.zeros_like(DEPTH), K, purple)
    (hits, _), _ = sheets(tmp_path, ("a", near_and_far, TRUTHS, RIGHT), ("b", blind, TRUTHS, RIGHT))
    near, far = hits[10, 130], hits[100, 130]
    assert np.ptp(near) == np.ptp(far) == 0, "greys"
    assert near[0] > far[0], "what is near is bright"
    second = hits[:, hits.shape[1] // 2 :]
    assert second[100, 130].tolist() == [150, 0, 150]


def test_a_large_image_is_shown_whole(tmp_path):
    large = Intrinsics(2000.0, 2000.0, 512.0, 512.0, 1024, 1024)
    frame = Frame(np.full((1024, 1024), 1.5, np.float32), large)
    truth = Rectangle(896.0, 512.0, 0.0, 192.0, 96.0)  # its right plate at 992 of 1024, 310 of 320
    right = FirstGrasp(by_angle=(1.0,) * 5, rectangle=truth)
    (hits, _), _ = sheets(tmp_path, ("a", frame, Truths((truth,), half_of_opening, ()), right))
    assert bluest(hits, 310, 160) > 80


def test_a_folder_that_is_gone_is_an_error_that_says_so(tmp_path):
    with pytest.raises(SettingsError, match=r"hits\.png: cannot be written"):
        Pictures(4).write(tmp_path / "gone")
