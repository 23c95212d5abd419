"""The controller's behaviour, command by command, without a network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robot.geometry import pose_to_transform, rotation_angle, transform_to_pose
from robot.kinematics import UR5, forward, jacobian
from robot.simulator.registers import DONE, READY
from robot.simulator.safety import RobotMode, RuntimeState, Safety, SafetySettings
from tests.simulator.driver import SCRIPT, Driver
from tests.simulator.ideal_world import HOME

TARGET = np.array([0.4, -1.3, 1.5, -1.6, -1.4, 0.3])
STOPPED, PLAYING, PAUSED = RuntimeState.STOPPED, RuntimeState.PLAYING, RuntimeState.PAUSED
HOME_Q = np.array(HOME)


@pytest.fixture
def driver() -> Driver:
    return Driver()


def tcp_pose(driver: Driver) -> np.ndarray:
    return transform_to_pose(driver.arm.tcp_transform(driver.world.q))


def shifted(driver: Driver, *offset: float) -> np.ndarray:
    pose = tcp_pose(driver)
    pose[: len(offset)] += offset
    return pose


# -- the handshake


def test_done_stays_until_the_command_is_cleared(driver):
    assert driver.handshake == READY
    driver.send(40)
    assert driver.handshake == DONE
    driver.send(40)  # not looked at before the clear
    assert driver.handshake == DONE
    driver.send(0)
    assert driver.handshake == READY


def test_ready_is_shown_while_a_move_runs(driver):
    driver.send(1, [*TARGET, 1.0, 1.4])
    driver.tick(10)
    assert driver.handshake == READY
    assert driver.controller.busy
    driver.until(lambda: driver.handshake == DONE)
    assert_allclose(driver.world.q, TARGET, atol=5e-4)


def test_stop_script_ends_the_program(driver):
    driver.send(255)
    assert driver.controller.runtime_state is STOPPED
    driver.upload()
    assert driver.controller.runtime_state is PLAYING
    assert driver.handshake == READY


def test_registers_of_the_upper_range():
    driver = Driver(start=False)
    driver.upload(SCRIPT.replace("\n0 ", "\n24 "))
    driver.controller.receive({"input_int_register_24": 26})
    driver.controller.poll()
    assert driver.controller.registers.published("output_double_register_24") == pytest.approx(0.008)


# -- moves


@pytest.mark.parametrize("model", ["cb3", "e-series"])
def test_every_kind_of_move_arrives(model):
    driver = Driver(model)
    driver.run(29, [0.01, 0.0, 0.15, 0.0, 0.0, 0.3])
    assert driver.run(1, [*TARGET, 1.0, 2.0])
    assert_allclose(driver.world.q, TARGET, atol=1e-9)
    goal = shifted(driver, 0.05, -0.04, -0.06)
    assert driver.run(3, [*goal, 0.25, 1.0])
    assert_allclose(pose_to_transform(tcp_pose(driver)), pose_to_transform(goal), atol=1e-6)
    goal = shifted(driver, -0.05, 0.03, 0.04)
    assert driver.run(2, [*goal, 1.0, 2.0])
    assert_allclose(pose_to_transform(tcp_pose(driver)), pose_to_transform(goal), atol=1e-6)
    assert driver.run(4, [*TARGET, 0.25, 1.0])
    assert_allclose(driver.world.q, TARGET, atol=1e-6)


def test_speed_and_acceleration_are_kept(driver):
    took = []
    for speed in (0.25, 0.5):
        driver.run(1, [*HOME, 3.0, 8.0])
        start, peak = driver.world.time_s, 0.0
        driver.send(1, [HOME_Q[0] + 1.0, *HOME_Q[1:5], HOME_Q[5] + 0.5, speed, 4.0])
        while driver.handshake != DONE:
            driver.tick()
            peak = max(peak, float(np.abs(driver.world.qd).max()))
        driver.send(0)
        took.append(driver.world.time_s - start)
        assert peak == pytest.approx(speed, rel=0.01)
    assert took[0] / took[1] == pytest.approx(2.0, rel=0.12)


def test_a_straight_line_is_straight(driver):
    start, goal = pose_to_transform(tcp_pose(driver)), pose_to_transform(shifted(driver, 0.1, 0.15, -0.1))
    driver.send(3, [*transform_to_pose(goal), 0.25, 1.0])
    way = (goal - start)[:3, 3]
    along = way / np.linalg.norm(way)
    while driver.handshake != DONE:
        driver.tick()
        T = driver.arm.tcp_transform(driver.world.q)
        offset = T[:3, 3] - start[:3, 3]
        assert np.linalg.norm(offset - along * (along @ offset)) < 1e-5
        assert rotation_angle(T, start) < 1e-5


def test_done_comes_only_after_the_measured_arm_has_arrived():
    driver = Driver(lag_s=0.03)
    driver.run(1, [*TARGET, 2.0, 5.0])
    assert np.abs(driver.world.q - TARGET).max() < 5e-4


def test_an_asynchronous_move_reports_its_progress(driver):
    registers = driver.controller.registers
    before = registers.int_out(2)
    assert not before >> 15 & 1
    driver.send(1, [*TARGET, 1.0, 1.4], [1])
    assert driver.handshake == DONE
    driver.send(0)
    during = registers.int_out(2)
    assert during >> 15 & 1
    assert during >> 24 == (before >> 24) + 1
    driver.until(lambda: not registers.int_out(2) >> 15 & 1)
    assert_allclose(driver.world.q, TARGET, atol=5e-4)


def test_a_new_move_replaces_an_asynchronous_one(driver):
    driver.run(1, [*TARGET, 1.0, 1.4], [1])
    driver.tick(40)
    assert driver.run(1, [*HOME, 1.0, 1.4], [0])
    assert_allclose(driver.world.q, HOME, atol=5e-4)
    assert not driver.controller.busy


@pytest.mark.parametrize(("stop", "move"), [(34, 1), (33, 3)])
def test_stop_brakes_on_the_path(driver, stop, move):
    start = pose_to_transform(tcp_pose(driver))
    goal = TARGET if move == 1 else shifted(driver, 0.0, 0.3, 0.0)
    driver.run(move, [*goal, 0.3, 2.0], [1])
    driver.tick(60)
    assert driver.run(stop, [1.0], [0])
    assert not driver.controller.busy
    at = driver.world.q
    driver.tick(20)
    assert_allclose(driver.world.q, at, atol=1e-9)
    if move == 3:
        T = driver.arm.tcp_transform(at)
        assert abs(T[0, 3] - start[0, 3]) + abs(T[2, 3] - start[2, 3]) < 1e-5
        assert 0.05 < T[1, 3] - start[1, 3] < 0.25
    else:
        share = (at - HOME_Q) / (TARGET - HOME_Q)
        assert np.ptp(share) < 1e-6
        assert 0.05 < share[0] < 0.9


def test_a_path_passes_its_waypoints_in_order():
    driver = Driver(start=False)
    lines = [
        f"    movej([{', '.join(map(str, q))}],a=2.0,v=1.0,r={blend})"
        for q, blend in ((TARGET, 0.02), (HOME_Q, 0.02), (TARGET, 0.0))
    ]
    pose = transform_to_pose(forward(UR5, TARGET))
    pose[2] += 0.05
    lines.append(f"    movel(p[{', '.join(map(str, pose))}],a=1.0,v=0.2,r=0.0)")
    driver.upload(SCRIPT.replace("end\n", "") + "# inject move path\n" + "\n".join(lines) + "\nend\nend\n")
    progress = set()
    driver.send(45, ints=[1])
    while driver.controller.busy:
        driver.tick()
        word = driver.controller.registers.int_out(2)
        if word >> 15 & 1:
            progress.add(word & 0x7FFF)
    assert progress == {0, 1, 2, 3}
    assert_allclose(pose_to_transform(tcp_pose(driver)), pose_to_transform(pose), atol=1e-6)


def test_velocity_commands_reach_their_velocity_and_stop(driver):
    driver.send(9, [0.2, 0, 0, 0, 0, -0.1, 1.0, 0.0])
    driver.tick(100)
    assert_allclose(driver.world.qd, [0.2, 0, 0, 0, 0, -0.1], atol=1e-6)
    driver.send(0)
    assert driver.run(15, [2.0])
    assert_allclose(driver.world.qd, 0.0, atol=1e-9)
    driver.send(10, [0.0, 0.05, -0.02, 0, 0, 0.1, 0.5, 0.0])
    driver.tick(100)
    twist = jacobian(UR5, driver.world.q) @ driver.world.qd
    assert_allclose(twist, [0.0, 0.05, -0.02, 0, 0, 0.1], atol=2e-3)
    driver.send(0)
    assert driver.run(15, [2.0])
    assert not driver.controller.busy


def test_servoing_follows_and_comes_to_rest_at_the_target(driver):
    for step in range(50):
        driver.send(11, [*(HOME_Q + step * 0.002), 0, 0, 0.008, 0.05, 300])
        driver.tick()
    driver.until(lambda: not driver.controller.busy)
    assert_allclose(driver.world.q, HOME_Q + 49 * 0.002, atol=1e-5)
    driver.send(0)
    assert driver.run(16, [10.0])


def test_jogging_in_the_tool_frame_moves_along_the_tool(driver):
    start = driver.arm.tcp_transform(driver.world.q)
    driver.run(41, [0, 0, 0.05, 0, 0, 0, 1, 0.5, *[0] * 6])
    driver.tick(60)
    driver.run(42)
    moved = (driver.arm.tcp_transform(driver.world.q) - start)[:3, 3]
    assert np.linalg.norm(moved) > 0.01
    assert_allclose(moved / np.linalg.norm(moved), start[:3, 2], atol=1e-3)


# -- kinematics and settings


def test_forward_and_inverse_kinematics_know_the_tool(driver):
    tcp = [0.0, 0.02, 0.15, 0.0, 0.1, 0.0]
    driver.run(29, tcp)
    driver.run(40)
    assert_allclose(driver.doubles(), tcp)
    driver.run(43)
    here = driver.doubles()
    assert_allclose(pose_to_transform(here), forward(UR5, HOME_Q) @ pose_to_transform(tcp), atol=1e-9)
    driver.run(44, [*TARGET, *[0.0] * 6])
    assert_allclose(pose_to_transform(driver.doubles()), forward(UR5, TARGET), atol=1e-9)
    driver.run(46, here)
    assert_allclose(driver.doubles(), HOME, atol=1e-6)
    turned = np.array([*HOME_Q[:5], HOME_Q[5] + 2 * np.pi])
    driver.run(30, [*here, *turned, 1e-10, 1e-10])
    assert_allclose(driver.doubles(), turned, atol=1e-6)
    driver.send(58)
    assert_allclose(pose_to_transform(driver.doubles()), forward(UR5, HOME_Q), atol=1e-9)


def test_questions_about_reach_and_limits(driver):
    for code in (60, 61, 36):
        driver.run(code, [*tcp_pose(driver), *HOME, 0.1, 0.1])
        assert driver.flag == 1
        driver.run(code, [1.5, 0, 0.2, 0, 3.1, 0, *HOME, 0.1, 0.1])
        assert driver.flag == 0
    driver.run(37, HOME)
    assert driver.flag == 1
    driver.run(37, [7.0, *HOME[1:]])
    assert driver.flag == 0


def test_pose_trans_and_target_waypoint(driver):
    a, b = [0.1, 0.2, 0.3, 0.4, 0.0, 0.0], [0.0, 0.1, 0.0, 0.0, 0.5, 0.0]
    driver.run(39, [*a, *b])
    assert_allclose(
        pose_to_transform(driver.doubles()), pose_to_transform(np.array(a)) @ pose_to_transform(np.array(b))
    )
    goal = shifted(driver, 0.02)
    driver.run(3, [*goal, 0.2, 1.0])
    driver.run(28)
    assert_allclose(driver.doubles(), goal)


def test_an_impossible_inverse_kinematics_kills_the_program_but_stops_nothing_else(driver):
    assert not driver.run(46, [2.0, 0, 0, 0, 0, 0])
    assert driver.controller.runtime_state is STOPPED
    assert driver.controller.safety is Safety.NORMAL


def test_the_watchdog_ends_a_program_that_is_not_fed():
    now = [100.0]
    driver = Driver(wall_clock=lambda: now[0])
    driver.run(35, [10.0])
    now[0] += 0.09
    driver.tick()
    assert driver.controller.runtime_state is PLAYING
    driver.send(0)
    now[0] += 0.11
    driver.tick()
    assert driver.controller.runtime_state is STOPPED


@pytest.mark.parametrize("code", [1, 2, 3, 9, 10, 30, 39, 44])
def test_numbers_that_are_none_end_the_program_and_not_the_simulation(driver, code):
    driver.send(code, [np.nan] * 14)
    driver.tick(20)
    assert np.isfinite(driver.world.q).all()
    driver.controller.unlock()
    driver.upload()
    assert driver.run(1, [*TARGET, 1.0, 1.0])


# -- forces


def test_move_until_contact_stops_and_goes_back_to_the_first_touch(driver):
    driver.run(29, [0, 0, 0.15, 0, 0, 0])
    down = shifted(driver)
    down[3:] = [0.0, np.pi, 0.0]
    driver.run(2, [*down, 1.0, 2.0])
    assert driver.run(51, [0, 0, -0.05, 0, 0, 0, *[0] * 6, 0.5])
    assert tcp_pose(driver)[2] == pytest.approx(-0.15, abs=0.002)
    assert driver.controller.safety is Safety.NORMAL


def test_contact_detection_stops_an_asynchronous_move_by_itself(driver):
    driver.run(29, [0, 0, 0.15, 0, 0, 0])
    down = shifted(driver)
    down[3:] = [0.0, np.pi, 0.0]
    driver.run(2, [*down, 1.0, 2.0])
    driver.run(62, [0.0] * 6)
    down[2] = -0.25
    driver.run(3, [*down, 0.05, 0.5], [1])
    driver.until(lambda: not driver.controller.busy)
    assert tcp_pose(driver)[2] == pytest.approx(-0.15, abs=0.002)
    driver.run(64)
    assert driver.flag > 0


def test_force_mode_presses_with_the_force_asked_for(driver):
    driver.run(29, [0, 0, 0.15, 0, 0, 0])
    down = shifted(driver)
    down[2], down[3:] = -0.14, [0.0, np.pi, 0.0]
    driver.run(2, [*down, 1.0, 2.0])
    ints = [2, 0, 0, 1, 0, 0, 0]
    driver.send(6, [*[0] * 6, 0, 0, -20.0, 0, 0, 0, *[0.1] * 6], ints)
    driver.tick(400)
    assert driver.world.flange_wrench()[2] == pytest.approx(20.0, abs=1.0)
    assert not driver.controller.busy  # in balance
    driver.send(0)
    assert driver.run(7)
    assert not driver.arm.in_force_mode


def test_zeroing_the_force_sensor(driver):
    driver.world.extra_wrench[:3] = [1.0, -2.0, -9.0]
    driver.tick(50)
    assert_allclose(driver.arm.tcp_force()[:3], [1.0, -2.0, -9.0], atol=0.01)
    driver.run(8)
    assert_allclose(driver.arm.tcp_force(), 0.0, atol=0.01)


# -- safety


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (1, [6.5, *HOME[1:], 1.0, 1.0]),
        (3, [1.3, 0, 0.3, 0, 3.1, 0, 0.2, 1.0]),
        (10, [-0.5, 0, 0, 0, 0, 0, 1.0, 0.0]),
        (9, [2.0, 0, 0, 0, 0, 0, 2.0, 0.0]),
    ],
)
def test_targets_beyond_limits_or_reach_end_in_a_protective_stop(driver, code, arguments):
    driver.send(code, arguments)
    driver.until(lambda: driver.controller.safety is Safety.PROTECTIVE_STOP)
    assert driver.controller.runtime_state is PAUSED
    driver.until(lambda: not driver.controller.busy)
    assert UR5.within_limits(driver.world.q, margin_rad=-0.2)
    driver.controller.unlock()
    assert driver.controller.safety is Safety.NORMAL
    assert driver.controller.runtime_state is STOPPED


def test_a_collision_ends_in_a_protective_stop_that_gives_way():
    driver = Driver(settings=SafetySettings(contact_force_max_n=100.0))
    driver.run(1, [*TARGET, 1.0, 2.0], [1])
    driver.tick(30)
    driver.world.extra_wrench[2] = 120.0
    driver.until(lambda: driver.controller.safety is Safety.PROTECTIVE_STOP, 0.2)
    at = driver.world.q
    driver.tick(10)
    assert np.abs(driver.world.q - at).max() < 0.02


def test_an_arm_that_does_not_follow_ends_in_a_protective_stop(driver):
    driver.run(1, [*TARGET, 1.0, 2.0], [1])
    driver.tick(5)
    driver.world.blocked = True
    driver.until(lambda: driver.controller.safety is Safety.PROTECTIVE_STOP, 1.0)
    assert_allclose(driver.arm.runner.q, driver.world.q)


def test_nothing_moves_in_a_protective_stop_and_uploads_are_refused(driver):
    driver.run(31)
    assert driver.controller.safety is Safety.PROTECTIVE_STOP
    driver.upload()
    driver.send(1, [*TARGET, 1.0, 1.0])
    driver.tick(50)
    assert_allclose(driver.world.q, HOME)
    driver.controller.unlock()
    driver.upload()
    assert driver.run(1, [*TARGET, 1.0, 1.0])
    assert_allclose(driver.world.q, TARGET, atol=5e-4)


def test_without_power_nothing_runs_and_brakes_must_be_released(driver):
    driver.controller.power_off()
    driver.upload()
    assert driver.controller.runtime_state is STOPPED
    driver.controller.power_on()
    assert driver.controller.robot_mode is RobotMode.IDLE
    driver.upload()
    assert driver.controller.runtime_state is STOPPED
    driver.controller.release_brakes()
    driver.upload()
    assert driver.run(1, [*TARGET, 1.0, 1.0])


def test_the_emergency_stop_needs_release_power_and_brakes(driver):
    driver.controller.inject("emergency_stop", 0.2)
    driver.tick(20)
    assert driver.controller.safety is Safety.NORMAL  # waits for the arm to move
    driver.run(1, [*TARGET, 0.5, 1.0], [1])
    moving = driver.until(lambda: driver.controller.safety is Safety.ROBOT_EMERGENCY_STOP)
    assert moving == pytest.approx(0.2, abs=0.03)
    driver.until(lambda: not driver.controller.busy)
    assert 0.01 < np.abs(driver.world.q - HOME).max() < 0.3
    driver.controller.power_on()
    assert driver.controller.robot_mode is RobotMode.POWER_OFF
    driver.controller.clear_faults()
    driver.controller.power_on()
    driver.controller.release_brakes()
    driver.upload()
    assert driver.run(1, [*HOME, 1.0, 1.0])


# -- speed slider, pause


def test_the_speed_slider_scales_the_motion(driver):
    took = []
    for fraction in (1.0, 0.5):
        driver.run(1, [*HOME, 3.0, 8.0])
        driver.controller.receive({"speed_slider_mask": 1, "speed_slider_fraction": fraction})
        driver.tick(100)
        start = driver.world.time_s
        driver.run(1, [*TARGET, 0.5, 4.0])
        took.append(driver.world.time_s - start)
    assert took[1] / took[0] == pytest.approx(2.0, rel=0.05)


def test_a_paused_program_goes_on_where_it_was(driver):
    driver.send(1, [*TARGET, 0.5, 1.0])
    driver.tick(50)
    assert driver.controller.pause()
    driver.until(lambda: not driver.controller.busy, 1.0)
    held = driver.world.q
    driver.tick(50)
    assert_allclose(driver.world.q, held)
    assert driver.controller.play()
    driver.until(lambda: driver.handshake == DONE)
    assert_allclose(driver.world.q, TARGET, atol=5e-4)


def test_outputs_are_set_by_mask(driver):
    io = driver.controller.io
    driver.controller.receive({"standard_digital_output_mask": 0b1010, "standard_digital_output": 0b1111})
    driver.controller.receive({"tool_digital_output_mask": 1, "tool_digital_output": 1})
    assert io.digital_out == 0b1010 | 1 << 16
    driver.controller.receive({"standard_digital_output_mask": 0b0010, "standard_digital_output": 0})
    assert io.digital_out == 0b1000 | 1 << 16
    values = {"standard_analog_output_mask": 2, "standard_analog_output_type": 2, "standard_analog_output_1": 0.25}
    driver.controller.receive(values)
    assert io.analog_out(1) == pytest.approx(2.5)
    assert io.analog_out(0) == pytest.approx(0.004)
