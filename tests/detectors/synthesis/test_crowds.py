"""Crowds: as many things as were asked for, apart from each other, and all of them in the picture."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from detectors.synthesis import crowds
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.crowds import Crowd, draw_crowd, lay_out_crowd
from detectors.synthesis.lifting import Lying
from detectors.synthesis.making import make_scene
from detectors.synthesis.things import make_thing
from robot.errors import CellError
from robot.geometry import apply, invert
from tests.detectors.synthesis.lying_things import box
from tests.detectors.synthesis.small_shards import wanted
from tests.detectors.synthesis.test_scene import separation_m

SETTINGS = wanted(40, split="test", least=3, most=6)
CATALOGUE = open_catalogue(SETTINGS)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn() -> list[Crowd]:
    return [draw_crowd("test", SETTINGS, CATALOGUE, rng(seed)) for seed in range(24)]


def test_every_crowd_has_three_to_six_things_and_all_counts_occur(drawn):
    counts = [len(crowd.scene) for crowd in drawn]
    assert set(counts) == {3, 4, 5, 6}
    assert all(len(crowd.numbers) == len(set(crowd.numbers.tolist())) == len(crowd.scene) for crowd in drawn)


def test_the_numbers_are_those_of_the_things_that_lie_there(drawn):
    for crowd in drawn[:6]:
        assert all(crowd.numbers % 10 == 9)
        names = [make_thing(int(number)).spec.name for number in crowd.numbers]
        assert [lying.spec.name for lying in crowd.scene] == names


def test_the_things_lie_apart(drawn):
    for crowd in drawn[:6]:
        for one, other in itertools.combinations(crowd.scene, 2):
            assert separation_m(one, other) >= 0.002 - 1e-6


def test_the_camera_sees_every_corner(drawn):
    for crowd in drawn:
        K = crowd.camera.intrinsics
        corners = np.vstack([lying.vertices_table() for lying in crowd.scene])
        pixels = K.project(apply(invert(crowd.camera.T_table_camera), corners))
        assert pixels.min() > 1.0
        assert (pixels < [K.width - 2, K.height - 2]).all()


def test_a_made_scene_shows_all_its_things_whole_and_shares_the_grasps():
    """The mask names every thing and none is cut off at the edge of the image."""
    for number in range(3):
        record = make_scene(number, SETTINGS, CATALOGUE).record
        assert 3 <= len(record.things) <= 6
        assert set(np.unique(record.mask)) == set(range(len(record.things) + 1))
        assert not record.mask[[0, -1]].any()
        assert not record.mask[:, [0, -1]].any()
        counts = np.bincount(record.grasps.object_index)
        assert (len(counts), counts.sum()) == (len(record.things), 40)
        assert counts.max() - counts.min() <= 1


def test_the_same_seed_gives_the_same_crowd(drawn):
    again = draw_crowd("test", SETTINGS, CATALOGUE, rng(7))
    np.testing.assert_array_equal(again.numbers, drawn[7].numbers)
    np.testing.assert_array_equal(again.camera.T_table_camera, drawn[7].camera.T_table_camera)
    for one, other in zip(again.scene, drawn[7].scene, strict=True):
        np.testing.assert_array_equal(one.T_table_object, other.T_table_object)


def test_a_single_number_is_the_number():
    settings = dataclasses.replace(SETTINGS, least=5, most=5)
    assert {len(draw_crowd("test", settings, CATALOGUE, rng(seed)).scene) for seed in range(4)} == {5}


def test_a_wider_circle_is_taken_where_the_narrow_one_is_full():
    slabs = [box(0.09, 0.09, 0.02)] * 5
    crowd = lay_out_crowd(slabs, rng(1))
    assert len(crowd) == 5
    assert max(farthest_m(lying) for lying in crowd) > crowds._RADII_M[0]


def farthest_m(lying: Lying) -> float:
    return float(np.linalg.norm(lying.vertices_table()[:, :2], axis=1).max())


def test_other_things_are_drawn_where_those_drawn_find_no_place(monkeypatch):
    """The first draws are refused, as if there were no room."""
    asked = []

    def at_the_third(things, dice):
        asked.append(len(things))
        return lay_out_crowd(things, dice) if len(asked) > 2 else []

    monkeypatch.setattr(crowds, "lay_out_crowd", at_the_third)
    crowd = draw_crowd("test", SETTINGS, CATALOGUE, rng(3))
    assert len(asked) == 3
    assert len(set(asked)) == 1, "as many things as before, so that counts stay even"
    assert len(crowd.scene) >= 3


def leaving_out(monkeypatch, *left_out):
    """At each draw so many things find no place; at the last and later ones as at the last."""
    asked = []

    def laid(things, dice):
        asked.append(len(things))
        return lay_out_crowd(things, dice)[left_out[min(len(asked), len(left_out)) - 1] :]

    monkeypatch.setattr(crowds, "lay_out_crowd", laid)
    return asked


def test_a_crowd_is_full_however_many_draws_that_takes(monkeypatch):
    seed = next(seed for seed in range(20) if rng(seed).integers(3, 7) == 6)
    asked = leaving_out(monkeypatch, 1, 2, 1, 0)
    assert len(draw_crowd("test", SETTINGS, CATALOGUE, rng(seed)).scene) == 6
    assert len(asked) >= 4


def test_the_fullest_crowd_is_taken_when_all_draws_are_spent(monkeypatch):
    seed = next(seed for seed in range(20) if rng(seed).integers(3, 7) == 6)
    monkeypatch.setattr(crowds, "_DRAWS", 5)
    asked = leaving_out(monkeypatch, 3, 2, 1, 2)
    crowd = draw_crowd("test", SETTINGS, CATALOGUE, rng(seed))
    assert (len(crowd.scene), len(crowd.numbers), len(asked)) == (5, 5, 5)
    names = [make_thing(int(number)).spec.name for number in crowd.numbers]
    assert [lying.spec.name for lying in crowd.scene] == names


def test_fewer_than_the_least_are_no_crowd(monkeypatch):
    monkeypatch.setattr(crowds, "_DRAWS", 3)
    exactly = dataclasses.replace(SETTINGS, least=4, most=4)
    leaving_out(monkeypatch, 1)
    with pytest.raises(CellError, match="4 things found no place"):
        draw_crowd("test", exactly, CATALOGUE, rng(0))


def test_who_finds_no_place_at_all_is_an_error_in_one_line(monkeypatch):
    monkeypatch.setattr(crowds, "lay_out_crowd", lambda things, dice: [])
    with pytest.raises(CellError, match=r"3 things found no place.*--things-per-scene"):
        draw_crowd("test", SETTINGS, CATALOGUE, rng(0))
