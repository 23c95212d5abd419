"""The drawing agrees with the grasp's convention."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.grasp import Grasp
from detectors.overlay import colored_depth, draw_grasps
from robot.frame import Frame
from tests.detectors.depth_scenes import CAMERA, Box, render


@pytest.mark.parametrize("degrees", [-80, -30, 0, 30, 80])
def test_the_line_lies_along_the_closing_direction(degrees: int) -> None:
    frame = Frame(render([]).depth_m, CAMERA, np.zeros((480, 640, 3), np.uint8))
    grasp = Grasp(300.0, 200.0, 0.7, math.radians(degrees), 0.08, 0.5)
    v, u = np.nonzero(draw_grasps(frame, [grasp]).any(axis=2))
    assert abs(u.mean() - 300) < 1
    assert abs(v.mean() - 200) < 1
    spread = np.linalg.eigh(np.cov(u, v))[1][:, 1]
    assert abs(spread @ [math.cos(grasp.angle_rad), math.sin(grasp.angle_rad)]) > 0.99


def test_the_best_is_drawn_last_and_the_frame_stays_untouched() -> None:
    frame = Frame(render([]).depth_m, CAMERA, np.zeros((480, 640, 3), np.uint8))
    same = Grasp(300.0, 200.0, 0.7, 0.0, 0.08, 0.5)
    assert (draw_grasps(frame, [same, same])[200, 300] == 255).all()
    assert frame.color is not None
    assert not frame.color.any()


def test_a_grasp_beyond_the_border_does_no_harm() -> None:
    frame = render([])
    assert draw_grasps(frame, [Grasp(-50.0, 700.0, 0.7, 1.0, 0.085, 0.1)]).shape == (480, 640, 3)


def test_unknown_depth_is_black() -> None:
    depth = np.array(render([Box(0.0, 0.0, 0.1, 0.1, 0.05)]).depth_m)
    depth[:50] = 0.0
    picture = colored_depth(Frame(depth, CAMERA))
    assert not picture[:50].any()
    assert picture[60:].any(axis=2).all()
    assert not colored_depth(Frame(np.zeros((480, 640), np.float32), CAMERA)).any()
