"""Charts as inline SVG; colours come from the page's style, so they follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from trials.outcomes import Outcome
from trials.report.words import milliseconds, percent, percent_range
from trials.statistics import Proportion

CHART_WIDTH = 480
ROW = 26


def interval_chart(proportion: Proportion) -> str:
    """A small 0-to-100 % scale with the rate as a dot and Wilson's interval as a bar."""
    low, high = proportion.interval.low, proportion.interval.high
    x, x0, x1 = (4 + 132 * share for share in (proportion.rate, low, high))
    label = f"{percent(proportion.rate)}, 95 % interval {percent_range(proportion.interval)}"
    ticks = "".join(f'<line class="tick" x1="{t}" x2="{t}" y1="5" y2="11"/>' for t in (4, 70, 136))
    return (
        f'<svg class="interval" viewBox="0 0 140 16" role="img" aria-label="{escape(label)}">'
        f'<line class="rail" x1="4" x2="136" y1="8" y2="8"/>{ticks}'
        f'<line class="span" x1="{x0:.1f}" x2="{x1:.1f}" y1="8" y2="8"/>'
        f'<circle class="dot" cx="{x:.1f}" cy="8" r="4"/></svg>'
    )


def forest_chart(groups: Sequence[tuple[str, Sequence[tuple[str, Proportion]]]]) -> str:
    """Rates of several runs under each other, by measure: (measure, [(run, proportion), ...])."""
    left, right = 150.0, CHART_WIDTH + 180.0
    lines: list[str] = []
    y = 8.0
    for measure, rows in groups:
        y += 20
        lines.append(f'<text class="strong" x="0" y="{y:.0f}">{escape(measure)}</text>')
        for name, proportion in rows:
            y += 22
            x, x0, x1 = (left + (right - left) * s for s in _ends(proportion))
            lines.append(
                f'<text x="0" y="{y + 4:.0f}">{escape(_short(name, 20))}</text>'
                f'<line class="rail" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
                f'<line class="span" x1="{x0:.1f}" x2="{x1:.1f}" y1="{y}" y2="{y}"/>'
                f'<circle class="dot" cx="{x:.1f}" cy="{y}" r="5"/>'
                f'<text x="{right + 12}" y="{y + 4:.0f}">{percent(proportion.rate)}</text>'
            )
        y += 8
    ticks = [(25 * i, left + (right - left) * i / 4) for i in range(5)]
    axis = "".join(
        f'<text class="quiet" text-anchor="middle" x="{x:.0f}" y="{y + 18:.0f}">{t} %</text>' for t, x in ticks
    )
    summary = "; ".join(f"{m}: " + ", ".join(f"{n} {percent(p.rate)}" for n, p in rows) for m, rows in groups)
    return _svg(right + 70, y + 26, f"Rates with 95 % intervals. {summary}", "".join(lines) + axis)


def outcome_chart(outcomes: Mapping[Outcome, int], missing: int) -> str:
    """One bar an outcome, longest first, and one for planned trials without an outcome."""
    rows = [(o.words, o.family, n) for o, n in sorted(outcomes.items(), key=lambda item: -item[1])]
    if missing:
        rows.append(("not carried out", "missing", missing))
    total = sum(n for _, _, n in rows)
    longest = max((n for _, _, n in rows), default=1)
    left, room = 128.0, CHART_WIDTH - 128.0 - 98.0
    bars = ""
    for i, (words, family, n) in enumerate(rows):
        y, length = ROW * i, max(room * n / longest, 2)
        bars += (
            f'<text x="{left - 10}" y="{y + 17}" text-anchor="end">{escape(words)}</text>'
            f'<rect class="bar {family}" x="{left}" y="{y + 4}" width="{length:.1f}" height="18"/>'
            f'<text x="{left + length + 8:.1f}" y="{y + 17}">{n}'
            f'<tspan class="quiet" dx="7">{percent(n / total)}</tspan></text>'
        )
    label = "Outcomes: " + ", ".join(f"{n} {words}" for words, _, n in rows)
    return _svg(CHART_WIDTH, ROW * len(rows) + 6, label, bars)


