import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robot.geometry import pose_to_transform, rotation_angle
from robot.simulator.profiles import ROTATION_LEVER_M, CartesianPath, JointPath, Limits, Trapezoid

POSITIVE = st.floats(0.01, 5.0)
SPEED_MAX, ACCELERATION_MAX = np.full(6, np.pi), np.full(6, 12.0)
POSES = st.tuples(*[st.floats(-1, 1)] * 6).map(lambda p: pose_to_transform(np.array(p)))


@settings(deadline=None)
@given(st.one_of(st.just(0.0), st.floats(1e-6, 5.0)), POSITIVE, POSITIVE)
def test_a_trapezoid_keeps_its_limits_and_arrives(distance, speed, acceleration):
    profile = Trapezoid.of(distance, speed, acceleration)
    times = np.linspace(0, profile.duration_s, 400)
    covered = np.array([profile.at(time) for time in times])
    assert covered[0] == 0.0
    assert_allclose(covered[-1], distance, atol=1e-9)
    assert (np.diff(covered) >= -1e-12).all()
    if profile.duration_s > 0:
        step = times[1]
        speeds = np.diff(covered) / step
        assert speeds.max() <= speed * (1 + 1e-6)
        assert np.abs(np.diff(speeds) / step).max() <= acceleration * (1 + 1e-4)
    assert profile.at(-1.0) == 0.0
    assert profile.at(profile.duration_s + 1.0) == distance


@settings(deadline=None)
@given(st.floats(0.05, 3.0), POSITIVE, POSITIVE)
def test_the_reported_speed_is_the_slope(distance, speed, acceleration):
    profile = Trapezoid.of(distance, speed, acceleration)
    for share in (0.1, 0.35, 0.5, 0.8):
        time, step = share * profile.duration_s, 1e-6 * profile.duration_s
        slope = (profile.at(time + step) - profile.at(time - step)) / (2 * step)
        assert_allclose(profile.speed_at(time), slope, rtol=1e-3, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), POSITIVE, POSITIVE)
def test_joints_start_and_arrive_together_and_keep_their_limits(target, speed, acceleration):
    target = np.array(target)
    path = JointPath.through(np.zeros(6), [target], [Limits(speed, acceleration)], SPEED_MAX, ACCELERATION_MAX)
    assert_allclose(path.at(path.timeline.duration_s), target, atol=1e-9)
    half = path.at(0.5 * path.timeline.duration_s)
    assert_allclose(half, 0.5 * target, atol=1e-9)
    leading = np.abs(target).max()
    if leading > 0.01:
        times = np.linspace(0, path.timeline.duration_s, 300)
        rates = np.abs(np.diff([path.at(time) for time in times], axis=0)) / times[1]
        assert rates.max() <= min(speed, np.pi) * (1 + 1e-6)


@settings(deadline=None)
@given(POSES, POSES, POSITIVE)
def test_a_cartesian_line_is_straight_and_turns_evenly(start, goal, speed):
    path = CartesianPath.through(start, [goal], [Limits(speed, 2.0)])
    end = path.timeline.duration_s
    assert_allclose(path.at(end), goal, atol=1e-7)
    middle = path.at(0.5 * end)
    assert_allclose(middle[:3, 3], 0.5 * (start + goal)[:3, 3], atol=1e-9)
    turn = rotation_angle(start, goal)
    if turn < 3.1:
        assert_allclose(rotation_angle(start, middle), 0.5 * turn, atol=1e-6)
    length = max(np.linalg.norm((goal - start)[:3, 3]), ROTATION_LEVER_M * turn)
    assert end >= length / speed - 1e-9


def test_a_blended_waypoint_is_passed_within_its_radius_without_stopping():
    corners = [np.eye(4) for _ in range(3)]
    corners[1][:3, 3] = (0.2, 0.0, 0.0)
    corners[2][:3, 3] = (0.2, 0.2, 0.0)
    limits = [Limits(0.2, 1.0, 0.015), Limits(0.2, 1.0)]
    blended = CartesianPath.through(corners[0], corners[1:], limits)
    stopping = CartesianPath.through(corners[0], corners[1:], [Limits(0.2, 1.0)] * 2)
    assert blended.timeline.duration_s < stopping.timeline.duration_s
    times = np.linspace(0, blended.timeline.duration_s, 2000)
    points = np.array([blended.at(time)[:3, 3] for time in times])
    miss = np.linalg.norm(points - corners[1][:3, 3], axis=1).min()
    assert 0.0 < miss <= 0.015
    speeds = np.linalg.norm(np.diff(points, axis=0), axis=1) / times[1]
    assert speeds[200:-200].min() > 0.05
    assert_allclose(points[-1], corners[2][:3, 3], atol=1e-9)


def test_a_path_stops_at_waypoints_without_a_radius():
    targets = [np.full(6, 0.5), np.zeros(6)]
    path = JointPath.through(np.zeros(6), targets, [Limits(1.0, 2.0)] * 2, SPEED_MAX, ACCELERATION_MAX)
    assert_allclose(path.at(path.timeline.starts_s[1]), targets[0], atol=1e-9)
