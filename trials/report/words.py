"""How numbers are printed, and what each of them means."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from trials.outcomes import Outcome
from trials.protocol import TrialProtocol
from trials.statistics import Interval, Proportion

NARROW_SPACE = "\u202f"
NOT_MEASURED = "–"


def percent(share: float) -> str:
    """0.933 -> ``93.3 %``."""
    return f"{100 * share:.1f}{NARROW_SPACE}%"


def percent_range(interval: Interval | None) -> str:
    """``83.8 – 97.4 %``."""
    if interval is None:
        return NOT_MEASURED
    return f"{100 * interval.low:.1f}{NARROW_SPACE}–{NARROW_SPACE}{100 * interval.high:.1f}{NARROW_SPACE}%"


def signed_points(share: float) -> str:
    """A difference of shares in percentage points: ``+3.3``, ``−8.0``."""
    return f"{100 * share:+.1f}".replace("-", "−")


def counts(proportion: Proportion) -> str:
    """``56 of 60``."""
    return f"{proportion.successes} of {proportion.total}"


def milliseconds(value: float | None) -> str:
    """Three digits that matter, in ms or s."""
    if value is None:
        return NOT_MEASURED
    if value >= 10_000:
        return f"{value / 1000:.1f}{NARROW_SPACE}s"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}{NARROW_SPACE}ms"


def p_value(value: float) -> str:
    """``p = 0.021``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def plural(number: int, word: str) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# What stands in braces comes from the protocol's criterion.
DEFINITIONS = (
    (
        "Planned trial",
        "One placement of one object. The plan is made from the seed before the run: in blocks that hold every object "
        "once, in a shuffled order. The same seed gives every detector the same placements.",
    ),
    (
        "Denominator",
        "Every planned trial counts in every rate, whatever happened in it: a fault of a device, a stop, a missing "
        "proposal and a trial that was never carried out all count as not successful. Only a trial that the "
        "operator voided is left out; it is repeated, and the voided attempts are counted apart.",
    ),
    (
        "Success, by the referee",
        "{success} On hardware the operator says so; "
        "in a dry run the physics of the simulator does. A trial nobody refereed counts as not successful.",
    ),
    (
        "Success, by the cell",
        "The cell's own judgement of the same, from {measured_by}. It never learns what the referee said.",
    ),
    ("Agreement", "Of the trials that both judged, the share in which cell and referee say the same."),
    (
        "Robust-prediction rate",
        "Share of the planned trials in which the detector's top grasp, before any fallback, is classified robust by "
        "the GQ-CNN metric. A trial without a proposal counts as not robust.",
    ),
    (
        "Detection time",
        "From the image in hand to the grasp, on a monotonic clock, without in-painting and without the fallback. "
        "Median and 95th percentile (linear interpolation) of the trials in which the detector was asked.",
    ),
    (
        "Fallback",
        "A slower and more careful detector, asked when the first one's proposal is missing or not robust. Of the two "
        "top grasps the one that the GQ-CNN metric finds better is executed; where both are below the floor of the "
        "settings, none. Its share is of the planned trials; its time is the median where it was asked, and comes on "
        "top of the detection time.",
    ),
    (
        "Planning time",
        "From the image in hand to the grasp that is executed: detection, in-painting and, where a fallback hangs on "
        "it, the judging of the top grasp and the fallback. The mean of the trials in which the detector answered. Set "
        "beside a run that always asks the fallback's detector, on the same placements, it shows what asking the fast "
        "one first saves.",
    ),
    (
        "Picks per hour",
        "Successful trials (by the referee where there is one, otherwise by the cell) divided by the summed cycle time "
        "of all trials, failed ones too. A cycle lasts from the placed object to the trial's outcome, by the robot "
        "controller's clock; after a fault the recovery counts, too. {cycle}",
    ),
    (
        "95 % interval",
        "Wilson's score interval of a proportion, which takes the trials as independent. With five trials per "
        "object it is wide (5 of 5: 56.6 – 100 %), so single objects are described here, not compared.",
    ),
    (
        "Interval over objects",
        "Percentile bootstrap, 10,000 resamples, in which whole objects are drawn instead of trials, because trials of "
        "one object resemble each other. With few objects it tends to be too narrow, and it "
        "collapses when every object has the same rate: read it beside Wilson's, not instead.",
    ),
    (
        "Comparison of detectors",
        "Trials are paired by object and placement, and judged by the referee where both runs had one. McNemar's exact "
        "test, two-sided, asks whether the pairs that only one detector solved are split evenly. With more than two "
        "runs the p-values are also given after Holm's adjustment.",
    ),
)


def definitions_html(protocols: Sequence[TrialProtocol]) -> str:
    """Every metric and every outcome, in words that are true for each of ``protocols``."""
    metrics = "".join(
        f"<dt>{escape(name)}</dt><dd>{_each(protocols, [text.format(**vars(p.words)) for p in protocols])}</dd>"
        for name, text in DEFINITIONS
    )
    outcomes = "".join(
        f'<dt><span class="mark {o.family}">{o.code}</span> {o.words}</dt>'
        f"<dd>{_each(protocols, [o.meaning(p.criterion) for p in protocols])}</dd>"
        for o in Outcome
    )
    return (
        f'<section id="definitions"><h2>Definitions</h2><dl class="definitions">{metrics}</dl>'
        f'<h3>Outcomes</h3><dl class="definitions">{outcomes}</dl></section>'
    )


def protocol_words(protocol: TrialProtocol) -> str:
    """``depierre2021: lifted, moved away and put back without a drop``."""
    return f"{protocol.name}: success means {protocol.words.short}"


def differing_protocols(protocols: Sequence[TrialProtocol]) -> str:
    """What has to be said beside runs in which success does not mean the same; empty where it does."""
    if all(protocol.same_success(protocols[0]) for protocol in protocols):
        return ""
    each = "; ".join(dict.fromkeys(protocol_words(protocol) for protocol in protocols))
    return f"These runs count different things as success, so their rates cannot be compared. {each}."


def _each(protocols: Sequence[TrialProtocol], texts: Sequence[str]) -> str:
    """The text where all protocols share it, else each different one with the protocol that it is true for."""
    if len(set(texts)) == 1:
        return escape(texts[0])
    first = {text: protocol.name for protocol, text in reversed(list(zip(protocols, texts, strict=True)))}
    return "<br>".join(f"<b>{escape(first[text])}</b>: {escape(text)}" for text in dict.fromkeys(texts))
