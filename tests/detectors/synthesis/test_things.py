"""The catalogue: the same for ever, legal for the simulator, in the stated ranges, without the benchmark's things."""

import hashlib
import math
from typing import Any

import mujoco
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from detectors.synthesis.families.pieces import THINNEST_M
from detectors.synthesis.things import FAMILY_NAMES, OVERSIZE_FAMILIES, THINGS, SyntheticThing, family_of, make_thing
from robot.objects import HOUSEHOLD_12, SMALLEST_EXTENT_M, load_objects
from robot.shapes import check_size
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.object_body import OBJECT_BODY, Placer, add_object, lowest_point_m

STROKE_M = 0.085
TOUCHING_M = 1e-4
PINNED = {  # number: the three sides of the bounding box [0.01 mm]
    0: [6061, 8475, 11786],
    14: [4987, 5024, 7876],
    25: [16584, 1658, 1658],
    58: [6608, 6608, 18120],
    149: [10052, 7736, 7607],
    461: [14615, 2420, 2420],
    822: [5864, 5176, 5304],
    1503: [6555, 6311, 1114],
    2177: [3348, 2861, 18682],
    2996: [20819, 4693, 1358],
}


def digest(thing: SyntheticThing) -> str:
    """Of everything the simulator gets to see."""
    hashed = hashlib.sha256(repr((thing.spec.name, thing.spec.mass_kg, thing.spec.friction)).encode())
    for part in thing.spec.primitives:
        hashed.update(repr((part.shape, part.size_m, part.color, part.relative_density)).encode())
        for array in (part.T_object_part, part.vertices, part.faces):
            hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()


def vertices_of(thing: SyntheticThing) -> np.ndarray:
    return np.vstack([part.vertices_object for part in thing.spec.primitives])


def least_width_m(vertices: np.ndarray) -> float:
    """Of the hull, across its faces."""
    across = vertices @ ConvexHull(vertices).equations[:, :3].T
    return float(np.ptp(across, axis=0).min())


def few_of_each_family(a_family: int) -> list[int]:
    """Numbers from several parts of the catalogue."""
    rounds = THINGS // (10 * len(FAMILY_NAMES))
    return [
        10 * (len(FAMILY_NAMES) * ((i * 3 + f) % rounds) + f) + (7 * i + f) % 10
        for f in range(len(FAMILY_NAMES))
        for i in range(a_family)
    ]


def compiled(thing: SyntheticThing) -> Any:
    spec = mujoco.MjSpec()
    spec.worldbody.add_geom(name="table", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 0.1])
    add_object(spec, thing.spec, thing.spec.primitives)
    return spec.compile()


def test_a_number_means_one_thing_whatever_was_made_before() -> None:
    numbers = few_of_each_family(1)
    forwards = {number: digest(make_thing(number)) for number in numbers}
    backwards = {number: digest(make_thing(number)) for number in reversed(numbers)}
    assert forwards == backwards
    assert len(set(forwards.values())) == len(numbers)


def test_the_catalogue_never_changes() -> None:
    """Pinned: data sets name things by their numbers. Measures to a hundredth of a millimetre."""
    measured = {n: [round(float(x) * 1e5) for x in np.ptp(vertices_of(make_thing(n)), axis=0)] for n in PINNED}
    assert measured == PINNED


def test_every_family_is_legal_and_compiles() -> None:
    for number in few_of_each_family(4):
        thing = make_thing(number)
        assert 1 <= len(thing.spec.primitives) <= 21
        for part in thing.spec.primitives:
            if part.shape == "mesh":
                assert len(part.vertices) <= 60
            else:
                check_size(part.shape, part.size_m)
                assert min(part.size_m) >= THINNEST_M - 1e-6
            assert part.volume_m3 > 0
            assert np.allclose(part.T_object_part[:3, :3] @ part.T_object_part[:3, :3].T, np.eye(3), atol=1e-9)
            assert np.linalg.det(part.T_object_part[:3, :3]) > 0
        vertices = vertices_of(thing)
        axes = np.linalg.svd(vertices - vertices.mean(axis=0), full_matrices=False)[2]
        assert np.ptp(vertices @ axes.T, axis=0).min() >= SMALLEST_EXTENT_M
        model = compiled(thing)
        assert model.body_mass[model.body(OBJECT_BODY).id] == pytest.approx(thing.spec.mass_kg, rel=1e-4)


