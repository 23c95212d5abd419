"""What is looked at before the first trial: the calibration, the arm's kinematics, the table."""

from __future__ import annotations

from collections.abc import Callable

from calibration.errors import CalibrationError
from calibration.result import Calibration
from cell.calibrating import Calibrator, Wishes
from cell.hand_eye import HandEye, compare_kinematics
from cell.motion import Motion
from robot.camera import RealSenseCamera


class Preflight:
    """Walks the states before the first trial.

    Args:
        motion, camera: the devices.
        hand_eye: takes the calibration.
        calibrator: makes a calibration where there is none; None where a person has to ask for it.
        announce: told of what is worth a remark.
        accepted: told of the calibration that was accepted.
    """

    def __init__(
        self,
        motion: Motion,
        camera: RealSenseCamera,
        hand_eye: HandEye,
        calibrator: Calibrator | None,
        announce: Callable[[str], None],
        accepted: Callable[[Calibration], None],
    ) -> None:
        self._motion = motion
        self._camera = camera
        self._hand_eye = hand_eye
        self._calibrator = calibrator
        self._announce = announce
        self._accepted = accepted

    @property
    def needs_calibration(self) -> bool:
        """Whether there is no calibration, but one can be made without a person."""
        return self._hand_eye.missing and self._calibrator is not None

    def calibrate(self) -> None:
        """Make a calibration. Raises CellError when it does not pass."""
        assert self._calibrator is not None
        self._announce("no calibration yet: calibrating first")
        calibration, place = self._calibrator.run(self._hand_eye.folder, Wishes())
        if not calibration.passed:
            raise CalibrationError(f"{place}: {'; '.join(calibration.reasons)}", "mend this, then calibrate again")

    def check(self) -> None:
        """See that everything that a motion towards an object rests on is there and holds.

        Raises:
            CellError: something is missing or does not hold; the message names the remedy.
        """
        calibration = self._hand_eye.accept(self._camera.serial, self._motion.arm.serial_number())
        self.check_arm()
        self._motion.go_home()
        self._require_holding()
        self._accepted(calibration)

    def check_after_fault(self) -> None:
        """See, from home, that the arm's pose and the camera's place have outlived a fault. Raises DeviceError."""
        self.check_arm()
        self._require_holding()

    def check_arm(self) -> None:
        """Compare the controller's forward kinematics with ours. Raises DeviceError."""
        remark = compare_kinematics(self._motion.arm.state(), self._motion.planner.model)
        if remark is not None:
            self._announce(remark)

    def _require_holding(self) -> None:
        frame = self._camera.read_median()
        self._hand_eye.require_holding(frame, self._motion.arm.state().T_base_flange)
