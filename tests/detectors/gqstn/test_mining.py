"""What a network proposes is lifted and becomes data that GQ-CNN can learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from detectors import train
from detectors.dexnet.fields import KINDS
from detectors.dexnet.reading import read_tensors
from detectors.dexnet.tensors import GraspTensors
from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.grasp_data import joined, load_data
from detectors.gqcnn.weights import load_for_training
from detectors.gqcnn.weights_file import file_sha256
from detectors.gqstn import mine as command
from detectors.gqstn.mining import mine
from detectors.gqstn.network import Cascade, GqStn, GqStnConfig
from detectors.inpainting import fill_holes
from detectors.oneshot.detector import Looked
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.weights import save_weights
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.making import make_scene
from detectors.synthesis.scene_shards import SceneRecord, read_scenes, scenes_file, write_scenes
from detectors.synthesis.settings import open_dataset
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError
from tests.detectors.gqcnn.bars import write_bars
from tests.detectors.oneshot.bars import TINY, small_networks
from tests.detectors.synthesis.small_shards import contents, wanted

SETTINGS = wanted(20, images="depth")
SHARDS = ((0, 17, 9), (8, 4), (19,))  # of training, training, test; validation, training; test things
MINED = [n for shard in SHARDS for n in shard if split_of(n) != "test"]


def silent(line: str) -> None:
    """For what is said elsewhere."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small scenes of the catalogue's things, in three shards."""
    folder, catalogue = tmp_path_factory.mktemp("data") / "scenes", open_catalogue(SETTINGS)
    open_dataset(folder, SETTINGS)
    for index, numbers in enumerate(SHARDS):
        write_scenes(scenes_file(folder, index), [make_scene(n, SETTINGS, catalogue).record for n in numbers])
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        small_networks(patch)
        torch.manual_seed(0)
        path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
        save_weights(path, "gqstn", GqStn(GqStnConfig(TINY)), {})
    return path


def untrained() -> GqStn:
    torch.manual_seed(0)
    return GqStn(GqStnConfig(TINY)).eval()


