"""One policy for every fault: stop, say why, wait for the operator's word, make whole, put down, go home."""

from __future__ import annotations

from collections.abc import Callable

from cell.motion import Motion
from cell.operator import Operator
from cell.preflight import Preflight
from robot.camera import RealSenseCamera
from robot.errors import CellError, DeviceError
from trials.outcomes import Outcome

ATTEMPTS = 3


class Recovery:
    """Brings the cell back to a trial boundary after a fault.

    Args:
        motion, camera: the devices, in whatever state the fault left them.
        operator: gives the word before anything moves again.
        preflight: looks whether pose and calibration have outlived the fault.
        announce: told in words what is going on.
    """

    def __init__(
        self,
        motion: Motion,
        camera: RealSenseCamera,
        operator: Operator,
        preflight: Preflight,
        announce: Callable[[str], None],
    ) -> None:
        self._motion = motion
        self._camera = camera
        self._operator = operator
        self._preflight = preflight
        self._announce = announce

    def make_safe(self) -> None:
        """Stop the arm if it still listens, and its program; never raises.

        A program that only waits goes on with the old motion as soon as somebody steps out of the light curtain.
        """
        arm = self._motion.arm
        try:
            arm.stop()
        except CellError as error:
            self._announce(f"the arm could not be told to stop: {error}")
        try:
            arm.stop_program()
        except CellError as error:
            self._announce(f"the program on the controller could not be stopped: {error}")

    def recover(self, outcome: Outcome, reason: str) -> bool:
        """Wait for the operator and bring everything back.

        Returns:
            False when the operator ends the run or three attempts have failed.
        """
        if not self._operator.confirm_recovery(reason):
            self._announce("the operator ended the run")
            return False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._restore(outcome)
                return True
            except DeviceError as error:
                self.make_safe()
                self._announce(f"recovery attempt {attempt} of {ATTEMPTS} failed: {error}")
                if attempt < ATTEMPTS and not self._operator.confirm_recovery(str(error)):
                    return False
        return False

    def _restore(self, outcome: Outcome) -> None:
        self._restore_arm()
        motion = self._motion
        if not motion.gripper.is_connected:
            motion.gripper.connect()
        motion.forget_what_was_seen()
        if motion.may_hold():
            self._announce("something may be in the jaws: setting it down")
            motion.set_down()
        motion.gripper.activate()  # opens and closes the jaws, but only where they are faulted
        motion.open_jaws()
        if outcome is Outcome.CAMERA_FAULT:
            self._camera.disconnect()
            self._camera.connect()
        motion.go_home()
        self._preflight.check_after_fault()

    def _restore_arm(self) -> None:
        # The operator's word was given for all of this; the arm's own question is answered by it.
        self._motion.arm.recover(lambda question: True)
        self._motion.declare_tool()
