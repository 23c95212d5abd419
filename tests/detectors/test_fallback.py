"""The fallback policy: who is asked, whose grasp is executed, and what is said about it."""

from __future__ import annotations

import math
from itertools import count

import numpy as np
import pytest

from detectors.fallback import Decision, FallbackPolicy, Proposal, checked
from detectors.gqcnn.metric import ROBUST_THRESHOLD
from detectors.grasp import Detection
from detectors.settings import DetectionSettings
from tests.detectors.answering import FRAME, GRASP, Answering, QualityMetric, broken_grasp, grasp

METRIC = QualityMetric()
FLOOR = 0.1


def decided(fast: Answering, careful: Answering | None, metric: QualityMetric | None = METRIC) -> Decision:
    return FallbackPolicy(fast, careful, metric, FLOOR).decide(FRAME, top=3, seed=5)


def executed(decision: Decision) -> tuple[str, float]:
    best = decision.proposals[0]
    assert decision.executed == best.detector
    return best.detector, best.grasp.quality


def test_a_robust_grasp_is_executed_and_nobody_else_is_asked() -> None:
    careful = Answering("careful", grasp(0.99))
    decision = decided(Answering("fast", grasp(0.5), grasp(0.2)), careful)
    assert [p.grasp.quality for p in decision.proposals] == [0.5, 0.2]
    assert executed(decision) == ("fast", 0.5)
    assert careful.asked == []
    assert not decision.fallback_used
    assert (decision.fallback_reason, decision.fallback_ms, decision.fault, decision.reason) == ("", 0.0, "", "")
    assert decision.detection is not None
    assert decision.detection.grasps[0].robust is True
    assert decision.detection.detect_ms == 7.0


def test_a_better_grasp_of_the_fallbacks_is_executed_and_the_other_follows() -> None:
    careful = Answering("careful", grasp(0.8), grasp(0.6))
    decision = decided(Answering("fast", grasp(0.31), grasp(FLOOR)), careful)
    assert executed(decision) == ("careful", 0.8)
    assert [(p.detector, p.grasp.quality) for p in decision.proposals] == [
        ("careful", 0.8), ("careful", 0.6), ("fast", 0.31), ("fast", FLOOR),
    ]  # fmt: skip
    assert decision.fallback_reason == "not robust (0.31)"
    assert [p.grasp.robust for p in decision.proposals] == [True, None, False, None]
    assert decision.detection is not None
    assert decision.detection.grasps[0].robust is False
    (asked,) = careful.asked
    assert (asked["frame"], asked["top"], asked["seed"]) == (FRAME, 3, 5)


def test_gqcnn_the_best_wins_not_the_one_that_was_tried_last() -> None:
    """Its PriorityComposite policy returned 0.1 after 0.3: below the threshold the last policy tried won."""
    decision = decided(Answering("fast", grasp(0.3)), Answering("careful", grasp(0.1)))
    assert executed(decision) == ("fast", 0.3)
    assert decision.fallback_used
    assert executed(decided(Answering("fast", grasp(0.3)), Answering("careful", grasp(0.3)))) == ("fast", 0.3)


def test_gqcnn_everybody_failing_is_an_answer_not_an_index_error() -> None:
    """Its PriorityComposite policy ran off its list when every sub-policy raised."""
    nobody = [Answering(name, error=ValueError("no edges")) for name in ("fast", "careful")]
    decision = decided(*nobody)
    assert decision.fault == "fast failed: ValueError: no edges"
    assert decision.proposals == ()
    decision = decided(Answering("fast"), nobody[1])
    assert decision.fault == "careful failed: ValueError: no edges"
    assert decision.fallback_reason == "nothing proposed; careful failed: ValueError: no edges"


def test_nothing_proposed_asks_the_fallback() -> None:
    decision = decided(Answering("fast"), Answering("careful", grasp(0.8)))
    assert executed(decision) == ("careful", 0.8)
    assert decision.fallback_reason == "nothing proposed"
    assert decision.detection == Detection((), detect_ms=7.0, reason="fast sees nothing")


@pytest.mark.parametrize(
    ("fast", "careful", "reason"),
    [
        (
            Answering("fast", grasp(0.04)),
            Answering("careful", grasp(0.02)),
            "fast: best grasp 0.04, below the floor of 0.10; careful: best grasp 0.02, below the floor of 0.10",
        ),
        (
            Answering("fast"),
            Answering("careful", grasp(0.02)),
            "fast: fast sees nothing; careful: best grasp 0.02, below the floor of 0.10",
        ),
        (Answering("fast"), Answering("careful"), "fast: fast sees nothing; careful: careful sees nothing"),
        (
            Answering("fast", grasp(0.04)),
            Answering("careful"),
            "fast: best grasp 0.04, below the floor of 0.10; careful: careful sees nothing",
        ),
    ],
)
def test_where_both_fail_the_floor_nothing_is_executed(fast: Answering, careful: Answering, reason: str) -> None:
    decision = decided(fast, careful)
    assert decision.proposals == ()
    assert decision.executed == ""
    assert decision.reason == reason
    assert decision.fallback_used
    assert decision.fault == ""


