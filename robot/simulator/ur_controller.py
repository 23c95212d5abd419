"""Puts a simulated UR controller on the network."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from robot.errors import SettingsError, did_you_mean
from robot.simulator import dashboard_server, rtde_server, script_server
from robot.simulator.controller import URController
from robot.simulator.dashboard_server import DashboardServer
from robot.simulator.interfaces import ArmWorld
from robot.simulator.rtde_server import RtdeServer
from robot.simulator.safety import SafetySettings
from robot.simulator.script_server import ScriptServer
from robot.simulator.tcp_server import listen
from robot.simulator.versions import VERSIONS

_FAREWELL_S = 0.03


@dataclass(frozen=True)
class UrServers:
    """A controller and its three ports."""

    controller: URController
    rtde: RtdeServer
    script: ScriptServer
    dashboard: DashboardServer

    def close(self) -> None:
        """Tell the clients that the program has stopped, then close the ports. On the simulation thread."""
        self.controller.shut_down()
        time.sleep(_FAREWELL_S)  # a client that sees the socket close before the state waits for five minutes
        for server in (self.script, self.dashboard, self.rtde):
            server.close()


def start_ur_controller(
    address: str, world: ArmWorld, model: str = "cb3", safety: SafetySettings | None = None
) -> UrServers:
    """Serve ``world`` as a UR controller on ``address``; nothing is answered until a SimulationLoop runs it.

    Args:
        model: "cb3" (UR5, 3.15, 125 Hz) or "e-series" (UR5e, 5.11, 500 Hz).

    Raises:
        SettingsError: unknown model, or a port is taken (the message names it).
    """
    version = VERSIONS.get(model)
    if version is None:
        raise SettingsError(f"no such robot model: {model!r}", did_you_mean(model, VERSIONS))
    with contextlib.ExitStack() as opened:
        listeners = []
        for port in (rtde_server.PORT, script_server.PORT, dashboard_server.PORT):
            listeners.append(listen(address, port))
            opened.callback(listeners[-1].close)
        opened.pop_all()
    controller = URController(world, version, safety)
    rtde = RtdeServer(listeners[0], controller)
    servers = UrServers(
        controller, rtde, ScriptServer(listeners[1], controller), DashboardServer(listeners[2], controller)
    )
    controller.attach(rtde.publish, rtde.drop_connections, servers.dashboard.drop_connections)
    for server in (servers.rtde, servers.script, servers.dashboard):
        server.start()
    return servers
