"""Rectangles in colour images: who is judged by them, at which scale, and what is right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.evaluation.baselines import BASELINES
from detectors.evaluation.color_alone import (
    color_line_up,
    first_rectangle,
    in_color,
    run_color_alone,
    scale_rule,
)
from detectors.evaluation.figures import figures
from detectors.evaluation.first_grasps import Truths
from detectors.evaluation.judging import JudgedScene
from detectors.evaluation.labelled import LabelledImage, labelled_frame
from detectors.evaluation.lineup import SAMPLING
from detectors.evaluation.rectangles import REPORTED_JACCARDS, Rectangle, half_of_opening, jaccard
from robot.errors import SettingsError
from robot.frame import Intrinsics
from tests.detectors.answering import Answering
from tests.detectors.color_blob import ColorBlob, across
from tests.detectors.evaluation.recorded import BLOCK, PlainThings, record_scenes

HEIGHT, WIDTH = 120, 160
STANDING = {name: Answering(name) for name in (SAMPLING, *BASELINES)}
ALL = {f"{least:.2f}" for least in REPORTED_JACCARDS}


def bar(left: int = 60, width: int = 24) -> np.ndarray:
    """(120, 160, 3) a red bar, upright, on white."""
    image = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    image[20:100, left : left + width] = (180, 30, 30)
    return image


def labelled(color: np.ndarray, *truths: Rectangle) -> LabelledImage:
    camera = Intrinsics(150.0, 150.0, 80.0, 60.0, WIDTH, HEIGHT)
    return LabelledImage("bar", labelled_frame(None, color, camera, 0), truths)


GOOD = across(bar())
"""What the detector finds on the bar: 31 px wide, 14 px high."""


def judged(color: np.ndarray, *truths: Rectangle, detector=None, top: int = 1):
    found = run_color_alone(
        [labelled(color, *truths)], {"it": detector or ColorBlob()}, half_of_opening, scale_rule("jacquard"), top=top
    )  # fmt: skip
    return found["it"][0]


def test_whoever_sees_colour_alone_is_judged_so_and_the_rows_of_every_table_are_left_out():
    blob, other = ColorBlob(), ColorBlob()
    assert color_line_up({"blob": blob, "other": other, **STANDING}, "cornell") == {"blob": blob, "other": other}
    assert color_line_up({"blob": blob, **STANDING}, "jacquard", "none") == {"blob": blob}
    assert color_line_up({"antipodal": Answering("antipodal"), **STANDING}, "georgia") == {}
    assert color_line_up({"blob": blob, "antipodal": Answering("antipodal")}, "synthetic") == {}


@pytest.mark.parametrize(
    ("others", "dataset", "depth", "words"),
    [
        (("fcn", "antipodal"), "cornell", None, "fcn, antipodal cannot do without depth, and on cornell blob"),
        (("fcn",), "jacquard", "stereo", "fcn cannot do without depth"),
        ((), "jacquard", "stereo", "--depth stereo: on jacquard blob can only be shown colour alone"),
        ((), "dexnet", None, "dexnet has depth images alone, and blob cannot do without colour"),
        (("fcn",), "dexnet", None, "dexnet has depth images alone"),
    ],
)
def test_what_cannot_be_judged_together_or_there_is_refused(others, dataset, depth, words):
    detectors = {name: Answering(name) for name in others} | {"blob": ColorBlob()} | STANDING
    with pytest.raises(SettingsError, match=words):
        color_line_up(detectors, dataset, depth)


@given(st.integers(1, 2000), st.integers(1, 2000))
def test_cornells_originals_are_shown_as_they_are_and_its_crops_and_all_others_are_scaled(height, width):
    assert scale_rule("cornell")(height, width) == (1.0 if min(height, width) >= 320 else None)
    assert scale_rule("jacquard")(height, width) is scale_rule("georgia")(height, width) is None


@pytest.mark.parametrize(("shape", "scale"), [((480, 640), 1.0), ((224, 224), None), ((319, 640), None)])
def test_a_detector_is_told_the_scale_and_how_many_are_wanted(shape, scale):
    blob, color = ColorBlob(), np.zeros((*shape, 3), np.uint8)
    camera = Intrinsics(500.0, 500.0, 1.0, 1.0, shape[1], shape[0])
    image = LabelledImage("it", labelled_frame(None, color, camera, 0), (GOOD,))
    run_color_alone([image], {"blob": blob}, half_of_opening, scale_rule("cornell"), top=7)
    assert blob.shown == [{"shape": (*shape, 3), "dtype": np.uint8, "top": 7, "scale": scale}]


def test_a_rectangle_keeps_the_height_that_the_network_gave_it():
    """The truth is what the network drew; with half the opening's height, or a fifth, it would not be met wholly."""
    low = replace(GOOD, height_px=GOOD.width_px / 12)
    answer = judged(bar(), low, detector=ColorBlob(low.height_px))
    assert answer.rectangle == low
    assert answer.overlap == pytest.approx(1.0)
    assert judged(bar(), low).overlap == pytest.approx(jaccard(GOOD, low))


