from __future__ import annotations

from detectors.registry import DEFAULT_FALLBACK, NO_FALLBACK, default_fallback, detector_names


def test_only_the_fast_learned_detector_has_a_fallback_of_its_own() -> None:
    assert default_fallback("gqstn") == "gqcnn"
    assert {default_fallback(name) for name in detector_names() if name != "gqstn"} == {NO_FALLBACK}
    assert set(DEFAULT_FALLBACK.values()) <= set(detector_names())
