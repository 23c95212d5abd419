"""Light, shadow, colour and gloss are where physics puts them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.synthesis.lifting import Lying
from detectors.synthesis.painting import Lamp, Look, Material, Texture, paint, rays
from detectors.synthesis.viewing import Camera
from robot.frame import Intrinsics
from robot.geometry import transform
from tests.detectors.synthesis.lying_things import box, laid, part, thing
from tests.detectors.synthesis.lying_things import rays as gathered

K = Intrinsics(200.0, 200.0, 79.5, 59.5, 160, 120)
HEIGHT_M = 0.7
FROM_ABOVE = Camera(K, transform(np.diag([1.0, -1.0, -1.0]), [0.0, 0.0, HEIGHT_M]), 1.0, 0.05)
"""Looks straight down; +u is +x of the table, +v is -y."""
BOX = laid(box(0.06, 0.06, 0.08))
GREY = Texture(np.full((8, 8, 3), 0.5, np.float32), 0.3)
FROM_THE_RIGHT = Lamp((0.5, 0.0, 0.6), (0.12, 0.12, 0.12))
PLAIN = Look((FROM_THE_RIGHT,), (0.3, 0.3, 0.3), GREY, 0.0, (Material(),), blur_px=0.0, noise=0.0)
BALL = laid(thing(part("sphere", (0.06,))))


def painted(look: Look, *scene: Lying, seed: int = 0) -> NDArray[np.float64]:
    """(120, 160, 3) of these things, or of the box, from above."""
    lying = scene or (BOX,)
    caster, triangles = gathered(*lying)
    T = FROM_ABOVE.T_table_camera
    directions = rays(K, T).astype(np.float64)
    flown, faces = caster.cast(T[:3, 3], directions)
    table_m = -T[2, 3] / directions[..., 2]
    depth_m, seen = np.minimum(flown, table_m), np.where(flown < table_m, faces, -1)
    image = paint(caster, FROM_ABOVE, triangles, depth_m, seen, look, np.random.default_rng(seed))
    assert image.shape == (120, 160, 3)
    assert image.dtype == np.uint8
    return image.astype(float)


def at(image: NDArray[np.float64], x_m: float, y_m: float, z_m: float = 0.0) -> NDArray[np.float64]:
    """The pixel that sees a place of the table's frame."""
    u, v = K.cx + K.fx * x_m / (HEIGHT_M - z_m), K.cy - K.fy * y_m / (HEIGHT_M - z_m)
    return np.asarray(image[round(v), round(u)])


def test_a_ray_of_depth_one_goes_through_its_pixel() -> None:
    T = FROM_ABOVE.T_table_camera
    directions = rays(K, T)
    assert directions.shape == (120, 160, 3)
    np.testing.assert_allclose(directions[..., 2], -1.0, atol=1e-6)
    place = T[:3, 3] + directions[20, 30] * 0.7
    np.testing.assert_allclose(place, [(30 - K.cx) * 0.7 / K.fx, -(20 - K.cy) * 0.7 / K.fy, 0.0], atol=1e-6)


def test_the_shadow_falls_away_from_the_lamp_and_lets_the_ambient_light_in() -> None:
    image = painted(PLAIN)
    shadow, lit = at(image, -0.06, 0.0), at(image, 0.06, 0.0)
    np.testing.assert_allclose(shadow, 255 * 0.5 * 0.3, atol=1.0)
    assert lit.mean() > 1.5 * shadow.mean()
    other = painted(replace(PLAIN, lamps=(replace(FROM_THE_RIGHT, position_m=(-0.5, 0.0, 0.6)),)))
    assert at(other, 0.06, 0.0).mean() < at(other, -0.06, 0.0).mean() / 1.5
    behind = painted(replace(PLAIN, lamps=(replace(FROM_THE_RIGHT, position_m=(0.0, 0.5, 0.6)),)))
    assert at(behind, 0.0, -0.06).mean() < at(behind, 0.0, 0.06).mean() / 1.5