def test_an_answer_below_the_floor_does_not_follow_the_better_one() -> None:
    decision = decided(Answering("fast", grasp(0.05)), Answering("careful", grasp(0.2)))
    assert decision.proposals == (Proposal(grasp(0.2, robust=False), "careful"),)


UNDER, AT = grasp(0.09), grasp(FLOOR)


def test_a_later_proposal_below_the_floor_is_none() -> None:
    """Of the detector alone, of both, and of the detector whose fallback failed."""
    second = Answering("careful", grasp(0.8), grasp(0.0), AT)
    for top, careful, expected in (
        (0.9, second, [("fast", 0.9), ("fast", FLOOR)]),
        (0.3, second, [("careful", 0.8), ("careful", FLOOR), ("fast", 0.3), ("fast", FLOOR)]),
        (0.3, Answering("careful", error=RuntimeError("lost")), [("fast", 0.3), ("fast", FLOOR)]),
    ):
        decision = decided(Answering("fast", grasp(top), UNDER, AT), careful)
        assert [(p.detector, p.grasp.quality) for p in decision.proposals] == expected
        assert decision.detection is not None
        assert len(decision.detection.grasps) == 3, "its own answer is kept whole"


def test_the_floor_goes_by_the_metric_and_not_by_what_a_detector_says_of_its_grasps() -> None:
    class Opposite(QualityMetric):
        def quality(self, frame, grasps):  # type: ignore[no-untyped-def]
            return 1.0 - super().quality(frame, grasps)

    decision = decided(Answering("fast", grasp(0.2), grasp(0.99), UNDER), Answering("careful"), Opposite())
    assert [p.grasp.quality for p in decision.proposals] == [0.2, 0.09]


def test_every_proposal_is_judged_at_once_where_there_is_a_fallback_and_else_the_top_one() -> None:
    for careful, expected in ((Answering("careful"), [3]), (None, [1])):
        metric = QualityMetric()
        decided(Answering("fast", grasp(0.9), UNDER, AT), careful, metric)
        assert [len(asked) for asked in metric.asked] == expected


def test_without_a_metric_nothing_is_below_the_floor() -> None:
    decision = decided(Answering("fast", grasp(0.3), UNDER), Answering("careful"), None)
    assert [p.grasp.quality for p in decision.proposals] == [0.3, 0.09]


def test_without_a_fallback_the_grasp_is_executed_however_bad_it_is() -> None:
    decision = decided(Answering("fast", grasp(0.01), grasp(0.0)), None)
    assert executed(decision) == ("fast", 0.01)
    assert [p.grasp.quality for p in decision.proposals] == [0.01, 0.0]
    assert not decision.fallback_used
    assert decision.judge_ms == 0.0
    assert decided(Answering("fast"), None).reason == "fast sees nothing"


def test_a_fallback_that_fails_leaves_a_usable_grasp_standing() -> None:
    careful = Answering("careful", error=RuntimeError("out of memory"))
    decision = decided(Answering("fast", grasp(0.31)), careful)
    assert executed(decision) == ("fast", 0.31)
    assert decision.fallback_reason == "not robust (0.31); careful failed: RuntimeError: out of memory"
    assert decision.fault == ""
    decision = decided(Answering("fast", grasp(0.05)), careful)
    assert decision.proposals == ()
    assert decision.fault == "careful failed: RuntimeError: out of memory"
    assert decision.detection is not None


def test_a_detector_that_fails_is_not_stood_in_for() -> None:
    careful = Answering("careful", grasp(0.9))
    decision = decided(Answering("fast", error=RuntimeError("no weights")), careful)
    assert decision.fault == "fast failed: RuntimeError: no weights"
    assert decision.detection is None
    assert careful.asked == []


def test_a_detectors_own_word_on_robustness_stands() -> None:
    careful, metric = Answering("careful", grasp(0.9)), QualityMetric()
    decision = decided(Answering("fast", grasp(0.2, robust=True), UNDER), careful, metric)
    assert (careful.asked, len(metric.asked)) == ([], 1)
    assert [(p.grasp.quality, p.grasp.robust) for p in decision.proposals] == [(0.2, True)]
    assert executed(decided(Answering("fast", grasp(0.05, robust=True)), careful, metric)) == ("fast", 0.05)
    assert careful.asked == []
    decision = decided(Answering("fast", grasp(0.7, robust=False)), careful, metric)
    assert decision.fallback_reason == "not robust (0.70)"
    assert executed(decision) == ("careful", 0.9)
    alone = QualityMetric()
    decided(Answering("fast", grasp(0.7, robust=False)), None, alone)
    assert alone.asked == []


