"""The laboratory channel's client: the operator's and the technician's hands in a dry run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot.calibration_board import BoardSettings
from robot.channel import Channel, ChannelError
from robot.deadline import Deadline
from robot.errors import CellError, SimulatorLost
from robot.geometry import Transform
from robot.placement_settings import Vector3

PORT = 63370


@dataclass(frozen=True)
class Verdict:
    """What physics says about the object: as :class:`robot.simulator.referee.Referee`."""

    object: str
    lifted: bool
    held: bool
    height_m: float
    carried_m: float = 0.0
    released: bool = False
    dropped: bool = False
    middle_m: Vector3 = (0.0, 0.0, 0.0)


class LabClient:
    """One connection, made at the first request. A context manager; not for several threads at once."""

    def __init__(self, address: str, timeout_s: float = 20.0, slow_timeout_s: float = 130.0) -> None:
        """``slow_timeout_s`` is for placing, where a mesh may have to be decomposed first."""
        self._address, self._timeout_s, self._slow_timeout_s = address, timeout_s, slow_timeout_s
        self._channel: Channel | None = None

    def __enter__(self) -> LabClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def place(self, object_name: str, seed: int) -> Transform:
        """Put the object where (name, seed) say; returns the true (4, 4) T_base_object."""
        reply = self._ask({"do": "place", "object": object_name, "seed": seed}, self._slow_timeout_s)
        return np.array(reply["T_base_object"])

    def clear_table(self) -> None:
        """Take the object away."""
        self._ask({"do": "clear_table"})

    def objects(self) -> tuple[str, ...]:
        """Names of the object set."""
        return tuple(self._ask({"do": "objects"})["objects"])

    def referee(self) -> Verdict:
        """Whether the object is lifted, and held by both pads, and what has become of it since it was placed."""
        reply = self._ask({"do": "referee"})
        return Verdict(**reply | {"middle_m": tuple(reply["middle_m"])})

    def show_board(
        self,
        where: Literal["none", "table", "gripper"],
        board: BoardSettings | None = None,
        *,
        scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Lay the calibration board on the table, put it between the jaws, or take it away.

        Args:
            board: as it was meant to be printed; None is the usual one.
            scale: how much larger the print came out.
            seed: how exactly the operator puts it there: within 15 mm and 8 degrees of the workspace's middle, or
                within 3 mm and 2 degrees of ``T_flange_board``.
        """
        wanted = asdict(board or BoardSettings())
        self._ask({"do": "board", "where": where, "board": wanted, "scale": scale, "seed": seed})

    def move_camera(self, translation_m: ArrayLike, rotation_vector_rad: ArrayLike) -> None:
        """Bump the camera, each (3,) in its own axes; ``clear_faults`` pushes it back."""
        shift, turn = np.asarray(translation_m).tolist(), np.asarray(rotation_vector_rad).tolist()
        self._ask({"do": "move_camera", "translation_m": shift, "rotation_vector_rad": turn})

    def tip_miss(self, corner: int) -> NDArray[np.float64]:
        """(3,) the tip of the closed fingers minus the true place of the board's corner, base axes [m]."""
        return np.array(self._ask({"do": "tip_miss", "corner": corner})["miss_m"])

    def truth(self) -> dict[str, Any]:
        """Everything, for tests: poses are nested lists, None where there is no such thing."""
        return self._ask({"do": "truth"})

    def fault(self, name: str, delay_s: float = 0.1, *, at_once: bool = False, **settings: float | str) -> None:
        """Arrange for one of :data:`robot.simulator.faults.FAULT_NAMES`.

        Args:
            delay_s: simulated time; the controller's stops count it from the arm's next motion.
            at_once: do not wait for the arm to move, nor for the delay.
            settings: of ``camera_bumped``: ``move_m``, ``turn_rad`` and ``axis`` ("x", "y" or "z").
        """
        self._ask(
            {"do": "fault", "name": name, "delay_s": delay_s, "at_once": at_once, "settings": dict(settings or {})}
        )

    def clear_faults(self) -> None:
        """Take back what can be taken back: push the camera back, plug in, release the emergency stop button."""
        self._ask({"do": "clear_faults"})

    def status(self) -> dict[str, Any]:
        """Simulated time, gripper registers, active faults."""
        return self._ask({"do": "status"})

    def _ask(self, request: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Raises CellError where the simulator refuses, SimulatorLost where it does not answer."""
        deadline = Deadline(timeout_s or self._timeout_s)
        try:
            if self._channel is None:
                self._channel = Channel(self._address, PORT, self._timeout_s)
            self._channel.send(json.dumps(request).encode() + b"\n", deadline)
            reply = json.loads(self._channel.read_line(deadline))
        except (ChannelError, json.JSONDecodeError) as error:
            self.close()
            raise SimulatorLost(f"the simulator does not answer: {error}", "is it still running?") from None
        if not reply.pop("ok"):
            raise CellError(f"the simulator refused to {request['do']}: {reply['error']}")
        return dict(reply)
