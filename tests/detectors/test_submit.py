"""The command: every file is judged or refused in one line, and a run that ended early goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from detectors import submit
from detectors.jacquardplus import trials
from robot.child_process import PROJECT_ROOT
from tests.detectors.jacquardplus.tiny import predictions_data, write_benchmark

HEAVY = ("mujoco", "torch", "cv2", "scipy", "embreex", "open3d", "trimesh", "numpy")
GRASP = {"u": 200.0, "v": 200.0, "angle_rad": 0.0, "width_px": 70.0}
BARE = {"u": 20.0, "v": 20.0, "angle_rad": 0.0, "width_px": 30.0}


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    return folder, write_benchmark(folder)


@pytest.fixture
def file(benchmark, tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(predictions_data(benchmark[1], {"0": [GRASP], "1": [BARE], "2": []})))
    return path


def command(benchmark, file, *arguments) -> int:
    return submit.main([str(file), "--path", str(benchmark[0]), "--workers", "1", *arguments])


def answer(benchmark, file, tmp_path) -> dict:
    assert command(benchmark, file, "--json", str(tmp_path / "answer.json")) == 0
    return json.loads((tmp_path / "answer.json").read_text())


def test_a_score_of_all_scenes_the_same_each_time(benchmark, file, tmp_path, capsys):
    found = answer(benchmark, file, tmp_path)
    assert found == answer(benchmark, file, tmp_path)
    assert (found["benchmark"], found["seed"], found["detector"], found["scenes"]) == ("jacquardplus", 5, "mine", 3)
    assert found["by_scene"][1:] == ["empty", "no prediction"]
    assert found["score"] == found["lifted"] / 3
    assert {band: part["scenes"] for band, part in found["by_tilt_deg"].items()} == {"0-20": 1, "20-45": 1, "45-70": 1}
    assert found["wrong"] == 0
    out = capsys.readouterr().out
    assert out.startswith(f"mine: {found['lifted']} of 3 scenes lifted")
    assert list(tmp_path.glob(".*")) == [], "nothing is left of what was kept meanwhile"


def test_two_workers_judge_as_one_does(benchmark, file, tmp_path):
    alone = answer(benchmark, file, tmp_path)
    command(benchmark, file, "--workers", "2", "--json", str(tmp_path / "both.json"))
    assert json.loads((tmp_path / "both.json").read_text()) == alone


def test_wrong_entries_are_named_and_the_others_judged(benchmark, tmp_path, capsys):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(predictions_data(benchmark[1], {"0": [GRASP | {"width_px": -3}], "9": []})))
    found = answer(benchmark, path, tmp_path)
    err = capsys.readouterr().err
    assert "scene 0, grasp 1: width_px is -3, must be > 0\n" in err
    assert "4 wrong: a scene whose first grasp is wrong or missing counts as not lifted\n" in err
    assert (found["score"], found["wrong"], len(found["wrong_entries"])) == (0.0, 4, 4)
    assert found["by_scene"] == ["wrong entry"] * 3


def test_json_alone_goes_to_stdout(benchmark, file, capsys):
    assert command(benchmark, file, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == 3


def test_interrupted_it_goes_on_and_judges_nothing_twice(benchmark, tmp_path, monkeypatch, capsys):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(predictions_data(benchmark[1], {"0": [BARE], "1": [GRASP], "2": [GRASP]})))
    usual, judged = trials.judge, []

    def judge(stage, prediction):
        if len(judged) == 2:
            raise KeyboardInterrupt
        judged.append(stage.scene.number)
        return usual(stage, prediction)

    monkeypatch.setattr(trials, "judge", judge)
    assert command(benchmark, path) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "interrupted: what is judged stays; start the same command again to go on"
    judged[:] = []
    found = answer(benchmark, path, tmp_path)
    assert judged == [2]
    monkeypatch.undo()
    assert found == answer(benchmark, path, tmp_path)


def test_what_other_predictions_were_worth_is_not_taken_up(benchmark, tmp_path, monkeypatch):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(predictions_data(benchmark[1], {"0": [BARE], "1": [], "2": []})))
    with monkeypatch.context() as patch:
        patch.setattr(trials.Journal, "remove", lambda journal: None)
        assert answer(benchmark, path, tmp_path)["by_scene"][0] == "empty"
    path.write_text(json.dumps(predictions_data(benchmark[1], {"0": [GRASP], "1": [], "2": []})))
    with monkeypatch.context() as patch:
        patch.setattr(trials, "judge", lambda stage, prediction: "dropped")
        assert answer(benchmark, path, tmp_path)["by_scene"][0] == "dropped"


@pytest.mark.parametrize(("content", "said"), [
    ("[1, 2]", "expected an object with benchmark, seed, scenes and predictions, got a list"),
    ("{", "not JSON"),
    ('{"benchmark": "jacquardplus", "seed": 6, "scenes": 3, "predictions": {}}', "the scenes are of seed 5"),
    ('{"benchmark": "jacquardplus", "seed": 5, "scenes": 4, "predictions": {}}', "is for 4 scenes, there are 3"),
])  # fmt: skip
def test_what_cannot_be_judged_is_one_line(benchmark, tmp_path, capsys, content, said):
    path = tmp_path / "p.json"
    path.write_text(content)
    assert command(benchmark, path) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert said in err


def test_folders_that_hold_no_benchmark_are_one_line(tmp_path, file, capsys):
    for folder in (tmp_path, tmp_path / "none"):
        assert submit.main([str(file), "--path", str(folder)]) == 2
        err = capsys.readouterr().err
        assert len(err.splitlines()) == 1
        assert str(folder) in err


def test_help_is_quick_and_needs_nothing_heavy():
    program = (
        "import sys\nfrom detectors import submit\n"
        "try:\n    submit.main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\nprint('HEAVY', heavy)"
    )
    before = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "HEAVY []"
    assert time.perf_counter() - before < 5.0