def time_edges(values_ms: Sequence[float], bins: int = 24) -> list[float]:
    """Edges of a histogram's bins [ms]: equal steps, or equal ratios where the times span more than a factor of 20."""
    low, high = min(values_ms), max(values_ms)
    if low >= 1e-3 and high / low > 20:  # below a microsecond a time is zero, which has no logarithm
        return [float(e) for e in np.geomspace(low, high * 1.0001, bins + 1)]
    step = _round_step(max(high - low, 0.02 * high, 1e-3) / bins)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    # A quotient may be rounded over a whole number, and the time would fall outside.
    first -= step * first > low
    last += step * last < high
    return [step * i for i in range(first, last + 1)]


def time_chart(values_ms: Sequence[float], median_ms: float, p95_ms: float, edges: Sequence[float]) -> str:
    """Histogram of the detection times over the bins ``edges`` [ms], with median and 95th percentile marked."""
    heights, _ = np.histogram(values_ms, bins=np.asarray(edges))
    top, bottom, left, right = 40.0, 178.0, 34.0, CHART_WIDTH - 14.0
    logarithmic = len(edges) > 2 and not math.isclose(edges[2] - edges[1], edges[1] - edges[0], rel_tol=1e-3)

    def place(value: float) -> float:
        if logarithmic:
            return left + (right - left) * math.log(value / edges[0]) / math.log(edges[-1] / edges[0])
        return left + (right - left) * (value - edges[0]) / (edges[-1] - edges[0])

    most = int(heights.max())
    parts = [
        f'<rect class="bar time" x="{place(a) + 0.5:.1f}" width="{max(place(b) - place(a) - 1, 0.5):.1f}" '
        f'y="{bottom - (bottom - top) * n / most:.1f}" height="{(bottom - top) * n / most:.1f}"/>'
        for a, b, n in zip(edges, edges[1:], heights, strict=False)
        if n
    ]
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    parts.append(f'<text class="quiet" x="{left - 6}" y="{top + 4}" text-anchor="end">{most}</text>')
    parts.append(f'<text class="quiet" x="{left - 6}" y="{bottom}" text-anchor="end">0</text>')
    parts += [
        f'<line class="axis" x1="{place(t):.1f}" x2="{place(t):.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        f'<text class="quiet" x="{place(t):.1f}" y="{bottom + 19}" text-anchor="middle">{t:g}</text>'
        for t in _ticks(edges[0], edges[-1], logarithmic)
    ]
    middle = (left + right) / 2
    scale = "detection time [ms]" + (", logarithmic" if logarithmic else "")
    parts.append(f'<text class="quiet" x="{middle}" y="{bottom + 36}" text-anchor="middle">{scale}</text>')
    parts += [_marker(place(median_ms), 12, f"median {milliseconds(median_ms)}", bottom, right)]
    parts += [_marker(place(p95_ms), 28, f"p95 {milliseconds(p95_ms)}", bottom, right)]
    label = (
        f"Histogram of {len(values_ms)} detection times, median {milliseconds(median_ms)}, p95 {milliseconds(p95_ms)}"
    )
    return _svg(CHART_WIDTH, bottom + 42, label, "".join(parts))


def _marker(x: float, y: float, text: str, bottom: float, right: float) -> str:
    anchor, dx = ("end", -5) if x > right - 120 else ("start", 5)
    return (
        f'<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 8}" y2="{bottom}"/>'
        f'<text x="{x + dx:.1f}" y="{y + 2}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [m * 10.0**d for d in decades for m in (1, 2, 5) if low <= m * 10.0**d <= high]
    step = _round_step((high - low) / 5)
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _round_step(wanted: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below ``wanted``."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(m * power for m in (1, 2, 2.5, 5, 10, 20) if m * power >= wanted * (1 - 1e-9))


def _ends(proportion: Proportion) -> tuple[float, float, float]:
    return proportion.rate, proportion.interval.low, proportion.interval.high


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _svg(width: float, height: float, label: str, content: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width * 1.15:.0f}px" '
        f'role="img" aria-label="{escape(label)}">{content}</svg>'
    )
