from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from detectors import crossvalidate
from detectors.cornell.camera import assumed_camera
from detectors.evaluation.intervals import wilson
from detectors.evaluation.rectangles import ANGLES_DEG, JACCARDS
from detectors.fcn import crossvalidation
from detectors.fcn.crossvalidation_report import read_results, summary
from detectors.fcn.fold_results import Answer, tallies
from detectors.fcn.training import Trainer
from robot.child_process import PROJECT_ROOT
from robot.errors import SettingsError
from robot.frame import Frame
from tests.detectors.cornell.made import cloud_text
from tests.detectors.fcn.drawn import write_drawn

THINGS, FOLDS = 6, 3
QUICK = ["--input", "color", "--folds", str(FOLDS), "--epochs", "1", "--batch", "2", "--view", "64", "--threads", "1"]
TWO_EPOCHS = ["--split", "object", "--epochs", "2"]


@pytest.fixture(autouse=True)
def _one_thread_before_and_after() -> Any:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn(tmp_path_factory.mktemp("data") / "drawn", THINGS)


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    assert run(data, out) == 0
    return out


@pytest.fixture(scope="module")
def done_in_two_epochs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done") / "out"
    assert run(data, out, *TWO_EPOCHS) == 0
    return out


def run(data: Path, out: Path, *more: str, name: str = "ggcnn") -> int:
    words = [name, "--dataset", "cornell", "--path", str(data), "--out", str(out), *QUICK, *more]
    return crossvalidate.main(words)


def content(out: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in out.iterdir()}


