import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robot.simulator.move_path import parse_path
from robot.simulator.script_parser import ScriptReader, is_control_script, register_offset

CONTROL = (
    "def rtde_control():\n  global x = # int register offset\n24  def f():\n  end\n  process_cmd(rtde_cmd())\nend\n"
)
PATH = """def rtde_control():
    def exec_move_path():
        textmsg("exec_move_path")
        # inject move path
	signal_async_progress(0)
movej([0.1,-1.2,1.3,-1.4,1.5e-05,0.6],a=1.400,v=1.050,r=0.020)
	signal_async_progress(1)
	movel(p[0.1,0.2,0.3,0,3.14,0],a=1.2,v=0.25,r=0)
    movec(p[1,0,0,0,0,0], p[0,1,0,0,0,0], a=0.5, v=0.1, r=0.01)
    end
    movej([9,9,9,9,9,9],a=1,v=1,r=0)
end
"""


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=30))
def test_programs_are_found_however_the_stream_is_cut(cuts):
    stream = (CONTROL + "\n" + "def other():\n  movej([0,0,0,0,0,0])\nend\n").encode()
    reader, found = ScriptReader(), []
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert [name for name, _ in found] == ["rtde_control", "other"]
    assert found[0][1].strip() == CONTROL.strip()


def test_the_control_script_is_told_from_others():
    assert is_control_script(CONTROL)
    assert not is_control_script("def other():\n  movej([0,0,0,0,0,0])\nend\n")
    assert register_offset(CONTROL) == 24
    assert register_offset("def rtde_control():\nend\n") == 0


def test_waypoints_end_with_the_function_that_holds_them():
    waypoints = parse_path(PATH)
    assert [waypoint.command for waypoint in waypoints] == ["movej", "movel", "movec"]
    assert_allclose(waypoints[0].target, [0.1, -1.2, 1.3, -1.4, 1.5e-5, 0.6])
    assert (waypoints[0].acceleration, waypoints[0].speed, waypoints[0].blend_m) == (1.4, 1.05, 0.02)
    assert not waypoints[0].is_pose
    assert waypoints[1].is_pose
    assert waypoints[2].via is not None
    assert np.array_equal(waypoints[2].via, [1, 0, 0, 0, 0, 0])
    assert parse_path(CONTROL) == ()


def test_an_unreadable_waypoint_is_an_error():
    with pytest.raises(ValueError, match="movej"):
        parse_path("# inject move path\nmovej([1,2],a=1,v=1,r=0)\nend\n")
