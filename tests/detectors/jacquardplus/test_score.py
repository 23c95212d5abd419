"""The score is the share of all scenes, whatever is wrong with some."""

from __future__ import annotations

import math

import pytest

from detectors.evaluation.intervals import wilson
from detectors.jacquardplus.predictions import Prediction, Predictions
from detectors.jacquardplus.score import faults_in_words, in_words, outcomes_of, score

SOME = Prediction(1.0, 2.0, 0.0, 3.0)


def test_silence_and_wrong_entries_are_failures():
    predictions = Predictions("mine", 1, 4, {0: SOME, 1: None, 2: None, 3: SOME}, frozenset({1}), ("scene 2: ...",))
    outcomes = outcomes_of(predictions, {0: "lifted", 3: "collision"})
    assert outcomes == {0: "lifted", 1: "no prediction", 2: "wrong entry", 3: "collision"}
    figures = score(outcomes, dict.fromkeys(range(4), 0.1))
    assert (figures["score"], figures["lifted"], figures["scenes"]) == (0.25, 1, 4)
    assert tuple(figures["interval"]) == wilson(1, 4)
    assert figures["outcomes"] == {"collision": 1, "lifted": 1, "no prediction": 1, "wrong entry": 1}


def test_every_scene_counts_in_one_band_of_tilt():
    degrees = {0: 0.0, 1: 19.9, 2: 20.0, 3: 44.9, 4: 45.0, 5: 70.0, 6: 70.0001}
    outcomes = {number: "lifted" if number in (1, 2, 6) else "dropped" for number in degrees}
    figures = score(outcomes, {number: math.radians(tilt) for number, tilt in degrees.items()})
    bands = {band: (part["lifted"], part["scenes"]) for band, part in figures["by_tilt_deg"].items()}
    assert bands == {"0-20": (1, 2), "20-45": (1, 2), "45-70": (1, 3)}


def test_a_band_without_scenes_says_so():
    figures = score({0: "lifted"}, {0: 0.0})
    assert figures["by_tilt_deg"]["45-70"]["score"] is None
    assert in_words("mine", figures) == [
        "mine: 1 of 1 scenes lifted = 100.0 % (20.7 - 100.0 %)",
        "  tilt 0-20 degrees: 1 of 1 scenes lifted = 100.0 % (20.7 - 100.0 %)",
        "  tilt 20-45 degrees: no scenes",
        "  tilt 45-70 degrees: no scenes",
        "  lifted: 1",
    ]


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (1, 2), (20, 21), (21, 22), (500, 22)])
def test_twenty_wrong_entries_are_told_and_the_others_counted(count, shown):
    told = faults_in_words(tuple(f"scene {n}: wrong" for n in range(count)))
    assert len(told) == shown
    assert not count or told[-1].startswith(f"{count} wrong")
    assert count <= 20 or told[-2] == f"... and {count - 20} more"
