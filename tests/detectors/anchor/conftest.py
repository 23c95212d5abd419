"""What several of the anchor network's tests look at: made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from detectors.anchor.color_shards import prepare_color
from detectors.fcn.dense_shards import prepare_dense
from detectors.gqcnn.metric import load_metric
from detectors.oneshot.prepared import prepare
from tests.detectors.fcn.scenes import write_scene_data


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks are faster so, and what they learn is the same on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def painted_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny data set with everything prepared, colours too; whoever changes it copies it first."""
    folder, metric = write_scene_data(tmp_path_factory.mktemp("scenes") / "tiny"), load_metric()
    prepare(folder, metric, lambda line: None)
    prepare_dense(folder, metric, lambda line: None)
    prepare_color(folder, lambda line: None)
    return folder
