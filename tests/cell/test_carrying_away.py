"""Where a lifted object is carried: as far as the protocol wants, and never out of the workspace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell.carrying_away import require_room, ways_away
from cell.planning import PlanRefused, tool_down
from robot.errors import SettingsError
from robot.placement_settings import BoxSettings
from trials.protocol import load_protocol

PUT_BACK = load_protocol("depierre2021")
SHARE = st.floats(0.0, 1.0)


def at(x, y, z=-0.1):
    return tool_down(np.array([x, y, z]), np.array([1.0, 0.0, 0.0]))


@settings(deadline=None)
@given(SHARE, SHARE, st.floats(0.05, 0.5), st.floats(0.05, 0.5), st.floats(0.5, 1.0))
def test_from_everywhere_in_a_workspace_with_room_there_is_a_way(x, y, length_m, width_m, share):
    workspace = BoxSettings(min_m=(0.3, -0.1, -0.3), max_m=(0.3 + length_m, -0.1 + width_m, 0.3))
    distance_m = share * float(np.hypot(length_m, width_m)) / 2
    start = at(0.3 + x * length_m, -0.1 + y * width_m)
    for away, back in ways_away(workspace, start, distance_m):
        assert workspace.contains(away[:3, 3])
        assert np.linalg.norm(away[:2, 3] - start[:2, 3]) == pytest.approx(distance_m, abs=1e-6)
        assert away[2, 3] == start[2, 3]
        assert back is start


def test_the_roomiest_way_comes_first():
    workspace = BoxSettings(min_m=(0.3, -0.3, -0.3), max_m=(0.7, 0.3, 0.3))
    (away, _), *_ = ways_away(workspace, at(0.5, 0.2), 0.2)
    np.testing.assert_allclose(away[:2, 3], [0.5, 0.0], atol=1e-9)


def test_without_room_it_is_refused():
    workspace = BoxSettings(min_m=(0.4, -0.1, -0.3), max_m=(0.6, 0.1, 0.3))
    with pytest.raises(PlanRefused, match=r"no room to carry the object 0.2 m away"):
        ways_away(workspace, at(0.5, 0.0), 0.2)
    with pytest.raises(SettingsError, match=r"0.2 m away, the workspace of this cell has room for 0.14 m"):
        require_room(workspace, PUT_BACK)
    require_room(workspace, replace(PUT_BACK, carry_away_m=0.14))
    require_room(workspace, load_protocol("household"))