def test_sizes_masses_and_friction_keep_to_the_stated_ranges() -> None:
    things = [make_thing(number) for number in few_of_each_family(4)]
    longest = np.array([np.ptp(vertices_of(thing), axis=0).max() for thing in things])
    assert 0.0245 <= longest.min() <= longest.max() <= 0.2205
    mass = np.array([thing.spec.mass_kg for thing in things])
    assert 0.01 <= mass.min() <= mass.max() <= 0.8
    assert np.quantile(mass, 0.9) / np.quantile(mass, 0.3) > 5
    friction = np.array([thing.spec.friction for thing in things])
    assert 0.4 <= friction.min() < 0.45 < 0.75 < friction.max() <= 0.8
    for thing in things:
        middle = vertices_of(thing).min(axis=0) + vertices_of(thing).max(axis=0)
        assert np.abs(middle).max() < 2 * 0.002  # round ends are cut into flats


def test_a_thing_hangs_together() -> None:
    """Each part touches another, and so on to all of them."""
    for number in few_of_each_family(3):
        thing = make_thing(number)
        if len(thing.spec.primitives) > 1:
            assert widest_gap_m(thing) < TOUCHING_M, thing.spec.name


def widest_gap_m(thing: SyntheticThing) -> float:
    """The longest bridge of the shortest set of bridges between the parts."""
    model = compiled(thing)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    geoms = [i for i in range(model.ngeom) if model.geom_bodyid[i] != 0]
    joined, apart, widest = {geoms[0]}, set(geoms[1:]), -math.inf
    while apart:
        gap, nearest = min((mujoco.mj_geomDistance(model, data, a, b, 0.05, None), b) for a in joined for b in apart)
        widest = max(widest, gap)
        joined.add(nearest)
        apart.discard(nearest)
    return widest


@pytest.mark.parametrize("family", FAMILY_NAMES[::4])
def test_a_thing_comes_to_rest_on_the_table(family: str) -> None:
    thing = make_thing(10 * FAMILY_NAMES.index(family) + 3)
    T = Placer(thing.spec, thing.spec.primitives).place(5)
    assert np.isfinite(T).all()
    assert abs(lowest_point_m(thing.spec.primitives, T)) < 0.002
    assert T[2, 3] > TABLE_TOP_M


def test_six_to_eight_in_a_hundred_are_too_big_everywhere() -> None:
    families = [family_of(number) for number in range(THINGS)]
    assert 0.06 <= sum(family in OVERSIZE_FAMILIES for family in families) / THINGS <= 0.08
    for number in few_of_each_family(5):
        thing = make_thing(number)
        if thing.family in OVERSIZE_FAMILIES:
            assert len(thing.spec.primitives) == 1  # convex
            assert least_width_m(vertices_of(thing)) > STROKE_M + 0.003
        else:
            assert min(least_width_m(part.vertices) for part in thing.spec.primitives) < STROKE_M - 0.01


def test_a_thing_with_one_feature_is_wide_everywhere_else() -> None:
    for number in few_of_each_family(6):
        if family_of(number) == "one_feature":
            base, *features = make_thing(number).spec.primitives
            flat = np.sort(np.ptp(base.vertices, axis=0))[1:]
            assert flat.min() > 0.09
            assert all(least_width_m(part.vertices) < 0.065 for part in features)


def test_no_two_things_share_their_shape() -> None:
    things = [make_thing(number) for number in range(0, THINGS, 10)]
    shapes = {np.round(vertices_of(thing), 5).tobytes() for thing in things}
    assert len(shapes) == len(things)
    assert len({thing.spec.name for thing in things}) == len(things)


def test_the_benchmark_s_things_are_not_among_them() -> None:
    """By name, and by measure: nothing has a household thing's parts and, within 1 mm, its three sizes."""
    household = load_objects(HOUSEHOLD_12)
    names = {thing.name for thing in household}
    assert not names & set(FAMILY_NAMES)
    measures = [_measure([p.vertices_object for p in thing.primitives]) for thing in household]
    for number in range(0, THINGS, 6):
        thing = make_thing(number)
        assert thing.spec.name not in names
        own = _measure([part.vertices_object for part in thing.spec.primitives])
        assert not any(own[0] == other[0] and np.abs(own[1] - other[1]).max() < 0.001 for other in measures)


def _measure(parts: list[np.ndarray]) -> tuple[int, np.ndarray]:
    return len(parts), np.sort(np.ptp(np.vstack(parts), axis=0))


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-3"):
        make_thing(-3)
