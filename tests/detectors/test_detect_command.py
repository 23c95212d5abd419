"""The verb ``detect``: files in, JSON and a picture out."""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import detect_command, registry
from detectors.gqcnn import metric
from detectors.grasp import Grasp
from robot.errors import CellError, SettingsError
from robot.frame import Frame
from tests.detectors.answering import Answering, QualityMetric, grasp
from tests.detectors.depth_scenes import CAMERA, Box, render


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    frame = render([Box(0.0, 0.0, 0.14, 0.03, 0.03, 0.4)])
    return write(tmp_path, frame)


def write(folder: Path, frame: Frame) -> dict[str, str]:
    np.save(folder / "depth.npy", frame.depth_m)
    (folder / "camera.json").write_text(json.dumps(asdict(CAMERA)))
    return {"depth": str(folder / "depth.npy"), "intrinsics": str(folder / "camera.json")}


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    detect_command.add_arguments(parser)
    return detect_command.run(parser.parse_args(arguments))


def with_files(files: dict[str, str]) -> list[str]:
    return ["--detector", "antipodal", "--depth", files["depth"], "--intrinsics", files["intrinsics"]]


def test_json_has_exactly_the_public_fields(files: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "g.json"
    assert run(*with_files(files), "--top", "3", "--json", str(out)) == 0
    answer: dict[str, Any] = json.loads(out.read_text())
    fallback = {"fallback_used": False, "fallback_reason": "", "fallback_ms": 0.0}
    assert set(answer) == {"detector", "grasps", "detect_ms", "inpaint_ms", "executed", *fallback}
    assert answer["detector"] == answer["executed"] == "antipodal"
    assert {name: answer[name] for name in fallback} == fallback
    assert len(answer["grasps"]) == 3
    fields = {"u", "v", "angle_rad", "width_m", "width_px", "depth_m", "quality", "robust", "detector"}
    for found in answer["grasps"]:
        assert set(found) == fields
        assert (found["robust"], found["detector"]) == (None, "antipodal")
        assert found["width_px"] == pytest.approx(found["width_m"] * CAMERA.fx / found["depth_m"])
        assert -math.pi / 2 <= found["angle_rad"] < math.pi / 2
    qualities = [found["quality"] for found in answer["grasps"]]
    assert qualities == sorted(qualities, reverse=True)


def test_dash_prints_json_and_nothing_else(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*with_files(files), "--json", "-") == 0
    assert len(json.loads(capsys.readouterr().out)["grasps"]) == 1


def test_no_grasp_is_an_answer_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write(tmp_path, render([]))
    out = tmp_path / "g.json"
    assert run(*with_files(files), "--json", str(out)) == 0
    assert json.loads(out.read_text())["grasps"] == []
    assert "no object above the table" in capsys.readouterr().out
    assert run(*with_files(files), "--json", "-") == 0
    streams = capsys.readouterr()
    assert json.loads(streams.out)["grasps"] == []
    assert "no object above the table" in streams.err


def test_overlay_is_a_picture_of_the_frame_with_something_drawn(files: dict[str, str], tmp_path: Path) -> None:
    color = np.full((CAMERA.height, CAMERA.width, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "color.png"), color)
    assert run(*with_files(files), "--color", str(tmp_path / "color.png"), "--overlay", str(tmp_path / "o.png")) == 0
    drawn = cv2.imread(str(tmp_path / "o.png"))
    assert drawn.shape == color.shape
    assert 100 < (drawn != color).any(axis=2).sum() < 5000
    assert run(*with_files(files), "--overlay", str(tmp_path / "d.png")) == 0
    assert cv2.imread(str(tmp_path / "d.png")).shape == color.shape


@pytest.fixture
def lineup(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answering]:
    """Detectors by name, in the place of the registered ones: ``fast`` falls back on ``careful``."""
    found = {
        "fast": Answering("fast", grasp(0.31), grasp(0.05)),
        "careful": Answering("careful", grasp(0.8), grasp(0.6)),
        "broken": Answering("broken", error=RuntimeError("no [weights]")),
    }
    monkeypatch.setattr(registry, "detector_names", lambda: [*found])
    monkeypatch.setattr(registry, "make_detector", found.__getitem__)
    monkeypatch.setattr(registry, "DEFAULT_FALLBACK", {"fast": "careful"})
    monkeypatch.setattr(metric, "load_metric", QualityMetric)
    return found


def answer_of(files: dict[str, str], capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    inputs = ("--depth", files["depth"], "--intrinsics", files["intrinsics"])
    assert run(*inputs, "--json", "-", *arguments) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_fallback_is_asked_as_in_the_cell(
    files: dict[str, str], lineup: dict[str, Answering], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answer_of(files, capsys, "--detector", "fast", "--top", "3")
    assert (answer["detector"], answer["executed"]) == ("fast", "careful")
    assert [(g["quality"], g["robust"]) for g in answer["grasps"]] == [(0.8, True), (0.6, None), (0.31, False)]
    assert [g["detector"] for g in answer["grasps"]] == ["careful", "careful", "fast"]
    assert (answer["fallback_used"], answer["fallback_reason"]) == (True, "not robust (0.31)")
    assert answer["fallback_ms"] >= 0
    assert answer["detect_ms"] == 7.0


def test_the_overlay_shows_the_stages_of_the_detector_only_behind_its_own_grasp(
    files: dict[str, str], lineup: dict[str, Answering], tmp_path: Path
) -> None:
    class Staged(Answering):
        def draw(self, frame: Frame, grasps: Sequence[Grasp], seed: int = 0) -> NDArray[np.uint8]:
            drawn.append((self.name, [g.quality for g in grasps], seed))
            return np.full((7, 9, 3), (200, 10, 20), np.uint8)

    def picture(fast: tuple[Grasp, ...], careful: tuple[Grasp, ...]) -> NDArray[np.uint8]:
        lineup["fast"], lineup["careful"] = Staged("fast", *fast), Staged("careful", *careful)
        inputs = ("--depth", files["depth"], "--intrinsics", files["intrinsics"], "--seed", "6", "--top", "2")
        assert run(*inputs, "--detector", "fast", "--overlay", str(tmp_path / "o.png")) == 0
        return np.asarray(cv2.imread(str(tmp_path / "o.png")))[:, :, ::-1]

    drawn: list[tuple[str, list[float], int]] = []
    staged = picture((grasp(0.9), grasp(0.6)), ())
    assert drawn == [("fast", [0.9, 0.6], 6)]
    assert staged.shape == (7, 9, 3)
    assert (staged == (200, 10, 20)).all()
    picture((grasp(0.3),), (grasp(0.2),))
    assert drawn[1:] == [("fast", [0.3, 0.2], 6)], "the fallback was asked, but its grasp is not the first"
    picture((), ())
    assert drawn[2:] == [("fast", [], 6)]
    plain = picture((grasp(0.3),), (grasp(0.8),))
    assert len(drawn) == 3, "the fallback's grasp wins: neither one's stages are behind it"
    assert plain.shape == (CAMERA.height, CAMERA.width, 3)


def test_the_default_fallback_is_the_detectors_own_and_can_be_declined(
    files: dict[str, str], lineup: dict[str, Answering], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answer_of(files, capsys, "--detector", "fast", "--fallback", "none")
    assert (answer["executed"], answer["fallback_used"], answer["grasps"][0]["robust"]) == ("fast", False, None)
    assert lineup["careful"].asked == []
    answer = answer_of(files, capsys, "--detector", "careful", "--fallback", "fast")
    assert (answer["executed"], answer["fallback_used"]) == ("careful", False)


def test_a_grasp_below_the_floor_is_no_answer(
    files: dict[str, str], lineup: dict[str, Answering], capsys: pytest.CaptureFixture[str]
) -> None:
    lineup["fast"].grasps, lineup["careful"].grasps = (grasp(0.05),), (grasp(0.02),)
    inputs = ("--depth", files["depth"], "--intrinsics", files["intrinsics"])
    assert run(*inputs, "--detector", "fast") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "best grasp 0.05, below the floor of 0.10; careful: best grasp 0.02, below the floor" in printed


def test_a_detector_that_fails_is_one_error(files: dict[str, str], lineup: dict[str, Answering]) -> None:
    inputs = ("--depth", files["depth"], "--intrinsics", files["intrinsics"])
    with pytest.raises(CellError, match=r"broken failed: RuntimeError: no \[weights\]"):
        run(*inputs, "--detector", "broken")


def test_a_failed_fallback_and_an_unknown_one(
    files: dict[str, str], lineup: dict[str, Answering], capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ("--depth", files["depth"], "--intrinsics", files["intrinsics"], "--detector", "fast")
    assert run(*inputs, "--fallback", "broken") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "not robust (0.31); broken failed: RuntimeError: no [weights]" in printed
    with pytest.raises(SettingsError, match="did you mean 'careful'"):
        run(*inputs, "--fallback", "carefull")


def test_same_seed_same_json(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for seed in ("5", "5", "6"):
        run(*with_files(files), "--json", "-", "--seed", seed)
        answers.append(json.loads(capsys.readouterr().out)["grasps"])
    assert answers[0] == answers[1] != answers[2]


def test_unknown_detector_lists_the_names(files: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="antipodal"):
        run("--detector", "antipodul", "--depth", files["depth"], "--intrinsics", files["intrinsics"])


@pytest.mark.parametrize("option", ["--json", "--overlay"])
def test_an_output_that_cannot_be_written_is_named(files: dict[str, str], tmp_path: Path, option: str) -> None:
    for target in (tmp_path / "nowhere" / "x.png", tmp_path):
        with pytest.raises(SettingsError, match="directory"):
            run(*with_files(files), option, str(target))


@pytest.mark.parametrize("top", ["0", "-1", "two"])
def test_senseless_top_is_bad_usage(files: dict[str, str], top: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*with_files(files), "--top", top)
    assert caught.value.code == 2
    assert "--top" in capsys.readouterr().err


def test_importing_the_verb_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'cv2', 'scipy', 'rich', 'torch'}"
    code = f"import sys, detectors.detect_command; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
