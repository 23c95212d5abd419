"""What the controller's faults do to a running program, and what is left when they are cleared."""

import numpy as np
import pytest

from robot.errors import SettingsError
from robot.simulator.dashboard_server import answer
from robot.simulator.registers import READY
from robot.simulator.report import Report
from robot.simulator.safety import RuntimeState, Safety
from robot.simulator.ur_faults import FAULT_NAMES, IN_MOTION
from tests.simulator.driver import Driver
from tests.simulator.ideal_world import HOME

NEAR = [HOME[0] + 0.5, *HOME[1:], 1.0, 2.0]


@pytest.fixture
def driver() -> Driver:
    return Driver()


def begin_move(driver: Driver) -> None:
    driver.send(1, NEAR, [1])
    driver.tick(3)
    assert driver.arm.active


def rested(driver: Driver) -> float:
    driver.tick(150)
    return float(np.abs(driver.world.qd).max())


@pytest.mark.parametrize("name", IN_MOTION)
def test_in_motion_a_fault_waits_for_its_delay_and_then_stops_the_arm(driver: Driver, name: str) -> None:
    driver.controller.inject(name, 0.1)
    driver.tick(50)
    assert driver.controller.runtime_state is RuntimeState.PLAYING  # nothing has moved yet
    begin_move(driver)
    driver.until(lambda: driver.controller.runtime_state is not RuntimeState.PLAYING, 1.0)
    assert rested(driver) < 1e-9
    assert np.abs(driver.world.q - NEAR[:6]).max() > 0.05


@pytest.mark.parametrize("name", IN_MOTION)
def test_at_once_a_fault_strikes_an_arm_at_rest(driver: Driver, name: str) -> None:
    driver.controller.inject(name, at_once=True)
    assert driver.controller.runtime_state is not RuntimeState.PLAYING
    assert driver.controller.publish_wanted


def test_unknown_faults_are_refused(driver: Driver) -> None:
    with pytest.raises(SettingsError, match="did you mean 'local_mode'"):
        driver.controller.inject("local_mod")
    assert "local_mode" in FAULT_NAMES


def test_a_safeguard_stop_is_told_in_the_controllers_words_and_ends_when_the_guard_is_closed(driver: Driver) -> None:
    begin_move(driver)
    driver.controller.inject("safeguard_stop", at_once=True)
    assert rested(driver) < 1e-9
    report = Report(driver.controller)
    assert report["safety_mode"] == 5
    assert report["safety_status_bits"] & 1 << 4
    assert not report["safety_status_bits"] & 1
    assert report["runtime_state"] == RuntimeState.PAUSED
    assert answer(driver.controller, "safetystatus") == "Safetystatus: SAFEGUARD_STOP"
    assert answer(driver.controller, "play") == "Failed to execute: play"
    driver.upload()
    assert driver.controller.runtime_state is RuntimeState.PAUSED
    driver.controller.clear_faults()
    assert driver.controller.safety is Safety.NORMAL
    driver.until(lambda: not driver.arm.active, 5.0)  # nobody stopped the program: it goes on by itself
    np.testing.assert_allclose(driver.world.q, NEAR[:6], atol=1e-6)


def test_a_program_that_was_stopped_does_not_go_on_when_the_guard_is_closed(driver: Driver) -> None:
    begin_move(driver)
    driver.controller.inject("safeguard_stop", at_once=True)
    driver.tick(20)
    assert answer(driver.controller, "stop") == "Stopped"
    driver.controller.clear_faults()
    q = driver.world.q
    assert rested(driver) < 1e-9
    assert driver.controller.runtime_state is RuntimeState.STOPPED
    np.testing.assert_allclose(driver.world.q, q, atol=0.02)


def test_an_emergency_stop_outdoes_a_safeguard_stop(driver: Driver) -> None:
    driver.controller.inject("safeguard_stop", at_once=True)
    driver.controller.inject("emergency_stop", at_once=True)
    assert driver.controller.safety is Safety.ROBOT_EMERGENCY_STOP
    driver.controller.clear_faults()
    assert driver.controller.safety is Safety.NORMAL


def test_a_program_that_was_stopped_at_the_pendant_can_be_uploaded_again(driver: Driver) -> None:
    begin_move(driver)
    driver.controller.inject("program_stopped", at_once=True)
    rested(driver)
    assert driver.controller.runtime_state is RuntimeState.STOPPED
    assert driver.controller.safety is Safety.NORMAL
    driver.upload()
    assert driver.handshake == READY
    assert driver.run(1, NEAR)


def test_in_local_control_the_network_may_only_ask(driver: Driver) -> None:
    controller = driver.controller
    controller.inject("local_mode", at_once=True)
    assert answer(controller, "is in remote control") == "false"
    assert answer(controller, "robotmode") == "Robotmode: RUNNING"
    assert answer(controller, "PolyscopeVersion").startswith("URSoftware")
    for refused in ("power off", "power on", "brake release", "unlock protective stop", "restart safety"):
        assert answer(controller, refused) == "Command is not allowed due to safety reasons"
    for refused in ("stop", "play", "pause", "load x.urp"):
        assert answer(controller, refused) == f"Failed to execute: {refused}"
    driver.upload()
    assert controller.runtime_state is RuntimeState.STOPPED
    controller.clear_faults()
    assert answer(controller, "is in remote control") == "true"
    driver.upload()
    assert controller.runtime_state is RuntimeState.PLAYING


def test_the_protective_stop_of_an_arm_at_rest_is_unlocked_as_ever(driver: Driver) -> None:
    driver.controller.inject("protective_stop", at_once=True)
    assert driver.controller.safety is Safety.PROTECTIVE_STOP
    driver.controller.clear_faults()
    assert driver.controller.safety is Safety.PROTECTIVE_STOP
    assert answer(driver.controller, "unlock protective stop") == "Protective stop releasing"
    assert driver.controller.safety is Safety.NORMAL