def test_light_follows_the_cosine_and_the_square_of_the_distance() -> None:
    """By hand for a place on the table: ambient 0.3 + 0.12 (1.5 / d)^2 cos, times the albedo."""
    image = painted(PLAIN)
    for x, y in ((0.15, 0.0), (0.1, 0.1), (-0.15, -0.15)):
        way = np.array([0.5 - x, -y, 0.6])
        distance = np.linalg.norm(way)
        expected = 255 * 0.5 * (0.3 + 0.12 * (1.5 / distance) ** 2 * way[2] / distance)
        np.testing.assert_allclose(at(image, x, y), expected, rtol=0.02, atol=1.0)


def test_a_lamps_colour_tints_what_it_lights_and_not_its_shadow() -> None:
    image = painted(replace(PLAIN, lamps=(Lamp((0.5, 0.0, 0.6), (0.2, 0.1, 0.03)),)))
    red, green, blue = at(image, 0.06, 0.0)
    assert red > 1.2 * green > 1.2 * 1.2 * blue
    assert np.ptp(at(image, -0.06, 0.0)) <= 1.0
    tinted = painted(replace(PLAIN, lamps=(), ambient=(0.2, 0.4, 0.8)))
    np.testing.assert_allclose(at(tinted, 0.06, 0.0), 255 * 0.5 * np.array([0.2, 0.4, 0.8]), atol=1.0)


def test_several_lamps_add_up() -> None:
    left = Lamp((-0.5, 0.0, 0.6), (0.05, 0.05, 0.05))
    dark, one, other, both = (
        painted(replace(PLAIN, lamps=lamps)) for lamps in ((), (FROM_THE_RIGHT,), (left,), (FROM_THE_RIGHT, left))
    )
    place = (slice(100, 118), slice(40, 120))  # in front of the box, away from both shadows
    np.testing.assert_allclose(both[place] - dark[place], one[place] + other[place] - 2 * dark[place], atol=2.0)


def test_matt_things_show_their_own_colour_with_no_highlight() -> None:
    image = painted(PLAIN, BALL)
    ball = image[54:66, 74:86].reshape(-1, 3)
    np.testing.assert_allclose(ball / ball[:, :1], np.tile([1.0, 5 / 6, 4 / 6], (len(ball), 1)), atol=0.03)


def test_what_shines_mirrors_the_lamp_in_one_spot_the_smaller_the_shinier() -> None:
    def extra(material: Material) -> NDArray[np.float64]:
        look = replace(PLAIN, ambient=(0.02, 0.02, 0.02), materials=(material,))
        without = painted(replace(look, materials=(Material(),)), BALL)
        return np.asarray((painted(look, BALL) - without).mean(axis=2))

    broad, narrow = extra(Material(0.5, 10.0)), extra(Material(0.5, 100.0))
    v, u = np.unravel_index(int(narrow.argmax()), narrow.shape)
    assert narrow[v, u] > 60
    assert u > K.cx + 2, "towards the lamp"
    assert abs(v - K.cy) < 3
    assert 0 < (narrow > 30).sum() < 0.5 * (broad > 30).sum()
    beside = np.ones(narrow.shape, dtype=bool)
    beside[40:80, 60:100] = False
    assert np.abs(narrow[beside]).max() == 0.0, "the table is matt"


def test_in_the_shadow_nothing_mirrors_the_lamp() -> None:
    wall = laid(box(0.02, 0.2, 0.2), 0.09)
    shiny = replace(PLAIN, ambient=(0.02,) * 3, materials=(Material(0.5, 20.0), Material()))
    behind = painted(shiny, BALL, wall)
    assert behind[50:70, 70:95].max() < 40
    assert painted(replace(shiny, materials=(Material(0.5, 20.0),)), BALL)[50:70, 70:95].max() > 120


