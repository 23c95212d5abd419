"""The physical label lifts what a hand would lift, and agrees with the simulated cell."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import mujoco.rollout
import numpy as np
import pytest

from cell.settings import GraspSettings
from detectors.synthesis.contacts import first_contacts
from detectors.synthesis.grasp_frames import TABLE_CLEARANCE_M, TIP_BELOW_GRASP_M, TableGrasps
from detectors.synthesis.lifting import (
    FRICTION_FACTORS,
    GRIP_FORCE_N,
    LIFT_M,
    LIFTED_M,
    LiftBench,
    Lifts,
    Lying,
    table_spec,
)
from robot.gripper_geometry import STROKE_M
from robot.kinematics import UR5
from robot.objects import ObjectSpec
from robot.simulator import world as cell_world
from robot.simulator.cell_body import TABLE_TOP_M
from tests.detectors.synthesis.lying_things import (
    box,
    grasp,
    grasps,
    laid,
    moved_grasps,
    moved_scene,
    part,
    rays,
    somewhere,
    thing,
)
from tests.simulator import lifting as driver

USUAL = FRICTION_FACTORS.index(1.0)
BOX = box(0.04, 0.06, 0.05)
ACROSS = (0.0, 0.0, 0.03, 0.0, 0.056)


def lifts(scene: Sequence[Lying], several: TableGrasps, factor: int = USUAL, target: int = 0) -> Lifts:
    caster, gathered = rays(*scene)
    contact = np.clip(first_contacts(caster, gathered, several).distance_m.max(axis=1), 0.0, STROKE_M / 2)
    bench = LiftBench(scene[target], [lying for place, lying in enumerate(scene) if place != target])
    return bench.lift(several, contact, np.full(len(several), factor))


def lifted(spec: ObjectSpec, *rows: Sequence[float], factor: int = USUAL) -> list[bool]:
    return lifts([laid(spec)], grasps(*rows), factor).lifted.tolist()


def test_a_box_gripped_across_is_lifted_whatever_the_friction():
    for factor in range(len(FRICTION_FACTORS)):
        found = lifts([laid(BOX)], grasps(ACROSS, (0.0, 0.01, 0.02, 0.0, 0.07)), factor)
        assert found.lifted.all()
        np.testing.assert_allclose(found.width_m, 0.04, atol=1e-3)


def test_thin_air_lifts_nothing_and_the_jaws_close():
    found = lifts([laid(BOX)], grasps((0.1, 0.0, 0.02, 0.0, 0.04), (0.0, 0.0, 0.12, 0.0, 0.04)))
    assert not found.lifted.any()
    assert (found.width_m < 0.001).all()


@pytest.mark.parametrize("spec", [
    thing(part("sphere", (0.05,)), mass_kg=0.4, friction=0.02),
    box(0.04, 0.06, 0.05, mass_kg=0.4, friction=0.02),
], ids=["ball", "box"])  # fmt: skip
def test_what_is_slippery_stays(spec):
    assert lifted(spec, ACROSS) == [False]


def test_what_is_too_heavy_stays():
    """Sixty newtons at a friction of 0.3 hold 36 N; five kilograms weigh 49 N."""
    heavy, light = (box(0.04, 0.06, 0.05, mass_kg=m, friction=0.3) for m in (5.0, 0.5))
    assert lifted(heavy, ACROSS) == [False]
    assert lifted(light, ACROSS) == [True]


def test_friction_decides_at_the_limit():
    """At a friction of 0.4 the three factors hold 34, 48 and 62 N; the box weighs 41 N."""
    spec = box(0.04, 0.06, 0.05, mass_kg=4.2, friction=0.4)
    assert lifted(spec, ACROSS, factor=0) == [False]
    assert lifted(spec, ACROSS, factor=len(FRICTION_FACTORS) - 1) == [True]


def test_a_long_heavy_bar_hangs_down_when_gripped_at_its_end():
    bar = box(0.20, 0.02, 0.02, mass_kg=0.8, friction=0.4)
    ends = (0.09, 0.0, 0.01, np.pi / 2, 0.036)
    assert lifted(bar, (0.0, 0.0, 0.01, np.pi / 2, 0.036), ends) == [True, False]


def test_a_thing_off_the_middle_is_pushed_until_it_is_held():
    """The box stands 12 mm off the middle of jaws that are 80 mm apart."""
    assert lifted(box(0.03, 0.05, 0.05), (0.012, 0.0, 0.03, 0.0, 0.08)) == [True]


def test_round_things_slip_out_below_jaws_that_grip_above_their_middle():
    """At 14 mm above a ball's middle its surface leans by 34 degrees; a friction of 0.3 holds 17."""
    ball = thing(part("sphere", (0.05,)), friction=0.3)
    assert lifted(ball, (0.0, 0.0, 0.025, 0.0, 0.066), (0.0, 0.0, 0.049, 0.0, 0.060)) == [True, False]


def some_grasps(count: int = 14) -> TableGrasps:
    """Good and bad ones of ``BOX``, none of which begins inside it."""
    rng = np.random.default_rng(5)
    centre = np.column_stack([rng.uniform(-0.008, 0.008, count), rng.uniform(-0.035, 0.035, count),
                              rng.uniform(0.01, 0.075, count)])  # fmt: skip
    return TableGrasps(centre, rng.uniform(-0.15, 0.15, count), rng.uniform(0.06, 0.085, count))


