"""The clean view is the true geometry; what hides what follows from the two imagers' places."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from robot.calibration_board import BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform
from robot.kinematics import UR5, UR5E, ArmModel
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles
from robot.simulator import camera_model
from robot.simulator.backdrop import FAR_M
from robot.simulator.camera_place import CameraMount, nominal_T_parent_color
from robot.simulator.cell_body import FLOOR_M, HOME_RAD, TABLE_MAX_M, TABLE_MIN_M, TABLE_TOP_M
from robot.simulator.rendering import CleanView, Renderer
from robot.simulator.scene import Scene, SceneReader, Visual
from robot.simulator.shown_board import put_up
from robot.simulator.staging import Staging
from robot.simulator.stereo_noise import clean_color
from robot.simulator.world import World

DOWN = nominal_T_parent_color("fixed")
DOWN_DEPTH = DOWN @ camera_model.T_color_depth()
TABLE_DEPTH_M = DOWN[2, 3] - TABLE_TOP_M
RED = (0.8, 0.1, 0.1)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def empty(T_base_color: Transform = DOWN) -> Scene:
    return Scene((), np.zeros((0, 4, 4)), T_base_color, None, T_base_color.tobytes())


def box_scene(
    size_m: tuple[float, float, float],
    center_m: tuple[float, float, float],
    key: bytes,
    T_base_color: Transform = DOWN,
) -> Scene:
    vertices, faces = triangles("box", size_m)
    visual = Visual(vertices, faces, np.tile(np.array(RED, dtype=np.float32), (len(faces), 1)))
    return Scene((visual,), transform(np.eye(3), center_m)[None], T_base_color, None, key)


def block(height_m: float, key: bytes = b"block") -> Scene:
    """A block of 80 x 60 mm (base x, y) standing in the middle of the table."""
    return box_scene((0.08, 0.06, height_m), (0.5, 0.0, TABLE_TOP_M + height_m / 2), key)


def test_depth_is_the_distance_along_the_axis(renderer: Renderer) -> None:
    view = renderer.render(block(0.10))
    sensor = camera_model.DEPTH
    top = np.array([0.5, 0.0, TABLE_TOP_M + 0.10])
    u, v = sensor.project(apply(invert(DOWN_DEPTH), top)).round().astype(int)
    assert view.depth_m[v, u] == pytest.approx(TABLE_DEPTH_M - 0.10, abs=1e-5)
    assert view.depth_m[v, u + 120] == pytest.approx(TABLE_DEPTH_M, abs=1e-5)
    assert view.incidence[v, u] > 0.99
    on_top = np.abs(view.depth_m - (TABLE_DEPTH_M - 0.10)) < 1e-4
    expected = 0.08 * 0.06 * (sensor.fx / (TABLE_DEPTH_M - 0.10)) ** 2
    assert on_top.sum() == pytest.approx(expected, rel=0.04)


def test_color_and_depth_agree_through_the_extrinsics(renderer: Renderer) -> None:
    """The same corner is found where each sensor's own intrinsics and pose say it must be."""
    view = renderer.render(block(0.10))
    corners = np.array([[0.5 + x, y, TABLE_TOP_M + 0.10] for x in (-0.04, 0.04) for y in (-0.03, 0.03)])
    color = camera_model.COLOR.project(apply(invert(DOWN), corners))
    depth = camera_model.DEPTH.project(apply(invert(DOWN_DEPTH), corners))
    reddish = (view.color[..., 0] > 1.8 * view.color[..., 2]) & (view.color[..., 0] > 1.8 * view.color[..., 1])
    rows, columns = np.nonzero(reddish)
    assert columns.min() == pytest.approx(color[:, 0].min(), abs=1.5)
    assert columns.max() == pytest.approx(color[:, 0].max(), abs=1.5)
    assert rows.min() == pytest.approx(color[:, 1].min(), abs=1.5)
    assert rows.max() == pytest.approx(color[:, 1].max(), abs=1.5)
    rows, columns = np.nonzero(np.abs(view.depth_m - (TABLE_DEPTH_M - 0.10)) < 1e-4)
    assert columns.min() == pytest.approx(depth[:, 0].min(), abs=1.5)
    assert rows.max() == pytest.approx(depth[:, 1].max(), abs=1.5)


def hidden_table(view: CleanView, height_m: float) -> np.ndarray:
    return np.asarray(view.hidden & (view.depth_m > TABLE_DEPTH_M - height_m / 2))


