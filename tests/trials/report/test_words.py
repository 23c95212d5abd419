from dataclasses import replace

import pytest

from trials.outcomes import Outcome
from trials.protocol import load_protocol
from trials.report.words import (
    definitions_html,
    differing_protocols,
    milliseconds,
    p_value,
    percent_range,
    plural,
    signed_points,
)
from trials.statistics import Interval


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.456, "0.46 ms"), (41.93, "41.9 ms"), (154.4, "154 ms"), (1798.0, "1798 ms"), (12_340.0, "12.3 s")],
)
def test_times_have_three_digits_that_matter(value: float | None, text: str) -> None:
    assert milliseconds(value).replace("\u202f", " ") == text


def test_numbers_are_printed_as_in_a_paper() -> None:
    assert percent_range(Interval(0.7991, 0.953)).replace("\u202f", " ") == "79.9 – 95.3 %"
    assert percent_range(None) == "–"
    assert p_value(0.0004) == "p < 0.001"
    assert p_value(0.0213) == "p = 0.021"
    assert signed_points(-0.08) == "−8.0"
    assert plural(1, "trial") == "1 trial"
    assert plural(0, "trial") == "0 trials"


@pytest.mark.parametrize("name", ["household", "depierre2021"])
def test_every_outcome_is_defined_in_the_report_as_the_protocol_has_it(name: str) -> None:
    protocol = load_protocol(name)
    html = definitions_html([protocol])
    for outcome in Outcome:
        assert f"<dd>{outcome.meaning(protocol.criterion)}</dd>" in html
    assert ("shake" in html) is (name == "household")
    assert "{" not in html


def test_runs_of_two_protocols_get_both_definitions_each_with_its_name() -> None:
    html = definitions_html([load_protocol("household"), load_protocol("depierre2021")])
    assert f"<b>household</b>: {Outcome.SUCCESS.meaning('held_after_shake')}" in html
    assert f"<b>depierre2021</b>: {Outcome.SUCCESS.meaning('put_back')}" in html
    assert f"<dd>{Outcome.EMPTY.meaning('put_back')}</dd>" in html


def test_only_protocols_with_another_success_are_said_to_differ() -> None:
    household, paper = load_protocol("household"), load_protocol("depierre2021")
    assert differing_protocols([household, replace(household, name="mine", trials=3)]) == ""
    said = differing_protocols([household, paper, household])
    assert "household: success means held after the lift and a short shake; depierre2021: success means lifted" in said
    assert differing_protocols([paper, replace(paper, carry_away_m=0.1)])
