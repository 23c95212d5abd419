"""Things come from the house's catalogue or from the user's own object set, and no scene mixes the splits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors.synthesis.catalogue import USER_FAMILY, SyntheticCatalogue, draw_split, open_catalogue
from detectors.synthesis.settings import DatasetSettings, object_set_sha256
from detectors.synthesis.splits import SPLITS, split_of
from detectors.synthesis.things import FAMILY_NAMES, make_thing
from robot.errors import SettingsError
from tests.detectors.synthesis.object_sets import write_object_set


def of_user(path, **changes):
    return DatasetSettings(scenes=5, seed=0, objects=str(path), objects_sha256=object_set_sha256(path), **changes)


def test_the_houses_things_by_number():
    catalogue = open_catalogue(DatasetSettings(scenes=1, seed=0, things=200))
    assert isinstance(catalogue, SyntheticCatalogue)
    for split in SPLITS:
        numbers = catalogue.numbers(split)
        assert {split_of(int(n)) for n in numbers} == {split}
    assert sum(len(catalogue.numbers(split)) for split in SPLITS) == 200
    for number in (0, 55, 199):
        assert catalogue.thing(number).name == make_thing(number).spec.name
        assert FAMILY_NAMES[catalogue.family(number)] == make_thing(number).family
    assert catalogue.thing(55) is catalogue.thing(55), "a thing is told from others by which it is"


def test_a_users_set_in_its_order_made_of_convex_parts(tmp_path):
    catalogue = open_catalogue(of_user(write_object_set(tmp_path)))
    assert catalogue.numbers("train").tolist() == [0, 1, 2]
    assert [catalogue.thing(n).name for n in range(3)] == ["wedge", "peg", "brick"]
    wedge = catalogue.thing(0)
    assert wedge.mesh is None
    corners = np.vstack([part.vertices_object for part in wedge.primitives])
    np.testing.assert_allclose(np.ptp(corners, axis=0), [0.06, 0.05, 0.03], atol=1e-9)
    assert catalogue.family(0) == USER_FAMILY


def test_a_set_that_has_changed_is_refused(tmp_path):
    path = write_object_set(tmp_path)
    settings = of_user(path)
    path.write_text(path.read_text().replace("0.4", "0.3"))
    with pytest.raises(SettingsError, match="has changed"):
        open_catalogue(settings)


def test_a_faulty_set_is_refused(tmp_path):
    path = write_object_set(tmp_path)
    path.write_text(path.read_text().replace("mass_kg", "mass"))
    with pytest.raises(SettingsError, match="unknown key 'mass'"):
        open_catalogue(of_user(path))


def test_an_empty_split_is_refused(tmp_path):
    settings = of_user(write_object_set(tmp_path), split="test")
    with pytest.raises(SettingsError, match="no thing of the split 'test'"):
        open_catalogue(settings)


def test_scenes_hold_things_of_one_split():
    settings = DatasetSettings(scenes=20, seed=0, things=100)
    catalogue = open_catalogue(settings)
    splits = [draw_split(settings, catalogue, scene) for scene in range(1000)]
    assert [splits.count(split) for split in SPLITS] == [800, 100, 100]
    only = dataclasses.replace(settings, split="validation")
    assert {draw_split(only, catalogue, scene) for scene in range(30)} == {"validation"}


def test_a_small_set_without_held_out_things_learns_in_every_scene(tmp_path):
    settings = of_user(write_object_set(tmp_path))
    catalogue = open_catalogue(settings)
    assert {draw_split(settings, catalogue, scene) for scene in range(20)} == {"train"}
