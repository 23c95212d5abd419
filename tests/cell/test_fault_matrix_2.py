"""The second half of the fault matrix; see ``fault_matrix.py``."""

from __future__ import annotations

import pytest

from tests.cell.fault_matrix import check_row, share

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("fault", share(1))
def test_fault(fault, tmp_path, tmp_path_factory, record_property):
    check_row(fault, tmp_path, tmp_path_factory, record_property)
