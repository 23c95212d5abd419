"""Two hundred trials with an adversarial detector, every command to the arm recorded and judged."""

from __future__ import annotations

import os

import pytest

from tests.cell.wired_run import check_wires

pytestmark = pytest.mark.soak


def test_no_command_breaks_a_limit_in_two_hundred_trials(tmp_path, tmp_path_factory, monkeypatch, capfd):
    check_wires(int(os.environ.get("WIRE_TRIALS", "200")), tmp_path, tmp_path_factory, monkeypatch, capfd)
