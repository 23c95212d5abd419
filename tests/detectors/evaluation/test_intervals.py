"""Wilson's interval against published values and scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from detectors.evaluation.intervals import wilson


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_agrees_with_scipy(case):
    theirs = binomtest(*case).proportion_ci(method="wilson")
    assert wilson(*case) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_the_ends_are_whole():
    assert wilson(0, 17)[0] == 0.0
    assert wilson(17, 17)[1] == 1.0


def test_nothing_says_nothing_and_nonsense_is_refused():
    assert wilson(0, 0) == (0.0, 1.0)
    for successes, total in ((3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="share"):
            wilson(successes, total)
