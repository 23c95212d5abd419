"""Contacts decide what is lifted, what slips and what is missed."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robot.errors import SettingsError
from robot.geometry import apply
from robot.gripper_geometry import STROKE_M
from robot.kinematics import UR5
from robot.objects import HOUSEHOLD_12, ObjectSpec, Part, load_objects
from robot.shapes import triangles
from robot.simulator.cell_body import HOME_RAD, TABLE_TOP_M
from robot.simulator.jaws import JawMotion
from robot.simulator.world import World
from tests.simulator.lifting import close, lift, rest, start, straight, tool_down


def box(name: str, size_m: tuple[float, float, float], friction: float = 0.6, mass_kg: float = 0.15) -> ObjectSpec:
    part = Part("box", size_m, np.eye(4), (0.5, 0.5, 0.5), *triangles("box", size_m))
    return ObjectSpec(name, mass_kg, friction, primitives=(part,))


CUBE = box("cube", (0.04, 0.04, 0.04))
OBJECTS = (CUBE, box("soapy cube", (0.04, 0.04, 0.04), friction=0.02), box("wide", (0.1, 0.1, 0.1)))


@pytest.fixture
def world() -> World:
    return World(UR5, OBJECTS, print)


def flat_pose(world: World, name: str) -> tuple[float, float, float]:
    """Place the object; (x, y, angle) of its middle and of one of its sides."""
    T = world.place(name, 4)
    horizontal = T[:2, :3][:, np.abs(T[2, :3]) < 0.5]
    return float(T[0, 3]), float(T[1, 3]), float(np.arctan2(horizontal[1, 0], horizontal[0, 0]))


def test_a_good_grasp_lifts(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    verdict = lift(world, (x, y, TABLE_TOP_M + 0.010), angle, 0.04, 60.0)
    assert verdict.held
    assert verdict.height_m == pytest.approx(0.12, abs=0.005)
    assert world.jaws.motion is JawMotion.STOPPED_CLOSING
    assert world.jaws.width_m == pytest.approx(0.04, abs=0.002)
    assert world.flange_wrench()[2] == pytest.approx(-0.15 * 9.81, abs=0.05)


def test_a_held_object_does_not_creep(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    before = lift(world, (x, y, TABLE_TOP_M + 0.010), angle, 0.04, 60.0).height_m
    rest(world, 5.0)
    assert before - world.referee().height_m < 0.001


def test_what_is_slippery_stays_on_the_table(world: World) -> None:
    x, y, angle = flat_pose(world, "soapy cube")
    verdict = lift(world, (x, y, TABLE_TOP_M + 0.010), angle, 0.04, 20.0)
    assert not verdict.lifted
    assert not verdict.held


def test_a_miss_closes_the_jaws(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    verdict = lift(world, (x, y + 0.08, TABLE_TOP_M + 0.010), angle, 0.04, 60.0)
    assert not verdict.lifted
    assert world.jaws.motion is JawMotion.AT_TARGET


def test_what_is_too_wide_is_pushed_upon(world: World) -> None:
    x, y, angle = flat_pose(world, "wide")
    T_above = tool_down((x, y, TABLE_TOP_M + 0.14), angle)
    T_low = tool_down((x, y, TABLE_TOP_M + 0.08), angle)
    start(world, T_above)
    straight(world, T_above, T_low)
    assert world.flange_wrench()[2] > 30.0  # the table pushes the gripper up through the box
    assert not world.referee().lifted


def test_lost_object_falls_and_friction_returns_with_open_jaws(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    assert lift(world, (x, y, TABLE_TOP_M + 0.010), angle, 0.04, 60.0).held
    world.lose_object()
    rest(world, 1.0)
    assert not world.referee().lifted
    world.command_jaws(STROKE_M, 0.15, 60.0)
    rest(world, 1.5)
    geom = world.model.body("object").geomadr[0]
    assert world.model.geom_friction[geom, 0] == pytest.approx(CUBE.friction)


# ---------------------------------------------------------------- the referee's memory


def carried(world: World, by_m: float) -> tuple[float, float, float]:
    """Lift the cube, and move it sideways through the air; where it was lifted, and the angle of one of its sides."""
    x, y, angle = flat_pose(world, "cube")
    assert lift(world, (x, y, TABLE_TOP_M + 0.010), angle, 0.04, 60.0).held
    T_here, T_there = (tool_down((x, y + way, TABLE_TOP_M + 0.13), angle) for way in (0.0, by_m))
    straight(world, T_here, T_there)
    return x, y + by_m, angle


def set_down(world: World, place: tuple[float, float, float], height_m: float) -> None:
    x, y, angle = place
    straight(world, tool_down((x, y, TABLE_TOP_M + 0.13), angle), tool_down((x, y, height_m + TABLE_TOP_M), angle))
    world.command_jaws(STROKE_M, 0.15, 60.0)
    rest(world, 1.5)


def test_the_referee_remembers_how_far_it_was_carried_and_that_it_was_put_down(world: World) -> None:
    place = carried(world, -0.15)
    told = world.referee()
    assert told.held
    assert (told.released, told.dropped) == (False, False)
    assert told.carried_m == pytest.approx(0.15, abs=0.01)
    set_down(world, place, 0.012)
    told = world.referee()
    assert (told.released, told.dropped, told.lifted) == (True, False, False)
    assert abs(told.height_m) < 0.002
    assert told.middle_m[:2] == pytest.approx(place[:2], abs=0.01)
    world.place("cube", 5)
    assert (world.referee().released, world.referee().carried_m) == (False, 0.0)


def test_the_referee_knows_what_was_dropped_on_the_way_though_it_lies_there_afterwards(world: World) -> None:
    place = carried(world, -0.05)
    world.lose_object()
    rest(world, 1.0)
    set_down(world, place, 0.012)
    told = world.referee()
    assert (told.released, told.dropped) == (False, True)
    assert abs(told.height_m) < 0.002


def test_what_is_let_go_in_the_air_is_dropped(world: World) -> None:
    set_down(world, carried(world, -0.05), 0.08)
    assert (world.referee().released, world.referee().dropped) == (False, True)


def test_what_never_left_the_table_was_neither_put_down_nor_dropped(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    lift(world, (x, y + 0.08, TABLE_TOP_M + 0.010), angle, 0.04, 60.0)
    world.command_jaws(STROKE_M, 0.15, 60.0)
    rest(world, 1.0)
    told = world.referee()
    assert (told.released, told.dropped, told.carried_m) == (False, False, 0.0)


def test_contact_force_beyond_the_flange_is_felt(world: World) -> None:
    assert not world.flange_wrench().any()
    T_above = tool_down((0.5, 0.1, TABLE_TOP_M + 0.05), 0.0)
    start(world, T_above)
    world.command_jaws(0.0, 0.1, 20.0)
    rest(world, 1.5)
    T_press = tool_down((0.5, 0.1, TABLE_TOP_M - 0.001), 0.0)
    straight(world, T_above, T_press)
    force = world.flange_wrench()
    assert force[2] > 5.0
    assert np.hypot(*force[:2]) < 0.5 * force[2] * 1.02  # inside the cone of the bare table's friction


def test_jaws_obey_speed_and_force(world: World) -> None:
    def duration(speed_m_s: float) -> float:
        world.command_jaws(STROKE_M, 0.15, 60.0)
        rest(world, 1.5)
        begin = world.time_s
        world.command_jaws(0.02, speed_m_s, 60.0)
        while world.busy:
            world.advance(0.008)
        return world.time_s - begin

    assert duration(0.04) / duration(0.12) == pytest.approx(3.0, rel=0.2)


def test_grip_force_is_the_set_force(world: World) -> None:
    x, y, angle = flat_pose(world, "cube")
    for force_n in (30.0, 120.0):
        T = tool_down((x, y, TABLE_TOP_M + 0.004), angle)
        T_above = T.copy()
        T_above[2, 3] += 0.1
        start(world, T_above)
        straight(world, T_above, T)
        close(world, force_n)
        assert abs(world._data.actuator("jaws").force[0]) / 2 == pytest.approx(force_n, rel=0.05)


def test_broken_physics_costs_the_object_not_the_cell(world: World) -> None:
    world.place("cube", 1)
    q = world.q
    world._data.qvel[-6:] = 1e12
    world._free.asleep = False  # type: ignore[union-attr]
    world.advance(0.008)
    rest(world, 0.5)
    np.testing.assert_allclose(world.q, q, atol=1e-3)
    assert world.T_base_object is not None
    assert world.T_base_object[2, 3] < TABLE_TOP_M - 0.3
    world.place("cube", 2)
    rest(world, 0.1)
    assert abs(world.T_base_object[2, 3] - TABLE_TOP_M - 0.02) < 0.001


# ---------------------------------------------------------------- placing


def test_placing_is_the_same_bit_for_bit_whatever_came_before() -> None:
    household = load_objects(HOUSEHOLD_12)
    first, second = World(UR5, household, print), World(UR5, household, print)
    for name in first.object_names:
        expected = first.place(name, 11)
        second.place(name, 99)
        second.advance(0.1)
        assert np.array_equal(second.place(name, 11), expected)
        second.advance(0.1)
        assert second.T_base_object is not None
        np.testing.assert_allclose(second.T_base_object, expected, atol=1e-12)


def test_placements_vary_and_lie_in_the_middle_of_the_table() -> None:
    world = World(UR5, load_objects(HOUSEHOLD_12), print)
    for name in world.object_names:
        poses = [world.place(name, seed) for seed in range(6)]
        vertices = np.vstack([part.vertices_object for part in world.prepare(name).parts])
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        for T in poses:
            assert np.abs(apply(T, middle)[:2] - [0.50, 0.0]).max() <= 0.06 + 1e-9
            low = apply(T, vertices)[:, 2].min() - TABLE_TOP_M
            assert -0.001 < low < 0.001
        assert len({tuple(np.round(T[:3, :3], 3).ravel()) for T in poses}) == len(poses)


def test_a_placed_object_is_at_rest_when_it_wakes() -> None:
    """The pose found in a world of its own is a resting pose of the full world, too."""
    world = World(UR5, load_objects(HOUSEHOLD_12), print)
    for name in world.object_names:
        T = world.place(name, 2)
        assert world._free is not None
        world._free._set_contact_with_scene(True)
        world._free.asleep = False
        rest(world, 0.5)
        assert world.T_base_object is not None
        moved = np.linalg.norm(world.T_base_object[:3, 3] - T[:3, 3])
        turned = Rotation.from_matrix(T[:3, :3].T @ world.T_base_object[:3, :3]).magnitude()
        assert moved < 0.003, name
        assert turned < 0.05, name


def test_the_arm_keeps_its_state_when_objects_change(world: World) -> None:
    start(world, tool_down((0.45, -0.1, 0.1), 0.3))
    world.command_jaws(0.03, 0.15, 60.0)
    rest(world, 1.0)
    q, width = world.q, world.jaws.width_m
    world.place("cube", 1)
    assert np.array_equal(world.q, q)
    world.clear_table()
    rest(world, 0.1)
    np.testing.assert_allclose(world.q, q, atol=1e-6)
    assert world.jaws.width_m == pytest.approx(width, abs=1e-6)
    assert world.T_base_object is None


def test_a_mesh_of_convex_groups_is_lifted_like_any_other_object(tmp_path: Path) -> None:
    """A T of two boxes, far from its file's origin."""
    lines: list[str] = []
    for i, (size, at) in enumerate((((0.10, 0.03, 0.03), (0, 0, 0)), ((0.03, 0.08, 0.03), (0, 0.055, 0)))):
        vertices, faces = triangles("box", size)
        lines.append(f"o part{i}")
        lines += ["v {} {} {}".format(*(v + at + np.array([0.3, 0.1, -0.2]))) for v in vertices]
        lines += ["f {} {} {}".format(*(f + 1 + 8 * i)) for f in faces]
    (tmp_path / "tee.obj").write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "set.yaml"
    path.write_text("objects: [{name: tee, mass_kg: 0.1, friction: 0.6, mesh: tee.obj}]", encoding="utf-8")
    world = World(UR5, load_objects(path), print)
    T = world.place("tee", 0)
    assert world.thing is not None
    assert len(world.thing.parts) == 2
    flat = abs(T[2, 2]) > 0.9
    assert flat
    stem = apply(T, [0.0, 0.02, 0.0])
    angle = float(np.arctan2(T[1, 0], T[0, 0]))
    assert lift(world, (float(stem[0]), float(stem[1]), TABLE_TOP_M + 0.008), angle, 0.03, 60.0).held


def test_unknown_object_is_refused_with_a_suggestion(world: World) -> None:
    with pytest.raises(SettingsError, match="did you mean 'cube'"):
        world.place("cubes", 1)


def test_home_is_where_the_world_begins(world: World) -> None:
    assert world.q == pytest.approx(HOME_RAD)
    assert not world.busy
    assert world.time_s == 0.0
    world.advance(0.008)
    assert world.time_s == pytest.approx(0.008)


def test_every_household_thing_weighs_what_it_should() -> None:
    world = World(UR5, load_objects(HOUSEHOLD_12), print)
    for name in world.object_names:
        world.place(name, 0)
        thing = world.thing
        assert thing is not None
        assert world.model.body("object").mass[0] == pytest.approx(thing.spec.mass_kg, rel=1e-6)
