import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robot.simulator.rtde_protocol import (
    NOT_FOUND,
    InputRecipe,
    OutputRecipe,
    Packet,
    ProtocolError,
    frame,
    input_type,
    output_type,
    parse_names,
    split_packets,
)

PACKETS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6)


@settings(deadline=None)
@given(PACKETS, st.lists(st.integers(1, 30), max_size=40))
def test_packets_survive_any_fragmentation(packets, cuts):
    stream = b"".join(frame(kind, payload) for kind, payload in packets)
    buffer, found = bytearray(), []
    for cut in [*cuts, len(stream)]:
        buffer += stream[:cut]
        stream = stream[cut:]
        found += split_packets(buffer)
    assert found == [Packet(kind, payload) for kind, payload in packets]
    assert not buffer


def test_an_impossible_length_is_refused():
    with pytest.raises(ProtocolError):
        split_packets(bytearray(b"\x00\x02U"))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_garbage_never_breaks_the_decoder(payload):
    names = ["input_int_register_0", *(f"input_double_register_{i}" for i in range(6)), "input_bit_register_64"]
    values = InputRecipe.of(1, names).decode(payload)
    assert all(input_type(name) != NOT_FOUND for name in values)


def test_names_end_with_a_comma():
    assert parse_names(b"timestamp,actual_q,") == ["timestamp", "actual_q"]


def test_types_of_known_and_unknown_names():
    assert output_type("actual_TCP_pose") == "VECTOR6D"
    assert output_type("output_int_register_47") == "INT32"
    assert output_type("output_int_register_48") == NOT_FOUND
    assert output_type("actual_nonsense") == NOT_FOUND
    assert input_type("input_double_register_24") == "DOUBLE"
    assert input_type("output_double_register_24") == NOT_FOUND
    assert not OutputRecipe.of(1, ["timestamp", "actual_nonsense"]).complete


def test_an_output_packet_is_laid_out_in_the_clients_order():
    recipe = OutputRecipe.of(1, ["actual_q", "robot_mode", "timestamp", "joint_mode"])
    assert recipe.reply()[3:] == b"\x01VECTOR6D,INT32,DOUBLE,VECTOR6INT32"
    values = {"actual_q": [1, 2, 3, 4, 5, 6], "robot_mode": 7, "timestamp": 0.5, "joint_mode": [253] * 6}
    packet = recipe.pack(values)
    size, kind, identity = struct.unpack_from(">HBB", packet)
    assert (size, kind, identity) == (len(packet), 85, 1)
    numbers = struct.unpack_from(">6did6i", packet, 4)
    assert_allclose(numbers, [1, 2, 3, 4, 5, 6, 7, 0.5, *[253] * 6])


def test_surplus_doubles_go_to_the_next_registers_and_missing_fields_are_left_out():
    recipe = InputRecipe.of(6, ["input_int_register_0", *(f"input_double_register_{i}" for i in range(6))])
    values = recipe.decode(struct.pack(">i12d", 44, *range(12)))
    assert values["input_double_register_11"] == 11.0
    assert len(values) == 13
    with_flag = InputRecipe.of(21, [*recipe.names, "input_int_register_1"])
    values = with_flag.decode(struct.pack(">i6d", 55, *range(6)))
    assert "input_int_register_1" not in values
    assert values["input_double_register_5"] == 5.0
