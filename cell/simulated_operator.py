"""The operator of a dry run. Places, judges and repairs through the simulator's laboratory channel.

This is the person, not the controller: what is learnt here goes into the ledger and nowhere else.
"""

from __future__ import annotations

from cell.operator import BoardPlace, Verdict
from robot.calibration_board import BoardSettings
from robot.placement_settings import Vector3
from robot.simulator.lab_client import LabClient


class SimulatedOperator:
    """See :class:`cell.operator.Operator`.

    Args:
        lab: hands and eyes.
        board_seed: how exactly the board is put where it belongs.
        print_scale: how much larger than meant the board was printed.
    """

    def __init__(self, lab: LabClient, *, board_seed: int = 0, print_scale: float = 1.0) -> None:
        self._lab = lab
        self._board_seed = board_seed
        self._print_scale = print_scale

    def place(self, object_name: str, pose_seed: int) -> None:
        """Shake the object under the box: its resting pose follows from the name and the seed alone."""
        self._lab.place(object_name, pose_seed)

    def judge(self, believed_success: bool) -> Verdict:
        """Physics decides; the cell's belief is not looked at."""
        return Verdict(self._lab.referee().held)

    def put_board(self, where: BoardPlace, board: BoardSettings) -> None:
        """Print the board of the cell file, with the printer's own scale, and bring it there."""
        self._lab.show_board(where, board, scale=self._print_scale, seed=self._board_seed)

    def do(self, words: str) -> None:
        """Nothing that physics would notice."""

    def measure_miss(self, corner: int, hover_m: float) -> Vector3:
        """Physics measures."""
        x, y, z = self._lab.tip_miss(corner)
        return float(x), float(y), float(z) - hover_m

    def confirm_recovery(self, reason: str) -> bool:
        """Plug in what was pulled out, release the button, step back, and give the word."""
        self._lab.clear_faults()
        return True