def test_the_blind_strip_lies_left_of_a_block_and_has_the_stereo_width(renderer: Renderer) -> None:
    """The right imager looks from +x: seen from the left one, it misses what lies just left of a near object."""
    widths = []
    for height_m in (0.06, 0.12):
        view = renderer.render(block(height_m, str(height_m).encode()))
        top = view.depth_m < TABLE_DEPTH_M - height_m + 1e-3
        row = int(np.nonzero(top.any(axis=1))[0].mean())
        left_edge, right_edge = np.nonzero(top[row])[0][[0, -1]]
        blind = np.nonzero(hidden_table(view, height_m)[row])[0]
        assert len(blind)
        assert blind.max() < left_edge + 2
        assert not view.hidden[row, right_edge + 2 :].any()
        widths.append(len(blind))
        focal_baseline = camera_model.DEPTH.fx * camera_model.BASELINE_M
        strip = focal_baseline * (1 / (TABLE_DEPTH_M - height_m) - 1 / TABLE_DEPTH_M)
        assert len(blind) == pytest.approx(strip, abs=1.6)
    assert widths[1] > widths[0]


def test_an_object_darkens_the_table_beside_it(renderer: Renderer) -> None:
    """Its shadow falls away from the lamp, which hangs at y > 0."""
    bare = renderer.render(empty())
    view = renderer.render(block(0.08))
    sensor, T = camera_model.COLOR, invert(DOWN)

    def share(y_m: float) -> float:
        u, v = sensor.project(apply(T, np.array([0.51, y_m, TABLE_TOP_M]))).round().astype(int)
        return float(view.color[v, u].mean() / bare.color[v, u].mean())

    assert share(-0.038) < 0.85
    assert share(0.06) == pytest.approx(1.0, abs=0.02)


def test_the_same_scene_is_rendered_once(renderer: Renderer) -> None:
    assert renderer.render(block(0.05, b"a")) is renderer.render(block(0.05, b"a"))
    assert renderer.render(block(0.05, b"b")) is not renderer.render(block(0.05, b"a"))


# ---------------------------------------------------------------- cameras that look anywhere


def looking(T_base_target: Transform, distance_m: float, tilt_rad: float, about_rad: float) -> Transform:
    """T_base_color of a camera so far above a point, tilted out of the vertical."""
    tilt = Rotation.from_euler("z", about_rad) * Rotation.from_euler("x", tilt_rad)
    R = tilt.as_matrix() @ DOWN[:3, :3]
    return transform(R, T_base_target[:3, 3] - distance_m * R[:, 2])


def exact_depth(
    sensor: Intrinsics, T_base_sensor: Transform, u: float, v: float, size_m: tuple, center_m: tuple
) -> float:
    """Of one pixel, by slabs and planes in double precision."""
    way = T_base_sensor[:3, :3] @ sensor.deproject(np.array(u), np.array(v), np.array(1.0))
    origin = T_base_sensor[:3, 3]
    depths = [FAR_M]
    for height_m, low, high in ((FLOOR_M, -np.inf, np.inf), (TABLE_TOP_M, TABLE_MIN_M, TABLE_MAX_M)):
        t = (height_m - origin[2]) / way[2]
        xy = (origin + t * way)[:2]
        if t > 0 and (xy >= low).all() and (xy <= high).all():
            depths.append(t)
    near, far = np.sort([(center_m + s * np.array(size_m) / 2 - origin) / way for s in (-1, 1)], axis=0)
    if 0 < near.max() < far.min():
        depths.append(near.max())
    return float(min(depths))


SIZE_M, CENTER_M = (0.08, 0.06, 0.10), (0.5, 0.0, TABLE_TOP_M + 0.05)
RENDERER: list[Renderer] = []


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.35, 0.9), st.floats(0.0, 1.8), st.floats(-3.1, 3.1), st.integers(0, 2**31)
)  # fmt: skip
def test_depth_is_exact_from_wherever_the_camera_looks(distance: float, tilt: float, about: float, seed: int) -> None:
    """Tilts beyond a quarter turn look at the sky: there, nothing is far away, and nothing breaks."""
    RENDERER[:] = RENDERER or [Renderer()]
    T = looking(transform(np.eye(3), CENTER_M), distance, tilt, about)
    view = RENDERER[0].render(box_scene(SIZE_M, CENTER_M, T.tobytes(), T))
    assert np.isfinite(view.depth_m).all()
    assert np.isfinite(view.color).all()
    assert view.color.min() >= 0
    assert ((view.incidence >= 0) & (view.incidence <= 1 + 1e-6)).all()
    sensor, T_depth = camera_model.DEPTH, T @ camera_model.T_color_depth()
    rng = np.random.default_rng(seed)
    wrong = 0
    for u, v in rng.integers(0, (sensor.width, sensor.height), size=(60, 2)):
        expected = exact_depth(sensor, T_depth, u, v, SIZE_M, CENTER_M)
        wrong += abs(view.depth_m[v, u] - expected) > 1e-5 * max(1.0, expected**2)
    assert wrong <= 1  # a ray may graze an edge


