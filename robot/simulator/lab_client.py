"""The laboratory channel's client: the operator's and the technician's hands in a dry run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from robot.channel import Channel, ChannelError
from robot.deadline import Deadline
from robot.errors import CellError, SimulatorLost
from robot.geometry import Transform

PORT = 63370


@dataclass(frozen=True)
class Verdict:
    """What physics says about the object; ``height_m`` is its lowest point's above the table."""

    object: str
    lifted: bool
    held: bool
    height_m: float


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
        """Whether the object is lifted, and held by both pads."""
        reply = self._ask({"do": "referee"})
        return Verdict(reply["object"], reply["lifted"], reply["held"], reply["height_m"])

    def show_board(self, shown: bool) -> None:
        """Lay the calibration board on the table, or take it away."""
        self._ask({"do": "board", "shown": shown})

    def truth(self) -> dict[str, Any]:
        """Everything, for tests."""
        return self._ask({"do": "truth"})

    def fault(self, name: str, delay_s: float = 0.1) -> None:
        """Arrange for a fault; ``delay_s`` is simulated time."""
        self._ask({"do": "fault", "name": name, "delay_s": delay_s})

    def clear_faults(self) -> None:
        """Take back what can be taken back, the emergency stop button included."""
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
