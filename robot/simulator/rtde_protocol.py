"""The packets of the RTDE protocol (version 2, big-endian), as the robot's side sees them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REQUEST_PROTOCOL_VERSION = 86
GET_CONTROLLER_VERSION = 118
DATA_PACKAGE = 85
SETUP_OUTPUTS = 79
SETUP_INPUTS = 73
START = 83
PAUSE = 80

HEADER = struct.Struct(">HB")

_STRUCT_OF = {
    "BOOL": "?",
    "UINT8": "B",
    "INT32": "i",
    "UINT32": "I",
    "UINT64": "Q",
    "DOUBLE": "d",
    "VECTOR3D": "3d",
    "VECTOR6D": "6d",
    "VECTOR6INT32": "6i",
    "VECTOR6UINT32": "6I",
}
_COUNT_OF = {name: int(code[:-1] or 1) for name, code in _STRUCT_OF.items()}

_NAMES_OF_OUTPUTS = {
    "DOUBLE": """
        timestamp actual_execution_time speed_scaling target_speed_fraction actual_momentum
        actual_main_voltage actual_robot_voltage actual_robot_current standard_analog_input0
        standard_analog_input1 standard_analog_output0 standard_analog_output1 payload io_current
        tool_analog_input0 tool_analog_input1 tool_output_current tool_temperature tcp_force_scalar
        collision_detection_ratio
    """,
    "VECTOR6D": """
        target_q target_qd target_qdd target_current target_moment actual_q actual_qd actual_current
        joint_control_output actual_TCP_pose actual_TCP_speed actual_TCP_force target_TCP_pose
        target_TCP_speed joint_temperatures actual_joint_voltage ft_raw_wrench payload_inertia
        actual_current_window actual_current_as_torque tcp_offset
    """,
    "VECTOR3D": """
        actual_tool_accelerometer payload_cog elbow_position elbow_velocity
    """,
    "INT32": """
        robot_mode safety_mode safety_status tool_mode tool_output_voltage
    """,
    "UINT32": """
        runtime_state robot_status_bits safety_status_bits analog_io_types output_bit_registers0_to_31
        output_bit_registers32_to_63
    """,
    "UINT64": """
        actual_digital_input_bits actual_digital_output_bits
    """,
    "VECTOR6INT32": """
        joint_mode
    """,
}
_TYPES_OF_OUTPUTS = {name: kind for kind, names in _NAMES_OF_OUTPUTS.items() for name in names.split()}
_TYPES_OF_INPUTS: dict[str, str] = {
    "speed_slider_mask": "UINT32",
    "speed_slider_fraction": "DOUBLE",
    "standard_digital_output_mask": "UINT8",
    "standard_digital_output": "UINT8",
    "configurable_digital_output_mask": "UINT8",
    "configurable_digital_output": "UINT8",
    "tool_digital_output_mask": "UINT8",
    "tool_digital_output": "UINT8",
    "standard_analog_output_mask": "UINT8",
    "standard_analog_output_type": "UINT8",
    "standard_analog_output_0": "DOUBLE",
    "standard_analog_output_1": "DOUBLE",
    "external_force_torque": "VECTOR6D",
}
_REGISTER = re.compile(r"(input|output)_(int|double|bit)_register_(\d{1,3})")
_REGISTER_TYPES = {"int": "INT32", "double": "DOUBLE", "bit": "BOOL"}
NUMBER_OF_REGISTERS = 48
NOT_FOUND, IN_USE = "NOT_FOUND", "IN_USE"


class ProtocolError(Exception):
    """The peer sent something that is not RTDE."""


@dataclass(frozen=True)
class Packet:
    """One packet: its type and the bytes after the header."""

    kind: int
    payload: bytes


def frame(kind: int, payload: bytes) -> bytes:
    """Header and payload."""
    return HEADER.pack(HEADER.size + len(payload), kind) + payload


def split_packets(buffer: bytearray) -> list[Packet]:
    """Take the complete packets off the front of ``buffer``. Raises ProtocolError on an impossible length."""
    packets = []
    while len(buffer) >= HEADER.size:
        size, kind = HEADER.unpack_from(buffer)
        if size < HEADER.size:
            raise ProtocolError(f"a packet of {size} bytes")
        if len(buffer) < size:
            break
        packets.append(Packet(kind, bytes(buffer[HEADER.size : size])))
        del buffer[:size]
    return packets


def parse_names(text: bytes) -> list[str]:
    """The comma-separated names of a recipe; clients end the list with a comma."""
    return [name.strip() for name in text.decode("ascii", "replace").split(",") if name.strip()]


def _register_type(name: str, direction: str) -> str:
    match = _REGISTER.fullmatch(name)
    if match is None or match[1] != direction or int(match[3]) >= (128 if match[2] == "bit" else NUMBER_OF_REGISTERS):
        return NOT_FOUND
    return _REGISTER_TYPES[match[2]]


def output_type(name: str) -> str:
    """RTDE type of a variable the robot publishes, or NOT_FOUND."""
    known = _TYPES_OF_OUTPUTS.get(name)
    if known is not None:
        return known
    mirrored = _register_type(name, "input")
    return _register_type(name, "output") if mirrored == NOT_FOUND else mirrored


def input_type(name: str) -> str:
    """RTDE type of a variable a client may set, or NOT_FOUND."""
    return _TYPES_OF_INPUTS.get(name) or _register_type(name, "input")


@dataclass(frozen=True)
class OutputRecipe:
    """What one client wants to hear, in its order."""

    recipe_id: int
    names: tuple[str, ...]
    types: tuple[str, ...]
    packer: struct.Struct

    @classmethod
    def of(cls, recipe_id: int, names: Sequence[str]) -> OutputRecipe:
        types = tuple(output_type(name) for name in names)
        layout = "".join(_STRUCT_OF.get(kind, "") for kind in types)
        return cls(recipe_id, tuple(names), types, struct.Struct(">HBB" + layout))

    @property
    def complete(self) -> bool:
        """Whether every name is known."""
        return NOT_FOUND not in self.types

    def reply(self) -> bytes:
        """The answer to the set-up request."""
        return frame(SETUP_OUTPUTS, bytes([self.recipe_id]) + ",".join(self.types).encode())

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """A data packet; vectors in ``values`` are sequences."""
        flat: list[Any] = [self.packer.size, DATA_PACKAGE, self.recipe_id]
        for name, kind in zip(self.names, self.types, strict=True):
            if _COUNT_OF[kind] == 1:
                flat.append(values[name])
            else:
                flat.extend(values[name])
        return self.packer.pack(*flat)


@dataclass(frozen=True)
class InputRecipe:
    """What one client sets with one kind of data packet."""

    recipe_id: int
    names: tuple[str, ...]
    types: tuple[str, ...]

    @classmethod
    def of(cls, recipe_id: int, names: Sequence[str]) -> InputRecipe:
        return cls(recipe_id, tuple(names), tuple(input_type(name) for name in names))

    def reply(self) -> bytes:
        """The answer to the set-up request."""
        return frame(SETUP_INPUTS, bytes([self.recipe_id]) + ",".join(self.types).encode())

    def decode(self, payload: bytes) -> dict[str, Any]:
        """The values in a data packet (``payload`` starts after the recipe id).

        ur_rtde 1.6.5 sends some commands with a recipe that is shorter or longer than their data: fields that did
        not arrive are left out, and surplus doubles go to the double registers after the last one named.
        """
        values: dict[str, Any] = {}
        offset = 0
        for name, kind in zip(self.names, self.types, strict=True):
            if kind == NOT_FOUND:
                continue
            code = ">" + _STRUCT_OF[kind]
            size = struct.calcsize(code)
            if offset + size > len(payload):
                return values
            unpacked = struct.unpack_from(code, payload, offset)
            values[name] = unpacked[0] if _COUNT_OF[kind] == 1 else unpacked
            offset += size
        values.update(self._surplus(payload[offset:]))
        return values

    def _surplus(self, rest: bytes) -> Iterable[tuple[str, float]]:
        last = re.fullmatch(r"input_double_register_(\d+)", self.names[-1]) if self.names else None
        if last is None or len(rest) % 8:
            return []
        first = int(last[1]) + 1
        numbers = struct.unpack(f">{len(rest) // 8}d", rest)
        return [
            (f"input_double_register_{first + i}", number)
            for i, number in enumerate(numbers)
            if first + i < NUMBER_OF_REGISTERS
        ]


def in_use(names: Sequence[str]) -> bytes:
    """The answer to a set-up request for inputs that another client has taken; recipe 0 is none."""
    return frame(SETUP_INPUTS, bytes([0]) + ",".join(IN_USE for _ in names).encode())
