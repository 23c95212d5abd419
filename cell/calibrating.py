"""One calibration from the first pose to the files: look, solve, judge, touch, note the marks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.detection import BoardDetector, board_pose
from calibration.errors import CalibrationError
from calibration.gate import judge_marks, judge_touch
from calibration.marks import find_marks, locate_marks
from calibration.pose_selection import choose_poses
from calibration.records import TableMark, TouchMiss
from calibration.report import write_report
from calibration.result import CALIBRATION_FILE, Calibration, calibrate, write, write_views
from calibration.routine import Pose, take_views
from calibration.views import View
from cell.assembly import Devices
from cell.calibration_reach import CalibrationReach
from cell.hand_eye import compare_kinematics
from cell.mishaps import Mishaps
from cell.operator import Operator
from cell.planning import PlanRefused
from cell.settings import CellSettings
from cell.touching import touch_corners
from robot.calibration_board import T_flange_board
from robot.errors import ArmError, SettingsError
from robot.frame import Frame, Intrinsics
from robot.geometry import Transform, apply, transform
from trials.frames import write_color

IMAGES = "images"
_GRIP_OFF_M = 0.002


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked of one calibration.

    Attributes:
        seed: of the poses' choice.
        poses: (6,) joints to look from; None lets the program choose.
        touch: verify by touching the board's corners afterwards.
        mishaps: what is to go wrong, in a dry run; None nothing.
    """

    seed: int = 0
    poses: tuple[NDArray[np.float64], ...] | None = None
    touch: bool = True
    mishaps: Mishaps | None = None


@dataclass(frozen=True, eq=False)
class GivenPose:
    """A pose of the user's own choice."""

    q: NDArray[np.float64]


