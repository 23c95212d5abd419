"""The baselines grasp what is plain, and say why where there is nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.evaluation.baselines import BASELINES, PrincipalAxisDetector, RandomPairDetector
from robot.frame import Frame, Intrinsics
from robot.gripper_geometry import STROKE_M
from tests.detectors.depth_scenes import Box, render


@pytest.fixture(scope="module")
def long_block():
    """A box 120 x 40 x 50 mm whose long side lies 30 degrees from the image's rows."""
    return render([Box(0.03, -0.02, 0.12, 0.04, 0.05, math.radians(30))])


@pytest.mark.parametrize("name", BASELINES)
def test_one_grasp_with_its_time(long_block, name):
    found = BASELINES[name]().detect(long_block, top=5, seed=3)
    assert BASELINES[name].name == name
    assert len(found.grasps) == 1
    assert found.reason == ""
    assert found.detect_ms > 0
    assert 0.01 <= found.grasps[0].width_m <= STROKE_M


def test_the_principal_axis_is_crossed_in_the_middle(long_block):
    grasp = PrincipalAxisDetector().detect(long_block).grasps[0]
    off = (grasp.angle_rad - math.radians(120) + math.pi / 2) % math.pi - math.pi / 2
    assert abs(off) < math.radians(5)
    K = long_block.intrinsics
    point = K.deproject(grasp.u, grasp.v, grasp.depth_m)
    np.testing.assert_allclose(point[:2], [0.03, -0.02], atol=0.004)
    assert 0.040 < grasp.width_m < 0.066
    table, top = long_block.depth_m.max(), long_block.depth_m[long_block.depth_m > 0].min()
    assert top < grasp.depth_m < table


def test_a_random_pair_follows_its_seed(long_block):
    one, same, other = (RandomPairDetector().detect(long_block, seed=s).grasps[0] for s in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("name", BASELINES)
def test_an_empty_table_gives_a_reason(name):
    found = BASELINES[name]().detect(render([]))
    assert found.grasps == ()
    assert found.reason


@pytest.mark.parametrize("name", BASELINES)
def test_no_depth_gives_a_reason(name):
    blind = Frame(np.zeros((400, 400), np.float32), Intrinsics(500, 500, 199.5, 199.5, 400, 400))
    found = BASELINES[name]().detect(blind)
    assert found.grasps == ()
    assert found.reason
