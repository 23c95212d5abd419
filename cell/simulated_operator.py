"""The operator of a dry run. Places, judges and repairs through the simulator's laboratory channel.

This is the person, not the controller: what is learnt here goes into the ledger and nowhere else.
"""

from __future__ import annotations

from cell.operator import BoardPlace, Verdict
from robot.calibration_board import BoardSettings
from robot.placement_settings import BoxSettings, Vector3
from robot.simulator.lab_client import LabClient
from robot.simulator.lab_client import Verdict as Referee
from trials.protocol import TrialProtocol

ON_TABLE_M = 0.005
AWAY_SHARE = 0.9
"""An object may turn in the jaws while it is carried: its middle then does not go all of the way."""


class SimulatedOperator:
    """See :class:`cell.operator.Operator`.

    Args:
        lab: hands and eyes.
        gripping_area: the workspace of the cell, as it is marked on the table.
        board_seed: how exactly the board is put where it belongs.
        print_scale: how much larger than meant the board was printed.
    """

    def __init__(
        self, lab: LabClient, gripping_area: BoxSettings, *, board_seed: int = 0, print_scale: float = 1.0
    ) -> None:
        self._lab = lab
        self._gripping_area = gripping_area
        self._board_seed = board_seed
        self._print_scale = print_scale

    def place(self, object_name: str, pose_seed: int) -> None:
        """Shake the object under the box: its resting pose follows from the name and the seed alone."""
        self._lab.place(object_name, pose_seed)

    def judge(self, believed_success: bool, protocol: TrialProtocol) -> Verdict:
        """Physics decides; the cell's belief is not looked at."""
        seen = self._lab.referee()
        return Verdict(self._is_back(seen, protocol.carry_away_m) if protocol.puts_back else seen.held)

    def _is_back(self, seen: Referee, carry_away_m: float) -> bool:
        """Held from the lift until the jaws opened, moved away, and on the gripping area now."""
        x, y, _ = seen.middle_m
        (x_min, y_min, _), (x_max, y_max, _) = self._gripping_area.min_m, self._gripping_area.max_m
        on_area = x_min <= x <= x_max and y_min <= y <= y_max and abs(seen.height_m) < ON_TABLE_M
        return seen.released and on_area and seen.carried_m >= AWAY_SHARE * carry_away_m

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