def test_metal_mirrors_in_its_own_colour_and_plastic_in_the_lamps() -> None:
    def spot(metal: float) -> NDArray[np.float64]:
        look = replace(PLAIN, ambient=(0.02,) * 3)
        matt = painted(replace(look, materials=(Material(0.0, 50.0, metal),)), BALL)
        gloss = painted(replace(look, materials=(Material(0.3, 50.0, metal),)), BALL) - matt
        v, u = np.unravel_index(int(gloss.mean(axis=2).argmax()), gloss.shape[:2])
        return np.asarray(gloss[v, u])

    plastic, metal = spot(0.0), spot(1.0)
    assert np.ptp(plastic) / plastic.max() < 0.05
    np.testing.assert_allclose(metal / metal[0], [1.0, 5 / 6, 4 / 6], atol=0.06)


def test_the_pattern_lies_on_the_table_at_its_size_again_and_again() -> None:
    half = np.zeros((64, 64, 3), np.float32)
    half[:, 32:] = 0.8  # brighter where x is in the second half of the square
    look = replace(PLAIN, lamps=(), ambient=(1.0,) * 3, table=Texture(half, 0.2), exposure=0.9)
    image = painted(look)
    bright = [at(image, x, 0.1)[0] > 80 for x in (-0.25, -0.15, -0.05, 0.05, 0.15, 0.25)]
    assert bright == [True, False, True, False, True, False]
    turned = painted(replace(look, table_turn_rad=np.pi / 2))
    rows = [at(turned, 0.1, y)[0] > 80 for y in (-0.15, -0.05, 0.05, 0.15)]
    assert rows in ([True, False, True, False], [False, True, False, True])
    assert [at(turned, x, 0.15)[0] > 80 for x in (-0.25, -0.05, 0.05, 0.25)] in ([True] * 4, [False] * 4)


def test_a_texture_goes_on_over_its_edges() -> None:
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32)[None, :, None], (16, 1, 3))
    pattern = Texture(ramp, 0.16)
    places = np.array([[0.0, 0.0], [0.16, 0.32], [-0.16, 0.05], [0.08, 0.0], [0.155, 0.0]], np.float32)
    np.testing.assert_allclose(pattern.at(places)[:, 0], [0.0, 0.0, 0.0, 8 / 15, 0.5], atol=1e-3)
    many = np.random.default_rng(0).uniform(-3, 3, (70_000, 2)).astype(np.float32)
    found = pattern.at(many)
    assert found.shape == (70_000, 3)
    np.testing.assert_array_equal(found[66_000:66_010], pattern.at(many[66_000:66_010]))


def test_exposure_scales_and_what_is_too_bright_is_white() -> None:
    usual, dark, bright = (painted(replace(PLAIN, exposure=factor)) for factor in (1.0, 0.5, 8.0))
    np.testing.assert_allclose(dark, usual / 2, atol=1.0)
    assert bright.max() == 255.0
    assert usual.max() < 255.0


def test_the_lens_blurs_the_rims() -> None:
    def steepest(image: NDArray[np.float64]) -> float:
        return float(np.abs(np.diff(image[60].mean(axis=1))).max())

    assert steepest(painted(replace(PLAIN, blur_px=2.0))) < 0.6 * steepest(painted(PLAIN))


def test_noise_is_as_strong_as_it_says() -> None:
    plain, noisy = painted(PLAIN), painted(replace(PLAIN, noise=3.0))
    assert float((noisy - plain).std()) == pytest.approx(3.0, rel=0.05)


def test_the_same_seed_gives_the_same_bytes() -> None:
    look = replace(PLAIN, noise=2.0, blur_px=0.6)
    one, same, other = (painted(look, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.4


def test_every_thing_has_its_own_material() -> None:
    pair = laid(thing(part("sphere", (0.05,))), -0.1), laid(thing(part("sphere", (0.05,))), 0.1)
    look = replace(PLAIN, lamps=(Lamp((0.0, 0.0, 1.2), (0.3,) * 3),), ambient=(0.02,) * 3)
    image = painted(replace(look, materials=(Material(), Material(0.6, 60.0))), *pair)
    left, right = image[:, :80].max(), image[:, 80:].max()
    assert right > left + 40
