"""Folders as pictures to learn from: our own scenes, photographs with rectangles, or both."""

from __future__ import annotations

import hashlib
import importlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.anchor.batches import Source
from detectors.anchor.samples import RealColors, SceneColors, held_out
from detectors.anchor.training import Judged
from robot.errors import SettingsError

Tell = Callable[[str], None]
JUDGED = 300


@dataclass(frozen=True, eq=False)
class Learning:
    """What is learnt from, what the best epoch is chosen by, and a hash of the grasps on both."""

    sources: tuple[Source, ...]
    judged: tuple[Judged, ...]
    labels: str


def load_learning(
    scenes: Path | None, real: Path | None, dataset: str, real_share: float, tell: Tell, *, limit: int | None = None
) -> Learning:
    """Everything to learn from.

    Args:
        scenes: a data set of our own with images; None for none.
        real: a folder with labelled photographs; None for none.
        dataset: its kind: "cornell", "jacquard" or "georgia".
        real_share: of the training views, where there are both.
        tell: takes lines for the user.
        limit: at most so many pictures of each.

    Raises:
        SettingsError: nothing is there, or nothing of it is usable.
    """
    parts = []
    # Photographs are read in seconds, scenes may take an hour to prepare: a wrong folder is told at once.
    if real is not None:
        parts.append(_real(real, dataset, 1.0 if scenes is None else real_share, tell, limit))
    if scenes is not None:
        parts.insert(0, _scenes(scenes, 1.0 if real is None else 1.0 - real_share, tell, limit))
    sources = tuple(source for source, _, _ in parts if source.share > 0)
    digest = hashlib.sha256("".join(label for _, _, label in parts).encode()).hexdigest()
    return Learning(sources, tuple(judged for _, judged, _ in parts), digest)


def _scenes(folder: Path, share: float, tell: Tell, limit: int | None) -> tuple[Source, Judged, str]:
    from detectors.anchor.color_shards import load_color, prepare_color
    from detectors.fcn.dense_shards import load_dense, prepare_dense
    from detectors.gqcnn.metric import load_metric
    from detectors.oneshot.prepared import load_prepared, prepare

    metric = load_metric()
    prepare(folder, metric, tell)
    prepare_dense(folder, metric, tell)
    prepare_color(folder, tell)
    scenes, dense, colors = load_prepared(folder), load_dense(folder), load_color(folder)
    learnt, judged = (SceneColors(scenes, dense, colors, split) for split in ("train", "validation"))
    if len(learnt) == 0 or len(judged) == 0:
        raise SettingsError(f"{folder}: no grasp to learn from, or none to choose by", "give a larger data set")
    label = hashlib.sha256(dense.number.tobytes() + dense.grasps.tobytes()).hexdigest()
    rows = np.arange(len(learnt))[:limit]
    return Source(learnt, rows, share), Judged("synthetic", judged, np.arange(len(judged))[:JUDGED]), label


def _real(folder: Path, dataset: str, share: float, tell: Tell, limit: int | None) -> tuple[Source, Judged, str]:
    reading = importlib.import_module(f"detectors.{dataset}.reading")
    camera = None
    if dataset == "jacquard":
        from detectors.jacquard.camera import assumed_camera

        camera = assumed_camera()
    skipped: Counter[str] = Counter()
    found = reading.iter_images(folder, depth="none", camera=camera, skipped=skipped, tell=tell)
    images = [image for image in found if image.frame.color is not None and image.truths]
    for reason, count in skipped.items():
        tell(f"left out {count} image(s): {reason}")
    pictures = RealColors(images)
    aside = held_out([image.name for image in images])
    if not aside.any() or aside.all():
        raise SettingsError(f"{folder}: {len(images)} usable photographs are too few to keep some aside")
    rows, kept = np.flatnonzero(~aside)[:limit], np.flatnonzero(aside)
    tell(f"{dataset}: {len(rows)} photographs to learn from, {len(kept)} of other ids kept aside")
    label = hashlib.sha256("".join(f"{image.name}{image.truths}" for image in images).encode()).hexdigest()
    return Source(pictures, rows, share), Judged(dataset, pictures, kept), label
