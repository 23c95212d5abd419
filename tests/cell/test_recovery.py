"""The order of a recovery: the operator first, the object down before the jaws move, home last."""

from __future__ import annotations

import pytest

from cell.recovery import ATTEMPTS, Recovery
from robot.errors import ArmTimeout
from trials.outcomes import Outcome


class Scripted:
    """Stands for any device: every method call is written down; ``failing`` names what raises, and how often."""

    def __init__(self, log, failing=None, holding=False):
        self._log, self._failing, self._holding = log, failing if failing is not None else {}, holding
        self.is_connected = False

    def __getattr__(self, name):
        if name in ("arm", "gripper"):
            return self

        def call(*arguments, **named):
            self._log.append(name)
            if self._failing.get(name, 0) > 0:
                self._failing[name] -= 1
                raise ArmTimeout(f"{name} failed")
            return self._holding if name == "may_hold" else None

        return call


class Person:
    def __init__(self, log, agrees=True):
        self._log, self._agrees = log, agrees

    def confirm_recovery(self, reason):
        self._log.append("asked")
        return self._agrees


def recover(log, outcome=Outcome.GRIPPER_FAULT, agrees=True, **scripted):
    device = Scripted(log, **scripted)
    said = []
    return Recovery(device, device, Person(log, agrees), device, said.append).recover(outcome, "why"), said


def test_nothing_moves_before_the_operators_word():
    log = []
    done, _ = recover(log, agrees=False)
    assert (done, log) == (False, ["asked"])


def test_what_may_be_held_is_set_down_before_the_jaws_move_and_home_comes_last():
    log = []
    done, _ = recover(log, holding=True)
    assert done
    wanted = ["asked", "recover", "declare_tool", "set_down", "activate", "open_jaws", "go_home", "check_after_fault"]
    assert [call for call in log if call in wanted] == wanted


def test_the_camera_is_started_anew_only_after_its_own_fault():
    for outcome, calls in ((Outcome.CAMERA_FAULT, 1), (Outcome.ARM_FAULT, 0)):
        log = []
        recover(log, outcome)
        assert log.count("disconnect") == calls


def test_each_further_attempt_is_asked_for_and_attempts_are_bounded():
    log = []
    done, said = recover(log, failing={"go_home": 99})
    assert not done
    assert log.count("asked") == ATTEMPTS
    assert len([words for words in said if "failed" in words]) == ATTEMPTS


def test_a_second_attempt_can_succeed():
    done, _ = recover([], failing={"recover": 1})
    assert done


def test_after_a_failed_attempt_the_program_is_stopped_before_the_operator_is_asked_again():
    log = []
    recover(log, failing={"go_home": 1})
    failed = log.index("go_home")
    assert log[failed : failed + 4] == ["go_home", "stop", "stop_program", "asked"]


def test_making_safe_never_raises():
    log, said = [], []
    device = Scripted(log, failing={"stop": 1, "stop_program": 1})
    Recovery(device, device, Person(log), device, said.append).make_safe()
    assert log == ["stop", "stop_program"]
    assert "could not be told to stop" in said[0]
    assert "could not be stopped" in said[1]


def test_errors_that_are_not_the_devices_are_not_swallowed():
    class Broken(Scripted):
        def __getattr__(self, name):
            if name == "go_home":
                raise RuntimeError("a programming error")
            return super().__getattr__(name)

    device = Broken([])
    with pytest.raises(RuntimeError, match="programming error"):
        Recovery(device, device, Person([]), device, print).recover(Outcome.ARM_FAULT, "why")
