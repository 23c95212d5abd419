"""``detectors.evaluate --dataset jacquardplus``: detectors are asked once, and what they say is judged as submitted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detectors import evaluate, submit
from detectors.evaluation.rectangles import Rectangle
from detectors.grasp import Grasp
from detectors.jacquardplus import evaluate_command
from detectors.rectangle_detector import ScoredRectangle
from tests.detectors.answering import Answering
from tests.detectors.jacquardplus.tiny import write_benchmark

GRASP = Grasp(u=200.0, v=200.0, depth_m=0.68, angle_rad=0.3, width_m=0.08, quality=0.5)


class SeesColor(Answering):
    """Answers with a rectangle; is not to be asked for grasps."""

    def rectangles(self, color, *, top=1, scale=None):
        self.asked.append({"color": color, "top": top, "scale": scale})
        return (ScoredRectangle(Rectangle(200.0, 210.0, 0.2, 90.0, 20.0), 3.5),) * 2


@pytest.fixture
def folder(tmp_path):
    write_benchmark(tmp_path / "benchmark")
    return tmp_path / "benchmark"


def command(monkeypatch, folder, detectors, *arguments) -> int:
    monkeypatch.setattr(evaluate_command, "_detectors", lambda args: detectors)
    monkeypatch.setattr(evaluate_command.os, "cpu_count", lambda: 1)  # starting others takes longer than three trials
    return evaluate.main([next(iter(detectors)), "--dataset", "jacquardplus", "--path", str(folder),
                          *map(str, arguments)])  # fmt: skip


def test_the_score_is_that_of_the_predictions_submitted(monkeypatch, folder, tmp_path, capsys):
    detector, out = Answering("antipodal", GRASP), tmp_path / "p.json"
    assert command(monkeypatch, folder, {"antipodal": detector}, "--json", "-", "--predictions-out", out) == 0
    answer = json.loads(capsys.readouterr().out)
    assert submit.main([str(out), "--path", str(folder), "--json", "-", "--workers", "1"]) == 0
    submitted = json.loads(capsys.readouterr().out)
    assert answer["physical_success"] == submitted["score"]
    assert answer["jacquardplus"]["antipodal"]["by_scene"] == submitted["by_scene"]
    assert (answer["detector"], answer["dataset"], answer["images"]) == ("antipodal", "jacquardplus", 3)
    assert (answer["robust_rate"], answer["detect_ms_median"]) == (None, 7.0)
    assert set(answer["rectangle"].values()) == {None}
    assert [asked["seed"] for asked in detector.asked] == [0, 1, 2]
    (first,) = json.loads(out.read_text())["predictions"]["0"]
    assert (first["depth_m"], first["width_m"], first["quality"]) == (0.68, 0.08, 0.5)
    assert first["width_px"] == pytest.approx(0.08 * 600 / 0.68)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_who_sees_colour_alone_is_shown_colour_alone(monkeypatch, folder, tmp_path, capsys):
    detector, out = SeesColor("antipodal", error=AssertionError("asked for grasps")), tmp_path / "p.json"
    beside = Answering("fcn")
    given = ("--json", "-", "--predictions-out", out, "--beside", "fcn", "--images", "2")
    assert command(monkeypatch, folder, {"antipodal": detector, "fcn": beside}, *given) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {name: row["input"] for name, row in answer["jacquardplus"].items()} == {
        "antipodal": "color",
        "fcn": "depth",
    }
    assert answer["images"] == 2
    assert answer["jacquardplus"]["fcn"]["outcomes"] == {"no prediction": 2}
    (asked, _) = detector.asked
    np.testing.assert_array_equal(asked["color"], np.full((400, 400, 3), 128, np.uint8))
    assert asked["scale"] is None
    predicted = json.loads(out.read_text())["predictions"]
    drawn = {"u": 200.0, "v": 210.0, "angle_rad": 0.2, "width_px": 90.0, "quality": 3.5}
    assert predicted["0"] == [pytest.approx(drawn)]
    assert json.loads((tmp_path / "p-fcn.json").read_text())["predictions"] == {"0": [], "1": []}


def test_interrupted_it_asks_nobody_twice(monkeypatch, folder, capsys):
    first = Answering("antipodal", GRASP)
    usual = first.detect

    def detect(frame, **options):
        if len(first.asked) == 2:
            raise KeyboardInterrupt
        return usual(frame, **options)

    first.detect = detect
    assert command(monkeypatch, folder, {"antipodal": first}) == 1
    again = Answering("antipodal", GRASP)
    assert command(monkeypatch, folder, {"antipodal": again}) == 0
    assert [asked["seed"] for asked in again.asked] == [2]
    other_top = Answering("antipodal", GRASP)
    assert command(monkeypatch, folder, {"antipodal": other_top}, "--top", "2") == 0
    assert len(other_top.asked) == 3


@pytest.mark.parametrize(("arguments", "said"), [
    (("--pictures", "pics"), "--pictures does not apply"),
    (("--classifier-only",), "--classifier-only is for gqcnn"),
    (("--depth", "none"), "--depth is for"),
    (("--predictions-out", "none/p.json"), "cannot be written into"),
])  # fmt: skip
def test_what_does_not_apply_is_one_line(monkeypatch, folder, tmp_path, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, folder, {"antipodal": Answering("antipodal")}, *arguments) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert said in err


def test_predictions_are_only_written_here(tmp_path, capsys):
    given = ["antipodal", "--dataset", "synthetic", "--path", str(tmp_path), "--predictions-out", "p.json"]
    assert evaluate.main(given) == 2
    assert "--predictions-out is for jacquardplus" in capsys.readouterr().err
