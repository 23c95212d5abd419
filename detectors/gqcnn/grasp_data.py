"""The grasps that a network learns from and is judged on, read once and kept small."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import CROP_PX, POSITIVE_QUALITY
from detectors.dexnet.npz_files import Damaged, array_length
from detectors.dexnet.reading import TensorFolder, iter_tensors, open_folder
from detectors.dexnet.splitting import split_rows
from detectors.dexnet.tensors import GraspTensors
from detectors.synthesis.splits import SPLITS
from robot.errors import SettingsError

Label = Literal["auto", "physical", "analytic"]
SplitBy = Literal["object", "image"]
LABELS: tuple[Label, ...] = ("auto", "physical", "analytic")

_FARTHEST_M = 0.12  # beyond what the network's input is clipped at, augmentation included; keeps float16 to 0.03 mm


@dataclass(frozen=True)
class GraspData:
    """N grasps; row i of every column is the same one.

    Attributes:
        heights_m: (N, 32, 32) float16 height of what the crop shows above the grasp point [m].
        columns: everything else that was read, the crops left out (their place holds nothing); see ``GraspTensors``.
        label: (N,) float32 what is learnt: share of lifts that succeed, or whether the grasp is robust (0 or 1).
        label_name: "physical" or "analytic".
        rows: split name -> row numbers.
        digest: SHA-256 of what was read.
        split_by: "object" or "image".
    """

    heights_m: NDArray[np.float16]
    columns: dict[str, NDArray[Any]]
    label: NDArray[np.float32]
    label_name: str
    rows: dict[str, NDArray[np.int64]]
    digest: str
    split_by: str

    def __len__(self) -> int:
        return len(self.label)

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """(N,) depth of the grasp points [m]."""
        return np.ascontiguousarray(self.columns["hand_poses"][:, 2])

    @property
    def width_m(self) -> NDArray[np.float32]:
        """(N,) openings [m]."""
        return self.columns["width_m"]

    @property
    def truth(self) -> NDArray[np.bool_]:
        """(N,) what a grasp is judged by: more than half of its lifts succeed, or, without lifts, it is robust."""
        physical = self.columns.get("physical_success")
        return self.robust if physical is None else np.asarray(physical > 0.5)

    @property
    def robust(self) -> NDArray[np.bool_]:
        """(N,) the label of Dex-Net 2.0."""
        return np.asarray(self.columns["robust_ferrari_canny"] > POSITIVE_QUALITY)


def load_data(
    folder: Path,
    *,
    label: Label = "auto",
    damaged: Damaged = "stop",
    tell: Callable[[str], None] = print,
    limit: int | None = None,
    seed: int = 0,
    by: SplitBy | None = None,
    needed: Sequence[str] = ("train", "validation"),
) -> GraspData:
    """Read a data set in the Dex-Net 2.0 layout, one file at a time.

    Args:
        folder: ours or the published one.
        label: what to learn; "auto" takes the physical label where there is one.
        damaged: "stop" at a damaged file or "skip" it.
        tell: takes one line for the user.
        limit: learn from so many grasps only, drawn at random; those to validate and test on stay all.
        seed: of the draws.
        by: split by object or by image; None takes the object where the set knows it.
        needed: splits that must not be empty.

    Raises:
        SettingsError: nothing readable, no label of that kind, or nothing in a split that is needed.
    """
    source = open_folder(folder, tell)
    heights, columns, digest = _read(folder, source, damaged, tell)
    chosen = _chosen_label(label, columns, folder)
    success = columns["physical_success"] if chosen == "physical" else None
    if success is None:
        success = (columns["robust_ferrari_canny"] > POSITIVE_QUALITY).astype(np.float32)
    rows, split_by = _split(columns, source, seed, tell, by)
    if limit is not None and limit < len(rows["train"]):
        rows["train"] = np.sort(np.random.default_rng(seed).choice(rows["train"], limit, replace=False))
    for name in needed:
        if len(rows[name]) < 2:
            raise SettingsError(f"{folder}: has too few grasps for {name}", "give a larger data set, or other things")
    return GraspData(heights, columns, success, chosen, rows, digest, split_by)


def joined(first: GraspData, others: Sequence[GraspData], repeat: int = 1) -> GraspData:
    """The grasps of several data sets; those to learn from in ``others`` count ``repeat`` times.

    Raises:
        SettingsError: the sets are labelled differently.
    """
    every = [first, *others]
    if len({data.label_name for data in every}) > 1:
        raise SettingsError("the data sets are labelled differently", "name one with --label")
    names = set.intersection(*({*data.columns} for data in every))
    rows: dict[str, list[NDArray[np.int64]]] = {name: [] for name in first.rows}
    start, digest = 0, hashlib.sha256()
    for number, data in enumerate(every):
        for name, own in data.rows.items():
            rows[name] += [own + start] * (repeat if number and name == "train" else 1)
        start += len(data)
        digest.update(data.digest.encode())
    return GraspData(
        np.concatenate([data.heights_m for data in every]),
        {name: np.concatenate([data.columns[name] for data in every]) for name in first.columns if name in names},
        np.concatenate([data.label for data in every]),
        first.label_name,
        {name: np.concatenate(parts) for name, parts in rows.items()},
        digest.hexdigest(),
        first.split_by,
    )


def _read(
    folder: Path, source: TensorFolder, damaged: Damaged, tell: Callable[[str], None]
) -> tuple[NDArray[np.float16], dict[str, NDArray[Any]], str]:
    room = sum(array_length(of["hand_poses"]) for of in source.files.values() if "hand_poses" in of)
    heights = np.empty((room, CROP_PX, CROP_PX), dtype=np.float16)
    parts: dict[str, list[NDArray[Any]]] = {}
    digest, filled = hashlib.sha256(), 0
    for _, part in iter_tensors(folder, damaged=damaged, tell=tell):
        some = heights[filled : filled + len(part)]
        some[:] = np.clip(part.depth_m[:, None, None] - part.crops_m, -_FARTHEST_M, _FARTHEST_M)
        digest.update(some.tobytes())
        for field, column in part.columns():
            if field.attribute != "crops_m":
                parts.setdefault(field.attribute, []).append(column)
                digest.update(np.ascontiguousarray(column).tobytes())
        filled += len(part)
    return heights[:filled], {name: np.concatenate(values) for name, values in parts.items()}, digest.hexdigest()


def _chosen_label(label: Label, columns: dict[str, NDArray[Any]], folder: Path) -> str:
    held = "physical_success" in columns
    if label == "physical" and not held:
        raise SettingsError(f"{folder}: the data set has no physical label", "train with --label analytic")
    return "physical" if label == "physical" or (label == "auto" and held) else "analytic"


def _split(
    columns: dict[str, NDArray[Any]],
    source: TensorFolder,
    seed: int,
    tell: Callable[[str], None],
    wanted: SplitBy | None,
) -> tuple[dict[str, NDArray[np.int64]], str]:
    by: SplitBy = wanted or ("object" if "object_label" in columns else "image")
    if by == "image" and wanted is None:
        tell(f"{source.path}: no object labels, so grasps of one object fall into training and test alike")
    blank = np.broadcast_to(np.float16(0), (len(columns["width_m"]), CROP_PX, CROP_PX))
    masks = split_rows(GraspTensors(crops_m=blank, **columns), own=source.own, by=by, seed=seed)
    return {name: np.flatnonzero(masks[name]) for name in SPLITS}, by