def test_a_batch_is_as_good_as_one_by_one():
    several = some_grasps()
    caster, gathered = rays(laid(BOX))
    contact = np.clip(first_contacts(caster, gathered, several).distance_m.max(axis=1), 0.0, STROKE_M / 2)
    factors = np.arange(len(several)) % len(FRICTION_FACTORS)
    bench = LiftBench(laid(BOX))
    together = bench.lift(several, contact, factors)
    assert 0 < together.lifted.sum() < len(several)
    for i in range(len(several)):
        row = slice(i, i + 1)
        alone = bench.lift(several[row], contact[row], factors[row])
        assert alone.lifted[0] == together.lifted[i]
        assert alone.width_m[0] == together.width_m[i]


def test_where_the_scene_lies_does_not_matter():
    rng = np.random.default_rng(8)
    scene = [laid(BOX, yaw=0.2), laid(thing(part("cylinder", (0.03, 0.07))), 0.07, 0.05)]
    several = some_grasps()
    here = lifts(scene, several)
    for _ in range(2):
        T = somewhere(rng)
        there = lifts(moved_scene(scene, T), moved_grasps(several, T))
        assert (there.lifted == here.lifted).all()
        np.testing.assert_allclose(there.width_m, here.width_m, atol=2e-4)


def test_neighbours_hold_down_what_lies_under_them():
    shelf = laid(box(0.10, 0.04, 0.01))
    shelf.T_table_object[:3, 3] = [0.0, 0.055, 0.056]  # 1 mm above the long box's other half
    long_box = laid(box(0.04, 0.16, 0.05))
    middle = grasp(0.0, -0.02, 0.03, 0.0, 0.056)
    assert lifts([long_box], middle).lifted[0]
    assert not lifts([long_box, shelf], middle).lifted[0]


def test_neighbours_that_are_not_met_change_nothing():
    beside = laid(thing(part("cylinder", (0.03, 0.07))), 0.09, 0.0)
    assert lifts([laid(BOX), beside], grasps(ACROSS)).lifted[0]
    assert not lifts([laid(BOX), beside], grasps(ACROSS), target=1).lifted[0]  # the box goes up, the target stays


def test_a_thing_of_several_parts_and_a_heavy_end_weighs_what_it_should():
    """A hammer's middle lies in its head: gripped there it is lifted."""
    hammer = thing(part("box", (0.16, 0.018, 0.018)), part("box", (0.03, 0.07, 0.018), (0.095, 0, 0)), mass_kg=0.6)
    assert lifted(hammer, (0.05, 0.0, 0.009, np.pi / 2, 0.036)) == [True]


def test_nothing_to_lift():
    empty = TableGrasps(np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    assert len(LiftBench(laid(BOX)).lift(empty, np.zeros(0), np.zeros(0, int)).lifted) == 0


def test_broken_physics_leaves_no_file_behind(tmp_path, monkeypatch):
    """MuJoCo writes its warnings into a file in the working directory unless someone listens."""
    monkeypatch.chdir(tmp_path)
    spec = table_spec()
    spec.worldbody.add_body(pos=[0, 0, 1]).add_freejoint()
    spec.bodies[1].add_geom(size=[0.01, 0, 0], contype=0, conaffinity=0)
    model = spec.compile()
    state = np.zeros((1, mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)))
    state[0, 4], state[0, 8] = 1.0, 1e30
    mujoco.rollout.rollout(model, mujoco.MjData(model), state, nstep=3)
    assert list(tmp_path.iterdir()) == []


def test_lying_things_know_where_their_corners_are():
    corners = laid(BOX, 0.1, -0.2, np.pi / 2).vertices_table()
    np.testing.assert_allclose(corners.min(axis=0), [0.07, -0.22, 0.0], atol=1e-9)
    np.testing.assert_allclose(corners.max(axis=0), [0.13, -0.18, 0.05], atol=1e-9)


def test_the_numbers_are_the_cells():
    usual = GraspSettings()
    assert (usual.force_n, usual.lift_height_m) == (GRIP_FORCE_N, LIFT_M)
    assert (usual.tip_below_grasp_m, usual.table_clearance_m) == (TIP_BELOW_GRASP_M, TABLE_CLEARANCE_M)
    assert cell_world.LIFTED_M == LIFTED_M


@pytest.mark.parametrize(("spec", "height_m"), [
    (box(0.04, 0.06, 0.05), 0.03),
    (box(0.04, 0.06, 0.05, mass_kg=0.4, friction=0.03), 0.03),
    (box(0.04, 0.06, 0.05, mass_kg=4.5, friction=0.3), 0.03),
    (box(0.04, 0.06, 0.05), 0.075),
], ids=["across", "slippery", "heavy", "above"])  # fmt: skip
def test_the_simulated_cell_comes_to_the_same_end(spec, height_m):
    """Arm, servos and all: carried out in the cell's own physical world."""
    cell = cell_world.World(UR5, (spec,), lambda line: None)
    T = cell.place(spec.name, 4)
    T_table = T.copy()
    T_table[2, 3] -= TABLE_TOP_M
    lying = Lying(spec, T_table)
    corners = lying.vertices_table()
    sides = [axis for axis in T[:3, :3].T if abs(axis[2]) < 0.1]
    closing = min(sides, key=lambda axis: float(np.ptp(corners @ axis)))
    width, angle = float(np.ptp(corners @ closing)), float(np.arctan2(closing[1], closing[0]))
    x, y = (corners.min(axis=0) + corners.max(axis=0))[:2] / 2
    tip_m = height_m - TIP_BELOW_GRASP_M
    truth = driver.lift(cell, (float(x), float(y), tip_m + TABLE_TOP_M), angle, width, GRIP_FORCE_N)
    here = lifts([lying], grasp(x, y, height_m, angle, width + 0.016))
    assert bool(here.lifted[0]) == truth.lifted
