"""The numbered registers through which a client and the controller's program talk."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.simulator.rtde_protocol import NUMBER_OF_REGISTERS

_INPUT = re.compile(r"input_(int|double|bit)_register_(\d+)")
_OUTPUT = re.compile(r"(input|output)_(int|double|bit)_register_(\d+)")

READY, DONE = 1, 2
NOTHING = 0


class Registers:
    """Input registers as the clients last wrote them, output registers as the program last wrote them.

    Attributes:
        offset: where the program's block of registers begins (clients may choose the upper range).
        version: counts changes of the outputs, so that a publisher knows what is stale.
    """

    def __init__(self) -> None:
        self.offset = 0
        self.version = 0
        self._in: dict[str, list[Any]] = _block()
        self._out: dict[str, list[Any]] = _block()

    def write_inputs(self, values: Mapping[str, Any]) -> None:
        """Take over what a client sent; names that are not registers are left to others."""
        for name, value in values.items():
            match = _INPUT.fullmatch(name)
            if match is not None:
                self._in[match[1]][int(match[2])] = value

    def published(self, name: str) -> Any:
        """The value of a register by its RTDE name."""
        direction, kind, index = _parsed(name)
        return (self._in if direction == "input" else self._out)[kind][index]

    def int_in(self, index: int) -> int:
        return int(self._in["int"][self.offset + index])

    def doubles_in(self, first: int, count: int = 6) -> NDArray[np.float64]:
        start = self.offset + first
        return np.array(self._in["double"][start : start + count], dtype=np.float64)

    def double_in(self, index: int) -> float:
        return float(self._in["double"][self.offset + index])

    def int_out(self, index: int) -> int:
        return int(self._out["int"][self.offset + index])

    def set_int(self, index: int, value: int) -> None:
        self._out["int"][self.offset + index] = int(value)
        self.version += 1

    def set_doubles(self, first: int, values: Iterable[float]) -> None:
        for index, value in enumerate(values):
            self._out["double"][self.offset + first + index] = float(value)
        self.version += 1

    def command_name(self) -> str:
        """RTDE name of the register that carries the command."""
        return f"input_int_register_{self.offset}"


@functools.cache
def _parsed(name: str) -> tuple[str, str, int]:
    match = _OUTPUT.fullmatch(name)
    if match is None:
        raise KeyError(name)
    return match[1], match[2], int(match[3])


def _block() -> dict[str, list[Any]]:
    return {"int": [0] * NUMBER_OF_REGISTERS, "double": [0.0] * NUMBER_OF_REGISTERS, "bit": [False] * 128}
