"""The 25 objects of the paper's protocol: real sizes and masses, at rest where they are placed, and graspable."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robot.convex_parts import convex_parts
from robot.gripper_geometry import STROKE_M
from robot.kinematics import UR5
from robot.object_sets import OBJECT_SETS
from robot.objects import ObjectSpec, load_objects
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.object_body import Placer
from robot.simulator.world import World

THINGS = load_objects(OBJECT_SETS["depierre25"])
INDUSTRIAL = (
    "hex_bolt", "hex_nut", "pipe_flange", "stepped_shaft", "angle_bracket", "spur_gear", "pipe_elbow", "ball_bearing",
    "valve_handle", "spacer_sleeve",
)  # fmt: skip
DENSEST_KG_M3 = 8000.0  # steel
TIPS_ABOVE_TABLE_M = 0.003
each = pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)


def vertices_of(thing: ObjectSpec) -> np.ndarray:
    return np.vstack([part.vertices_object for part in thing.primitives])


def test_fifteen_of_the_household_and_ten_of_industry_none_of_them_known_before() -> None:
    names = [thing.name for thing in THINGS]
    assert len(set(names)) == 25
    assert set(INDUSTRIAL) < set(names)
    assert not set(names) & {thing.name for thing in load_objects(OBJECT_SETS["household12"])}
    masses = [thing.mass_kg for thing in THINGS]
    assert max(masses) / min(masses) > 50


@each
def test_size_mass_and_friction_are_those_of_such_things(thing: ObjectSpec) -> None:
    sides = np.sort(np.ptp(vertices_of(thing), axis=0))
    assert sides[0] >= 0.010
    assert 0.030 <= sides[2] <= 0.23
    assert 0.005 <= thing.mass_kg <= 0.7
    assert 0.3 <= thing.friction <= 0.9
    assert all(part.volume_m3 > 0 and min(part.size_m) >= 0.0019 for part in thing.primitives)
    assert thing.mass_kg < DENSEST_KG_M3 * sum(part.volume_m3 for part in thing.primitives)


def graspable(thing: ObjectSpec, T_base_object: np.ndarray) -> bool:
    """Whether some part, or all of it, fits between the jaws from above and stands up between the tips."""
    for vertices in (vertices_of(thing), *(part.vertices_object for part in thing.primitives)):
        points = vertices @ T_base_object[:3, :3].T + T_base_object[:3, 3]
        turns = np.linspace(0, np.pi, 36, endpoint=False)
        narrowest = np.ptp(points[:, :2] @ np.array([np.cos(turns), np.sin(turns)]), axis=0).min()
        if narrowest < STROKE_M - 0.002 and points[:, 2].max() - TABLE_TOP_M > 2 * TIPS_ABOVE_TABLE_M:
            return True
    return False


@each
def test_it_comes_to_rest_on_the_table_and_can_be_grasped_as_it_lies(thing: ObjectSpec) -> None:
    placer = Placer(thing, convex_parts(thing, print))
    poses = [placer.place(seed) for seed in range(3)]
    for T in poses:
        low = (vertices_of(thing) @ T[2, :3]).min() + T[2, 3] - TABLE_TOP_M
        assert -0.0015 < low < 0.0015
    assert any(graspable(thing, T) for T in poses)


def test_where_they_are_placed_they_stay() -> None:
    """The pose found in a world of its own is a resting pose of the full world, too."""
    world = World(UR5, THINGS, print)
    for name in world.object_names:
        T = world.place(name, 2)
        assert world._free is not None
        world._free._set_contact_with_scene(True)
        world._free.asleep = False
        for _ in range(60):
            world.advance(0.008)
        assert world.T_base_object is not None
        moved = np.linalg.norm(world.T_base_object[:3, 3] - T[:3, 3])
        turned = Rotation.from_matrix(T[:3, :3].T @ world.T_base_object[:3, :3]).magnitude()
        assert moved < 0.003, name
        assert turned < 0.05, name
