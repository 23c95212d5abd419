"""The MuJoCo arm is the Denavit-Hartenberg arm, and its servos are stiff."""

import mujoco
import numpy as np
import pytest

from robot.arm_body import JOINTS, set_posture
from robot.gripper_geometry import STROKE_M, fingertip_advance_m, tip_from_flange_m
from robot.kinematics import UR5, UR5E, ArmModel, forward
from robot.simulator.cell_body import HOME_RAD, TABLE_TOP_M, build_cell_spec
from robot.simulator.world import World


def posed(arm: ArmModel, q: np.ndarray, width_m: float) -> tuple[mujoco.MjModel, mujoco.MjData]:
    model = build_cell_spec(arm).compile()
    data = mujoco.MjData(model)
    set_posture(model, data, q, width_m)
    mujoco.mj_forward(model, data)
    return model, data


@pytest.mark.parametrize("arm", [UR5, UR5E], ids=lambda arm: arm.name)
def test_flange_is_where_kinematics_says(arm: ArmModel) -> None:
    model = build_cell_spec(arm).compile()
    data = mujoco.MjData(model)
    rng = np.random.default_rng(3)
    for q in rng.uniform(-2 * np.pi, 2 * np.pi, size=(200, 6)):
        set_posture(model, data, q, 0.04)
        mujoco.mj_kinematics(model, data)
        T = forward(arm, q)
        np.testing.assert_allclose(data.body("flange").xpos, T[:3, 3], atol=1e-6)
        np.testing.assert_allclose(data.body("flange").xmat.reshape(3, 3), T[:3, :3], atol=1e-6)


@pytest.mark.parametrize("arm", [UR5, UR5E], ids=lambda arm: arm.name)
def test_limits_are_the_arms_own(arm: ArmModel) -> None:
    model = build_cell_spec(arm).compile()
    for i, name in enumerate(JOINTS):
        assert model.joint(name).range.tolist() == pytest.approx([arm.position_min_rad[i], arm.position_max_rad[i]])
        assert model.actuator(name).forcerange[1] == arm.torque_max_nm[i]


@pytest.mark.parametrize("width_m", [0.0, 0.01, 0.03, 0.05, 0.07, STROKE_M])
def test_fingertips_lie_on_the_arc(width_m: float) -> None:
    model, data = posed(UR5, np.array(HOME_RAD), width_m)
    flange, rotation = data.body("flange").xpos, data.body("flange").xmat.reshape(3, 3)
    insides, tips = [], []
    for side, sign in (("left", -1.0), ("right", 1.0)):
        half = model.geom(f"{side}_pad").size
        local = rotation.T @ (data.geom(f"{side}_pad").xpos - flange)
        insides.append(local[0] + sign * half[0])
        tips.append(local[2] + half[2])
    assert insides[0] - insides[1] == pytest.approx(width_m, abs=1e-9)
    assert tips == pytest.approx([tip_from_flange_m(width_m)] * 2, abs=5e-5)


def test_jaws_keep_to_the_arc_while_they_move() -> None:
    world = World(UR5, (), print)
    flange_to_open_tip = tip_from_flange_m(STROKE_M)
    world.command_jaws(0.0, 0.05, 60.0)
    carrier = world.model.joint("finger_carrier").qposadr[0]
    for _ in range(150):
        world.advance(0.008)
        advance = float(world._data.qpos[carrier])
        expected = fingertip_advance_m(max(world.jaws.width_m, 0.0))
        assert advance == pytest.approx(expected, abs=3e-4), flange_to_open_tip


@pytest.mark.parametrize("arm", [UR5, UR5E], ids=lambda arm: arm.name)
def test_home_touches_nothing_and_points_down(arm: ArmModel) -> None:
    _, data = posed(arm, np.array(HOME_RAD), STROKE_M)
    assert data.ncon == 0
    assert forward(arm, HOME_RAD)[2, 2] == pytest.approx(-1.0, abs=1e-4)
    assert data.geom("left_pad").xpos[2] > TABLE_TOP_M + 0.2


def test_servo_follows_and_holds() -> None:
    world = World(UR5, (), print)
    home, swing, rate = np.array(HOME_RAD), np.array([0.8, 0.4, -0.5, 0.6, 0.5, 0.9]), 2.5
    worst = 0.0
    for i in range(1, 315):
        t = i * 0.008
        q = home + swing * (1 - np.cos(rate * t)) / 2
        world.set_arm_target(q, swing * rate * np.sin(rate * t) / 2)
        world.advance(0.008)
        worst = max(worst, float(np.abs(world.q - q).max()))
    assert worst < 0.004
    world.set_arm_target(q, np.zeros(6))
    for _ in range(60):
        world.advance(0.008)
    assert np.abs(world.q - q).max() < 0.0005
    assert np.abs(world.qd).max() < 1e-3
