"""GQ-CNN's word on grasps that carry gradients is its word on any grasp."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqcnn.weights import load_gqcnn
from detectors.oneshot.grasp_batch import GraspBatch, robustness, shaken
from tests.detectors.oneshot.bars import BarTeacher, picture
from tests.detectors.oneshot.images import images_of

ONE = picture(3)
IMAGES = images_of(ONE.frame)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def batch_of(grasps: np.ndarray) -> GraspBatch:
    table = torch.from_numpy(grasps)[None]
    return GraspBatch(table[..., :2], table[..., 2], table[..., 3], table[..., 4])


def test_robustness_is_what_the_metric_says() -> None:
    network = load_gqcnn()
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (40, 5)) * [3.0, 3.0, 0.005, 0.4, 0.01]
    grasps = (ONE.grasps[rng.integers(0, len(ONE.grasps), 40)] + noise).astype(np.float32)
    said = torch.sigmoid(robustness(network, IMAGES, batch_of(grasps)))[0].numpy()
    arrays = GraspArrays(*grasps.T)
    metric = RobustnessMetric(network).quality_in(ONE.frame.depth_m, ONE.frame.intrinsics, arrays)
    assert np.ptp(metric) > 0.9
    np.testing.assert_allclose(said, metric, atol=0.02)  # OpenCV samples at 1/32 of a pixel


def test_shaking_moves_and_turns_as_far_as_told_and_changes_nothing_else() -> None:
    grasps = batch_of(np.tile(ONE.grasps[:1], (4000, 1)))
    found = shaken(grasps, IMAGES, torch.Generator().manual_seed(0), 0.002, 0.05)
    metres = (found.pixels - grasps.pixels) * grasps.depth_m[..., None] / 175.0
    assert metres.std(dim=1)[0].tolist() == pytest.approx([0.002, 0.002], rel=0.05)
    assert float((found.angle_rad - grasps.angle_rad).std()) == pytest.approx(0.05, rel=0.05)
    assert abs(float(metres.mean())) < 1e-4
    assert torch.equal(found.depth_m, grasps.depth_m)
    assert torch.equal(found.width_m, grasps.width_m)


def test_the_word_can_be_climbed_in_all_five_numbers() -> None:
    table = torch.from_numpy(ONE.grasps[:1])[None].requires_grad_()
    off = table + torch.tensor([1.5, -1.0, 0.0, 0.2, 0.0])
    grasps = GraspBatch(off[..., :2], off[..., 2], off[..., 3], off[..., 4])
    robustness(BarTeacher(), IMAGES, grasps).sum().backward()
    assert (table.grad[0, 0] != 0).all()
