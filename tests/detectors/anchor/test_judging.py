"""Whole pictures: shown whole, and the best grasp by either score counted right or wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from detectors.anchor.judging import ORDERS, look, predict, rectangle_accuracy, whole_view
from detectors.anchor.network import Predictions, Scores
from detectors.anchor.views import as_boxes, as_input
from detectors.fcn.views import inverse, moved
from tests.detectors.anchor.bars import BarColors, across, boxes, tiny_backbone, tiny_network
from tests.detectors.anchor.eyes import BarEyes


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [((480, 640), 1.0, (480, 640)), ((224, 224), 320 / 224, (320, 320)), ((100, 150), 1.0, (112, 160)),
     ((1024, 1024), 0.3125, (320, 320)), ((3, 5), 0.1, (16, 16))],
)  # fmt: skip
def test_all_of_a_picture_is_shown_in_sides_of_sixteens(
    shape: tuple[int, int], scale: float, expected: tuple[int, int]
) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    seen, matrix = whole_view(image, scale)
    assert seen.shape == (*expected, 3)
    ends = np.array([[0.0, 0.0, 0, 1, 1], [shape[1] - 1.0, shape[0] - 1.0, 0, 1, 1]])
    lying = moved(ends, matrix)[:, :2]
    np.testing.assert_allclose(lying.mean(axis=0), (np.array(expected[::-1]) - 1) / 2)
    np.testing.assert_allclose(lying[1] - lying[0], scale * (np.array(shape[::-1]) - 1.0))


def test_a_bar_is_found_again_where_the_matrix_says() -> None:
    picture = BarColors(3).picture(1)
    for scale in (0.7, 1.0, 2.3):
        seen, matrix = whole_view(picture.image[:, 10:], scale)
        found = across(seen)
        expected = moved(across(picture.image[:, 10:]), matrix)
        assert tuple(found[0, :2]) == pytest.approx(tuple(expected[0, :2]), abs=0.5)
        back = moved(found, inverse(matrix))
        assert tuple(back[0, :2]) == pytest.approx(tuple(across(picture.image)[0, :2] - [10, 0]), abs=0.7)


def test_predictions_are_the_decoded_anchors_and_their_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)
    network = tiny_network().eval()
    image = BarColors(1).picture(0).image
    found, scores = predict(network, image)
    with torch.no_grad():
        said = network(torch.from_numpy(as_input(image)).permute(2, 0, 1)[None])
    anchors = network.config.anchors()
    torch.testing.assert_close(found, anchors.decode(said.deltas[0], anchors.grid(10, 10)))
    torch.testing.assert_close(scores, network.scores(said))


def test_a_network_that_has_learnt_nothing_may_predict_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)
    network = tiny_network().eval()
    with torch.no_grad():
        network.get_parameter("regression.bias").copy_(torch.tensor([1e9, -1e9, 1e9, -1e9, 1e9] * 6))
    found, _ = predict(network, np.zeros((32, 32, 3), np.uint8))
    assert bool(torch.isfinite(found).all())


def test_truths_are_told_in_the_view() -> None:
    picture = BarColors(1, scale=1.5).picture(0)
    _, _, truths = look(BarEyes(), picture)  # type: ignore[arg-type]
    _, matrix = whole_view(picture.image, 1.5)
    torch.testing.assert_close(truths, torch.from_numpy(as_boxes(moved(picture.truths, matrix))))


@pytest.mark.parametrize(
    ("off_px", "turn_rad", "right"),
    [(0.0, 0.0, True), (0.0, math.radians(28), True), (0.0, math.radians(32), False), (40.0, 0.0, False)],
)
def test_the_best_is_right_within_thirty_degrees_and_a_quarter_of_overlap(
    off_px: float, turn_rad: float, right: bool
) -> None:
    pictures = BarColors(6)
    eyes: Any = BarEyes(width_px=34.0, height_px=18.0, off_px=off_px, turn_rad=turn_rad)
    assert rectangle_accuracy(eyes, pictures, np.arange(6)) == dict.fromkeys(ORDERS, float(right))


def test_the_orders_are_judged_apart() -> None:
    """Two of three pictures are looked at; by the primary score another grasp is best, that is wrong."""

    class TwoMinds(BarEyes):
        def scores(self, found: Predictions) -> Scores:
            found_scores = super().scores(found)
            return found_scores._replace(primary=found_scores.primary.roll(7 * 6, dims=1))

    pictures = BarColors(3)
    eyes: Any = TwoMinds(width_px=34.0, height_px=18.0)
    assert rectangle_accuracy(eyes, pictures, np.array([0, 2])) == {"final": 1.0, "scorer": 1.0, "primary": 0.0}
    assert pictures.asked == [0, 2]


def test_eyes_hold_the_bar_across_its_middle() -> None:
    """The scripted network of these tests does what it claims."""
    picture = BarColors(1).picture(0)
    eyes: Any = BarEyes(width_px=34.0, height_px=18.0)
    found, scores = predict(eyes, picture.image)
    best = found[int(scores.final.argmax())]
    u, v, angle, _, _ = picture.truths[0]
    torch.testing.assert_close(best[:4], boxes((u, v, 34.0, 18.0, 0.0))[0, :4], atol=0.7, rtol=0)
    assert abs(math.remainder(float(best[4]) - angle, math.pi)) < 0.05
    torch.testing.assert_close(scores.primary, scores.final)
