"""What the camera sees agrees with where things are; the noise is a stereo camera's."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.viewing import (
    HEIGHT_M,
    IMAGE_PX,
    LARGEST_TILT_RAD,
    PIXEL_AT_TABLE_M,
    sample_camera,
    take,
    triangles_of,
)
from robot.geometry import apply, invert
from tests.detectors.synthesis.lying_things import box, laid, part, thing

SCENE = [
    laid(box(0.05, 0.08, 0.04), 0.03, -0.02, 0.5),
    laid(thing(part("cylinder", (0.04, 0.09)), part("box", (0.02, 0.08, 0.02), (0, 0.04, -0.035))), -0.07, 0.04),
]


def color_dice(seed):
    return np.random.default_rng([seed, 1])


@pytest.fixture(scope="module")
def triangles():
    return triangles_of(SCENE)


@pytest.fixture(scope="module")
def views(triangles):
    sources = [np.random.default_rng(seed) for seed in range(5)]
    return [
        take(sample_camera(rng), triangles, rng, color_dice(seed) if seed < 2 else None)
        for seed, rng in enumerate(sources)
    ]


def pixel_rays(camera):
    v, u = np.mgrid[0:IMAGE_PX, 0:IMAGE_PX]
    return camera.intrinsics.deproject(u, v, np.ones(u.shape)) @ camera.T_table_camera[:3, :3].T


def test_cameras_stay_within_their_stated_ranges():
    source = np.random.default_rng(1)
    for camera in (sample_camera(source) for _ in range(300)):
        T, K = camera.T_table_camera, camera.intrinsics
        tilt = np.arccos(-T[2, 2])
        assert HEIGHT_M[0] <= T[2, 3] <= HEIGHT_M[1]
        assert tilt <= LARGEST_TILT_RAD + 1e-9
        assert PIXEL_AT_TABLE_M[0] <= T[2, 3] / K.fx <= PIXEL_AT_TABLE_M[1]
        assert (K.width, K.height, K.fx) == (IMAGE_PX, IMAGE_PX, K.fy)
        assert max(abs(K.cx - 199.5), abs(K.cy - 199.5)) <= 8
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
        assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)
        aim = T[:3, 3] - T[:3, 2] * T[2, 3] / T[2, 2]  # where the optical axis meets the table
        assert np.abs(aim[:2]).max() <= 0.03 + 1e-9


def test_cameras_differ_and_come_from_the_seed_alone():
    one, same, other = (sample_camera(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.T_table_camera, same.T_table_camera)
    assert one.intrinsics == same.intrinsics != other.intrinsics


def test_the_table_is_exactly_where_it_is(views):
    for view in views:
        points = view.camera.T_table_camera[:3, 3] + pixel_rays(view.camera) * view.clean_depth_m[..., None]
        table = view.mask == 0
        assert table.mean() > 0.5
        assert np.abs(points[table, 2]).max() < 1e-6
        assert points[~table, 2].min() > -1e-6
        assert points[~table, 2].max() == pytest.approx(0.09, abs=1e-5)


def test_the_mask_is_the_things_silhouette(views):
    """Every point of a thing's surface projects onto its mask, or onto what stands before it."""
    for view in views:
        K, T = view.camera.intrinsics, view.camera.T_table_camera
        for place, lying in enumerate(SCENE):
            seen = apply(invert(T), lying.vertices_table())
            u, v = np.rint(K.project(seen)).astype(int).T
            inside = (u >= 1) & (v >= 1) & (u < IMAGE_PX - 1) & (v < IMAGE_PX - 1)
            around = [view.mask[v[inside] + dv, u[inside] + du] for du in (-1, 0, 1) for dv in (-1, 0, 1)]
            hit = (np.stack(around) == place + 1).any(axis=0)
            hidden = np.min([view.clean_depth_m[v[inside], u[inside]]], axis=0) < seen[inside, 2] - 0.003
            assert (hit | hidden).all()
            rows, columns = np.nonzero(view.mask == place + 1)
            assert columns.min() >= u.min() - 1
            assert columns.max() <= u.max() + 1
            assert rows.min() >= v.min() - 1
            assert rows.max() <= v.max() + 1


