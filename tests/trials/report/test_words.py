import pytest

from trials.outcomes import Outcome
from trials.report.words import definitions_html, milliseconds, p_value, percent_range, plural, signed_points
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


def test_every_outcome_is_defined_in_the_report() -> None:
    html = definitions_html()
    for outcome in Outcome:
        assert outcome.meaning in html
