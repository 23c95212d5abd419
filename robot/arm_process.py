"""The process in which ur_rtde lives: ``python -m robot.arm_process DESCRIPTOR``, started by ``robot.arm``.

When a link dies, ur_rtde's calls may hang for minutes and its threads may take their process down. Here
they can: the parent keeps the deadlines and ends this process when one passes. It does one thing at a
time; only a ``stop`` is taken while a motion is under way.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import traceback

from robot.arm_connection import Connection, Failure
from robot.arm_messages import LinkClosed, Message, MessageLink
from robot.arm_session import Session

_IDLE_POLL_S = 0.004
_FIRST_MESSAGE_S = 10.0


def _reply(session: Session, message: Message) -> Message:
    try:
        return {"id": message["id"], "result": session.handle(message)}
    except Failure as failure:
        return {"id": message["id"], "error": failure.kind, "message": str(failure)}
    except RuntimeError as error:  # ur_rtde's own
        return {"id": message["id"], "error": "lost", "message": f"ur_rtde: {error}"}


def serve(link: MessageLink) -> None:
    """Connect as the first message says, then carry out messages until the parent has gone."""
    first = link.receive(_FIRST_MESSAGE_S)
    if first is None:
        return
    try:
        connection = Connection(
            first["address"], tuple(first["version"]), first["link_timeout_s"], first["watchdog_hz"]
        )
    except RuntimeError as error:
        link.send({"id": first["id"], "error": "arm", "message": f"ur_rtde cannot connect: {error}"})
        return
    session = Session(link, connection)
    link.send(_reply(session, {"id": first["id"], "do": "connected"}))
    while True:
        message = link.receive(_IDLE_POLL_S)
        lost: Message | None = None
        try:
            connection.watch()
        except Failure as failure:
            lost = {"error": failure.kind, "message": str(failure)}
        if message is None:
            continue
        reply = lost | {"id": message["id"]} if lost else _reply(session, message)
        link.send(reply)
        if message["do"] == "disconnect" or reply.get("error") in ("timeout", "lost"):
            return


def main() -> None:
    link = MessageLink(socket.socket(fileno=int(sys.argv[1])))
    try:
        serve(link)
    except LinkClosed:
        pass
    except Exception:
        with contextlib.suppress(LinkClosed):
            link.send({"id": None, "error": "crash", "message": traceback.format_exc(limit=-3)})
    finally:
        os._exit(0)  # ur_rtde's destructors take half a second, and crash when the link is dead


if __name__ == "__main__":
    main()
