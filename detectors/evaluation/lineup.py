"""Who is judged: the detector that was asked for, those beside it, and what stands in every table."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from detectors.evaluation.baselines import BASELINES
from detectors.gqcnn.detector import GqcnnDetector
from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqcnn.settings import GqcnnSettings, RefinementSettings, plain_settings
from detectors.gqcnn.weights import load_gqcnn
from detectors.gqcnn.weights_file import SHIPPED
from detectors.registry import Detector, make_detector
from robot.errors import SettingsError

NO_VARIANTS: Mapping[str, Path] = MappingProxyType({})
SAMPLING = "sampling-100"
"""A hundred samples ranked once by GQ-CNN."""
_RANKERS = {"gqcnn": GqcnnSettings, "gqcnn-1000": plain_settings}
_BESIDE_GQCNN = ("gqcnn-1000", "antipodal")
_MAKERS = {
    **{
        name: f"detectors.{name}.detector:make_with_weights"
        for name in ("gqstn", "directgrasp", "multigrasp", "fcn", "anchor")
    },
    "ggcnn": "detectors.fcn.detector:make_ggcnn_with_weights",
    "zhou": "detectors.anchor.detector:make_zhou_with_weights",
}
"""Detectors with weights of their own: ``make_with_weights(path, metric)`` builds one from a weights file."""


def load_metric_for(name: str, weights: Path | None, metric_weights: Path | None) -> RobustnessMetric:
    """The network that says what is robust: ``metric_weights``, else the ranker's own weights, else the shipped ones.

    Raises:
        SettingsError: the file is missing or damaged.
    """
    path = metric_weights or (weights if name in _RANKERS else None) or SHIPPED
    return RobustnessMetric(load_gqcnn(path), path)


def check_variants(name: str, beside: Sequence[str], variants: Mapping[str, Path]) -> None:
    """Refuse variants that can be no rows of a table, before anything is measured.

    Args:
        name, beside, variants: as for ``line_up``.

    Raises:
        SettingsError: a label is taken, a file is missing, or the detector has no weights.
    """
    from detectors.evaluation.physical import ORACLE

    if variants and name not in (*_RANKERS, *_MAKERS):
        raise SettingsError(f"--variant is for {', '.join([*_RANKERS, *_MAKERS])}, not for {name}")
    taken = {name, *beside, *(_BESIDE_GQCNN if name == "gqcnn" else ()), ORACLE, SAMPLING, *BASELINES}
    for label, file in variants.items():
        if label in taken:
            raise SettingsError(f"--variant {label}={file}: the table has a row '{label}' already")
        if not file.is_file():
            raise SettingsError(f"{file}: no such weights file")


def line_up(
    name: str,
    metric: RobustnessMetric,
    *,
    weights: Path | None = None,
    beside: Sequence[str] = (),
    variants: Mapping[str, Path] = NO_VARIANTS,
) -> dict[str, Detector]:
    """The detectors of a table, by name: ``name`` first, a hundred samples and the two baselines last.

    Args:
        name: the detector that was asked for; for gqcnn the papers' plain version and geometry alone come beside it.
        metric: judges robustness; networks that were taught by one are given it.
        weights: other weights for ``name``.
        beside: further detectors, with the weights that ship.
        variants: label -> other weights for ``name`` again, as rows of their own.

    Raises:
        SettingsError: there is no such detector, or its weights are missing, damaged or not its own.
    """
    first = _with_weights(name, weights, metric) if weights else make_detector(name)
    detectors = {name: first}
    if name == "gqcnn":
        network = RobustnessMetric(load_gqcnn(weights), weights) if weights else None
        plain = GqcnnDetector(network, plain_settings()) if network else make_detector("gqcnn-1000")
        detectors |= {"gqcnn-1000": plain, "antipodal": make_detector("antipodal")}
    detectors |= {other: make_detector(other) for other in beside if other not in detectors}
    detectors |= {label: _with_weights(name, file, metric) for label, file in variants.items()}
    sampled = GqcnnDetector(
        metric, GqcnnSettings(name=SAMPLING, candidates=100, refinement=RefinementSettings(rounds=0))
    )
    return detectors | {SAMPLING: sampled} | {baseline: make() for baseline, make in BASELINES.items()}


def _with_weights(name: str, weights: Path, metric: RobustnessMetric) -> Detector:
    if name in _RANKERS:
        return GqcnnDetector(RobustnessMetric(load_gqcnn(weights), weights), _RANKERS[name]())
    if name not in _MAKERS:
        raise SettingsError(f"--weights is for {', '.join([*_RANKERS, *_MAKERS])}, not for {name}")
    module, attribute = _MAKERS[name].split(":")
    detector: Detector = getattr(importlib.import_module(module), attribute)(weights, metric)
    return detector
