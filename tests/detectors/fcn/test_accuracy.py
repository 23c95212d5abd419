"""How a network is judged: its best grasp in each whole picture against the picture's own truths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from detectors.fcn import training
from detectors.fcn.maps import Maps, angle_maps
from detectors.fcn.samples import Picture
from detectors.fcn.training import look, rectangle_accuracy
from tests.detectors.fcn.bars import BarPictures, measured

OTHERS = BarPictures(4, seed=1)


class Eye(nn.Module):
    """Reads the bar off the picture: right answers, or ones turned by ``off`` [rad]."""

    def __init__(self, off: float = 0.0) -> None:
        super().__init__()
        self._off = off

    def forward(self, image: torch.Tensor) -> Maps:
        seen = image[0, 0].numpy()
        u, v, direction, _, height = measured(seen)
        y, x = np.mgrid[0 : seen.shape[0], 0 : seen.shape[1]]
        quality = torch.from_numpy(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 50).astype(np.float32))[None]
        angle = torch.full_like(quality, direction + np.pi / 2 + self._off)
        return Maps(quality, angle_maps(angle, "double"), torch.full_like(quality, (height + 12) / 40))


@pytest.mark.parametrize(("off", "share"), [(0.0, 1.0), (0.4, 1.0), (0.6, 0.0)])
def test_accuracy_is_the_share_of_pictures_whose_best_grasp_is_right(off: float, share: float) -> None:
    assert rectangle_accuracy(Eye(off), OTHERS, np.arange(4)) == share


def test_each_picture_is_judged_by_its_own_truths() -> None:
    class Mixed(BarPictures):
        def picture(self, index: int) -> Picture:
            one = super().picture(index)
            return replace(one, truths=one.truths + np.array([0.0, 0.0, np.pi / 2, 0.0, 0.0])) if index == 2 else one

    assert rectangle_accuracy(Eye(), Mixed(4), np.arange(4)) == 0.75
    assert rectangle_accuracy(Eye(), Mixed(4), np.array([2])) == 0.0


@pytest.mark.parametrize(("shape", "scale"), [((96, 96), 1.5), ((96, 70), 1.3), ((60, 96), 0.8)])
def test_the_whole_picture_is_looked_at_and_nothing_else(shape: tuple[int, int], scale: float) -> None:
    whole = OTHERS.picture(0)
    middle = ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    off = np.array([47.5 - middle[0], 47.5 - middle[1]])
    top, left = (96 - shape[0]) // 2, (96 - shape[1]) // 2
    image = whole.image[top : top + shape[0], left : left + shape[1]].copy()
    truths = whole.truths - [[*off, 0.0, 0.0, 0.0]]
    maps, moved = look(Eye(), replace(whole, image=image, truths=truths, scale=scale, middle=middle))
    rows, columns = (math.ceil(side * scale - 1e-6) for side in shape)
    assert maps.quality.shape == (1, rows, columns)
    row, column = divmod(int(maps.quality.argmax()), columns)
    assert (column, row) == pytest.approx(tuple(moved[0, :2]), abs=1.0)
    assert moved[0, 3:] == pytest.approx(scale * whole.truths[0, 3:])
    assert moved[0, :2] == pytest.approx((truths[0, :2] - middle) * scale + [(columns - 1) / 2, (rows - 1) / 2])


def test_a_very_large_picture_is_looked_at_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_VIEW_PX", 64)
    maps, moved = look(Eye(), OTHERS.picture(0))
    assert maps.quality.shape == (1, 64, 64)
    assert moved[0, :2] == pytest.approx(OTHERS.picture(0).truths[0, :2] - 16)
