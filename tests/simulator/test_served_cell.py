"""One simulator process, asked over its sockets as clients ask it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robot.calibration_board import BoardSettings
from robot.channel import Channel, ChannelError
from robot.deadline import Deadline
from robot.errors import CellError, SettingsError, SimulatorLost
from robot.geometry import apply, invert, transform
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from robot.simulator import camera_server, gripper_server
from robot.simulator.camera_place import CameraMount
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.lab_client import LabClient
from robot.simulator.process import PortTaken, SimulatedCell
from robot.simulator.shown_board import put_up

SMALL_SET = """
objects:
  - {name: brick, mass_kg: 0.1, friction: 0.6, primitives: [{shape: box, size_m: [0.08, 0.05, 0.03]}]}
  - {name: ball, mass_kg: 0.06, friction: 0.7, primitives: [{shape: sphere, size_m: [0.06]}]}
"""


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("objects") / "small.yaml"
    path.write_text(SMALL_SET, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cell(objects: Path) -> Iterator[SimulatedCell]:
    with SimulatedCell.start(objects=objects, seed=5) as running:
        yield running


@pytest.fixture
def lab(cell: SimulatedCell) -> Iterator[LabClient]:
    with LabClient(cell.address) as client:
        client.clear_faults()
        client.show_board("none")
        yield client
        client.clear_faults()


def ask_gripper(connection: socket.socket, request: str) -> bytes:
    connection.sendall(request.encode())
    return connection.recv(1024)


def frame(cell: SimulatedCell, timeout_s: float = 10.0) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    channel = Channel(cell.address, camera_server.PORT, 2.0)
    deadline = Deadline(timeout_s)
    try:
        channel.send(b'{"get": "frame"}\n', deadline)
        header = json.loads(channel.read_line(deadline))
        depth = np.frombuffer(channel.read_exactly(header["depth_bytes"], deadline), "<u2").reshape(480, 640)
        color = np.frombuffer(channel.read_exactly(header["color_bytes"], deadline), np.uint8).reshape(480, 640, 3)
    finally:
        channel.close()
    return header, depth, color


# ---------------------------------------------------------------- gripper


def test_gripper_answers_in_the_urcaps_words(cell: SimulatedCell) -> None:
    with socket.create_connection((cell.address, gripper_server.PORT), timeout=5.0) as connection:
        assert ask_gripper(connection, "SET ACT 0\n") == b"ack"
        assert ask_gripper(connection, "GET STA\n") == b"STA 0\n"
        assert ask_gripper(connection, "SET ACT 1 GTO 1\n") == b"ack"
        deadline = Deadline(10.0)
        while ask_gripper(connection, "GET STA\n") != b"STA 3\n":
            assert not deadline.passed
        assert ask_gripper(connection, "SET POS 120 SPE 255 FOR 40 GTO 1\n") == b"ack"
        assert ask_gripper(connection, "GET PRE\n") == b"PRE 120\n"
        while ask_gripper(connection, "GET OBJ\n") == b"OBJ 0\n":
            assert not deadline.passed
        assert ask_gripper(connection, "GET OBJ\n") == b"OBJ 3\n"
        assert abs(int(ask_gripper(connection, "GET POS\n").split()[1]) - 120) <= 2


@pytest.mark.parametrize(
    "request_line", ["GET NIX\n", "SET POS\n", "SET POS wide\n", "SET STA 3\n", "HELLO\n", "GET\n"]
)
def test_gripper_does_not_understand(cell: SimulatedCell, request_line: str) -> None:
    with socket.create_connection((cell.address, gripper_server.PORT), timeout=5.0) as connection:
        assert ask_gripper(connection, request_line) == b"?\n"
        assert ask_gripper(connection, "GET FLT\n").startswith(b"FLT ")


# ---------------------------------------------------------------- camera


def test_camera_says_what_it_is(cell: SimulatedCell) -> None:
    channel = Channel(cell.address, camera_server.PORT, 2.0)
    channel.send(b'{"get": "info"}\n', Deadline(5.0))
    info = json.loads(channel.read_line(Deadline(5.0)))
    assert (info["depth"]["fx"], info["color"]["fx"], info["depth_unit_m"]) == (387.0, 615.0, 0.001)
    assert (info["usb"], info["firmware"], info["fps"]) == ("3.2", "5.16.0.1", 30)
    assert np.array(info["T_color_depth"])[:3, 3].tolist() == [-0.015, 0.0, 0.0]
    for bad in (b"nonsense\n", b'{"get": "coffee"}\n', b"[]\n"):
        channel.send(bad, Deadline(5.0))
        assert "error" in json.loads(channel.read_line(Deadline(5.0)))
    channel.close()


def test_frames_are_numbered_and_the_nth_after_placing_is_the_same_bit_for_bit(
    cell: SimulatedCell, lab: LabClient
) -> None:
    lab.place("brick", 3)
    first = [frame(cell) for _ in range(2)]
    lab.place("ball", 8)
    frame(cell)
    lab.place("brick", 3)
    second = [frame(cell) for _ in range(2)]
    numbers = [header["number"] for header, _, _ in first + second]
    stamps = [header["timestamp_ms"] for header, _, _ in first + second]
    assert numbers == sorted(set(numbers))
    assert stamps == sorted(set(stamps))
    for (_, depth, color), (_, same_depth, same_color) in zip(first, second, strict=True):
        assert np.array_equal(depth, same_depth)
        assert np.array_equal(color, same_color)
    assert not np.array_equal(first[0][1], first[1][1])


def test_camera_sees_what_is_placed(cell: SimulatedCell, lab: LabClient) -> None:
    lab.clear_table()
    _, empty, _ = frame(cell)
    lab.place("ball", 1)
    _, depth, color = frame(cell)
    nearer = (depth > 0) & (depth < empty.astype(int) - 20)
    assert 400 < nearer.sum() < 4000
    height_m = lab.truth()["T_base_camera"][2][3] - TABLE_TOP_M
    assert np.median(empty[empty > 0]) / 1000 == pytest.approx(height_m, abs=0.005)
    assert color.std() > 5


def test_camera_faults(cell: SimulatedCell, lab: LabClient) -> None:
    lab.place("brick", 1)
    before = frame(cell)
    lab.fault("frozen_frame")
    frozen = frame(cell)
    assert frozen[0] == before[0]
    assert np.array_equal(frozen[1], before[1])
    lab.clear_faults()
    lab.fault("all_holes")
    assert not frame(cell)[1].any()
    lab.clear_faults()
    lab.fault("camera_silence")
    with pytest.raises(ChannelError):
        frame(cell, timeout_s=0.5)
    lab.clear_faults()
    assert frame(cell)[1].any()


# ---------------------------------------------------------------- laboratory


def test_lab_tells_the_truth(lab: LabClient) -> None:
    T = lab.place("brick", 12)
    truth = lab.truth()
    np.testing.assert_array_equal(truth["T_base_object"], T)
    assert truth["object"] == "brick"
    assert len(truth["q"]) == 6
    np.testing.assert_allclose(truth["T_base_camera"], CameraMount().T_parent_color)
    assert truth["T_flange_camera"] is None
    assert truth["T_base_board"] is None
    verdict = lab.referee()
    assert (verdict.object, verdict.lifted, verdict.held) == ("brick", False, False)
    assert abs(verdict.height_m) < 0.001
    assert lab.objects() == ("brick", "ball")
    lab.clear_table()
    assert lab.truth()["object"] is None
    assert lab.referee().object == ""


def test_lab_refuses_with_a_reason(cell: SimulatedCell, lab: LabClient) -> None:
    with pytest.raises(CellError, match="did you mean 'brick'"):
        lab.place("bric", 1)
    with pytest.raises(CellError, match="unknown fault"):
        lab.fault("meteorite")
    channel = Channel(cell.address, 63370, 2.0)
    for bad in (
        b"{}\n",
        b"nonsense\n",
        b'{"do": "board", "where": "moon"}\n',
        b'{"do": "tip_miss", "corner": 0}\n',
        b'{"do": "move_camera", "translation_m": [1], "rotation_vector_rad": [0, 0, 0]}\n',
        b'{"do": "place"}\n',
        b'{"do": "place", "object": "ball", "seed": "x"}\n',
    ):
        channel.send(bad, Deadline(5.0))
        assert json.loads(channel.read_line(Deadline(5.0)))["ok"] is False
    channel.close()


def test_the_board_comes_and_goes_and_its_corners_can_be_touched(cell: SimulatedCell, lab: LabClient) -> None:
    lab.clear_table()
    _, _, bare = frame(cell)
    lab.show_board("table", scale=0.97, seed=3)
    _, _, color = frame(cell)
    assert (np.abs(color.astype(int) - bare).max(axis=-1) > 40).sum() > 10_000
    shown = put_up("table", BoardSettings(), 0.97, 3)
    truth = lab.truth()
    np.testing.assert_allclose(truth["T_base_board"], shown.T_parent_board, atol=1e-12)
    tip = apply(np.array(truth["T_base_flange"]), [0, 0, TIP_FROM_FLANGE_CLOSED_M])
    corner = apply(shown.T_parent_board, shown.board.corners_m[9])
    np.testing.assert_allclose(lab.tip_miss(9), tip - corner, atol=1e-9)
    lab.show_board("gripper")
    truth = lab.truth()
    on_flange = invert(np.array(truth["T_base_flange"])) @ truth["T_base_board"]
    np.testing.assert_allclose(on_flange, put_up("gripper", BoardSettings(), 1.0, 0).T_parent_board, atol=1e-9)
    lab.show_board("none")
    assert lab.truth()["T_base_board"] is None
    with pytest.raises(CellError, match="no board"):
        lab.tip_miss(0)


def test_a_bump_moves_the_truth_and_the_picture_until_it_is_cleared(cell: SimulatedCell, lab: LabClient) -> None:
    before = np.array(lab.truth()["T_base_camera"])
    lab.move_camera([0.0, 0.0, -0.05], [0.0, 0.01, 0.0])
    moved = np.array(lab.truth()["T_base_camera"])
    expected = before @ transform(Rotation.from_rotvec([0.0, 0.01, 0.0]), [0.0, 0.0, -0.05])
    np.testing.assert_allclose(moved, expected, atol=1e-12)
    lab.clear_table()
    _, higher, _ = frame(cell)
    lab.clear_faults()
    assert np.array_equal(lab.truth()["T_base_camera"], before)
    _, depth, _ = frame(cell)
    assert np.median(higher[higher > 0].astype(int)) - np.median(depth[depth > 0]) == pytest.approx(50, abs=3)
    lab.fault("camera_bumped", move_m=0.010, axis="x")
    assert np.linalg.norm((np.array(lab.truth()["T_base_camera"]) - before)[:3, 3]) == pytest.approx(0.010)


def test_a_camera_on_the_wrist(objects: Path) -> None:
    with SimulatedCell.start(objects=objects, mount="wrist", camera_seed=2) as wrist, LabClient(wrist.address) as lab:
        truth = lab.truth()
        mounted = CameraMount(mount="wrist", seed=2).T_parent_color
        np.testing.assert_allclose(truth["T_flange_camera"], mounted, atol=1e-12)
        np.testing.assert_allclose(truth["T_base_camera"], np.array(truth["T_base_flange"]) @ mounted, atol=1e-9)
        _, depth, color = frame(wrist)
        assert color.std() > 5
        # Over the upper half of the picture, free of the fingers, there is only the table.
        height_m = truth["T_base_camera"][2][3] - TABLE_TOP_M
        assert np.median(depth[:200][depth[:200] > 0]) / 1000 == pytest.approx(height_m, abs=0.02)


# ---------------------------------------------------------------- the process


def test_a_taken_port_is_told_in_one_line(cell: SimulatedCell, objects: Path) -> None:
    with pytest.raises(PortTaken, match=r"port \d+ on .* already in use") as caught:
        SimulatedCell.start(address=cell.address, objects=objects)
    assert caught.value.exit_code == 3
    done = subprocess.run(
        [sys.executable, "-m", "robot.simulator", "--address", cell.address, "--objects", str(objects)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_cells_side_by_side_and_a_clean_end(cell: SimulatedCell, objects: Path) -> None:
    with SimulatedCell.start(objects=objects, model="e-series", speed="5") as other:
        assert other.address != cell.address
        with LabClient(other.address) as lab:
            lab.place("ball", 1)
            begin = lab.status()["time_s"]
            time.sleep(0.2)
            assert lab.status()["time_s"] > begin
        os.kill(other.pid, signal.SIGTERM)
        deadline = Deadline(10.0)
        while other.alive():
            assert not deadline.passed
            time.sleep(0.01)
        assert other.returncode == 0
        with pytest.raises(SimulatorLost), LabClient(other.address, timeout_s=1.0) as lab:
            lab.referee()
    assert cell.alive()


def test_a_bad_object_set_is_told_in_the_simulators_own_words(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("objects: []", encoding="utf-8")
    with pytest.raises(SettingsError, match="has no objects") as caught:
        SimulatedCell.start(objects=path)
    assert caught.value.exit_code == 2


def test_a_simulator_that_is_not_ready_in_time_is_ended(objects: Path) -> None:
    with pytest.raises(SimulatorLost, match="not ready within"):
        SimulatedCell.start(objects=objects, timeout_s=0.05)
