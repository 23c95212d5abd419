"""A folder as pictures to learn from, by the kind of data set it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.folds import folds
from detectors.fcn.rectangle_pictures import Input, RectanglePictures
from detectors.fcn.samples import Pictures, ScenePictures

Tell = Callable[[str], None]
SYNTHETIC = "synthetic"
RECTANGLES = ("cornell", "jacquard", "georgia")
DATASETS = (SYNTHETIC, *RECTANGLES)
_HELD_OUT_FOLDS = 10


@dataclass(frozen=True, eq=False)
class Learning:
    """What is learnt from, and what the best epoch is chosen by; the rows are into each one's own pictures."""

    pictures: Pictures
    rows: NDArray[np.int64]
    judged: Pictures
    judged_rows: NDArray[np.int64]


def load_scenes(folder: Path, tell: Tell) -> Learning:
    """Our own scenes: training things to learn from, validation things to choose by.

    Raises:
        SettingsError: the folder holds no data set with depth images, or nothing with a grasp.
    """
    from detectors.fcn.dense_shards import load_dense, prepare_dense
    from detectors.gqcnn.metric import load_metric
    from detectors.oneshot.prepared import load_prepared, prepare

    metric = load_metric()
    prepare(folder, metric, tell)
    prepare_dense(folder, metric, tell)
    scenes, dense = load_prepared(folder), load_dense(folder)
    train, validation = (ScenePictures(scenes, dense, split) for split in ("train", "validation"))
    return Learning(train, np.arange(len(train)), validation, np.arange(len(validation)))


def load_rectangles(folder: Path, dataset: str, shown: Input, tell: Tell, *, seed: int) -> Learning:
    """A labelled data set: a tenth of its things to choose by, the others to learn from.

    Raises:
        SettingsError: nothing of that layout lies there, or it holds too few things.
    """
    pictures = read_rectangles(folder, dataset, shown, tell)
    fold = folds(pictures.names.tolist(), pictures.things.tolist(), by="object", count=_HELD_OUT_FOLDS, seed=seed)
    return Learning(pictures, np.flatnonzero(fold != 0), pictures, np.flatnonzero(fold == 0))


def read_rectangles(folder: Path, dataset: str, shown: Input, tell: Tell, **options: Any) -> RectanglePictures:
    """Every usable image; says how many were left out, and why.

    Args:
        folder: the data set.
        dataset: one of ``RECTANGLES``.
        shown: what of an image the network sees.
        tell: takes lines for the user.
        options: ``depth`` and ``camera`` as the data set's own ``iter_images`` takes them.
    """
    import importlib

    module = importlib.import_module(f"detectors.{dataset}.reading")
    skipped: Counter[str] = Counter()
    given: dict[str, Any] = {"depth": _depth_of(dataset, shown), "camera": None, **options}
    if dataset == "jacquard" and given["camera"] is None:
        from detectors.jacquard.camera import assumed_camera

        given["camera"] = assumed_camera()
    images = list(module.iter_images(folder, skipped=skipped, tell=tell, **given))
    for reason, count in skipped.items():
        tell(f"left out {count} image(s): {reason}")
    return RectanglePictures(images, shown)


def _depth_of(dataset: str, shown: Input) -> str:
    if shown == "color":
        return "none"
    return "stereo" if dataset == "jacquard" else "auto"
