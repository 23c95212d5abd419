"""A scene is a plain function of its number and the settings; its parts agree with each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.inpainting import fill_holes
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.making import MadeScene, joined_tensors, make_scene
from detectors.synthesis.scene import draw_count, lay_out
from detectors.synthesis.settings import GRASPS_PER_SCENE
from detectors.synthesis.splits import split_of
from detectors.synthesis.viewing import sample_camera
from tests.detectors.synthesis.object_sets import write_object_set
from tests.detectors.synthesis.small_shards import wanted
from tests.detectors.synthesis.test_catalogue import of_user

SETTINGS = wanted(40)
CATALOGUE = open_catalogue(SETTINGS)


@pytest.fixture(scope="module")
def made() -> list[MadeScene]:
    return [make_scene(number, SETTINGS, CATALOGUE) for number in (0, 8, 9, 3)]


def plain(scene: MadeScene) -> dict[str, Any]:
    whole = {**vars(scene.record), **vars(scene.record.grasps), **vars(scene.tensors)}
    return {name: value for name, value in whole.items() if isinstance(value, np.ndarray)}


def test_the_same_number_makes_the_same_scene(made):
    again = make_scene(8, SETTINGS, CATALOGUE)
    other = plain(made[2])
    for name, value in plain(made[1]).items():
        np.testing.assert_array_equal(value, plain(again)[name], err_msg=name)
    assert not np.array_equal(plain(again)["T_table_camera"], other["T_table_camera"])


@pytest.mark.parametrize("number", [0, 9])
def test_the_usual_scenes_are_drawn_as_they_always_were(made, number):
    """Count, things, where they lie, camera: in this order, from the scene's own dice. Data sets are continued."""
    rng = np.random.default_rng([SETTINGS.seed, number])
    available = CATALOGUE.numbers(split_of(number))
    chosen = rng.choice(available, size=draw_count(rng), replace=False)
    lying = lay_out([CATALOGUE.thing(int(n)) for n in chosen], rng)
    camera = sample_camera(rng)
    record = next(scene.record for scene in made if scene.record.number == number)
    np.testing.assert_array_equal(record.T_table_object, np.stack([one.T_table_object for one in lying]))
    np.testing.assert_array_equal(record.T_table_camera, camera.T_table_camera)
    assert record.camera == camera.intrinsics
    assert set(record.things) <= set(chosen)


def test_another_seed_makes_another_scene(made):
    other = make_scene(8, dataclasses.replace(SETTINGS, seed=2), CATALOGUE)
    assert not np.array_equal(other.record.T_table_camera, made[1].record.T_table_camera)


def test_keeping_colour_or_not_changes_nothing_else():
    with_color, without = (
        make_scene(9, dataclasses.replace(SETTINGS, images=images), CATALOGUE) for images in ("all", "depth")
    )
    assert with_color.record.color is not None
    assert without.record.color is None
    for name, value in plain(without).items():
        np.testing.assert_array_equal(value, plain(with_color)[name], err_msg=name)


def test_forty_grasps_shared_among_the_things(made):
    for scene in made:
        owners = scene.record.grasps.object_index
        assert len(owners) == len(scene.tensors) == GRASPS_PER_SCENE
        counts = np.bincount(owners, minlength=len(scene.record.things))
        assert counts.max() - counts.min() <= 1


def test_things_belong_to_the_scenes_split(made):
    for scene in made:
        assert {split_of(int(n)) for n in scene.record.things} == {split_of(scene.record.number)}


def test_tensors_and_scene_say_the_same(made):
    for scene in made:
        record, tensors = scene.record, scene.tensors
        np.testing.assert_array_equal(tensors.object_label, record.things[record.grasps.object_index])
        np.testing.assert_array_equal(tensors.physical_success, record.grasps.physical_success)
        np.testing.assert_array_equal(tensors.robust_ferrari_canny, record.grasps.robust_ferrari_canny)
        np.testing.assert_array_equal(tensors.kind, record.grasps.kind)
        assert set(tensors.pose_label) == {record.number}
        families = [CATALOGUE.family(int(n)) for n in tensors.object_label]
        assert tensors.family is not None
        assert tensors.family.tolist() == families


def test_crops_are_cut_as_a_detector_cuts_them(made):
    for scene in made:
        record, g = scene.record, scene.record.grasps
        filled = fill_holes(record.depth_m, record.depth_m > 0)
        arrays = GraspArrays(
            *(getattr(g, name).astype(float) for name in ("u", "v", "depth_m", "angle_rad", "width_m"))
        )
        crops = crop_depths(filled, record.camera, arrays)
        assert np.percentile(np.abs(crops - scene.tensors.crops_m), 99) < 1e-3


def test_grasps_lie_on_what_the_mask_shows(made):
    """Antipodal ones that lift: the middle of the jaws is over the thing, or over its hollow."""
    near = []
    for record in (scene.record for scene in made):
        g = record.grasps
        for i in np.flatnonzero((g.physical_success > 0.5) & (g.kind == 0)):
            u, v = round(float(g.u[i])), round(float(g.v[i]))
            if min(u, v) >= 3 and max(u, v) < 397:
                near.append((record.mask[v - 3 : v + 4, u - 3 : u + 4] == g.object_index[i] + 1).any())
    assert len(near) > 8
    assert np.mean(near) > 0.85


def test_colour_only_where_asked_for(made):
    assert made[0].record.color is not None
    assert make_scene(0, dataclasses.replace(SETTINGS, images="depth"), CATALOGUE).record.color is None


def test_joined_tensors_keep_their_order(made):
    joined = joined_tensors(made)
    np.testing.assert_array_equal(joined.pose_label, np.repeat([0, 8, 9, 3], GRASPS_PER_SCENE))


def test_held_out_scenes_are_lifted_more_often():
    settings = dataclasses.replace(SETTINGS, held_out_tries=4)
    rates = make_scene(9, settings, CATALOGUE).tensors.physical_success
    assert rates is not None
    np.testing.assert_allclose(rates * 4, np.rint(rates * 4), atol=1e-5)
    learnt = make_scene(3, settings, CATALOGUE).tensors.physical_success
    assert learnt is not None
    assert set(learnt.tolist()) <= {0.0, 1.0}


def test_a_users_own_things(tmp_path):
    settings = of_user(write_object_set(tmp_path), samples=2)
    catalogue = open_catalogue(settings)
    scene = make_scene(1, settings, catalogue)
    assert set(scene.record.things) <= {0, 1, 2}
    assert scene.tensors.family is not None
    assert (scene.tensors.family == -1).all()
