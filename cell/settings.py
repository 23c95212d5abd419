"""The cell file: what stands where, and how fast and how hard the cell may act."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from calibration.settings import CalibrationSettings
from detectors.settings import DetectionSettings
from robot.arm import ArmSettings
from robot.camera import CameraSettings
from robot.gripper import GripperSettings
from robot.gripper_geometry import MAX_FORCE_N, MIN_FORCE_N
from robot.placement_settings import BoxSettings
from robot.strict_yaml import build, read_yaml

DEFAULT_CELL_FILE = Path(__file__).resolve().parent.parent / "cell.yaml"

Joints = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class GraspSettings:
    """How a grasp is carried out.

    Attributes:
        force_n: grip force.
        jaw_speed_m_s: how fast the jaws close and open.
        approach_height_m: pre-grasp above the grasp, and the least height of the lift.
        lift_height_m: how far the object is lifted straight up.
        shake_m: amplitude of the short shake after the lift.
        table_clearance_m: the closed fingertips never go lower than this above the table.
        tip_below_grasp_m: how far the fingertips reach below the grasp's centre.
        least_width_m: jaws closed further than this hold nothing.
        descend_speed_m_s: speed of the contact-watched last part of the way down.
    """

    force_n: float = 60.0
    jaw_speed_m_s: float = 0.10
    approach_height_m: float = 0.10
    lift_height_m: float = 0.12
    shake_m: float = 0.015
    table_clearance_m: float = 0.003
    tip_below_grasp_m: float = 0.010
    least_width_m: float = 0.002
    descend_speed_m_s: float = 0.05

    def __post_init__(self) -> None:
        if not MIN_FORCE_N <= self.force_n <= MAX_FORCE_N:
            raise ValueError(f"force_n must lie in {MIN_FORCE_N}..{MAX_FORCE_N} N, got {self.force_n}")
        for name in ("approach_height_m", "lift_height_m", "table_clearance_m", "descend_speed_m_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class MotionSettings:
    """How fast the cell moves the arm; the arm's own settings hold the limits that these must respect.

    Attributes:
        joint_speed_rad_s, joint_acceleration_rad_s2: free moves.
        linear_speed_m_s, linear_acceleration_m_s2: straight moves.
    """

    joint_speed_rad_s: float = 1.2
    joint_acceleration_rad_s2: float = 2.0
    linear_speed_m_s: float = 0.30
    linear_acceleration_m_s2: float = 0.8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")


@dataclass(frozen=True, kw_only=True)
class SafetySettings:
    """Limits of every motion, checked when it is planned and again, from where the arm really is, before it is sent.

    The limits of joints, speeds, accelerations and contact forces stand under ``arm``, where its driver checks them.

    Attributes:
        tcp_box: the tool centre point never leaves it, whatever the motion is for.
        payload_max_kg: heaviest object that is lifted; more is put down again.
        check_seen: whether what the camera sees on the table counts as an obstacle.
    """

    tcp_box: BoxSettings
    payload_max_kg: float = 2.0
    check_seen: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.payload_max_kg <= 5.0:
            raise ValueError(f"payload_max_kg must be above 0 and at most 5, got {self.payload_max_kg}")


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    """The simulated cell of a dry run.

    Attributes:
        controller: which UR generation is simulated: CB3 3.15 at 125 Hz or e-Series 5.11 at 500 Hz.
        camera_seed: by how much, up to a centimetre and a degree, the camera hangs off its nominal place.
        start_timeout_s: how long the simulator may take to come up.
    """

    controller: Literal["cb3", "e-series"] = "cb3"
    camera_seed: int = 0
    start_timeout_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class CellSettings:
    """Everything a cell file says. Frames: ``base`` is the robot's base, z up."""

    kind: Literal["simulated", "hardware"]
    table_height_m: float
    workspace: BoxSettings
    keep_out: tuple[BoxSettings, ...] = ()
    home_joints_rad: Joints
    arm_model: Literal["UR5", "UR5e"] = "UR5"
    calibration: CalibrationSettings
    safety: SafetySettings
    arm: ArmSettings = field(default_factory=ArmSettings)
    gripper: GripperSettings = field(default_factory=GripperSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    grasp: GraspSettings = field(default_factory=GraspSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    simulator: SimulatorSettings = field(default_factory=SimulatorSettings)

    def __post_init__(self) -> None:
        if not self.workspace.min_m[2] <= self.table_height_m < self.workspace.max_m[2]:
            raise ValueError(
                f"the workspace (z {self.workspace.min_m[2]}..{self.workspace.max_m[2]} m) "
                f"does not contain the table's height {self.table_height_m} m"
            )
        outside = [
            f"joint {i + 1} at {q:g} rad"
            for i, (q, low, high) in enumerate(
                zip(self.home_joints_rad, self.arm.joint_lower_rad, self.arm.joint_upper_rad, strict=True)
            )
            if not low <= q <= high
        ]
        if outside:
            raise ValueError(f"home_joints_rad: {outside[0]} is outside the arm's limits (angles are in radians)")
        for name, value in vars(self.motion).items():
            limit = getattr(self.arm, name.replace("_rad", "_max_rad").replace("_m_s", "_max_m_s"))
            if value > limit:
                raise ValueError(f"motion.{name} is {value:g}, above the arm's limit of {limit:g}")
        generation = {"cb3": "UR5", "e-series": "UR5e"}[self.simulator.controller]
        if self.kind == "simulated" and self.arm_model != generation:
            raise ValueError(
                f"the simulator's {self.simulator.controller} controller drives a {generation}, not a {self.arm_model}"
            )


def load_cell(path: Path) -> CellSettings:
    """Read a cell file.

    Raises:
        SettingsError: the file is missing or malformed, or a key is unknown; the message names the place.
    """
    cell = build(CellSettings, read_yaml(path), str(path))
    folder = str(path.resolve().parent / cell.calibration.folder)
    return replace(cell, calibration=replace(cell.calibration, folder=folder))
