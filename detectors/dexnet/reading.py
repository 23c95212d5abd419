"""Grasps in from a folder in the Dex-Net 2.0 layout, ours or the published one, whole or partly damaged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import FIELDS, PUBLISHED_WIDTH_M, Field, as_rows, problem
from detectors.dexnet.npz_files import Damaged, DamagedFile, DamageWatch, array_length, load_array
from detectors.dexnet.tensors import GraspTensors, assemble
from detectors.dexnet.writing import TENSORS_FOLDER
from robot.errors import SettingsError

DATASET_FILE = "dataset.yaml"
_FILE_NAME = re.compile(r"(?P<name>[A-Za-z0-9_]+?)_(?P<index>\d+)\.(?:npz|npy)")


@dataclass(frozen=True)
class TensorFolder:
    """What a folder holds, before any file is opened.

    Attributes:
        path: where the files lie.
        own: written by this program, so that object labels are thing numbers and widths are known.
        fields: the attributes that it has.
        files: index -> attribute -> file.
    """

    path: Path
    own: bool
    fields: tuple[Field, ...]
    files: Mapping[int, Mapping[str, Path]]


def open_folder(folder: Path, tell: Callable[[str], None]) -> TensorFolder:
    """Look into a folder, or into its ``tensors`` sub-folder where that holds tensors.

    An optional attribute that most indices lack is left alone.

    Raises:
        SettingsError: there is no such folder, or it lacks an attribute that training needs.
    """
    if not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder")
    path = folder / TENSORS_FOLDER if _listed(folder / TENSORS_FOLDER) else folder
    files = _listed(path)
    if not files:
        raise SettingsError(
            f"{folder}: no grasps in the Dex-Net 2.0 layout",
            f"expected {FIELDS[-1].names[0]}_00000.npz and its companions, there or in {TENSORS_FOLDER}/",
        )
    held = Counter(attribute for found in files.values() for attribute in found)
    for field in FIELDS:
        if field.required and not held[field.attribute]:
            raise SettingsError(f"{path}: no file {field.names[0]}_*.npz", "the Dex-Net 2.0 layout needs it")
        if 0 < held[field.attribute] * 2 < len(files) and not field.required:
            tell(f"{path}: {field.names[0]} is ignored: {held[field.attribute]} of {len(files)} indices have it")
    fields = tuple(field for field in FIELDS if held[field.attribute] * 2 >= len(files) or field.required)
    return TensorFolder(path, _is_own(path), fields, files)


def iter_tensors(
    folder: Path,
    *,
    damaged: Damaged,
    tell: Callable[[str], None],
    limit: int | None = None,
    files: Container[int] | None = None,
) -> Iterator[tuple[int, GraspTensors]]:
    """One index after the other, in order: (index, its grasps). Only one is in memory at a time.

    Args:
        folder: a data set.
        damaged: "stop" at a missing or damaged file, or "skip" its whole index.
        tell: takes one line for each index that is left out, and one at the end.
        limit: stop after so many grasps.
        files: the indices wanted; None wants all.

    Raises:
        SettingsError: a file is damaged and ``damaged`` is "stop", or nothing readable is left.
    """
    if limit is not None and limit < 1:
        raise SettingsError(f"the limit must be at least one grasp, got {limit}")
    watch, source = DamageWatch(damaged, tell), open_folder(folder, tell)
    wanted = [index for index in sorted(source.files) if files is None or index in files]
    yielded, seen = 0, 0
    for index in wanted:
        if limit is not None and yielded >= limit:
            break
        seen += 1
        found = watch.attempt(f"index {index:05d}", partial(_read_index, source, index))
        if found is not None:
            kept = found if limit is None else found.select(slice(limit - yielded))
            yielded += len(kept)
            yield index, kept
    watch.sum_up(seen, "indices")
    if not yielded:
        raise SettingsError(f"{source.path}: no readable grasps", "is it the right folder?")


def read_tensors(
    folder: Path,
    *,
    damaged: Damaged,
    tell: Callable[[str], None],
    limit: int | None = None,
    files: Container[int] | None = None,
    dtype: type[np.float32] | type[np.float16] = np.float32,
) -> GraspTensors:
    """All grasps at once; arguments and errors as for ``iter_tensors``.

    Room is made once, by the lengths in the files' headers, so that the peak is what is returned and one index more:
    4 KiB a grasp. With ``dtype`` float16 the crops take half of that, at the price of up to 0.25 mm at depths of 0.5
    to 1 m and twice that beyond; the other columns stay as they are.
    """
    source = open_folder(folder, lambda line: None)
    sizes = (
        array_length(of["hand_poses"]) for i, of in source.files.items() if _wanted(i, files) and "hand_poses" in of
    )
    room = sum(sizes) if limit is None else min(limit, sum(sizes))
    columns: dict[str, NDArray[Any]] = {}
    filled = 0
    for _, part in iter_tensors(folder, damaged=damaged, tell=tell, limit=limit, files=files):
        for field, values in part.columns():
            if field.attribute not in columns:
                kind = dtype if field.attribute == "crops_m" else values.dtype
                columns[field.attribute] = np.empty((room, *values.shape[1:]), kind)
            columns[field.attribute][filled : filled + len(part)] = values
        filled += len(part)
    return assemble({name: column[:filled] for name, column in columns.items()})


def _wanted(index: int, files: Container[int] | None) -> bool:
    return files is None or index in files


def _is_own(path: Path) -> bool:
    homes = (path, path.parent) if path.name == TENSORS_FOLDER else (path,)
    return any((home / DATASET_FILE).is_file() for home in homes)


def _listed(path: Path) -> dict[int, dict[str, Path]]:
    """index -> attribute -> file, of the files whose names are known; .npz goes before .npy."""
    attribute_of = {name: field.attribute for field in FIELDS for name in field.names}
    files: dict[int, dict[str, Path]] = {}
    if not path.is_dir():
        return files
    for file in sorted(path.iterdir(), key=lambda file: (file.suffix != ".npz", file.name)):
        match = _FILE_NAME.fullmatch(file.name)
        if match and match["name"] in attribute_of:
            files.setdefault(int(match["index"]), {}).setdefault(attribute_of[match["name"]], file)
    return files


def _read_index(source: TensorFolder, index: int) -> GraspTensors:
    files = source.files[index]
    for field in source.fields:
        if field.attribute not in files:
            missing = source.path / f"{field.names[0]}_{index:05d}.npz"
            raise DamagedFile(missing, f"missing, though {next(iter(files.values())).name} is there")
    columns = {field.attribute: _read_column(field, files[field.attribute]) for field in source.fields}
    _check_lengths(columns, files)
    if "width_m" not in columns:
        columns["width_m"] = np.full(len(columns["hand_poses"]), PUBLISHED_WIDTH_M, np.float32)
    return assemble(columns)


def _read_column(field: Field, path: Path) -> NDArray[Any]:
    try:
        column = as_rows(field, load_array(path))
    except ValueError as error:
        raise DamagedFile(path, str(error)) from None
    wrong = problem(field.attribute, column)
    if wrong:
        raise DamagedFile(path, wrong)
    return column


def _check_lengths(columns: Mapping[str, NDArray[Any]], files: Mapping[str, Path]) -> None:
    lengths = Counter(len(column) for column in columns.values())
    usual = lengths.most_common(1)[0][0]
    if usual == 0:
        raise DamagedFile(files["crops_m"], "holds no grasps")
    for attribute, column in columns.items():
        if len(column) != usual:
            other = next(name for name, values in columns.items() if len(values) == usual)
            raise DamagedFile(files[attribute], f"holds {len(column)} grasps, {files[other].name} {usual}")