def test_the_metric_compares_whatever_the_detectors_think_of_themselves() -> None:
    class Opposite(QualityMetric):
        def quality(self, frame, grasps):  # type: ignore[no-untyped-def]
            return 0.45 - 0.4 * super().quality(frame, grasps)

    decision = decided(Answering("fast", grasp(0.2)), Answering("careful", grasp(0.7, robust=True)), Opposite())
    assert executed(decision) == ("fast", 0.2)


def test_without_a_metric_only_a_missing_proposal_asks_the_fallback() -> None:
    careful = Answering("careful", grasp(0.02))
    assert executed(decided(Answering("fast", grasp(0.01)), careful, None)) == ("fast", 0.01)
    assert executed(decided(Answering("fast", grasp(0.01, robust=False)), careful, None)) == ("fast", 0.01)
    assert careful.asked == []
    assert executed(decided(Answering("fast"), careful, None)) == ("careful", 0.02)


NONSENSE = [
    *(broken_grasp(**{name: math.nan}) for name in ("u", "v", "depth_m", "angle_rad", "width_m", "quality")),
    broken_grasp(depth_m=0.0),
    broken_grasp(quality=1.5),
    broken_grasp(u="left"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_a_fault_wherever_it_stands(nonsense: object) -> None:
    decision = decided(Answering("fast", GRASP, nonsense), None)  # type: ignore[arg-type]
    assert decision.fault.startswith("fast failed: ")
    decision = decided(Answering("fast"), Answering("careful", nonsense))  # type: ignore[arg-type]
    assert decision.fault.startswith("careful failed: ")


def test_what_is_no_detection_is_a_fault() -> None:
    class Silent(Answering):
        def detect(self, frame, **asked):  # type: ignore[no-untyped-def, override]
            return None

    assert decided(Silent("fast"), None).fault == "fast failed: TypeError: answered with NoneType, not with a Detection"


@pytest.mark.parametrize("reason", [None, 3, b"nothing", ["nothing"]])
def test_a_reason_that_is_no_text_is_a_fault(reason: object) -> None:
    class Mute(Answering):
        def detect(self, frame, **asked):  # type: ignore[no-untyped-def, override]
            return Detection(self.grasps, detect_ms=7.0, reason=reason)  # type: ignore[arg-type]

    words = f"failed: TypeError: gave a reason that is no text but {type(reason).__name__}"
    assert decided(Mute("fast"), None).fault == f"fast {words}"
    assert decided(Mute("fast", GRASP), None).fault == f"fast {words}", "though it proposes something"
    assert decided(Answering("fast"), Mute("careful")).fault == f"careful {words}"


def test_a_grasp_that_the_metric_cannot_judge_is_its_detectors_fault() -> None:
    class Choking(QualityMetric):
        def quality(self, frame, grasps):  # type: ignore[no-untyped-def]
            raise IndexError("outside of the image")

    assert decided(Answering("fast", GRASP), None, Choking()).fault == "fast failed: IndexError: outside of the image"


def test_ctrl_c_is_nobodys_fault() -> None:
    with pytest.raises(KeyboardInterrupt):
        decided(Answering("fast", error=KeyboardInterrupt()), None)


def test_what_asking_and_judging_cost_is_measured_by_the_clock() -> None:
    ticks = count()

    def clock() -> float:
        return next(ticks) * 0.001

    policy = FallbackPolicy(Answering("fast", grasp(0.3)), Answering("careful", grasp(0.8)), METRIC, FLOOR, clock)
    decision = policy.decide(FRAME)
    assert decision.judge_ms == pytest.approx(1.0)
    assert decision.fallback_ms == pytest.approx(3.0)


def test_everybody_is_warmed_up_and_what_fails_is_told() -> None:
    fast, careful = Answering("fast", error=OSError("no file")), Answering("careful", grasp(0.8))
    assert FallbackPolicy(fast, careful, METRIC).warm_up(FRAME) == ("fast failed: OSError: no file",)
    assert len(careful.asked) == 1
    assert FallbackPolicy(careful).warm_up(FRAME) == ()


def test_an_answer_of_numpy_numbers_is_an_answer() -> None:
    found = checked(Detection((grasp(np.float32(0.25)),), detect_ms=np.float64(3.0)))  # type: ignore[arg-type]
    assert found.grasps[0].quality == 0.25


def test_the_floor_lies_below_what_is_robust() -> None:
    assert DetectionSettings().floor < ROBUST_THRESHOLD
    for wrong in (-0.01, ROBUST_THRESHOLD):
        with pytest.raises(ValueError, match=r"floor must be at least 0 and below 0\.5"):
            DetectionSettings(floor=wrong)
    with pytest.raises(ValueError, match="deadline_s must be positive"):
        DetectionSettings(deadline_s=0.0)
