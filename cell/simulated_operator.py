"""The operator of a dry run. Places, judges and repairs through the simulator's laboratory channel.

This is the person, not the controller: what is learnt here goes into the ledger and nowhere else.
"""

from __future__ import annotations

from cell.operator import Verdict
from robot.simulator.lab_client import LabClient


class SimulatedOperator:
    """See :class:`cell.operator.Operator`."""

    def __init__(self, lab: LabClient) -> None:
        self._lab = lab

    def place(self, object_name: str, pose_seed: int) -> None:
        """Shake the object under the box: its resting pose follows from the name and the seed alone."""
        self._lab.place(object_name, pose_seed)

    def judge(self, believed_success: bool) -> Verdict:
        """Physics decides; the cell's belief is not looked at."""
        return Verdict(self._lab.referee().held)

    def confirm_recovery(self, reason: str) -> bool:
        """Plug in what was pulled out, release the button, step back, and give the word."""
        self._lab.clear_faults()
        return True