def test_masked_points_lie_on_their_thing(views, triangles):
    for view in views:
        points = view.camera.T_table_camera[:3, 3] + pixel_rays(view.camera) * view.clean_depth_m[..., None]
        for place, lying in enumerate(SCENE):
            corners = lying.vertices_table()
            on_it = points[view.mask == place + 1]
            assert len(on_it) > 500
            assert (on_it >= corners.min(axis=0) - 1e-5).all()
            assert (on_it <= corners.max(axis=0) + 1e-5).all()


def test_noise_leaves_most_of_the_depth_within_millimetres(views):
    """Away from outlines, where a pixel more or less is another surface."""
    for view in views:
        known = view.depth_m > 0
        assert 0.80 < known.mean() < 1.0, "there are holes, and not too many"
        error = np.abs(view.depth_m - view.clean_depth_m)[known]
        assert np.median(error) < 0.002
        assert np.percentile(error, 90) < 0.006
        assert error.max() > 1e-4


def test_noisy_depth_lies_where_the_clean_one_does(views):
    """What stands 15 mm above the table does so in both, pixel for pixel but for the outlines."""
    for view in views:
        rays = pixel_rays(view.camera)[..., 2]
        heights = [view.camera.T_table_camera[2, 3] + rays * depth for depth in (view.depth_m, view.clean_depth_m)]
        noisy, clean = ((height > 0.015) & (view.depth_m > 0) for height in heights)
        assert (noisy & clean).sum() > 0.9 * (noisy | clean).sum()
        shift = np.mean(np.nonzero(noisy), axis=1) - np.mean(np.nonzero(clean), axis=1)
        assert np.abs(shift).max() < 0.9


def test_holes_gather_beside_things(views):
    """Shadows of the second imager and lost edges: near the outlines there are more holes than on the free table."""
    for view in views:
        hole = view.depth_m == 0
        free = hole[view.mask == 0].mean()
        edge = np.zeros_like(hole)
        change = view.mask[1:, :] != view.mask[:-1, :]
        for shift in range(-4, 5):
            edge |= np.roll(np.pad(change, ((0, 1), (0, 0))), shift, axis=0)
        assert hole[edge].mean() > 2 * free


def test_colour_is_there_only_when_asked_for(views):
    assert [view.color is not None for view in views] == [True, True, False, False, False]
    picture = views[0].color
    assert picture.shape == (IMAGE_PX, IMAGE_PX, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 3


def test_pictures_have_the_types_that_are_stored(views):
    for view in views:
        assert (view.depth_m.dtype, view.clean_depth_m.dtype, view.mask.dtype) == (np.float32, np.float32, np.uint8)
        assert view.depth_m.shape == view.clean_depth_m.shape == view.mask.shape == (IMAGE_PX, IMAGE_PX)


def test_the_same_seed_takes_the_same_picture(triangles, views):
    source = np.random.default_rng(0)
    again = take(sample_camera(source), triangles, source, color_dice(0))
    np.testing.assert_array_equal(again.depth_m, views[0].depth_m)
    np.testing.assert_array_equal(again.color, views[0].color)


def test_triangles_know_their_owners_and_face_outwards(triangles):
    assert np.bincount(triangles.owner).min() > 0
    assert len(triangles.faces) == len(triangles.owner) == len(triangles.colors)
    caster = RayCaster(triangles.vertices, triangles.faces)
    corners = triangles.vertices[triangles.faces]
    for place, lying in enumerate(SCENE[:1]):
        own = triangles.owner == place
        middle = lying.vertices_table().mean(axis=0)
        outward = corners[own].mean(axis=1) - middle
        assert ((outward * caster.normals[own]).sum(axis=1) > 0).all()
