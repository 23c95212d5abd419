"""The bench's lifts, from which labels are made, against the same grasps carried out by the whole simulated arm."""

import numpy as np

from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.grasp_sampling import sample_grasps
from detectors.synthesis.lifting import FRICTION_FACTORS, LiftBench, Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.things import make_thing
from detectors.synthesis.viewing import triangles_of
from robot.gripper_geometry import OPENING_CLEARANCE_M, TIP_FROM_FLANGE_CLOSED_M, still_to_come_m
from robot.kinematics import UR5
from robot.objects import ObjectSpec
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.world import World
from tests.simulator.lifting import lift

THINGS = (48, 155, 260, 371, 482, 593, 604, 715, 826, 937, 1041, 1158)
USUAL_FRICTION = FRICTION_FACTORS.index(1.0)
LEAST_AGREEMENT = 0.85


def carried_out(spec: ObjectSpec, number: int, rng: np.random.Generator) -> list[tuple[bool, bool]]:
    """(bench's word, cell's word) for two grasps that come down freely."""
    T = World(UR5, (spec,), print).place(spec.name, number).copy()
    T[2, 3] -= TABLE_TOP_M
    lying = Lying(spec, T)
    triangles = triangles_of([lying])
    caster = RayCaster(triangles.vertices, triangles.faces)
    grasps = sample_grasps(caster, triangles, 0, 12, rng).grasps
    distance = first_contacts(caster, triangles, grasps).distance_m
    chosen = np.flatnonzero(~collides(caster, grasps) & np.isfinite(distance).all(axis=1))[:2]
    bench = LiftBench(lying).lift(grasps[chosen], distance[chosen].max(axis=1), np.full(len(chosen), USUAL_FRICTION))
    return [
        (bool(word), by_the_cell(spec, number, grasps[i : i + 1])) for i, word in zip(chosen, bench.lifted, strict=True)
    ]


def by_the_cell(spec: ObjectSpec, number: int, grasp: TableGrasps) -> bool:
    world = World(UR5, (spec,), print)
    world.place(spec.name, number)
    contact_m = max(float(grasp.width_m[0]) - OPENING_CLEARANCE_M, 0.0)
    closed_tip_m = TABLE_TOP_M + float(grasp.flange_m[0]) - TIP_FROM_FLANGE_CLOSED_M
    x, y = grasp.centre_m[0, :2]
    tip = (float(x), float(y), closed_tip_m + still_to_come_m(contact_m))
    return lift(world, tip, float(grasp.yaw_rad[0]), contact_m, 60.0).lifted


def test_bench_and_whole_cell_agree() -> None:
    rng = np.random.default_rng(0)
    words = [pair for n in THINGS for pair in carried_out(make_thing(n).spec, n, rng)]
    assert len(words) >= 15
    assert np.mean([bench == cell for bench, cell in words]) >= LEAST_AGREEMENT
