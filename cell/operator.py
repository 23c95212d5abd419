"""The human beside the cell - or, in a dry run, the one who plays that part."""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from robot.calibration_board import BoardSettings
from robot.errors import CellError
from robot.placement_settings import Vector3
from trials.protocol import TrialProtocol

BoardPlace = Literal["none", "table", "gripper"]
_BOARD_WORDS = {
    "none": "Take the calibration board away and clear the table, but for its marks.",
    "table": "Lay the calibration board flat in the middle of the table, print up.",
    "gripper": "Hold the calibration board between the open fingers, by the middle of its lower edge, print facing the "
    "side of the gripper's +x axis. The jaws close slowly when you press Enter; keep holding.",
}


@dataclass(frozen=True)
class Verdict:
    """What the operator says of a trial.

    Attributes:
        success: as the protocol's criterion has it; None when the operator voids the trial.
    """

    success: bool | None

    @property
    def void(self) -> bool:
        """True when the trial is to be repeated and counted apart."""
        return self.success is None


class Operator(Protocol):
    """Places objects, judges trials, gives the word after a fault."""

    def place(self, object_name: str, pose_seed: int) -> None:
        """Put ``object_name`` on the table, as the schedule wants it; returns when hands are away."""
        ...

    def judge(self, believed_success: bool, protocol: TrialProtocol) -> Verdict:
        """Say whether the trial was a success by the protocol's criterion; the cell's own judgement is shown.

        Asked once a trial: while the object should be in the air, or, under ``put_back``, when it should be back.
        """
        ...

    def put_board(self, where: BoardPlace, board: BoardSettings) -> None:
        """Bring the calibration board where it is wanted, or take it away; returns when hands are away."""
        ...

    def do(self, words: str) -> None:
        """Do what ``words`` say; returns when that is done."""
        ...

    def measure_miss(self, corner: int, hover_m: float) -> Vector3:
        """How far the fingertip is from ``hover_m`` above the board's corner ``corner``, base axes [m]."""
        ...

    def confirm_recovery(self, reason: str) -> bool:
        """True when the cause is removed, nobody is near the arm, and it may move again."""
        ...


class ConsoleOperator:
    """The person at the keyboard.

    Args:
        quiet: gives the context in which the screen is left alone while somebody is asked.
    """

    def __init__(self, quiet: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._quiet = quiet

    def confirm_motion(self) -> bool:
        """True when the operator agrees that the arm moves, before anything does."""
        return self._ask("The arm is going to move. Stand clear, hand on the stop button, type 'go': ").lower() == "go"

    def place(self, object_name: str, pose_seed: int) -> None:
        """See :class:`Operator`."""
        self._ask(
            f"Shake '{object_name}' under the box, put it near the middle of the table, step back. "
            f"(placement {pose_seed % 10000:04d}) Enter when done: "
        )

    def judge(self, believed_success: bool, protocol: TrialProtocol) -> Verdict:
        """See :class:`Operator`."""
        words = protocol.words
        belief = words.believed if believed_success else words.doubted
        while True:
            answer = self._ask(f"The cell believes: {belief}. {words.question} [y / n / void] ").lower()
            if answer in ("y", "yes"):
                return Verdict(True)
            if answer in ("n", "no"):
                return Verdict(False)
            if answer in ("v", "void"):
                return Verdict(None)

    def put_board(self, where: BoardPlace, board: BoardSettings) -> None:
        """See :class:`Operator`."""
        stand_back = "" if where == "gripper" else " Step back."
        self._ask(f"{_BOARD_WORDS[where]}{stand_back} Enter when done: ")

    def do(self, words: str) -> None:
        """See :class:`Operator`."""
        self._ask(f"{words} Enter: ")

    def measure_miss(self, corner: int, hover_m: float) -> Vector3:
        """See :class:`Operator`; one number is a distance beside the corner, three are x, y, z in base axes."""
        question = (
            f"The fingertip should be {hover_m * 1e3:.0f} mm above corner {corner}. How far beside that is it, in mm? "
            "(one number, or x y z in the base's axes; hands and ruler away before you press Enter, the arm moves on): "
        )
        while True:
            try:
                numbers = [float(word) / 1e3 for word in self._ask(question).replace(",", " ").split()]
            except ValueError:
                continue
            if len(numbers) == 1:
                return numbers[0], 0.0, 0.0
            if len(numbers) == 3:
                return numbers[0], numbers[1], numbers[2]

    def confirm_step(self, motion: str) -> bool:
        """Asked before every motion of a run with ``--step``."""
        return self._ask(f"next: {motion}. Enter to go on, anything else ends the run: ") == ""

    def confirm_recovery(self, reason: str) -> bool:
        """See :class:`Operator`."""
        question = "Remove the cause, stand clear, then type 'go' (anything else ends the run): "
        return self._ask(f"The cell has stopped: {reason}\n{question}").lower() == "go"

    def require_terminal(self) -> None:
        """Raise CellError where nobody can be asked."""
        if not sys.stdin.isatty():
            raise CellError("the operator must be asked, but there is no terminal", "start the run in a terminal")

    def _ask(self, question: str) -> str:
        self.require_terminal()
        with self._quiet():
            _forget_typed_ahead()
            try:
                return input(question).strip()
            except EOFError:
                raise KeyboardInterrupt from None


def _forget_typed_ahead() -> None:
    """An Enter too many must not answer the next question, after which the arm may move."""
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