class Calibrator:
    """Calibrates one cell.

    Args:
        settings: the cell.
        devices: connected, and free to move.
        operator: brings the board, measures misses.
        announce: told in words what is going on.
        now: the present, with its time zone.
    """

    def __init__(
        self,
        settings: CellSettings,
        devices: Devices,
        operator: Operator,
        announce: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._settings = settings
        self._motion, self._camera, self._model = devices.motion, devices.camera, devices.model
        self._operator = operator
        self._announce = announce
        self._now = now
        self._board = settings.calibration.board
        self._detector = BoardDetector(self._board)

    def run(self, folder: Path, wishes: Wishes, *, refused: Path | None = None) -> tuple[Calibration, Path]:
        """Calibrate and leave everything in ``folder``, whose old content makes way once all of it is there.

        Args:
            refused: where a calibration goes that did not pass; where there is one already, or for None, it goes
                beside ``folder``, which keeps what it holds.

        Returns:
            what was found - look at ``passed`` - and where it lies.

        Raises:
            CellError: it could not be carried out, or ``folder`` holds something else; nothing is written.
        """
        folder = folder.resolve()
        if refused is None or (refused / CALIBRATION_FILE).exists():
            refused = folder.with_name(f"{folder.name}-refused")
        for target in (folder, refused):
            _require_ours(target)
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        try:
            (part / IMAGES).mkdir(parents=True)
            calibration = self._carry_out(part, wishes)
            place = folder if calibration.passed else refused.resolve()
            _put_in_place(part, place)
        except OSError as error:
            raise SettingsError(f"{folder}: cannot be written: {error.strerror or error}") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return calibration, place

    def _carry_out(self, folder: Path, wishes: Wishes) -> Calibration:
        remark = compare_kinematics(self._motion.arm.state(), self._model)
        if remark is not None:
            self._announce(remark)
        self._motion.go_home()
        self._hand_over_board()
        intrinsics = self._camera.read().intrinsics
        reach = CalibrationReach.for_cell(self._settings, self._model)
        poses = self._poses(wishes, intrinsics, reach)
        views = self._look_around(folder, poses, reach)
        if wishes.mishaps is not None:
            views = wishes.mishaps.spoil(views)
        self._motion.go_home()
        self._take_board()
        write_views(folder, views, intrinsics)
        self._announce(f"solving from {len(views)} views")
        result = calibrate(views, intrinsics, self._settings.calibration, np.random.default_rng(wishes.seed))
        calibration = Calibration.of(
            result,
            made_at=self._now().isoformat(timespec="seconds"),
            camera_serial=self._camera.serial,
            robot_serial=self._motion.arm.serial_number(),
            arm_model=self._settings.arm_model,
        )
        if calibration.passed:
            calibration = self._verified(calibration, wishes.touch)
        calibration = write(calibration, folder)
        write_report(folder, calibration, views, intrinsics)
        return calibration

    def _verified(self, calibration: Calibration, touching: bool) -> Calibration:
        touch = self._touch(calibration) if touching else ()
        marks = self._marks(calibration)
        misses_m = [float(np.linalg.norm(touched.miss_m)) for touched in touch]
        doubts = judge_touch(misses_m, self._settings.calibration.gate) if touching else ()
        return replace(calibration, marks=marks, touch=touch, reasons=(*doubts, *judge_marks(len(marks))))

    # -- the board

    def _hand_over_board(self) -> None:
        if self._settings.calibration.mount == "wrist":
            self._operator.put_board("table", self._board)
            return
        self._motion.let_go_gently()
        self._operator.put_board("gripper", self._board)
        grip = self._motion.grip_gently()
        if not self._board.thickness_m / 2 < grip.width_m < self._board.thickness_m + _GRIP_OFF_M:
            self._motion.let_go_gently()
            raise CalibrationError(
                f"the jaws closed to {grip.width_m * 1e3:.1f} mm, the board is {self._board.thickness_m * 1e3:g} mm "
                "thick: they do not hold it",
                "hold the board between the pads, and see that calibration.board.thickness_m is right",
            )
        self._motion.hold_board(self._board)
        self._operator.do("Let go of the board, step back, hand on the stop button: the arm moves next.")

    def _take_board(self) -> None:
        if self._settings.calibration.mount == "fixed":
            self._operator.do("Hold the calibration board: the jaws open slowly when you press Enter.")
            self._motion.let_go_gently()
        self._operator.put_board("none", self._board)

    # -- looking

    def _poses(self, wishes: Wishes, intrinsics: Intrinsics, reach: CalibrationReach) -> Sequence[Pose]:
        if wishes.poses is not None:
            return self._reachable(wishes.poses, reach)
        wanted = self._settings.calibration
        poses = choose_poses(
            wanted.camera_guess.transform,
            self._board_guess(),
            wanted.mount,
            self._board,
            intrinsics,
            reach,
            self._motion.arm.state().q,
            wanted.views,
            np.random.default_rng([wishes.seed, 0]),
            arm=self._model,
        )
        self._announce(f"chose {len(poses)} poses")
        if not poses:
            raise CalibrationError(
                "there is no pose from which the camera would see the board",
                "are calibration.camera_guess, tcp_box and keep_out in the cell file right?",
            )
        return poses

    def _reachable(self, given: Sequence[NDArray[np.float64]], reach: CalibrationReach) -> Sequence[Pose]:
        """Those of the user's poses that the arm can go to, one after the other; of the others it is told why not."""
        now, poses = self._motion.arm.state().q, []
        for number, q in enumerate(given, start=1):
            try:
                reach.sweep.require(q, {})
                reach.way(now, q)
            except (PlanRefused, ArmError) as refusal:
                self._announce(f"pose {number} of {len(given)} is left out: {refusal}")
                continue
            poses.append(GivenPose(q))
            now = q
        if not poses:
            raise CalibrationError("the arm can go to none of the given poses", "are their angles in radians?")
        return poses

    def _board_guess(self) -> Transform:
        wanted = self._settings.calibration
        if wanted.board_guess is not None:
            return wanted.board_guess.transform
        if wanted.mount == "fixed":
            return T_flange_board(self._board)
        workspace = self._settings.workspace
        middle = (np.array(workspace.min_m) + np.array(workspace.max_m)) / 2
        middle[2] = self._settings.table_height_m + self._board.thickness_m
        width, height = self._board.size_m
        rotation = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
        return transform(rotation, middle - rotation @ [width / 2, height / 2, 0.0])

    def _look_around(self, folder: Path, poses: Sequence[Pose], reach: CalibrationReach) -> tuple[View, ...]:
        def go(q: NDArray[np.float64]) -> None:
            self._motion.travel(reach.way(self._motion.arm.state().q, q))

        def keep(number: int, frame: Frame, view: View | None) -> None:
            if frame.color is not None:
                write_color(folder / IMAGES / f"{number:02d}.png", frame.color)
            seen = "no board" if view is None else f"{len(view.ids)} corners"
            self._announce(f"view {number} of {len(poses)}: {seen}")

        def look() -> Frame:
            # Seen aslant and from near, most of the depth may be unknown: the corners are found in the colour.
            return self._camera.read(max_hole_share=1.0)

        views = take_views(poses, go, self._motion.arm.state, look, self._detector, keep)
        self._motion.travel(reach.way(self._motion.arm.state().q, np.array(self._settings.home_joints_rad)))
        return views

    def _marks(self, calibration: Calibration) -> tuple[TableMark, ...]:
        frame = self._camera.read()
        T_base_camera = calibration.T_base_camera(self._motion.arm.state().T_base_flange)
        found = {} if frame.color is None else find_marks(frame.color)
        return locate_marks(found, frame.intrinsics, T_base_camera, self._settings.table_height_m)

    # -- touching

    def _touch(self, calibration: Calibration) -> tuple[TouchMiss, ...]:
        self._operator.put_board("table", self._board)
        self._operator.do("The empty jaws close slowly, and the arm moves, when you press Enter: hands away.")
        self._motion.grip_gently()
        corners_base = self._corners_on_table(calibration)
        misses = touch_corners(self._motion, self._operator, self._board, corners_base, self._announce)
        self._motion.go_home()
        self._operator.put_board("none", self._board)
        return misses

    def _corners_on_table(self, calibration: Calibration) -> NDArray[np.float64]:
        frame = self._camera.read()
        found = None if frame.color is None else self._detector.find(frame.color, frame.depth_m)
        pose = None if found is None else board_pose(found[0], found[1], frame.intrinsics, self._board)
        if pose is None:
            raise CalibrationError(
                "the board on the table is not seen from home",
                "lay it flat in the camera's view, or leave the touching out with --no-touch",
            )
        T_base_camera = calibration.T_base_camera(self._motion.arm.state().T_base_flange)
        return apply(T_base_camera @ pose[0], self._board.corners_m)


def _require_ours(folder: Path) -> None:
    """Raise SettingsError when writing a calibration there would throw away something else."""
    if not folder.name:
        raise SettingsError(f"{folder} cannot become a calibration directory", "name a folder of its own")
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is no folder", "name a folder of its own")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CALIBRATION_FILE).exists():
        raise SettingsError(f"{folder} holds something that is no calibration", "name a folder of its own")


def _put_in_place(part: Path, folder: Path) -> None:
    """Exchange the folder's content; what was there is gone only when the new is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
