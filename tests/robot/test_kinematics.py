import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robot.geometry import transform
from robot.kinematics import UR5, UR5E, forward, inverse, inverse_near, jacobian, link_transforms, nearest

MODELS = st.sampled_from([UR5, UR5E])
SPECIAL = st.sampled_from([0.0, np.pi, -np.pi / 2, 1e-9, -1e-7, 1e-5])
ANGLES = st.lists(st.one_of(st.floats(-np.pi, np.pi), SPECIAL), min_size=6, max_size=6).map(np.array)


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return np.pi - np.mod(np.pi - angles, 2 * np.pi)


def _plain_forward(model, q: np.ndarray) -> np.ndarray:
    """The textbook product of Denavit-Hartenberg matrices."""
    T = np.eye(4)
    for angle, a, d, alpha in zip(q, model.a, model.d, model.alpha, strict=True):
        c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
        T = T @ [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
    return T


@pytest.mark.parametrize(
    ("model", "position_m"),
    [(UR5, (-0.81725, -0.19145, -0.005491)), (UR5E, (-0.8172, -0.2329, 0.0628))],
)
def test_the_stretched_arm_ends_where_the_published_lengths_say(model, position_m):
    T = forward(model, np.zeros(6))
    assert_allclose(T[:3, 3], position_m, atol=1e-9)
    assert_allclose(T[:3, :3], [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-12)


@settings(deadline=None)
@given(MODELS, ANGLES)
def test_forward_is_the_textbook_product(model, q):
    assert_allclose(forward(model, q), _plain_forward(model, q), atol=1e-12)


@settings(deadline=None)
@given(MODELS, ANGLES)
def test_link_frames_are_the_partial_products(model, q):
    frames = link_transforms(model, q)
    assert frames.shape == (6, 4, 4)
    T = np.eye(4)
    for i in range(6):
        T = T @ (np.linalg.inv(frames[i - 1]) @ frames[i] if i else frames[0])
        assert_allclose(frames[i][:3, :3] @ frames[i][:3, :3].T, np.eye(3), atol=1e-12)
    assert_allclose(frames[5], forward(model, q), atol=1e-15)


@settings(max_examples=300, deadline=None)
@given(MODELS, ANGLES)
def test_every_inverse_solution_reaches_the_pose_and_the_original_is_among_them(model, q):
    T = forward(model, q)
    solutions = inverse(model, T, q6_free_rad=q[5])
    assert 1 <= len(solutions) <= 8
    for solution in solutions:
        assert_allclose(forward(model, solution), T, atol=2e-6)
        assert (np.abs(solution) <= np.pi + 1e-12).all()
    if abs(np.sin(q[4])) > 1e-4:  # elsewhere the last joint may be any
        assert np.abs(_wrapped(solutions - q)).max(axis=1).min() < 1e-4


def test_a_pose_in_the_middle_of_the_workspace_has_eight_distinct_solutions():
    q = np.array([0.4, -1.2, 1.5, -1.9, -1.3, 0.7])
    solutions = inverse(UR5, forward(UR5, q))
    assert len(solutions) == 8
    for i, one in enumerate(solutions):
        for other in solutions[i + 1 :]:
            assert np.abs(_wrapped(one - other)).max() > 0.01


@pytest.mark.parametrize("position_m", [(1.2, 0.0, 0.2), (0.0, 0.0, 0.4), (0.03, 0.02, 0.3)])
def test_a_pose_out_of_reach_has_no_solution(position_m):
    T = transform(np.diag([1.0, -1.0, -1.0]), position_m)
    assert inverse(UR5, T).shape == (0, 6)
    assert inverse_near(UR5, T, np.zeros(6)) is None


@settings(max_examples=300, deadline=None)
@given(MODELS, ANGLES, st.lists(st.floats(-0.02, 0.02), min_size=6, max_size=6))
def test_near_a_known_solution_the_same_branch_is_found(model, q, offset):
    if min(abs(np.sin(q[4])), abs(np.sin(q[2]))) < 0.1:
        return  # where branches meet, "the same" means nothing
    wrist = forward(model, q)[:3, 3] - model.d[5] * forward(model, q)[:3, 2]
    if np.hypot(wrist[0], wrist[1]) < model.d[3] + 0.05:
        return
    found = inverse_near(model, forward(model, q), q + np.array(offset))
    assert_allclose(found, q, atol=1e-5)


def test_nearest_adds_full_turns_within_the_limits():
    q = np.array([0.1, -1.0, 1.2, -1.5, -1.4, 3.0])
    near = q.copy()
    near[5] = 3.0 - 2 * np.pi + 0.2
    near[0] = 0.1 + 2 * np.pi
    assert_allclose(nearest(q[None], near, UR5), [0.1, -1.0, 1.2, -1.5, -1.4, 3.0 - 2 * np.pi], atol=1e-12)
    assert nearest(np.empty((0, 6)), near, UR5) is None


@settings(max_examples=50, deadline=None)
@given(MODELS, ANGLES)
def test_jacobian_agrees_with_finite_differences(model, q):
    J = jacobian(model, q)
    step = 1e-6
    T = forward(model, q)
    for joint in range(6):
        moved = q.copy()
        moved[joint] += step
        T_moved = forward(model, moved)
        skew = (T_moved[:3, :3] @ T[:3, :3].T - np.eye(3)) / step
        assert_allclose(J[:3, joint], (T_moved[:3, 3] - T[:3, 3]) / step, atol=1e-5)
        assert_allclose(J[3:, joint], [skew[2, 1], skew[0, 2], skew[1, 0]], atol=1e-5)


def test_limits():
    assert UR5.within_limits(np.full(6, 6.28))
    assert not UR5.within_limits([0, 0, 0, 0, 0, 6.3])
    assert not UR5.within_limits(np.full(6, 6.28), margin_rad=0.1)
