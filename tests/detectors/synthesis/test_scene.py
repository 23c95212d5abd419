"""Things come to rest on the table by physics and lie apart from each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from detectors.synthesis.lifting import Lying
from detectors.synthesis.scene import COUNT_SHARES, draw_count, lay_out, settle
from detectors.synthesis.things import make_thing
from tests.detectors.synthesis.lying_things import box, part, thing


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("number", [0, 45, 131, 190, 262, 377])
def test_settled_things_rest_on_the_table_above_the_origin(number):
    spec = make_thing(number).spec
    corners = Lying(spec, settle(spec, rng(number))).vertices_table()
    assert -5e-4 < corners[:, 2].min() < 1.5e-3
    np.testing.assert_allclose((corners.min(axis=0) + corners.max(axis=0))[:2], 0.0, atol=1e-9)


def test_a_settled_box_lies_on_one_of_its_faces():
    spec = box(0.04, 0.06, 0.05)
    for seed in range(6):
        T = settle(spec, rng(seed))
        assert np.abs(T[2, :3]).max() > np.cos(np.radians(1.0))
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)


def test_a_thing_comes_to_rest_in_several_ways():
    spec = box(0.04, 0.06, 0.05)
    faces = {int(np.abs(settle(spec, rng(seed))[2, :3]).argmax()) for seed in range(12)}
    assert len(faces) >= 2


def test_a_rod_that_stands_on_its_edge_falls_over():
    pole = thing(part("cylinder", (0.02, 0.15)))
    heights = [float(np.ptp(Lying(pole, settle(pole, rng(seed))).vertices_table()[:, 2])) for seed in range(5)]
    assert np.median(heights) == pytest.approx(0.02, abs=1e-3)


@pytest.fixture(scope="module")
def crowds():
    specs = [make_thing(n).spec for n in (20, 115, 203, 331)]
    return [lay_out(specs, rng(seed)) for seed in range(4)]


def test_outlines_do_not_overlap(crowds):
    """A straight line parts every two of them, by the least gap and more: a linear program finds it."""
    pairs = [pair for scene in crowds for pair in itertools.combinations(scene, 2)]
    assert len(pairs) > 6
    for one, other in pairs:
        assert separation_m(one, other) >= 0.002 - 1e-6


def separation_m(one: Lying, other: Lying) -> float:
    """Widest gap that a straight line can have between two outlines, over 720 directions of its normal."""
    angles = np.arange(720) * np.pi / 360
    normals = np.stack([np.cos(angles), np.sin(angles)])
    a, b = one.vertices_table()[:, :2] @ normals, other.vertices_table()[:, :2] @ normals
    return float((b.min(axis=0) - a.max(axis=0)).max()) + 1e-5  # the best direction may lie between two


def test_laying_out_only_turns_and_shifts(crowds):
    for lying in itertools.chain(*crowds):
        assert -5e-4 < lying.vertices_table()[:, 2].min() < 1.5e-3
        middle = lying.vertices_table()
        middle = (middle.min(axis=0) + middle.max(axis=0))[:2] / 2
        assert np.abs(middle).max() < 0.2


def test_the_same_seed_gives_the_same_scene():
    specs = [make_thing(n).spec for n in (20, 115)]
    one, same, other = (lay_out(specs, rng(seed)) for seed in (3, 3, 4))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a.T_table_object, b.T_table_object)
    assert not np.array_equal(one[0].T_table_object, other[0].T_table_object)


def test_what_finds_no_place_is_left_out():
    slabs = [box(0.21, 0.21, 0.02)] * 4
    scene = lay_out(slabs, rng(1))
    assert 1 <= len(scene) < 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_a_single_thing_lies_near_the_middle(seed):
    spec = box(0.04, 0.06, 0.05)
    place = lay_out([spec], rng(seed))[0]
    points = place.vertices_table()[:, :2]
    hull = points[ConvexHull(points).vertices]
    assert np.abs(hull.mean(axis=0)).max() < 0.07


def test_counts_follow_their_shares():
    source = rng(0)
    counts = np.bincount([draw_count(source) for _ in range(4000)], minlength=5)[1:] / 4000
    np.testing.assert_allclose(counts, COUNT_SHARES, atol=0.03)