def load(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def refused(capsys: pytest.CaptureFixture[str], code: int, message: str) -> None:
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in error


def test_every_image_is_judged_once_in_each_split(done: Path) -> None:
    assert sorted(content(done)) == sorted(
        ["crossvalidation.yaml", "report.json", "report.md"]
        + [f"{split}-fold-{number}.json" for split in ("image", "object") for number in range(1, FOLDS + 1)]
    )
    for split, threshold in (("image", 0.5), ("object", 0.2)):
        folds = [load(done / f"{split}-fold-{number}.json") for number in range(1, FOLDS + 1)]
        judged = [answer["name"] for fold in folds for answer in fold["answers"]]
        assert sorted(judged) == [f"pcd{100 + i:04d}" for i in range(2 * THINGS)]
        for fold in folds:
            assert (fold["threshold"], fold["folds"], fold["epochs"], fold["best_epoch"]) == (threshold, FOLDS, 1, 1)
            assert fold["learnt_from"] + fold["chosen_by"] + len(fold["answers"]) == 2 * THINGS


def test_the_report_is_what_the_folds_add_up_to(done: Path) -> None:
    report = load(done / "report.json")["splits"]
    for split in ("image", "object"):
        folds = [load(done / f"{split}-fold-{number}.json") for number in range(1, FOLDS + 1)]
        answers = [answer for fold in folds for answer in fold["answers"]]
        for least in JACCARDS:
            found = report[split]["jaccard"][f"{least:.2f}"]
            right = sum(answer["by_angle"][-1] > least for answer in answers)
            assert (found["right"], found["of"], found["share"]) == (right, 12, right / 12)
            assert tuple(found["interval"]) == wilson(right, 12)
            of_folds = [[a["by_angle"][-1] > least for a in fold["answers"]] for fold in folds]
            assert found["folds"] == [sum(fold) / len(fold) for fold in of_folds]
        for place, degrees in enumerate(ANGLES_DEG):
            right = sum(answer["by_angle"][place] > 0.25 for answer in answers)
            assert report[split]["angle"][str(degrees)]["right"] == right
        for k in range(1, 6):
            first_k = [index for a in answers for index in [a["by_angle"][-1], *a["further"]][:k]]
            found = report[split]["predictions"][str(k)]
            assert (found["right"], found["of"]) == (sum(index > 0.25 for index in first_k), len(first_k))
            assert found["of"] == sum(fold["right_of"]["predictions"][str(k)][1] for fold in folds)


def test_the_report_for_the_eye_has_the_papers_tables(done: Path) -> None:
    report = (done / "report.md").read_text(encoding="utf-8")
    for words in ("Table I)", "Table II)", "Table III)", "whole image, 400 px long", "image-wise", "object-wise",
                  "0.40", "Fold by fold", "z.txt says which images show one thing"):  # fmt: skip
        assert words in report
    assert str(done.parent) not in report


def test_nothing_of_a_judged_fold_is_learnt_from_or_chosen_by(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[set[str], set[str], set[str]]] = []
    honest_run, honest_judge = Trainer.run, crossvalidation.judge

    def watched_run(self: Trainer, max_minutes: float | None = None) -> Any:
        things = self._pictures.things  # type: ignore[attr-defined]
        seen.append(({*things[self.rows]}, {*things[self._judged_rows]}, set()))
        return honest_run(self, max_minutes)

    def watched_judge(network: Any, pictures: Any, rows: Any, threshold: float) -> Any:
        seen[-1][2].update(pictures.things[rows])
        return honest_judge(network, pictures, rows, threshold)

    monkeypatch.setattr(Trainer, "run", watched_run)
    monkeypatch.setattr(crossvalidation, "judge", watched_judge)
    assert run(data, tmp_path / "out", "--split", "object") == 0
    assert len(seen) == FOLDS
    assert set().union(*(judged for *_, judged in seen)) == {f"thing-{i}" for i in range(THINGS)}
    for learnt, chosen, judged in seen:
        assert learnt
        assert chosen
        assert len(learnt) + len(chosen) + len(judged) == len(learnt | chosen | judged)


@pytest.mark.parametrize("by", ["image", "object"])
def test_crops_of_one_photograph_stay_together(by: Any) -> None:
    names = np.array([f"photograph {i // 2}" for i in range(60)])
    things = np.array([f"thing {i // 6}" for i in range(60)])
    found = crossvalidation.parts(names, things, by=by, count=5, seed=3)
    assert sorted(row for part in found for row in part.judged) == list(range(60))
    for part in found:
        groups = [{*names[rows]} for rows in (part.learnt, part.chosen, part.judged)]
        assert sum(map(len, groups)) == len(set().union(*groups)) == 30


@pytest.mark.parametrize("where", ["_judge", "_state"])
def test_interrupted_in_the_second_fold_it_ends_with_the_same_files(
    where: str, data: Path, done_in_two_epochs: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Before an epoch's state is kept, and in the next epoch, after it was."""
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, where, _failing_at(getattr(Trainer, where), 3 if where == "_judge" else 4))
        assert run(data, out, *TWO_EPOCHS) == 1
    assert "start the same command again" in capsys.readouterr().err
    assert (out / "object-fold-1.json").is_file()
    assert not (out / "object-fold-2.json").exists()
    assert not (out / "report.md").exists()
    assert run(data, out, *TWO_EPOCHS) == 0
    assert ("resumed after epoch 1" in capsys.readouterr().err) == (where == "_state")
    assert content(out) == content(done_in_two_epochs)


def _failing_at(honest: Callable[..., Any], call: int) -> Callable[..., Any]:
    calls = []

    def failing(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return honest(*args)

    return failing


def test_killed_without_warning_it_ends_with_the_same_files(data: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-m", "detectors.crossvalidate", "ggcnn", "--dataset", "cornell", "--path", str(data),
             "--out", str(out), *QUICK]  # fmt: skip
    process = subprocess.Popen(words, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (out / "image-fold-1.json").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "report.json").exists()
    assert run(data, out) == 0
    assert content(out) == content(done)


def test_one_split_can_follow_the_other(data: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(data, out, "--split", "image") == 0
    assert list(load(out / "report.json")["splits"]) == ["image"]
    assert run(data, out, "--split", "object") == 0
    assert content(out) == content(done)


def test_when_time_is_over_it_can_be_gone_on_with(
    data: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, runs = tmp_path / "out", 0
    while run(data, out, "--max-minutes", "1e-9") == 1:
        runs += 1
        assert "start the same command again" in capsys.readouterr().err
    assert runs > 1
    assert content(out) == content(done)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "2"], "epochs is 1 there, 2 was asked for"),
        (["--seed", "7"], "seed is 0 there, 7 was asked for"),
        (["--angle", "raw"], "angle is 'double' there, 'raw' was asked for"),
        (["--mask", "flat"], "mask is 'tapered' there, 'flat' was asked for"),
        (["--limit", "8"], "limit is None there, 8 was asked for"),
    ],
)
def test_other_settings_are_refused(
    words: list[str], message: str, data: Path, done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(done)
    refused(capsys, run(data, done, *words), message)
    assert content(done) == before


def test_another_detector_and_other_images_are_refused(
    data: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, run(data, done, name="fcn"), "detector is 'ggcnn' there, 'fcn' was asked for")
    refused(capsys, run(write_drawn(tmp_path / "drawn", 7), done), "images is 12 there, 14 was asked for")


def copied(done: Path, out: Path) -> Path:
    out.mkdir()
    for name, text in content(done).items():
        (out / name).write_text(text, encoding="utf-8")
    return out


def test_other_labels_of_the_same_images_are_refused(
    data: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(data, tmp_path / "drawn"))
    labels = other / "01" / "pcd0105cpos.txt"
    labels.write_text("".join(labels.read_text(encoding="utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    before = content(done)
    refused(capsys, run(other, done), "data is ")
    assert content(done) == before


def test_another_kind_of_depth_under_the_same_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn, out = write_drawn(tmp_path / "drawn", 3, depth=True), tmp_path / "out"
    words = ("--input", "depth", "--split", "image", "--folds", "2")
    assert run(drawn, out, *words) == 0
    assert "6 image(s) have no point cloud: their depth is d.tiff's" in (out / "report.md").read_text(encoding="utf-8")
    assert "whole image, 1.25 mm a pixel" in (out / "report.md").read_text(encoding="utf-8")
    assert load(out / "report.json")["settings"]["depths"] == "6 tiff"
    depth = cv2.imread(str(drawn / "01" / "pcd0103d.tiff"), cv2.IMREAD_UNCHANGED)
    assert depth is not None
    cloud = cloud_text(Frame(depth.astype(np.float32), assumed_camera(*depth.shape)))
    (drawn / "01" / "pcd0103.txt").write_text(cloud, encoding="utf-8")
    refused(capsys, run(drawn, out, *words), "depths is '6 tiff' there, '1 cloud, 5 tiff' was asked for")


def test_a_folder_with_something_else_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("x", encoding="utf-8")
    refused(capsys, run(data, tmp_path), "is not empty and holds no cross-validation")


def test_a_damaged_result_is_named(data: Path, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = copied(done, tmp_path / "out")
    (out / "image-fold-2.json").write_text('{"split": ', encoding="utf-8")
    refused(capsys, run(data, out), "delete image-fold-2.json")
    (out / "image-fold-2.json").unlink()
    assert run(data, out) == 0
    assert content(out) == content(done)


def test_fcn_learns_from_depth(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = write_drawn(tmp_path / "drawn", 3, depth=True)
    more = ("--input", "depth", "--depth", "tiff", "--split", "image", "--folds", "2", "--json", "-")
    assert run(drawn, tmp_path / "out", *more, name="fcn") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["settings"]["depth"] == "tiff"
    assert answer["settings"]["layout"] == "fast"
    assert answer["splits"]["image"]["images"] == 6
    assert answer == load(tmp_path / "out" / "report.json")


def test_folds_without_things_are_by_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ggcnn", "--dataset", "georgia", "--path", str(tmp_path), "--out", str(tmp_path / "out"), *QUICK]
    refused(capsys, crossvalidate.main(words), "give --split image")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "7"], "6 different thing(s) cannot be split into 7 folds"),
        (["--folds", "13", "--split", "image"], "12 image(s) cannot be split into 13 folds"),
        (["--batch", "8"], "a batch takes 8 images, and"),
        (["--limit", "4", "--split", "object", "--folds", "2"], "1 thing to learn from leaves none"),
        (["--input", "depth"], "--input color"),
        (["--depth", "tiff"], "--input color sees none"),
        (["--input", "depth", "--depth", "stereo"], "cornell has no such images (give one of auto, cloud, tiff)"),
        (["--layout", "full"], "--layout is for fcn"),
        (["--max-minutes", "0"], "--max-minutes must be positive"),
        (["--path", "nowhere"], "nowhere: no such folder"),
        (["--dataset", "jacquard"], "no images in Jacquard's layout"),
        (["--dataset", "synthetic"], "--help"),
        (["--intrinsics", "none.json"], "none.json: no such file"),
        (["--json", "/nowhere/a.json"], "cannot be written"),
    ],
)
def test_bad_usage_is_told_and_leaves_nothing(
    words: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, run(data, tmp_path / "out", *words), message)
    assert not (tmp_path / "out").exists()


def test_right_answers_are_counted_by_table() -> None:
    perfect = Answer("a", (0.9,) * 5, (0.5, 0.1))
    turned = Answer("b", (0.0, 0.0, 0.0, 0.0, 0.32), ())
    found = tallies([perfect, turned])
    assert found["jaccard"] == {"0.25": (2, 2), "0.30": (2, 2), "0.35": (1, 2), "0.40": (1, 2)}
    assert found["angle"] == {"10": (1, 2), "15": (1, 2), "20": (1, 2), "25": (1, 2), "30": (2, 2)}
    assert found["predictions"] == {"1": (2, 2), "2": (3, 3), "3": (3, 4), "4": (3, 4), "5": (3, 4)}


def test_only_whole_splits_are_reported(done: Path, tmp_path: Path) -> None:
    (tmp_path / "image-fold-1.json").write_text((done / "image-fold-1.json").read_text(), encoding="utf-8")
    assert summary(read_results(tmp_path, FOLDS)) == {}
    (tmp_path / "object-fold-1.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"delete object-fold-1\.json"):
        read_results(tmp_path, 1)


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys, detectors.crossvalidate as c\n"
        "try:\n    c.main(['--help'])\nexcept SystemExit:\n    print('torch' in sys.modules, 'numpy' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "detectors.evaluate" in found.stdout
    assert found.stdout.strip().endswith("False False")
