"""A recorded scene is put back as it was: what lifted then lifts again, and the oracle is an upper bound."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from detectors.evaluation.judging import LIFTABLE, JudgedScene
from detectors.grasp import Grasp
from detectors.synthesis.grasp_frames import TableGrasps, to_image
from detectors.synthesis.making import make_scene
from tests.detectors.evaluation.recorded import BLOCK, POST, SETTINGS, SLAB, PlainThings, grasp_of, record_scenes

THINGS = PlainThings(BLOCK, POST)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return record_scenes(tmp_path_factory.mktemp("scenes"), THINGS, 4)


@pytest.fixture(scope="module")
def scenes(records):
    return [JudgedScene.rebuild(record, THINGS) for record in records]


def seen_from(scene: JudgedScene, centre_m: tuple[float, float, float], yaw: float, width_m: float) -> Grasp:
    there = TableGrasps(np.array([centre_m]), np.array([yaw]), np.array([width_m]))
    image = to_image(there, scene.record.camera, scene.record.T_table_camera)
    columns = (image.u, image.v, image.depth_m, image.angle_rad, image.width_m)
    return Grasp(*(float(column[0]) for column in columns), quality=1.0)


def test_the_geometry_is_the_recorded_one(scenes):
    """The clean depth that was recorded is what rays meet in the scene that was put back."""
    for scene in scenes:
        record = scene.record
        rows, columns = np.nonzero(record.mask)
        picked = slice(None, None, 97)
        depth = record.clean_depth_m[rows[picked], columns[picked]]
        towards = record.camera.deproject(columns[picked], rows[picked], np.ones(len(depth)))
        towards = towards @ record.T_table_camera[:3, :3].T
        flown, faces = scene.caster.cast(np.broadcast_to(record.T_table_camera[:3, 3], towards.shape), towards)
        np.testing.assert_allclose(flown, depth, atol=1e-4)
        np.testing.assert_array_equal(scene.triangles.owner[faces] + 1, record.mask[rows[picked], columns[picked]])


def test_what_was_lifted_lifts_again_and_what_was_not_does_not(scenes):
    again: dict[bool, list[float]] = {True: [], False: []}
    for scene in scenes:
        labels = scene.record.grasps.physical_success
        for sure, where in ((True, labels == 1.0), (False, labels == 0.0)):
            again[sure] += [scene.success(grasp_of(scene.record, int(i)), 4) for i in np.flatnonzero(where)[:5]]
    assert len(again[True]) >= 10
    assert np.mean(again[True]) > 0.8
    assert np.mean(again[False]) < 0.15


def test_the_same_grasp_gets_the_same_judgement(scenes):
    grasp = grasp_of(scenes[0].record, 3)
    assert scenes[0].success(grasp, 6) == scenes[0].success(dataclasses.replace(grasp, quality=0.9), 6)


def test_a_half_turn_is_the_same_grasp(scenes):
    scene = scenes[0]
    x, y, z = scene.lying[0].T_table_object[:3, 3]
    rates = [scene.success(seen_from(scene, (x, y, z), yaw, 0.085), 4) for yaw in (0.4, 0.4 + np.pi)]
    assert rates[0] == pytest.approx(rates[1], abs=0.26)


def test_success_is_a_share_of_the_tries(scenes):
    for index in range(0, 40, 9):
        rate = scenes[1].success(grasp_of(scenes[1].record, index), 5)
        assert rate * 5 == pytest.approx(round(rate * 5), abs=1e-6)


def test_oracle_is_at_least_as_good_as_any_of_its_grasps(scenes):
    for scene in scenes:
        g = scene.record.grasps
        best = np.lexsort((-g.collision_free, -g.physical_success))[:6]
        singles = [scene.success(grasp_of(scene.record, int(i)), 4) for i in best]
        assert scene.oracle(4) >= max(singles)


def test_oracle_goes_on_until_nothing_better_is_possible(scenes, monkeypatch):
    """A liftable grasp is not the end of it: the next one may be better."""
    rates = iter([0.625, 0.25, 1.0, 0.5])
    monkeypatch.setattr(JudgedScene, "_lift", lambda self, image, tries: np.array([next(rates)]))
    assert scenes[0].oracle(8) == 1.0
    assert next(rates) == 0.5, "after the best possible it stops"


def test_oracle_knows_no_way_where_there_is_none(tmp_path):
    things = PlainThings(SLAB)
    scene = JudgedScene.rebuild(record_scenes(tmp_path, things, 1)[0], things)
    assert scene.oracle(4) == 0.0


def test_oracle_finds_a_way_where_there_is_one(scenes):
    assert all(scene.oracle(4) > LIFTABLE for scene in scenes)


def test_the_thing_between_the_jaws_is_meant():
    """In a crowd, a grasp on either thing lifts that one, whatever its place in the scene."""
    made = (make_scene(number, SETTINGS, THINGS).record for number in itertools.count(4))
    record = next(record for record in made if len(record.things) == 2)
    scene = JudgedScene.rebuild(record, THINGS)
    g = record.grasps
    lifted = []
    for place in range(2):
        best = np.flatnonzero((g.object_index == place) & (g.physical_success == 1.0))[:3]
        lifted.append(max((scene.success(grasp_of(record, int(i)), 3) for i in best), default=0.0))
    assert min(lifted) > LIFTABLE


def test_thin_air_and_the_middle_of_the_table_score_nothing(scenes):
    for scene in scenes:
        assert scene.success(seen_from(scene, (0.16, 0.16, 0.02), 0.0, 0.05), 2) == 0.0
        assert scene.success(seen_from(scene, (0.0, 0.0, 0.30), 0.0, 0.05), 2) == 0.0