@given(st.floats(-25.0, 25.0), st.floats(-80.0, 80.0))
def test_the_standard_metric_decides(shift_px, degrees):
    truth = replace(GOOD, u=GOOD.u + shift_px, angle_rad=GOOD.angle_rad + math.radians(degrees))
    row = figures([judged(bar(), truth)], 0.5)
    expected = jaccard(GOOD, truth) if abs(degrees) < 30 else 0.0
    assert row.rectangle == {f"{least:.2f}": float(expected > least) for least in REPORTED_JACCARDS}
    assert row.rectangle_by_angle == {
        str(limit): float(abs(degrees) < limit and expected > 0.25) for limit in (10, 15, 20, 25, 30)
    }


def test_any_of_several_truths_is_enough_and_the_next_rectangles_count_by_themselves():
    away = replace(GOOD, u=5.0, v=5.0)
    row = figures([judged(bar(), away, GOOD, top=10)], 0.5, 10)
    assert set(row.rectangle) == ALL
    assert row.predictions == {str(k): pytest.approx(1 / k) for k in range(1, 11)}
    assert row.predictions_made["10"] == 10


def test_nothing_is_said_of_what_takes_metres():
    row = figures([judged(bar(), GOOD)], 0.5)
    assert row.robust_rate is row.rectangle_closest is row.disagreement is row.physical_success is None
    assert row.detect_ms_median > 0


def test_silence_is_wrong_and_without_a_truth_it_is_neither():
    plain = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    silent, unlabelled = judged(plain, GOOD), judged(plain)
    row = figures([silent, unlabelled], 0.5)
    assert (row.rectangle["0.20"], row.rectangle_images, row.none) == (0.0, 1, 1.0)
    assert silent.reason == "no rectangle found"
    assert judged(bar()).by_angle is None


def test_more_than_were_asked_for_are_not_counted():
    class Talkative(ColorBlob):
        def rectangles(self, color, *, top=1, scale=None):
            return super().rectangles(color, top=top + 3, scale=scale)

    truths = Truths((GOOD,), half_of_opening, (GOOD,))
    assert len(first_rectangle(Talkative(), bar(), truths, None, top=2).further) == 1


def test_who_watches_sees_the_first_detectors_answers():
    seen = []
    detectors = {"first": ColorBlob(), "second": ColorBlob(3.0)}
    image = labelled(bar(), GOOD)
    answers = run_color_alone(
        [image], detectors, half_of_opening, scale_rule("georgia"), watch=lambda *shown: seen.append(shown)
    )
    assert [(name, frame, answer) for name, frame, _, answer in seen] == [("bar", image.frame, answers["first"][0])]
    assert answers["second"][0].rectangle.height_px == 3.0


def test_scenes_need_colour_only_where_somebody_sees_nothing_else(tmp_path):
    things = PlainThings(BLOCK)
    record = record_scenes(tmp_path, things, 1)[0]
    scene = JudgedScene.rebuild(record, things)
    assert list(in_color([scene], {"antipodal": Answering("antipodal")})) == [scene]
    with pytest.raises(SettingsError, match="scene 0 has no colour image, and blob cannot") as caught:
        list(in_color([scene], {"antipodal": Answering("antipodal"), "blob": ColorBlob()}))
    assert "--images all" in caught.value.hint
    shape = (*record.depth_m.shape, 3)
    colored = JudgedScene.rebuild(replace(record, color=np.zeros(shape, np.uint8)), things)
    assert list(in_color([colored], {"blob": ColorBlob()})) == [colored]
