"""The detectors by name. A new one is a folder here and a line in ``_BUILT_IN``, or an installed entry point."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Detection
from robot.errors import SettingsError, did_you_mean
from robot.frame import Frame

ENTRY_POINT_GROUP = "grasp_cell.detectors"
_BUILT_IN = {
    "anchor": "detectors.anchor.detector:make_default",
    "anchor-primary": "detectors.anchor.detector:make_default_primary",
    "anchor-scorer": "detectors.anchor.detector:make_default_scorer",
    "antipodal": "detectors.antipodal.detector:AntipodalDetector",
    "directgrasp": "detectors.directgrasp.detector:make_default",
    "fcn": "detectors.fcn.detector:make_default",
    "ggcnn": "detectors.fcn.detector:make_default_ggcnn",
    "gqcnn": "detectors.gqcnn.detector:make_default",
    "gqcnn-1000": "detectors.gqcnn.detector:make_plain",
    "gqstn": "detectors.gqstn.detector:make_default",
    "multigrasp": "detectors.multigrasp.detector:make_default",
    "zhou": "detectors.anchor.detector:make_default_zhou",
}
_WEIGHTS = {
    "anchor": "detectors.anchor.weights_file",
    "anchor-primary": "detectors.anchor.weights_file",
    "anchor-scorer": "detectors.anchor.weights_file",
    "directgrasp": "detectors.directgrasp.weights_file",
    "fcn": "detectors.fcn.weights_file",
    "ggcnn": "detectors.fcn.ggcnn_weights_file",
    "gqcnn": "detectors.gqcnn.weights_file",
    "gqcnn-1000": "detectors.gqcnn.weights_file",
    "gqstn": "detectors.gqstn.weights_file",
    "multigrasp": "detectors.multigrasp.weights_file",
    "zhou": "detectors.anchor.zhou_weights_file",
}
NO_FALLBACK = "none"
DEFAULT_FALLBACK = {"gqstn": "gqcnn"}
"""Who is asked as well where ``--fallback`` does not say; nobody for the detectors that are not named here."""


class Detector(Protocol):
    """Anything that can look at a frame and propose grasps."""

    name: str

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """Propose up to ``top`` grasps, best first.

        Args:
            frame: what the camera saw.
            top: how many grasps at most.
            region: (H, W) True where a grasp centre may lie; None allows the whole image.
            seed: of whatever is drawn at random; the same frame and seed give the same grasps.
        """
        ...


def detector_names() -> list[str]:
    """Every name ``--detector`` accepts."""
    return sorted({*_BUILT_IN, *(e.name for e in entry_points(group=ENTRY_POINT_GROUP))})


def default_fallback(name: str) -> str:
    """Whom the detector called ``name`` falls back on where nobody says otherwise; "none" for nobody."""
    return DEFAULT_FALLBACK.get(name, NO_FALLBACK)


def check_name(name: str) -> None:
    """Refuse a detector that does not exist, without importing any.

    Raises:
        SettingsError: there is no such detector; the message lists those there are.
    """
    if name not in detector_names():
        raise SettingsError(f"unknown detector '{name}'", did_you_mean(name, detector_names()))


def check_ready(name: str) -> None:
    """Refuse a detector that does not exist or whose weights are not whole, before anything heavy is imported.

    Raises:
        SettingsError: there is no such detector, or its weights are missing or damaged.
    """
    check_name(name)
    if name in _WEIGHTS:
        importlib.import_module(_WEIGHTS[name]).require_shipped()


def shipped_weights(name: str) -> Path | None:
    """The weights file of the detector called ``name``; None for one that ships none."""
    if name not in _WEIGHTS:
        return None
    path: Path = importlib.import_module(_WEIGHTS[name]).SHIPPED
    return path


def make_detector(name: str) -> Detector:
    """Build the detector called ``name``.

    Raises:
        SettingsError: there is no such detector (the message lists those there are), or its weights are missing.
    """
    check_name(name)
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name].split(":")
        detector: Detector = getattr(importlib.import_module(module), attribute)()
        return detector
    entry = next(e for e in entry_points(group=ENTRY_POINT_GROUP) if e.name == name)
    found: Detector = entry.load()()
    return found
