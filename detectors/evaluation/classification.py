"""How well the classifier tells good grasps from bad ones on a data set's held-out grasps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.npz_files import Damaged
from detectors.dexnet.reading import iter_tensors, open_folder
from detectors.dexnet.splitting import split_rows
from detectors.dexnet.tensors import GraspTensors, concatenate
from detectors.gqcnn.metric import ROBUST_THRESHOLD
from detectors.gqcnn.network import GraspQualityNetwork
from detectors.gqcnn.scores import calibration_curve, score
from detectors.synthesis.grasp_sampling import KINDS
from detectors.synthesis.things import FAMILY_NAMES

SplitBy = Literal["object", "image"]
_LEAST_GRASPS = 20  # a group of fewer says nothing
_CLOSURE_SHARE = 0.5


def evaluate_classifier(
    network: GraspQualityNetwork, folder: Path, *, by: SplitBy, damaged: Damaged, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Figures on the held-out grasps of a folder in the Dex-Net 2.0 layout.

    The truth is that more than half of the noisy lifts succeeded; in a folder without lifts, that the robust quality
    is above 0.002.

    Raises:
        SettingsError: the folder cannot be read, or holds no held-out grasps.
    """
    held = held_out(folder, by=by, damaged=damaged, tell=tell)
    quality = network.predict(np.asarray(held.crops_m, np.float32), held.depth_m, held.width_m)
    truth = truth_of(held)
    curve = calibration_curve(quality, truth)
    return {
        **score(quality, truth, ROBUST_THRESHOLD).to_json(),
        "objects": len(np.unique(held.object_label)) if held.object_label is not None else None,
        "truth": "physical lift" if held.physical_success is not None else "robust Ferrari-Canny quality",
        "by_kind": _by_group(quality, truth, held.kind, dict(enumerate(KINDS))),
        "by_family": _by_group(quality, truth, held.family, dict(enumerate(FAMILY_NAMES))),
        "calibration": [
            {"predicted": float(p), "observed": float(o), "grasps": int(n)}
            for p, o, n in zip(curve.predicted, curve.observed, curve.count, strict=True)
        ],
        "labels": label_agreement(held),
    }


def held_out(folder: Path, *, by: SplitBy, damaged: Damaged, tell: Callable[[str], None]) -> GraspTensors:
    """The test grasps of a folder: by its objects, or drawn one by one.

    Raises:
        SettingsError: there are none.
    """
    from robot.errors import SettingsError

    source = open_folder(folder, tell)
    if by == "image":
        whole = concatenate([part for _, part in iter_tensors(folder, damaged=damaged, tell=tell)])
        return whole.select(split_rows(whole, own=source.own, by="image")["test"])
    if source.own:  # file by file, so that a large training set beside the test grasps need not fit into memory
        parts = []
        for _, part in iter_tensors(folder, damaged=damaged, tell=tell):
            rows = split_rows(part, own=True, by="object")["test"]
            if rows.any():
                parts.append(part.select(rows))
        if not parts:
            raise SettingsError(f"{folder}: holds no grasps on held-out objects", "make some with --split test")
        return concatenate(parts)
    whole = concatenate([part for _, part in iter_tensors(folder, damaged=damaged, tell=tell)])
    return whole.select(split_rows(whole, own=False, by="object")["test"])


def truth_of(tensors: GraspTensors) -> NDArray[np.bool_]:
    """(N,) whether a grasp counts as good."""
    if tensors.physical_success is None:
        return np.asarray(tensors.robust)
    return np.asarray(tensors.physical_success > 0.5)


def label_agreement(tensors: GraspTensors) -> dict[str, Any] | None:
    """How well each label predicts the other: the analytic ones, seen as predictions of the physical lift."""
    if tensors.physical_success is None or tensors.force_closure is None:
        return None
    lifted = truth_of(tensors)
    quality = tensors.robust_ferrari_canny
    ranked = np.argsort(np.argsort(quality, kind="stable"), kind="stable") / max(len(quality) - 1, 1)
    closure = np.asarray(tensors.force_closure, dtype=np.float64)
    robust = np.asarray(tensors.robust)
    return {
        "lifts_for_robust": _share(lifted, robust),
        "lifts_for_not_robust": _share(lifted, ~robust),
        "robust_for_lifted": _share(robust, lifted),
        "robust_agrees": float((robust == lifted).mean()),
        "force_closure_agrees": float(((closure > _CLOSURE_SHARE) == lifted).mean()),
        "force_closure_auc": score(closure, lifted).to_json()["auc"],
        "robust_quality_auc": score(ranked, lifted).to_json()["auc"],
    }


def _share(of: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(of[among].mean()) if among.any() else None


def _by_group(
    quality: NDArray[np.float32], truth: NDArray[np.bool_], group: NDArray[Any] | None, names: dict[int, str]
) -> dict[str, Any]:
    if group is None:
        return {}
    found = {}
    for number, name in names.items():
        rows = group == number
        if rows.sum() >= _LEAST_GRASPS:
            scores = asdict(score(quality[rows], truth[rows], ROBUST_THRESHOLD))
            found[name] = {key: scores[key] for key in ("grasps", "positive_share", "accuracy", "precision", "auc")}
            found[name] = {k: None if v != v else v for k, v in found[name].items()}
    return found
