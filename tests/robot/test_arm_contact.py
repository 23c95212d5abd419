from __future__ import annotations

import numpy as np
import pytest

from robot.arm_contact import ContactWatch

PERIOD_S = 0.008


def first_contact(forces_n: list[float]) -> int | None:
    """Number of the packet that is taken for a contact; one vertical force per period, 3 N at rest, 0.05 m/s."""
    watch = ContactWatch([0.0, 0.0, 3.0], 15.0, 30.0, speed=0.05, acceleration=0.5)
    for number, force_n in enumerate(forces_n):
        if watch.touched([0.0, 0.0, force_n], 100.0 + number * PERIOD_S):
            return number
    return None


def test_speeding_up_and_friction_are_no_contact() -> None:
    """As a CB3 estimates them: a bump of 25 N while it speeds up, then 9 N more than at rest, and noise."""
    steady = 12.0 + np.random.default_rng(5).normal(0.0, 2.0, 200)
    assert first_contact([3.0, 15.0, 28.0, 28.0, 20.0, 15.0, *steady]) is None


def test_contact_in_the_steady_motion_is_measured_from_the_steady_motion() -> None:
    steady = [12.0] * 50
    assert first_contact([*steady, 20.0, 26.0, 28.0]) == 52


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_hard_contact_while_speeding_up_counts_at_once(share: float) -> None:
    before = [3.0] * round(share * 0.2 / PERIOD_S)
    assert first_contact([*before, 34.0]) == len(before)


@pytest.mark.parametrize("slope_n_s", [20.0, 100.0, 1000.0, -100.0])
def test_push_that_begins_in_the_surge_never_exceeds_the_surge_limit(slope_n_s: float) -> None:
    pushes = [3.0 + slope_n_s * PERIOD_S * number for number in range(1000)]
    number = first_contact(pushes)
    assert number is not None
    assert abs(pushes[number] - 3.0) <= 30.0 + abs(slope_n_s) * PERIOD_S
