"""The unmodified ur_rtde client against the simulated controller, each end in a process of its own."""

import pytest

from robot.errors import SettingsError
from robot.kinematics import UR5
from robot.simulator.ur_controller import start_ur_controller
from tests.simulator.ideal_world import TABLE_Z_M, IdealWorld
from tests.simulator.served import Client, fresh_address, run_client, serving


@pytest.mark.parametrize(("model", "speed", "version"), [("cb3", "max", "3.15"), ("e-series", "20", "5.11")])
def test_a_bit_of_everything(model, speed, version):
    with serving(model, speed) as server:
        found = run_client("tour", server)
    assert found["robotmode"] == "Robotmode: RUNNING"
    assert found["version"].startswith(version)
    assert found["running"]
    assert found["moves"] == [True] * len(found["moves"])
    assert found["joint_error"] < 0.002
    assert found["pose_error"][0] < 1e-3
    assert found["pose_error"][1] < 0.2
    assert found["tcp"] == [0, 0, 0.15, 0, 0, 0]
    assert found["fk_error"][0] < 1e-6
    assert found["fk_plain_error"][0] < 1e-6
    assert found["ik_error"] < 1e-5
    assert found["path_error"] < 0.002
    assert found["steady"]
    assert found["contact_force"] > 1.0
    assert found["contact_z"] == pytest.approx(TABLE_Z_M, abs=0.002)
    assert not found["running_after_stop"]


def test_asynchronous_moves_can_be_stopped_and_watched():
    with serving("cb3", "5", lag_s=0.02) as server:
        found = run_client("asynchronous", server)
    assert found["sent"]
    assert found["moved"]
    assert found["drift"] < 1e-3
    assert found["short_of_target"] > 0.01
    assert found["sent_again"]
    assert found["finished"]
    assert found["arrived"]


def test_outputs_and_slider():
    with serving() as server:
        found = run_client("outputs", server)
    assert all(found.values()), found


@pytest.mark.parametrize("model", ["cb3", "e-series"])
def test_a_protective_stop_fails_the_move_and_can_be_recovered_from(model):
    with serving(model) as server:
        found = run_client("protective_stop", server)
    assert found["move"] is False
    assert found["seen"]
    assert found["safetystatus"] == "Safetystatus: PROTECTIVE_STOP"
    assert found["move_while_stopped"] is False
    assert found["drift"] < 1e-9
    assert found["unlocked"]
    assert found["program_gone"]
    assert found["running"]
    assert found["move_after"]
    assert found["joint_error"] < 0.002


def test_an_emergency_stop_needs_the_whole_procedure():
    with serving() as server:
        found = run_client("emergency_stop", server)
    assert found["move"] is False
    assert found["seen"]
    assert found["mode_while_pressed"] == "Robotmode: POWER_OFF"
    assert found["released"]
    assert found["mode_powered"] == "Robotmode: IDLE"
    assert found["mode_ready"] == "Robotmode: RUNNING"
    assert found["running"]
    assert found["move_after"]
    assert found["joint_error"] < 0.002


def test_unreachable_targets():
    with serving() as server:
        found = run_client("unreachable", server)
    assert found == {"ik": [], "program": False, "move": False, "protective": True}


def test_silence_freezes_the_state_and_passes():
    with serving() as server:
        assert run_client("silence", server) == {"frozen": True, "back": True, "move": True}


def test_after_dropped_sockets_listeners_reconnect_and_a_fresh_client_works():
    with serving() as server:
        assert run_client("dropped", server) == {"lost": True, "reconnected": True, "fresh_data": True}
        assert run_client("asynchronous", server)["arrived"]


def test_a_client_is_released_when_the_server_says_goodbye():
    with serving("cb3", "1") as server:
        found = run_client("stay_until_gone", server)
    assert found["move"] is False
    assert found["waited_s"] < 5.0


@pytest.mark.parametrize("model", ["cb3", "e-series"])
def test_two_hundred_mixed_moves(model):
    with serving(model, "20", lag_s=0.004) as server:
        found = run_client("two_hundred_moves", server, "5", timeout_s=120.0)
    assert found["refused"] == 0
    assert found["joint_rad"] < 0.002
    assert found["position_m"] < 1e-3
    assert found["rotation_deg"] < 0.2


def test_two_controllers_side_by_side():
    with serving("cb3") as one, serving("e-series") as other:
        clients = [Client("tour", one), Client("tour", other)]
        versions = [client.result()["version"] for client in clients]
    assert [version[:4] for version in versions] == ["3.15", "5.11"]


def test_a_taken_port_is_named_and_a_restart_right_after_works():
    address = fresh_address()
    world = IdealWorld(UR5)
    with serving(address=address) as server:
        with pytest.raises(SettingsError, match="30004"):
            start_ur_controller(address, world)
        run_client("outputs", server)
    with serving(address=address) as server:
        assert run_client("outputs", server)["digital"]


def test_an_unknown_model_is_refused():
    with pytest.raises(SettingsError, match="e-series"):
        start_ur_controller(fresh_address(), IdealWorld(UR5), "e-serie")
