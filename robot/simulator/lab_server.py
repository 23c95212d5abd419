"""The laboratory channel (port 63370): what people do around the cell, and the truth. The controller never uses it.

JSON lines: ``{"do": "place", "object": NAME, "seed": INT}``, ``{"do": "clear_table"}``, ``{"do": "objects"}``,
``{"do": "referee"}``, ``{"do": "board", "where": PLACE, "board": {...}, "scale": F, "seed": INT}``,
``{"do": "move_camera", "translation_m": [...], "rotation_vector_rad": [...]}``, ``{"do": "tip_miss", "corner": INT}``,
``{"do": "truth"}``, ``{"do": "fault", "name": NAME, "delay_s": S, "at_once": BOOL, "settings": {...}}``,
``{"do": "clear_faults"}``, ``{"do": "status"}``.
Answers are ``{"ok": true, ...}`` or ``{"ok": false, "error": "..."}``.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from robot.calibration_board import BoardSettings
from robot.errors import CellError, SettingsError, did_you_mean
from robot.simulator.camera_server import SimulatedCamera
from robot.simulator.faults import FaultBoard
from robot.simulator.gripper_device import GripperDevice
from robot.simulator.loop import SimulationLoop
from robot.simulator.shown_board import put_up
from robot.simulator.staging import Staging
from robot.simulator.tcp_server import TcpServer
from robot.simulator.world import World
from robot.strict_yaml import build

PORT = 63370
_CALL_TIMEOUT_S = 120.0  # the first placement of a mesh may have to decompose it
_LINE_MAX = 65536

Request = Mapping[str, Any]


class LabServer:
    """Carries out laboratory requests on the simulation thread, one at a time per connection."""

    def __init__(
        self,
        listener: socket.socket,
        loop: SimulationLoop,
        world: World,
        staging: Staging,
        camera: SimulatedCamera,
        gripper: GripperDevice,
        faults: FaultBoard,
    ) -> None:
        self._loop, self._world, self._staging = loop, world, staging
        self._camera, self._gripper, self._faults = camera, gripper, faults
        self._server = TcpServer(listener, self._handle, "lab")
        self._actions: Mapping[str, Callable[[Request], dict[str, Any]]] = {
            "place": self._place,
            "clear_table": self._clear_table,
            "objects": lambda _: {"objects": list(world.object_names)},
            "referee": lambda _: asdict(world.referee()),
            "board": self._board,
            "move_camera": self._move_camera,
            "tip_miss": lambda request: {"miss_m": staging.tip_miss_m(int(request["corner"])).tolist()},
            "truth": self._truth,
            "fault": self._fault,
            "clear_faults": self._clear_faults,
            "status": self._status,
        }

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def _handle(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while raw := lines.readline(_LINE_MAX):
                connection.sendall(json.dumps(self._answer(raw)).encode() + b"\n")

    def _answer(self, raw: bytes) -> dict[str, Any]:
        try:
            request = json.loads(raw)
            if not isinstance(request, dict):
                raise SettingsError("a request is a JSON object")
            wanted = str(request.get("do"))
            action = self._actions.get(wanted)
            if action is None:
                raise SettingsError(f"cannot do '{wanted}'", did_you_mean(wanted, self._actions))
            # Faults strike while things move; all else waits for them to come to rest.
            urgent = wanted in ("fault", "clear_faults", "status", "objects")
            done: dict[str, Any] = self._loop.call(lambda: action(request), _CALL_TIMEOUT_S, urgent=urgent)
            return {"ok": True} | done
        except CellError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            return {"ok": False, "error": f"malformed request: {type(error).__name__}: {error}"}

    def _place(self, request: Request) -> dict[str, Any]:
        seed = int(request["seed"])
        T_base_object = self._world.place(str(request["object"]), seed)
        self._camera.placed(seed)
        self._faults.placed(seed)
        return {"T_base_object": T_base_object.tolist()}

    def _clear_table(self, _: Request) -> dict[str, Any]:
        self._world.clear_table()
        return {}

    def _board(self, request: Request) -> dict[str, Any]:
        board = build(BoardSettings, request.get("board", {}), "board")
        scale, seed = float(request.get("scale", 1.0)), int(request.get("seed", 0))
        shown = self._staging.board = put_up(str(request["where"]), board, scale, seed)
        self._world.stop_jaws_at(board.thickness_m if shown is not None and shown.held else 0.0)
        return {}

    def _move_camera(self, request: Request) -> dict[str, Any]:
        bump = np.array([request["translation_m"], request["rotation_vector_rad"]], dtype=np.float64).reshape(2, 3)
        if not np.isfinite(bump).all():
            raise SettingsError("a bump is two times three finite numbers")
        self._staging.camera.bump(*bump)
        return {}

    def _truth(self, _: Request) -> dict[str, Any]:
        world, staging, T_base_object = self._world, self._staging, self._world.T_base_object
        T_base_board = staging.T_base_board
        return {
            "time_s": world.time_s,
            "q": world.q.tolist(),
            "qd": world.qd.tolist(),
            "flange_wrench": world.flange_wrench().tolist(),
            "jaws": {"width_m": world.jaws.width_m, "motion": world.jaws.motion.value},
            "object": world.thing.spec.name if world.thing else None,
            "T_base_object": None if T_base_object is None else T_base_object.tolist(),
            "T_base_flange": world.T_base_flange.tolist(),
            "T_base_camera": staging.T_base_color.tolist(),
            "T_flange_camera": staging.camera.T_parent_color.tolist() if staging.camera.mount == "wrist" else None,
            "T_base_board": None if T_base_board is None else T_base_board.tolist(),
        }

    def _fault(self, request: Request) -> dict[str, Any]:
        name, delay_s = str(request["name"]), float(request.get("delay_s", 0.1))
        self._faults.inject(name, delay_s, at_once=bool(request.get("at_once")), **request.get("settings", {}))
        return {}

    def _clear_faults(self, _: Request) -> dict[str, Any]:
        self._faults.clear()
        return {}

    def _status(self, _: Request) -> dict[str, Any]:
        return {
            "time_s": self._world.time_s,
            "busy": self._world.busy,
            "gripper": dict(self._gripper.readable),
            "faults": sorted(self._faults.active) + list(self._faults.waiting),
        }