def test_a_level_camera_sees_the_table_the_floor_and_the_sky(renderer: Renderer) -> None:
    level = transform(Rotation.from_euler("x", np.pi / 2).as_matrix() @ DOWN[:3, :3], [0.5, -1.2, 0.1])
    view = renderer.render(empty(level))
    assert (view.depth_m == FAR_M).mean() > 0.3
    assert (view.depth_m < 1.5).any()
    assert len(np.unique(np.round(view.color[240].mean(axis=-1)))) > 3


def test_backdrops_of_a_moving_camera_do_not_pile_up(renderer: Renderer) -> None:
    for shift in np.linspace(0, 0.1, 6):
        renderer.render(empty(transform(np.eye(3), [shift, 0, 0]) @ DOWN))
    assert len(renderer._backdrops) <= 2


def test_marks_change_no_depth_and_nothing_within_the_workspace(renderer: Renderer, monkeypatch) -> None:
    from robot.simulator import backdrop

    with_marks = backdrop.make_backdrop(DOWN)
    monkeypatch.setattr(backdrop, "MARKS_XY_M", ())
    bare = backdrop.make_backdrop(DOWN)
    assert np.array_equal(with_marks.depth_m, bare.depth_m)
    assert np.array_equal(with_marks.incidence, bare.incidence)
    changed = np.abs(with_marks.color - bare.color).max(axis=-1) > 0
    assert changed.sum() > 4000
    points = bare.color_points[changed]
    assert (np.abs(points[:, 1]) > 0.20).all()


# ---------------------------------------------------------------- scenes of a world


@pytest.fixture
def look() -> Callable[[World], Scene]:
    return lambda world: SceneReader(world, Staging(world)).read()


def ball() -> ObjectSpec:
    part = Part("sphere", (0.066,), np.eye(4), RED, *triangles("sphere", (0.066,)))
    return ObjectSpec("ball", 0.06, 0.7, primitives=(part,))


@pytest.mark.parametrize("arm", [UR5, UR5E], ids=lambda arm: arm.name)
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_arm_at_home_is_out_of_sight(arm: ArmModel, seed: int, renderer: Renderer) -> None:
    """The depth sensor's wider view may show the shoulder, in its lowest rows, which the colour sensor does not see."""
    world = World(arm, (), print)
    staging = Staging(world, CameraMount(seed=seed))
    bare = renderer.render(empty(staging.T_base_color))
    view = renderer.render(SceneReader(world, staging).read())
    assert np.array_equal(view.color, bare.color)
    assert np.array_equal(view.depth_m[:430], bare.depth_m[:430])


def test_the_arm_over_the_table_is_seen(renderer: Renderer, look: Callable[[World], Scene]) -> None:
    world = World(UR5, (), print)
    target = np.array(HOME_RAD) + np.array([1.0, 0, 0, 0, 0, 0])
    for share in np.linspace(0, 1, 150):
        world.set_arm_target(np.array(HOME_RAD) + share * (target - HOME_RAD), np.zeros(6))
        world.advance(0.008)
    scene = look(world)
    assert scene.visuals
    view = renderer.render(scene)
    assert (view.depth_m < TABLE_DEPTH_M - 0.05).mean() > 0.02


def test_key_tells_scenes_apart_and_is_stable_at_rest(look: Callable[[World], Scene]) -> None:
    world = World(UR5, (ball(),), print)
    world.place("ball", 1)
    before = look(world).key
    world.advance(0.5)
    assert look(world).key == before
    world.place("ball", 2)
    assert look(world).key != before
    world.place("ball", 1)
    assert look(world).key == before


def test_key_follows_board_and_camera() -> None:
    world = World(UR5, (), print)
    staging = Staging(world)
    reader = SceneReader(world, staging)
    keys = [reader.read().key]
    for seed, scale in ((0, 1.0), (1, 1.0), (1, 0.97)):
        staging.board = put_up("table", BoardSettings(), scale, seed)
        keys.append(reader.read().key)
    staging.camera.bump([0.0001, 0, 0], [0, 0, 0])
    keys.append(reader.read().key)
    assert len(set(keys)) == len(keys)
    staging.camera.put_back()
    assert reader.read().key == keys[-2]


def test_clean_color_is_bytes(renderer: Renderer) -> None:
    picture = clean_color(renderer.render(block(0.05)))
    assert picture.dtype == np.uint8
    assert picture.shape == (480, 640, 3)
