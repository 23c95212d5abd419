"""Detectors are timed by turns on the same frames, and the first time does not count."""

from __future__ import annotations

import numpy as np
import pytest

from cell.trial_cycle import PROPOSALS
from detectors.evaluation.timing import REFERENCE, SEVERAL, Times, machine, make_frames, measure, rows, whole_view_ms
from detectors.grasp import Detection


class Clocked:
    """Says what it took; writes down that it was asked."""

    def __init__(self, name, log, times):
        self.name, self._log, self._times = name, log, iter(times)

    def detect(self, frame, *, top=1, region=None, seed=0):
        self._log.append((self.name, frame.number, seed, top))
        return Detection((), detect_ms=next(self._times), inpaint_ms=0.5, reason="nothing")


@pytest.fixture(scope="module")
def frames():
    return make_frames(2, 400, 400, seed=4)


def test_frames_show_things_and_follow_their_seed(frames):
    again, other = make_frames(1, 400, 400, seed=4)[0], make_frames(1, 400, 400, seed=5)[0]
    np.testing.assert_array_equal(again.depth_m, frames[0].depth_m)
    assert not np.array_equal(other.depth_m, frames[0].depth_m)
    for frame in frames:
        known = frame.depth_m[frame.valid]
        assert 0.9 < frame.valid.mean() < 1.0, "holes, but not many"
        assert np.median(known) - known.min() > 0.01, "something stands on the table"


def test_a_larger_frame_shows_the_same_scene_and_more_table(frames):
    wide = make_frames(1, 640, 480, seed=4)[0]
    assert wide.depth_m.shape == (480, 640)
    middle, square = wide.depth_m[40:440, 120:520], frames[0].depth_m
    both = (middle > 0) & (square > 0)
    assert np.median(np.abs(middle - square)[both]) < 0.003


def test_everybody_takes_turns_after_a_first_time(frames):
    log, told = [], []
    detectors = {name: Clocked(name, log, [99.0] * 4 + [*range(1, 13)]) for name in "ab"}
    times = measure(detectors, frames, 3, told.append)
    assert times["a"] == Times((1, 3, 5, 7, 9, 11), (0.5,) * 6, (2, 4, 6, 8, 10, 12))
    first, rest = log[:8], log[8:]
    assert {(name, number, top) for name, number, _, top in first} == {
        (n, f, k) for n in "ab" for f in (0, 1) for k in (1, SEVERAL)
    }
    one, several = rest[::2], rest[1::2]
    assert [(*asked[:3], SEVERAL) for asked in one] == several, "the same frame and seed for several grasps"
    assert {top for *_, top in one} == {1}
    assert [name for name, *_ in one] == list("abbaabbaabba"), "who begins changes"
    assert [one[i][1:] == one[i + 1][1:] for i in range(0, 12, 2)] == [True] * 6, "the same frame and seed for both"
    assert told == [1, 2, 3]


def test_several_are_as_many_as_the_cell_asks_for():
    assert SEVERAL == PROPOSALS


def test_rows_compare_with_the_reference(tmp_path):
    weights = tmp_path / "w"
    weights.write_bytes(b"x" * 1234)
    one, reference = Clocked("one", [], []), Clocked(REFERENCE, [], [])
    one.parameter_count, one.weights_path = 77, weights
    times = {"one": Times((10.0, 20.0, 90.0), (1.0, 2.0, 3.0), (30.0, 40.0, 41.0))}
    times[REFERENCE] = Times((300.0,), (0.0,), (900.0,))
    found = rows({"one": one, REFERENCE: reference}, times)
    assert found["one"] == {
        "detect_ms_median": 20.0, "detect_ms_p95": pytest.approx(83.0), "several_ms_median": 40.0,
        "inpaint_ms_median": 2.0, "whole_view_ms_median": None, "parameters": 77, "weights_bytes": 1234,
        "times_faster": 15.0,
    }  # fmt: skip
    assert (found[REFERENCE]["parameters"], found[REFERENCE]["weights_bytes"]) == (None, None)
    assert rows({"one": one}, {"one": times["one"]})["one"]["times_faster"] is None


def test_a_map_network_is_timed_on_a_whole_view():
    shown = []
    one = Clocked("one", [], [])
    one.maps = lambda heights: shown.append(heights.shape)
    assert whole_view_ms(one, 3) >= 0.0
    assert shown == [(400, 400)] * 4, "the first time does not count"
    assert whole_view_ms(Clocked("other", [], []), 3) is None


def test_the_machine_is_described():
    found = machine()
    assert found["cpu"]
    assert found["cores"] >= 1
    assert min(found["threads"].values()) >= 1
