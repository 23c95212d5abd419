"""A folder as pictures to learn from, by the kind of data set it holds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.folds import By, folds
from detectors.fcn.rectangle_pictures import Input, RectanglePictures
from detectors.fcn.samples import Pictures, ScenePictures
from robot.errors import SettingsError
from robot.frame import Intrinsics

if TYPE_CHECKING:
    from detectors.fcn.dense_shards import DenseGrasps
    from detectors.oneshot.prepared import PreparedScenes

Tell = Callable[[str], None]
Names = NDArray[np.str_]
SYNTHETIC = "synthetic"
_HELD_OUT_FOLDS = 10


@dataclass(frozen=True, eq=False)
class Learning:
    """What is learnt from, and what the best epoch is chosen by; the rows are into each one's own pictures.

    ``labels`` is a hash of the grasps and of what they lie on: the names alone would not tell changed ones.
    """

    pictures: Pictures
    rows: NDArray[np.int64]
    judged: Pictures
    judged_rows: NDArray[np.int64]
    labels: str


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
    labels = _labels_of(scenes, dense)
    return Learning(train, np.arange(len(train)), validation, np.arange(len(validation)), labels)


def _labels_of(scenes: PreparedScenes, dense: DenseGrasps) -> str:
    digest = hashlib.sha256()
    for column in (scenes.number, scenes.camera, scenes.table, dense.number, dense.grasps):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def load_rectangles(
    folder: Path, dataset: str, shown: Input, tell: Tell, *, seed: int, limit: int | None = None
) -> Learning:
    """A labelled data set: a tenth of its things to choose by, the others to learn from.

    Where it does not say what every image shows, or they all show one thing, it is a tenth of the images; a line says
    so.

    Args:
        folder, dataset, shown, tell: as for ``read_rectangles``.
        seed: draws what is held aside.
        limit: learn from at most so many images; with those that are held aside, no more than needed are read.

    Raises:
        SettingsError: nothing of that layout lies there, nothing of it is usable, or it is a single image.
    """
    # A tenth of what is read is held aside: a ninth more than are learnt from.
    wanted = None if limit is None else limit + -(-limit // (_HELD_OUT_FOLDS - 1))
    pictures = read_rectangles(folder, dataset, shown, tell, limit=wanted)
    by: By = "object" if (pictures.things != "").all() and len(np.unique(pictures.things)) > 1 else "image"
    if by == "image":
        tell("the data set does not tell its things apart: the best epoch is chosen by other images of things learnt")
    aside = held_aside(pictures.names, pictures.things, by=by, seed=seed)
    return Learning(pictures, np.flatnonzero(~aside)[:limit], pictures, np.flatnonzero(aside), pictures.sha256())


def held_aside(names: Names, things: Names, *, by: By, seed: int) -> NDArray[np.bool_]:
    """Which images the best epoch is chosen by: a tenth, or one thing or image where there are fewer than ten.

    Args:
        names, things: (N,) of the images, as ``detectors.evaluation.folds`` takes them.
        by: "object" holds whole things aside.
        seed: of the draw.

    Raises:
        SettingsError: there are no two things, or no two images.
    """
    there = len(np.unique(names if by == "image" else things))
    if there < 2:
        raise SettingsError(
            f"{there} {'image' if by == 'image' else 'thing'} to learn from leaves none to choose the best epoch by",
            "give a larger data set",
        )
    count = min(_HELD_OUT_FOLDS, there)
    return np.asarray(folds(names.tolist(), things.tolist(), by=by, count=count, seed=seed) == 0)


def read_rectangles(
    folder: Path, dataset: str, shown: Input, tell: Tell, *,
    depth: str | None = None, camera: Intrinsics | None = None, limit: int | None = None,
) -> RectanglePictures:  # fmt: skip
    """Every usable image; says how many were left out, and why.

    Args:
        folder: the data set.
        dataset: "cornell", "jacquard" or "georgia".
        shown: what of an image the network sees.
        tell: takes lines for the user.
        depth: which depth images, as the data set's own ``iter_images`` takes them; None for the usual ones.
        camera: of all images; None for the data set's own.
        limit: at most so many usable images, the first, and nothing beyond them is read; None reads all.

    Raises:
        SettingsError: nothing of that layout lies there, or nothing of it is usable.
    """
    import importlib

    module = importlib.import_module(f"detectors.{dataset}.reading")
    if dataset == "jacquard" and camera is None:
        from detectors.jacquard.camera import assumed_camera

        camera = assumed_camera()
    skipped: Counter[str] = Counter()
    found = module.iter_images(
        folder, depth=depth or _depth_of(dataset, shown), camera=camera, skipped=skipped, tell=tell
    )
    # Closed, so that the reader says what it has to say in the end where not all is read, too.
    with closing(found):
        first = next(found, None)
        if first is None:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in skipped.items())
            raise SettingsError(f"{folder}: no image could be used ({reasons})")
        pictures = RectanglePictures(chain([first], found), shown, limit)
    if pictures.lacking:
        skipped["no depth with a table in it" if shown == "depth" else "no colour"] += pictures.lacking
    for reason, count in skipped.items():
        tell(f"left out {count} image(s): {reason}")
    return pictures


def _depth_of(dataset: str, shown: Input) -> str:
    if shown == "color":
        return "none"
    return "stereo" if dataset == "jacquard" else "auto"
