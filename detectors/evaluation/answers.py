"""What an evaluation writes as JSON, from the top grasps of every detector.

Scenes that hold nothing an 85 mm gripper can lift count in the main figures: silence or a miss there is a failure like
any other. In Dex-Net 2.0, however, every image has a good grasp by construction. So every figure stands a second time
over the "graspable" images alone, those in which the oracle's grasp lifts in more than half of its tries. The oracle
knows only the labelled grasps, so a few of the others can be grasped all the same; "liftable" there says how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from detectors.evaluation.figures import figures, reasons
from detectors.evaluation.first_grasps import FirstGrasp
from detectors.evaluation.judging import LIFTABLE
from detectors.evaluation.physical import ORACLE, FirstGrasps
from detectors.evaluation.rectangles import NOT_COMPARED
from detectors.gqcnn.metric import ROBUST_THRESHOLD

HEADLINE = (
    "images", "rectangle", "rectangle_images", "rectangle_by_angle", "predictions", "predictions_made",
    "rectangle_closest", "robust_rate", "physical_success", "detect_ms_median", "disagreement",
)  # fmt: skip
"""What the answer repeats of the row of the detector that was asked for."""

_WHERE_NOTHING_LIFTS = ("images", "robust_rate", "liftable", "fooled", "none", "interval")


def physical_answer(name: str, answers: FirstGrasps, tries: int, top: int = 1) -> dict[str, Any]:
    """The answer on scenes, with ``physical``: one row a detector, in order, the oracle after the first.

    Args:
        name: the detector that was asked for.
        answers: everybody's.
        tries: lifts a grasp.
        top: how many grasps each was asked for.
    """
    graspable = [grasp.success is not None and grasp.success > LIFTABLE for grasp in answers[ORACLE]]
    order = [name, *(other for other in answers if other != name)]
    rows = {other: _row(answers[other], top) | _split(answers[other], graspable, top) for other in order}
    return {
        **_headline(name, rows, answers),
        "graspable_images": sum(graspable),
        "physical": rows,
        "tries": tries,
        "top": top,
    }


def labelled_answer(name: str, answers: FirstGrasps, skipped: dict[str, int], top: int = 1) -> dict[str, Any]:
    """The answer on images with rectangles: ``labelled``, one row a detector; ``skipped``: reason -> images."""
    rows = {other: _row(grasps, top) for other, grasps in answers.items()}
    return {**_headline(name, rows, answers), "labelled": rows, "skipped": skipped, "top": top}


def _headline(name: str, rows: dict[str, Any], answers: FirstGrasps) -> dict[str, Any]:
    own = rows[name]
    return {
        **{key: own[key] for key in HEADLINE},
        "rectangle": own["rectangle"] or NOT_COMPARED,
        "no_grasp_reasons": reasons(answers[name]),
    }


def _row(grasps: Sequence[FirstGrasp], top: int) -> dict[str, Any]:
    return asdict(figures(grasps, ROBUST_THRESHOLD, top))


def _split(grasps: Sequence[FirstGrasp], graspable: Sequence[bool], top: int) -> dict[str, Any]:
    """The same figures where something can be grasped; where nothing can, how often that is noticed."""
    kept: dict[bool, list[FirstGrasp]] = {True: [], False: []}
    for grasp, can_be in zip(grasps, graspable, strict=True):
        kept[can_be].append(grasp)
    others = _row(kept[False], top)
    return {
        "graspable": _row(kept[True], top),
        "not_graspable": {key: others[key] for key in _WHERE_NOTHING_LIFTS},
    }
