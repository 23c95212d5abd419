"""Grasps out to the Dex-Net 2.0 layout."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from detectors.dexnet.fields import FIELDS
from detectors.dexnet.npz_files import save_arrays
from detectors.dexnet.tensors import GraspTensors

GRASPS_PER_FILE = 1000
TENSORS_FOLDER = "tensors"
CROP_STEP_M = 2.0**-15
"""Crops are rounded to this, 0.03 mm: far below any sensor's noise, and it takes two fifths off the files."""


def tensor_file(folder: Path, name: str, index: int) -> Path:
    """Where the attribute called ``name`` of one index lies in a data set of ours."""
    return folder / TENSORS_FOLDER / f"{name}_{index:05d}.npz"


def is_written(folder: Path, index: int) -> bool:
    """Whether every file of this index has been written; one that was interrupted does not count."""
    return tensor_file(folder, FIELDS[-1].names[0], index).is_file()


def write_tensors(folder: Path, index: int, tensors: GraspTensors) -> None:
    """Write one index under ``folder/tensors``: a file for each attribute, each whole or not there at all.

    The crops come last and mark the index as complete. The same grasps give the same bytes.

    Raises:
        SettingsError: a file cannot be written.
    """
    if not 1 <= len(tensors) <= GRASPS_PER_FILE:
        raise ValueError(f"a file holds 1 to {GRASPS_PER_FILE} grasps, got {len(tensors)}")
    with contextlib.suppress(OSError):  # if it is in the way, writing will say so
        tensor_file(folder, FIELDS[-1].names[0], index).unlink(missing_ok=True)
    for field, column in tensors.columns():
        values = column.astype(field.dtype, copy=False)
        if field.attribute == "crops_m":
            values = (np.round(values / np.float32(CROP_STEP_M)) * np.float32(CROP_STEP_M))[..., None]
        save_arrays(tensor_file(folder, field.names[0], index), {"arr_0": values})
