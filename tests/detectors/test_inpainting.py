from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.inpainting import fill_holes

TABLE, OBJECT = 0.70, 0.65


def step_scene() -> np.ndarray:
    """(40, 60) an object in the middle of a table."""
    depth = np.full((40, 60), TABLE, dtype=np.float32)
    depth[10:30, 20:40] = OBJECT
    return depth


def test_a_shadow_beside_an_object_becomes_table() -> None:
    depth, valid = step_scene(), np.ones((40, 60), dtype=bool)
    valid[10:30, 40:46] = False
    broken = np.where(valid, depth, 0.0)
    np.testing.assert_allclose(fill_holes(broken, valid), depth, atol=1e-6)


def test_a_hole_within_an_object_becomes_object() -> None:
    depth, valid = step_scene(), np.ones((40, 60), dtype=bool)
    valid[15:20, 25:32] = False
    np.testing.assert_allclose(fill_holes(np.where(valid, depth, np.nan), valid), depth, atol=1e-6)


def test_a_gap_between_two_objects_takes_the_table_it_opens_to() -> None:
    depth, valid = step_scene(), np.ones((40, 60), dtype=bool)
    depth[10:30, 28:32] = TABLE
    valid[10:30, 28:32] = False
    np.testing.assert_allclose(fill_holes(depth, valid)[10:30, 28:32], TABLE, atol=1e-6)


def test_noise_of_one_surface_is_averaged_and_not_pushed_back() -> None:
    rng = np.random.default_rng(0)
    depth = (TABLE + rng.normal(0, 0.001, (120, 160))).astype(np.float32)
    valid = rng.random(depth.shape) > 0.3
    assert abs(float(fill_holes(depth, valid)[~valid].mean()) - TABLE) < 0.0002


def test_a_band_at_the_edge_and_an_empty_corner_are_filled_from_what_there_is() -> None:
    depth = step_scene()
    valid = np.ones_like(depth, dtype=bool)
    valid[:, :15] = valid[:8] = False
    filled = fill_holes(np.where(valid, depth, 0.0), valid)
    np.testing.assert_allclose(filled[:8, :15], TABLE, atol=1e-6)
    np.testing.assert_allclose(filled[35, :15], TABLE, atol=1e-6)


def test_one_reading_fills_everything() -> None:
    depth, valid = np.zeros((7, 9), dtype=np.float32), np.zeros((7, 9), dtype=bool)
    depth[3, 4], valid[3, 4] = 0.5, True
    np.testing.assert_array_equal(fill_holes(depth, valid), np.full((7, 9), 0.5, dtype=np.float32))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0.0, 0.99))
def test_readings_stay_and_holes_lie_between_the_readings(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.4, 0.9, (11, 17)).astype(np.float32)
    valid = rng.random(depth.shape) > share
    valid[rng.integers(11), rng.integers(17)] = True
    filled = fill_holes(np.where(valid, depth, np.nan), valid)
    np.testing.assert_array_equal(filled[valid], depth[valid])
    assert filled.min() >= depth[valid].min() - 1e-6
    assert filled.max() <= depth[valid].max() + 1e-6


def test_a_turned_image_is_filled_the_same() -> None:
    rng = np.random.default_rng(1)
    depth, valid = rng.uniform(0.4, 0.9, (20, 30)).astype(np.float32), rng.random((20, 30)) > 0.4
    turned = fill_holes(depth[::-1].T, valid[::-1].T)
    np.testing.assert_allclose(turned.T[::-1], fill_holes(depth, valid), atol=1e-6)


def test_the_input_is_left_alone_and_nonsense_is_refused() -> None:
    depth, valid = step_scene(), np.ones((40, 60), dtype=bool)
    valid[0, 0] = False
    depth.setflags(write=False)
    fill_holes(depth, valid)
    with pytest.raises(ValueError, match="without any reading"):
        fill_holes(depth, np.zeros_like(valid))
    with pytest.raises(ValueError, match="one shape"):
        fill_holes(depth, valid[:-1])


def test_it_takes_a_few_milliseconds() -> None:
    rng = np.random.default_rng(2)
    depth = rng.uniform(0.6, 0.7, (480, 640)).astype(np.float32)
    valid = np.kron(rng.random((60, 80)) > 0.1, np.ones((8, 8))).astype(bool)
    best = min(_timed(depth, valid) for _ in range(5))
    assert best < 0.02, f"{best * 1e3:.1f} ms; about 3 on a free core"


def _timed(depth: np.ndarray, valid: np.ndarray) -> float:
    start = time.perf_counter()
    fill_holes(depth, valid)
    return time.perf_counter() - start
