"""A small world for the one-shot networks: one bar on a table in each picture, with the grasps that hold it known.

Pictures are 96 x 96 pixels of 4 mm, so that the first view, 384 mm, is just filled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from detectors.antipodal.table import fit_table
from detectors.dexnet.fields import KINDS
from detectors.gqcnn.crop import CROP_PX
from detectors.oneshot import layers
from detectors.oneshot.layers import Encoder
from detectors.oneshot.looking import camera_row, table_row
from detectors.oneshot.prepared import TENTHS_PER_M, PreparedScenes
from detectors.synthesis.scene_shards import SceneGrasps, SceneRecord, scenes_file, write_scenes
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render

CAMERA = Intrinsics(fx=175.0, fy=175.0, cx=47.5, cy=47.5, width=96, height=96)
DISTANCE_M = 0.70
TINY = "tiny"
GRASPS = 6
"""In each picture: three that hold, best first; one that holds though GQ-CNN doubts it; lengthwise; beside the bar."""
DIGITS = (0, 1, 2, 3, 4, 5, 8, 9)  # last digits of the things shown one after the other: mostly of training


@dataclass(frozen=True)
class Pictured:
    """A bar, its picture, and grasps (6, 5): u, v, depth, angle, width."""

    bar: Box
    frame: Frame
    grasps: NDArray[np.float32]


def picture(seed: int, camera: Intrinsics = CAMERA) -> Pictured:
    """A bar somewhere near the middle, from a camera straight above."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-0.07, 0.07, 2)
    bar = Box(x, y, rng.uniform(0.11, 0.15), rng.uniform(0.02, 0.045), rng.uniform(0.025, 0.05), rng.uniform(-1.5, 1.5))
    rows = [_across(bar, camera, along) for along in (0.0, 0.02, -0.02, 0.03)]
    lengthwise, beside = list(rows[0]), list(rows[0])
    lengthwise[3] = bar.angle_rad
    beside[0] += 0.08 * camera.fx / DISTANCE_M
    return Pictured(bar, render([bar], camera=camera), np.array([*rows, lengthwise, beside], dtype=np.float32))


def _across(bar: Box, camera: Intrinsics, along_m: float) -> tuple[float, float, float, float, float]:
    depth = DISTANCE_M - bar.height_m + 0.010
    x, y = bar.x_m + along_m * math.cos(bar.angle_rad), bar.y_m + along_m * math.sin(bar.angle_rad)
    angle = math.remainder(bar.angle_rad + math.pi / 2, math.pi)
    return camera.cx + camera.fx * x / depth, camera.cy + camera.fy * y / depth, depth, angle, bar.width_m + 0.025


def prepared_bars(count: int, seed: int = 0) -> PreparedScenes:
    """``count`` pictures as ``load_prepared`` gives them; three in four show training things."""
    pictures = [picture(1000 * seed + index) for index in range(count)]
    tables = [fit_table(one.frame, np.random.default_rng(0)) for one in pictures]
    number = np.arange(count)
    digit = np.array([DIGITS[index % len(DIGITS)] for index in range(count)])
    success = np.tile(np.array([1, 1, 1, 1, 0, 0], np.float32), count)
    quality = np.tile(np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1], np.float32), count)
    return PreparedScenes(
        depth=(np.stack([np.rint(one.frame.depth_m * TENTHS_PER_M).astype(np.uint16) for one in pictures]),),
        place=np.stack([np.zeros(count, np.int64), number], axis=1),
        number=number,
        split=np.where(digit < 8, "train", np.where(digit == 8, "validation", "test")),
        camera=np.tile(np.array(camera_row(CAMERA), np.float32), (count, 1)),
        table=np.stack([table_row(table) for table in tables if table is not None]),
        grasps=np.concatenate([one.grasps for one in pictures]),
        owner=np.repeat(number, GRASPS),
        success=success,
        quality=quality,
    )


def bar_record(number: int, seed: int = 0) -> SceneRecord:
    """The same as a scene of a data set; its thing's last digit tells the split."""
    one, digit = picture(1000 * seed + number), DIGITS[number % len(DIGITS)]
    columns = dict(zip(("u", "v", "depth_m", "angle_rad", "width_m"), one.grasps.T, strict=True))
    success = np.array([1, 1, 1, 1, 0, 0], np.float32)
    others = dict.fromkeys(("force_closure", "robust_ferrari_canny", "collision_free"), success)
    depth = one.frame.depth_m.copy()
    depth[:3, :5] = 0.0  # a hole to be filled
    return SceneRecord(
        number=number, things=np.array([10 + digit]), T_table_object=np.eye(4)[None], camera=CAMERA,
        T_table_camera=np.eye(4), depth_m=depth, clean_depth_m=one.frame.depth_m,
        mask=np.zeros((96, 96), np.uint8), color=None,
        grasps=SceneGrasps(**columns, kind=np.full(6, KINDS.index("antipodal")), object_index=np.zeros(6),
                           physical_success=success, **others),
    )  # fmt: skip


def write_data(folder: Path, scenes: int, a_shard: int = 8, seed: int = 0) -> Path:
    """A data set of bars on disk, its scenes alone."""
    for index, start in enumerate(range(0, scenes, a_shard)):
        records = [bar_record(number, seed) for number in range(start, min(start + a_shard, scenes))]
        write_scenes(scenes_file(folder, index), records)
    (folder / "dataset.yaml").write_text(yaml.safe_dump({"scenes": scenes, "seed": seed}), encoding="utf-8")
    return folder


class BarTeacher:
    """In place of GQ-CNN: likes something high between the jaws and nothing under them. Smooth in all that it sees.

    Attributes:
        asked: how many grasps each call held.
    """

    def __init__(self, scale: float = 6.0) -> None:
        self._scale = scale
        self.asked: list[int] = []

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        self.asked.append(len(images))
        across = (torch.arange(CROP_PX, dtype=images.dtype) - (CROP_PX - 1) / 2).abs() / CROP_PX
        middle, jaws = torch.sigmoid((0.15 - across) * 60), torch.sigmoid((across - 0.25) * 60)
        rows = torch.softmax(-(((torch.arange(CROP_PX, dtype=images.dtype) - 15.5) / 5) ** 2), dim=0)
        high = (torch.tanh(images[:, 0]) * rows[:, None]).sum(dim=1)
        share = (high * middle).sum(dim=1) / middle.sum() - (high * jaws).sum(dim=1) / jaws.sum()
        return self._scale * (share - 0.4) - 0.3 * torch.tanh(poses[:, 1])


class Forbidden:
    """A teacher that must not be asked."""

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        raise AssertionError("GQ-CNN was asked")


def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``tiny`` a backbone that a test can train, on one thread."""
    torch.set_num_threads(1)
    monkeypatch.setitem(layers._ENCODERS, TINY, lambda: Encoder((4, 8, 8, 8), (1, 1, 1)))
