"""Who can be shown colour alone, and what is a score."""

from __future__ import annotations

import math

import pytest

from detectors.evaluation.rectangles import Rectangle
from detectors.rectangle_detector import ScoredRectangle, sees_color_alone
from detectors.registry import make_detector
from tests.detectors.color_blob import ColorBlob


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_cannot_be_ordered_is_none(score):
    with pytest.raises(ValueError, match="finite"):
        ScoredRectangle(Rectangle(1.0, 2.0, 0.0, 3.0, 4.0), score)


def test_a_detector_of_rectangles_is_told_by_what_it_can_do():
    assert sees_color_alone(ColorBlob())
    assert not sees_color_alone(make_detector("antipodal"))
