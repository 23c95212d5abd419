import itertools
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from trials.outcomes import Outcome
from trials.report.charts import forest_chart, interval_chart, outcome_chart, time_chart, time_edges
from trials.statistics import Proportion

TIMES = st.lists(st.floats(0, 1e5), min_size=1, max_size=80)


@given(TIMES)
@example([2.3])
def test_the_bins_hold_every_time(times: list[float]) -> None:
    edges = time_edges(times)
    assert all(a < b for a, b in itertools.pairwise(edges))
    counted, _ = np.histogram(times, bins=np.asarray(edges))
    assert counted.sum() == len(times)
    assert len(edges) < 60


@given(TIMES)
def test_the_histogram_draws_its_counts_inside_its_frame(times: list[float]) -> None:
    edges = time_edges(times)
    chart = ET.fromstring(time_chart(times, float(np.median(times)), float(np.quantile(times, 0.95)), edges))
    counted, _ = np.histogram(times, bins=np.asarray(edges))
    bars = list(chart.iter("rect"))
    assert len(bars) == np.count_nonzero(counted)
    width = float(chart.attrib["viewBox"].split()[2])
    assert all(float(r.attrib["x"]) >= 0 and float(r.attrib["x"]) + float(r.attrib["width"]) <= width for r in bars)
    heights = sorted(float(r.attrib["height"]) for r in bars)
    expected = sorted(138 * n / counted.max() for n in counted if n)
    np.testing.assert_allclose(heights, expected, atol=0.06)


def test_widely_spread_times_get_equal_ratios() -> None:
    edges = np.array(time_edges([10.0, 12.0, 3000.0]))
    np.testing.assert_allclose(edges[1:] / edges[:-1], edges[1] / edges[0])


def test_bars_are_as_long_as_their_counts_and_the_longest_comes_first() -> None:
    chart = ET.fromstring(outcome_chart({Outcome.EMPTY: 5, Outcome.SUCCESS: 50}, missing=10))
    widths = [float(r.attrib["width"]) for r in chart.iter("rect")]
    assert [round(10 * w / widths[0]) for w in widths] == [10, 1, 2]
    assert [r.attrib["class"] for r in chart.iter("rect")] == ["bar success", "bar grasp", "bar missing"]
    assert chart.attrib["aria-label"] == "Outcomes: 50 success, 5 empty, 10 not carried out"
    ET.fromstring(outcome_chart({}, missing=0))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_drawn_where_it_lies(case: tuple[int, int]) -> None:
    proportion = Proportion(*case)
    chart = ET.fromstring(interval_chart(proportion))
    span = next(line for line in chart.iter("line") if line.attrib["class"] == "span")
    assert abs(float(span.attrib["x1"]) - (4 + 132 * proportion.interval.low)) < 0.06
    assert abs(float(span.attrib["x2"]) - (4 + 132 * proportion.interval.high)) < 0.06


def test_the_forest_names_every_run_safely() -> None:
    rows = [("<b>", Proportion(50, 60)), ("a detector with a very long name indeed", Proportion(60, 60))]
    chart = ET.fromstring(forest_chart([("Success", rows)]))
    texts = [t.text or "" for t in chart.iter("text")]
    assert "<b>" in texts
    assert len(list(chart.iter("circle"))) == 2
    assert max(len(t) for t in texts) <= 20
