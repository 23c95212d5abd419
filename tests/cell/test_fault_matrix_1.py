"""The first half of the fault matrix; see ``fault_matrix.py``."""

from __future__ import annotations

import pytest

from cell.states import PHASES
from robot.simulator.faults import FAULT_NAMES
from tests.cell.fault_matrix import check_row, expected_outcomes, share

pytestmark = pytest.mark.soak


def test_the_matrix_has_a_cell_for_every_fault_and_phase():
    expected = expected_outcomes()
    assert set(expected) == set(FAULT_NAMES)
    assert all(tuple(cells) == PHASES for cells in expected.values())
    assert {*share(0), *share(1)} == set(FAULT_NAMES)


@pytest.mark.parametrize("fault", share(0))
def test_fault(fault, tmp_path, tmp_path_factory, record_property):
    check_row(fault, tmp_path, tmp_path_factory, record_property)
