"""The clean view is the true geometry; what hides what follows from the two imagers' places."""

from collections.abc import Callable

import numpy as np
import pytest

from robot.geometry import apply, invert, transform
from robot.kinematics import UR5, UR5E, ArmModel
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles
from robot.simulator import camera_model
from robot.simulator.board import BOARD, T_base_board
from robot.simulator.cell_body import HOME_RAD, TABLE_TOP_M
from robot.simulator.rendering import CleanView, Renderer
from robot.simulator.scene import Scene, SceneReader, Visual
from robot.simulator.stereo_noise import StereoNoise, clean_color, noisy_color
from robot.simulator.world import World

TABLE_DEPTH_M = camera_model.T_base_depth()[2, 3] - TABLE_TOP_M
RED = (0.8, 0.1, 0.1)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def box_scene(size_m: tuple[float, float, float], center_m: tuple[float, float, float], key: bytes) -> Scene:
    vertices, faces = triangles("box", size_m)
    visual = Visual(vertices, faces, np.tile(np.array(RED, dtype=np.float32), (len(faces), 1)))
    return Scene((visual,), transform(np.eye(3), center_m)[None], False, key)


def block(height_m: float, key: bytes = b"block") -> Scene:
    """A block of 80 x 60 mm (base x, y) standing in the middle of the table."""
    return box_scene((0.08, 0.06, height_m), (0.5, 0.0, TABLE_TOP_M + height_m / 2), key)


def test_depth_is_the_distance_along_the_axis(renderer: Renderer) -> None:
    view = renderer.render(block(0.10))
    sensor = camera_model.DEPTH
    top = np.array([0.5, 0.0, TABLE_TOP_M + 0.10])
    u, v = sensor.project(apply(invert(camera_model.T_base_depth()), top)).round().astype(int)
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
    color = camera_model.COLOR.project(apply(invert(camera_model.T_base_color()), corners))
    depth = camera_model.DEPTH.project(apply(invert(camera_model.T_base_depth()), corners))
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
    empty = renderer.render(Scene((), np.zeros((0, 4, 4)), False, b"empty"))
    view = renderer.render(block(0.08))
    sensor, T = camera_model.COLOR, invert(camera_model.T_base_color())

    def share(y_m: float) -> float:
        u, v = sensor.project(apply(T, np.array([0.51, y_m, TABLE_TOP_M]))).round().astype(int)
        return float(view.color[v, u].mean() / empty.color[v, u].mean())

    assert share(-0.038) < 0.85
    assert share(0.06) == pytest.approx(1.0, abs=0.02)


def test_the_same_scene_is_rendered_once(renderer: Renderer) -> None:
    assert renderer.render(block(0.05, b"a")) is renderer.render(block(0.05, b"a"))
    assert renderer.render(block(0.05, b"b")) is not renderer.render(block(0.05, b"a"))


def test_board_is_found_at_its_true_pose(renderer: Renderer) -> None:
    import cv2

    view = renderer.render(Scene((), np.zeros((0, 4, 4)), True, b"board"))
    gray = cv2.cvtColor(noisy_color(view, StereoNoise(), np.random.default_rng(0)), cv2.COLOR_RGB2GRAY)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(BOARD.charuco()).detectBoard(gray)
    assert ids is not None
    assert len(ids) == (BOARD.columns - 1) * (BOARD.rows - 1)
    points = BOARD.charuco().getChessboardCorners()[ids.ravel()].astype(np.float64)
    in_camera = apply(invert(camera_model.T_base_color()) @ T_base_board(), points)
    errors = corners.reshape(-1, 2) - camera_model.COLOR.project(in_camera)
    assert np.abs(errors).max() < 0.5
    assert np.abs(errors.mean(axis=0)).max() < 0.1


# ---------------------------------------------------------------- scenes of a world


@pytest.fixture
def look() -> Callable[[World], Scene]:
    return lambda world: SceneReader(world).read()


def ball() -> ObjectSpec:
    part = Part("sphere", (0.066,), np.eye(4), RED, *triangles("sphere", (0.066,)))
    return ObjectSpec("ball", 0.06, 0.7, primitives=(part,))


@pytest.mark.parametrize("arm", [UR5, UR5E], ids=lambda arm: arm.name)
def test_the_arm_at_home_is_out_of_sight(arm: ArmModel, renderer: Renderer, look: Callable[[World], Scene]) -> None:
    """The depth sensor's wider view may show the shoulder, in its lowest rows, which the colour sensor does not see."""
    empty = renderer.render(Scene((), np.zeros((0, 4, 4)), False, b"empty"))
    view = renderer.render(look(World(arm, (), print)))
    assert np.array_equal(view.color, empty.color)
    assert np.array_equal(view.depth_m[:440], empty.depth_m[:440])


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
    world.show_board(True)
    assert look(world).key != before


def test_clean_color_is_bytes(renderer: Renderer) -> None:
    picture = clean_color(renderer.render(block(0.05)))
    assert picture.dtype == np.uint8
    assert picture.shape == (480, 640, 3)
