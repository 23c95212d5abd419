from __future__ import annotations

import itertools
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.arm_messages import LinkClosed, MessageLink

_VALUES = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans(), st.none()
)
_MESSAGES = st.dictionaries(st.text(), st.one_of(_VALUES, st.lists(_VALUES)))


@given(messages=st.lists(_MESSAGES, min_size=1, max_size=4), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_messages_arrive_whole_however_they_are_cut(messages: list[dict], cuts: list[int]) -> None:
    sender, wire = socket.socketpair()
    incoming, receiver = socket.socketpair()
    with sender, wire, incoming, receiver:
        out, link = MessageLink(sender), MessageLink(receiver)
        for message in messages:
            out.send(message)
        sender.shutdown(socket.SHUT_WR)
        data = b"".join(iter(lambda: wire.recv(65536), b""))
        received = []
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for begin, end in itertools.pairwise(edges):
            incoming.sendall(data[begin:end])
            while (message := link.receive(0.0)) is not None:
                received.append(message)
        assert received == json.loads(json.dumps(messages))


def test_end_of_the_other_side_is_told() -> None:
    ours, theirs = socket.socketpair()
    link = MessageLink(ours)
    assert link.receive(0.0) is None
    theirs.close()
    with pytest.raises(LinkClosed):
        link.receive(1.0)
    with pytest.raises(LinkClosed):
        link.send({"do": "stop"})
    link.close()
