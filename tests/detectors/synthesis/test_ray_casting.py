"""Rays meet triangles where they should, in lengths of their own direction."""

from __future__ import annotations

import numpy as np
import pytest

from tests.detectors.synthesis.lying_things import box, laid, rays


@pytest.fixture(scope="module")
def caster():
    return rays(laid(box(0.04, 0.06, 0.05)))[0]


def test_a_rays_length_counts_in_its_own_direction(caster):
    above = np.array([[0.0, 0.0, 1.0]])
    for length in (1.0, 0.5, 3.0):
        flown, faces = caster.cast(above, np.array([0.0, 0.0, -length]))
        assert flown[0] == pytest.approx(0.95 / length, rel=1e-5)
        np.testing.assert_allclose(caster.normals[faces[0]], [0, 0, 1], atol=1e-6)


def test_a_miss_flies_for_ever(caster):
    flown, faces = caster.cast(np.array([[0.0, 0.0, 1.0], [0.2, 0.0, 1.0]]), np.array([0.0, 0.0, -1.0]))
    assert np.isfinite(flown).tolist() == [True, False]
    assert faces[1] == -1


def test_shapes_are_kept(caster):
    grid = np.broadcast_to([0.0, 0.0, 1.0], (3, 5, 3))
    flown, faces = caster.cast(grid, np.array([0.0, 0.0, -1.0]))
    assert flown.shape == faces.shape == (3, 5)


def test_only_what_stands_between_blocks(caster):
    here = np.array([[-0.5, 0.0, 0.02], [-0.5, 0.0, 0.02], [-0.5, 0.0, 0.2]])
    there = np.array([[0.5, 0.0, 0.02], [-0.1, 0.0, 0.02], [0.5, 0.0, 0.2]])
    assert caster.blocked(here, there).tolist() == [True, False, False]


def test_a_hit_where_nothing_is_is_cast_again(caster, monkeypatch):
    """Embree can meet a triangle edge-on and answer with any distance at all."""
    origins = np.array([[0.0, 0.0, 1.0], [0.001, 0.0, 1.0]])
    down = np.array([0.0, 0.0, -1.0])
    true, faces = caster.cast(origins, down)
    hits, lies = caster._hits, [0.06]

    def lying(starts, ways):
        far, met = hits(starts, ways)
        far[-1] = lies.pop() if lies else far[-1]
        return far, met

    monkeypatch.setattr(caster, "_hits", lying)
    found, met = caster.cast(origins, down)
    np.testing.assert_allclose(found, true, atol=1e-4)
    np.testing.assert_array_equal(met, faces)
    lies.extend([0.06, 0.06])
    found, met = caster.cast(origins, down)
    assert np.isinf(found[-1])
    assert met[-1] == -1