@pytest.fixture(scope="module")
def mined(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mined") / "out"
    with pytest.MonkeyPatch.context() as patch:
        small_networks(patch)
        mine(untrained(), weights, data, out, silent)
    return out


def records(data: Path) -> dict[int, SceneRecord]:
    found = [record for index in range(len(SHARDS)) for record in read_scenes(scenes_file(data, index))]
    return {record.number: record for record in found}


def tensors(folder: Path) -> GraspTensors:
    return read_tensors(folder, damaged="stop", tell=silent)


def test_three_proposals_a_scene_of_training_and_validation_things(mined: Path, data: Path) -> None:
    found, scenes = tensors(mined), records(data)
    assert found.image_label is not None
    assert found.object_label is not None
    assert found.image_label.tolist() == [n for n in MINED for _ in range(3)]
    assert {split_of(int(thing)) for thing in found.object_label} == {"train", "validation"}
    for thing, number in zip(found.object_label, found.image_label, strict=True):
        assert thing in scenes[number].things
    assert set(found.kind) == {KINDS.index("on policy")}


def test_the_crops_are_what_gqcnn_is_shown_of_the_proposals(mined: Path, data: Path) -> None:
    found, scenes = tensors(mined), records(data)
    for row, number in enumerate(found.image_label):
        frame = scenes[int(number)].frame()
        columns = (found.u, found.v, found.depth_m, found.angle_rad, found.width_m)
        grasp = GraspArrays(*(column[row : row + 1] for column in columns))
        assert 0 <= found.u[row] < 400
        crop = crop_depths(fill_holes(frame.depth_m, frame.valid), frame.intrinsics, grasp)[0]
        assert np.abs(found.crops_m[row] - crop).mean() < 5e-5


def test_it_says_what_it_was_made_with_and_from(mined: Path, data: Path, weights: Path) -> None:
    found = yaml.safe_load((mined / "dataset.yaml").read_text(encoding="utf-8"))
    assert found["mined_with"] == file_sha256(weights)
    assert found["from"] == yaml.safe_load((data / "dataset.yaml").read_text(encoding="utf-8"))


def best_grasp(record: SceneRecord, thing: int) -> list[float]:
    """The surest of those that were made for a thing."""
    g = record.grasps
    value = g.physical_success * 4 + g.collision_free * 2 + g.force_closure - 9 * (g.object_index != thing)
    return [float(column[value.argmax()]) for column in (g.u, g.v, g.depth_m, g.angle_rad, g.width_m)]


class Oracle:
    """In place of a network: proposes what held when the scene was made, then a grasp of air and one more that held."""

    any_size = True

    def __init__(self, scenes: dict[int, SceneRecord]) -> None:
        self._scenes = list(scenes.values())

    def stages(self, looked: Looked, count: int, dice: torch.Generator | None = None) -> Cascade:
        (record,) = [r for r in self._scenes if abs(r.camera.fx - float(looked.images.camera[0, 0])) < 1e-3]
        first, last = best_grasp(record, 0), best_grasp(record, len(record.things) - 1)
        air = [*first[:2], first[2] - 0.10, *first[3:]]
        rows = [first] if dice is None else [air, last]
        assert count == len(rows)
        table = torch.tensor(rows)[None]
        grasps = GraspBatch(table[..., :2], table[..., 2], table[..., 3], table[..., 4])
        nothing = torch.zeros(1, len(rows))
        return Cascade(nothing, nothing, nothing, looked.views, nothing, grasps, nothing)


def test_labels_are_physical(data: Path, weights: Path, tmp_path: Path) -> None:
    """What held holds again; what grasps air does not."""
    scenes = records(data)
    mine(Oracle(scenes), weights, data, tmp_path, silent)  # type: ignore[arg-type]
    found = tensors(tmp_path)
    assert found.physical_success is not None
    assert found.physical_success.reshape(-1, 3).tolist() == [
        [1, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1],
    ], "nothing holds the thing of scene 8"  # fmt: skip
    quality = found.robust_ferrari_canny.reshape(-1, 3)
    assert (quality[[0, 1, 3]][:, [0, 2]] > 0.0005).all()
    assert (quality[:, 1] == 0).all()
    assert (found.collision_free.reshape(-1, 3)[[0, 1, 3]][:, [0, 2]] == 1).all()
    for number, things in zip(MINED, found.object_label.reshape(-1, 3), strict=True):
        first, last = scenes[number].things[[0, -1]]
        assert things.tolist() == [first, first, last]
    assert found.object_label[3] != found.object_label[5]


def test_started_again_it_goes_on_where_it_was(mined: Path, data: Path, weights: Path, tmp_path: Path) -> None:
    out, said = tmp_path / "out", []
    mine(untrained(), weights, data, out, said.append, part=(1, 2))
    assert [line.split(":")[0] for line in said] == ["scenes_00001.npz"]
    assert len(tensors(out)) == 3 * 2
    mine(untrained(), weights, data, out, said.append)
    assert [line.split(":")[0] for line in said[1:]] == ["scenes_00000.npz"]
    assert contents(out) == contents(mined)


def test_what_other_weights_proposed_is_not_mixed_in(mined: Path, data: Path, weights: Path, tmp_path: Path) -> None:
    before, other = contents(mined), tmp_path / "other.safetensors"
    other.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(SettingsError, match="what other weights proposed"):
        mine(untrained(), other, data, mined, silent)
    assert contents(mined) == before
    open_dataset(tmp_path / "precious", replace(SETTINGS, seed=9))
    with pytest.raises(SettingsError, match="holds another data set"):
        mine(untrained(), weights, data, tmp_path / "precious", silent)
    assert [*contents(tmp_path / "precious")] == ["dataset.yaml"]


def test_a_data_set_without_images_is_refused(weights: Path, tmp_path: Path) -> None:
    open_dataset(tmp_path / "none", wanted(3, images="none"))
    with pytest.raises(SettingsError, match="holds no images"):
        mine(untrained(), weights, tmp_path / "none", tmp_path / "out", silent)


def test_gqcnn_data_takes_them_in(mined: Path, tmp_path: Path) -> None:
    main = load_data(write_bars(tmp_path / "bars", 900), tell=silent)
    also = load_data(mined, tell=silent, needed=())
    both = joined(main, [also], repeat=3)
    assert (len(both), both.label_name) == (900 + 3 * len(MINED), "physical")
    np.testing.assert_array_equal(both.label[900:], also.columns["physical_success"])
    own = also.rows["train"] + 900
    assert len(own) == 9
    rows, times = np.unique(both.rows["train"], return_counts=True)
    assert set(times[np.isin(rows, own)]) == {3}
    assert set(times[~np.isin(rows, own)]) == {1}
    assert set(both.rows["validation"]) >= set(also.rows["validation"] + 900)
    np.testing.assert_array_equal(both.rows["test"], main.rows["test"])


def test_gqcnn_is_trained_beside_its_usual_data(
    mined: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bars, out = write_bars(tmp_path / "bars", 900), tmp_path / "net.safetensors"
    words = ["gqcnn", "--data", str(bars), "--out", str(out), "--network", "small", "--epochs", "1", "--batch", "64",
             "--device", "cpu", "--threads", "1"]  # fmt: skip
    alone = load_data(bars, tell=silent)
    assert train.main([*words, "--also", str(mined), "--repeat", "2"]) == 0
    said = capsys.readouterr().out
    assert f"{len(alone.rows['train']) + 2 * 9:,} grasps to train" in said
    training = load_for_training(out)[1]
    assert training["command"].endswith("--also out --repeat 2")
    assert training["data_sha256"] != alone.digest
    assert train.main([*words, "--also", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err
    assert train.main([*words, "--also", str(mined), "--repeat", "0"]) == 2


def test_the_command_mines(data: Path, mined: Path, weights: Path, tmp_path: Path) -> None:
    common = ["--weights", str(weights), "--data", str(data)]
    assert command.main([*common, "--out", str(tmp_path / "out"), "--part", "0/2"]) == 0
    assert command.main([*common, "--out", str(tmp_path / "out"), "--part", "1/2"]) == 0
    found, expected = tensors(tmp_path / "out"), tensors(mined)
    np.testing.assert_allclose(found.u[::3], expected.u[::3], atol=1.0)  # these weights are rounded and folded
    assert found.image_label.tolist() == expected.image_label.tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--part", "2/2"], "0 <= I < N"),
        (["--part", "one"], "expected I/N"),
        (["--weights", "none.safetensors"], "none.safetensors: no such weights file"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_bad_usage_is_one_line(
    words: list[str], message: str, data: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--weights", str(weights), "--data", str(data), "--out", str(tmp_path / "out")]
    assert command.main([*common, *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_it_never_writes_into_its_source(data: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(data)
    assert command.main(["--weights", str(weights), "--data", str(data), "--out", str(data)]) == 2
    assert "another folder" in capsys.readouterr().err
    assert contents(data) == before
