"""Programs that a user of ur_rtde could have written: ``python -m tests.simulator.ur_clients SCENARIO ADDRESS MODEL``.

Each prints one JSON object with what it found. ``{"ask": ...}`` lines are requests to the server, which the test
passes on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import cached_property

import dashboard_client
import numpy as np
import rtde_control
import rtde_io
import rtde_receive

from robot.geometry import pose_to_transform, rotation_angle, transform_to_pose
from robot.kinematics import UR5, UR5E, forward
from tests.simulator.ideal_world import HOME

HOME_Q = np.array(HOME)
NEAR = [0.3, -1.4, 1.6, -1.7, -1.5, 0.2]


class Session:
    def __init__(self, address: str, model: str) -> None:
        self.address = address
        self.model = UR5 if model == "cb3" else UR5E
        self.frequency = 125.0 if model == "cb3" else 500.0
        self.receive = rtde_receive.RTDEReceiveInterface(address)
        self.dashboard = dashboard_client.DashboardClient(address)
        self.dashboard.connect()

    @cached_property
    def control(self) -> rtde_control.RTDEControlInterface:
        return rtde_control.RTDEControlInterface(self.address, self.frequency)

    def joint_error(self, q: list[float]) -> float:
        return float(np.abs(np.array(self.receive.getActualQ()) - q).max())

    def pose_error(self, pose: list[float], measured: list[float] | None = None) -> tuple[float, float]:
        actual = pose_to_transform(measured if measured is not None else self.receive.getActualTCPPose())
        wanted = pose_to_transform(pose)
        return float(np.linalg.norm((actual - wanted)[:3, 3])), float(np.degrees(rotation_angle(actual, wanted)))


def ask(**request: object) -> dict:
    print(json.dumps({"ask": request}), flush=True)
    return json.loads(sys.stdin.readline())


def wait_for(condition, timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.002)
    return False


def tour(session: Session) -> dict:
    """A bit of everything."""
    control, receive, dashboard = session.control, session.receive, session.dashboard
    found: dict = {"robotmode": dashboard.robotmode(), "version": dashboard.polyscopeVersion()}
    found["running"] = control.isProgramRunning()
    found["moves"] = [control.moveJ(NEAR, 1.0, 2.0)]
    found["joint_error"] = session.joint_error(NEAR)
    pose = receive.getActualTCPPose()
    pose[2] -= 0.08
    found["moves"].append(control.moveL(pose, 0.25, 1.0))
    found["pose_error"] = session.pose_error(pose)
    found["moves"].append(control.setTcp([0, 0, 0.15, 0, 0, 0]))
    found["tcp"] = control.getTCPOffset()
    q = receive.getActualQ()
    expected = transform_to_pose(forward(session.model, q) @ pose_to_transform(np.array([0, 0, 0.15, 0, 0, 0])))
    found["fk_error"] = session.pose_error(list(expected), control.getForwardKinematics(q, [0, 0, 0.15, 0, 0, 0]))
    found["fk_plain_error"] = session.pose_error(list(expected), control.getForwardKinematics(q))
    found["ik_error"] = float(np.abs(np.array(control.getInverseKinematics(list(expected))) - q).max())
    path = [[*NEAR, 1.0, 2.0, 0.02], [*HOME, 1.0, 2.0, 0.02], [*NEAR, 1.0, 2.0, 0.0]]
    found["moves"].append(control.moveJ(path))
    found["path_error"] = session.joint_error(NEAR)
    found["steady"] = control.isSteady()
    found["moves"].append(control.moveUntilContact([0, 0, -0.05, 0, 0, 0]))
    found["contact_force"] = receive.getActualTCPForce()[2]
    found["contact_z"] = receive.getActualTCPPose()[2]
    found["moves"].append(control.zeroFtSensor())
    control.stopScript()
    found["running_after_stop"] = control.isProgramRunning()
    return found


def asynchronous(session: Session) -> dict:
    control, receive = session.control, session.receive
    found = {"sent": control.moveJ(NEAR, 0.5, 1.0, True)}
    found["moved"] = wait_for(lambda: session.joint_error(list(HOME)) > 0.02)
    control.stopJ(4.0)
    stopped = receive.getActualQ()
    time.sleep(0.05)
    found["drift"] = session.joint_error(stopped)
    found["short_of_target"] = session.joint_error(NEAR)
    found["sent_again"] = control.moveJ(NEAR, 1.0, 2.0, True)
    found["finished"] = wait_for(lambda: control.getAsyncOperationProgress() < 0)
    found["arrived"] = wait_for(lambda: session.joint_error(NEAR) < 1e-3)
    return found


def outputs(session: Session) -> dict:
    io = rtde_io.RTDEIOInterface(session.address)
    receive = session.receive
    io.setStandardDigitalOut(3, True)
    io.setConfigurableDigitalOut(1, True)
    io.setToolDigitalOut(0, True)
    io.setAnalogOutputVoltage(1, 0.5)
    io.setInputIntRegister(18, 7)
    found = {"digital": wait_for(lambda: all(receive.getDigitalOutState(bit) for bit in (3, 9, 16)))}
    found["others_off"] = not any(receive.getDigitalOutState(bit) for bit in (0, 1, 2, 4, 8, 17))
    found["analog"] = wait_for(lambda: abs(receive.getStandardAnalogOutput1() - 5.0) < 1e-9)
    io.setSpeedSlider(0.3)
    found["slider"] = wait_for(lambda: abs(receive.getTargetSpeedFraction() - 0.3) < 1e-9)
    io.disconnect()
    return found


def protective_stop(session: Session) -> dict:
    control, receive, dashboard = session.control, session.receive, session.dashboard
    ask(inject="protective_stop", delay_s=0.2)
    found = {"move": control.moveJ(NEAR, 0.5, 1.0)}
    found["seen"] = wait_for(receive.isProtectiveStopped)
    found["safetystatus"] = dashboard.safetystatus()
    found["move_while_stopped"] = control.moveJ(NEAR, 0.5, 1.0)
    at = receive.getActualQ()
    found["drift"] = session.joint_error(at)
    dashboard.unlockProtectiveStop()
    found["unlocked"] = wait_for(lambda: not receive.isProtectiveStopped())
    found["program_gone"] = not control.isProgramRunning()
    control.reuploadScript()
    found["running"] = wait_for(control.isProgramRunning)
    found["move_after"] = control.moveJ(NEAR, 1.0, 2.0)
    found["joint_error"] = session.joint_error(NEAR)
    return found


def emergency_stop(session: Session) -> dict:
    control, receive, dashboard = session.control, session.receive, session.dashboard
    ask(inject="emergency_stop", delay_s=0.2)
    found = {"move": control.moveJ(NEAR, 0.5, 1.0)}
    found["seen"] = wait_for(receive.isEmergencyStopped)
    dashboard.powerOn()
    found["mode_while_pressed"] = dashboard.robotmode()
    ask(clear=True)
    found["released"] = wait_for(lambda: not receive.isEmergencyStopped())
    dashboard.powerOn()
    found["mode_powered"] = dashboard.robotmode()
    dashboard.brakeRelease()
    found["mode_ready"] = dashboard.robotmode()
    control.reuploadScript()
    found["running"] = wait_for(control.isProgramRunning)
    found["move_after"] = control.moveJ(NEAR, 1.0, 2.0)
    found["joint_error"] = session.joint_error(NEAR)
    return found


def unreachable(session: Session) -> dict:
    control, receive = session.control, session.receive
    found = {"ik": control.getInverseKinematics([2.0, 0, 0, 0, 0, 0]), "program": control.isProgramRunning()}
    control.reuploadScript()
    wait_for(control.isProgramRunning)
    found["move"] = control.moveL([1.5, 0.2, 0.3, 0, 3.1, 0], 0.25, 1.0)
    found["protective"] = wait_for(receive.isProtectiveStopped)
    return found


def silence(session: Session) -> dict:
    receive, control = session.receive, session.control
    ask(inject="rtde_silence")
    time.sleep(0.05)
    before = receive.getTimestamp()
    time.sleep(0.3)
    found = {"frozen": receive.getTimestamp() == before}
    ask(clear=True)
    found["back"] = wait_for(lambda: receive.getTimestamp() > before)
    found["move"] = control.moveJ(NEAR, 1.0, 2.0)
    return found


def dropped(session: Session) -> dict:
    """A listener only: 1.6.5's control interface does not survive this, it must be started afresh."""
    receive = session.receive
    before = receive.getTimestamp()
    ask(inject="dropped_sockets")
    found = {"lost": wait_for(lambda: not receive.isConnected())}
    found["reconnected"] = receive.reconnect()
    found["fresh_data"] = wait_for(lambda: receive.getTimestamp() > before)
    return found


def stay_until_gone(session: Session) -> dict:
    """Blocked in a long move while the server says goodbye."""
    print(json.dumps({"ask": {"stop_after_s": 0.5}}), flush=True)
    began = time.monotonic()
    moved = session.control.moveJ([3.0, *HOME[1:]], 0.02, 1.0)
    return {"move": moved, "waited_s": time.monotonic() - began}


def two_hundred_moves(session: Session, seed: str) -> dict:
    rng = np.random.default_rng(int(seed))
    control = session.control
    refused, joint, metres, degrees = 0, 0.0, 0.0, 0.0
    tcp = np.zeros(6)
    for index in range(200):
        q = list(HOME_Q + rng.uniform(-0.5, 0.5, 6))
        near = HOME_Q + rng.uniform(-0.25, 0.25, 6)
        pose = list(transform_to_pose(forward(session.model, near) @ pose_to_transform(tcp)))
        kind = index % 8
        if kind in (0, 1):
            refused += not control.moveJ(q, 2.0, 4.0)
        elif kind in (2, 3):
            refused += not control.moveL(pose, 0.5, 2.0)
        elif kind == 4:
            refused += not control.moveJ_IK(pose, 2.0, 4.0)
        elif kind == 5:
            refused += not control.moveL_FK(list(near), 0.5, 2.0)
        elif kind == 6:
            refused += not control.moveJ(q, 2.0, 4.0, True)
            refused += not wait_for(lambda: control.getAsyncOperationProgress() < 0)
            wait_for(lambda q=q: session.joint_error(q) < 0.002, 1.0)
        else:
            tcp = np.array([0, 0, 0.15 - tcp[2], 0, 0, 0])
            refused += not control.setTcp(list(tcp))
            wanted = forward(session.model, near)
            solution = control.getInverseKinematics(list(transform_to_pose(wanted @ pose_to_transform(tcp))))
            refused += len(solution) != 6
            metres = max(metres, float(np.abs(forward(session.model, solution) - wanted).max()))
        if kind in (0, 1, 5, 6):
            joint = max(joint, session.joint_error(list(near) if kind == 5 else q))
        elif kind in (2, 3, 4):
            error_m, error_deg = session.pose_error(pose)
            metres, degrees = max(metres, error_m), max(degrees, error_deg)
    return {"refused": int(refused), "joint_rad": joint, "position_m": metres, "rotation_deg": degrees}


SCENARIOS = {
    function.__name__: function
    for function in (
        tour,
        asynchronous,
        outputs,
        protective_stop,
        emergency_stop,
        unreachable,
        silence,
        dropped,
        stay_until_gone,
        two_hundred_moves,
    )
}


def main() -> None:
    name, address, model, *arguments = sys.argv[1:]
    result = SCENARIOS[name](Session(address, model), *arguments)
    print(json.dumps(result), flush=True)
    os._exit(0)  # the library's destructors wait half a second each, and may crash once a server has gone


if __name__ == "__main__":
    main()
