"""The command ``detectors.bench``: every detector that can be had is timed, the others are named."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from detectors import bench, registry
from detectors.grasp import Detection
from robot.child_process import PROJECT_ROOT
from robot.errors import SettingsError


class Quick:
    """Takes a known time, and a millisecond more for each further grasp."""

    def __init__(self, name, ms):
        self.name, self._ms = name, ms

    def detect(self, frame, *, top=1, region=None, seed=0):
        assert frame.depth_m.shape in ((400, 400), (480, 640))
        return Detection((), detect_ms=self._ms + top - 1, reason="nothing")


@pytest.fixture
def detectors(monkeypatch):
    """Four names; one of them lacks its weights."""
    times = {"antipodal": 4.0, "gqcnn": 10.0, "gqcnn-1000": 40.0}

    def make(name):
        if name not in times:
            raise SettingsError("w.safetensors: no such weights file", "train it")
        return Quick(name, times[name])

    monkeypatch.setattr(registry, "make_detector", make)
    monkeypatch.setattr(registry, "detector_names", lambda: [*times, "gqstn"])


def run(capsys, *arguments):
    assert bench.main(["--frames", "1", "--repeats", "2", *arguments]) == 0
    return capsys.readouterr().out


def test_all_are_timed_and_the_missing_is_named(detectors, capsys):
    answer = json.loads(run(capsys, "--json", "-"))
    assert list(answer["detectors"]) == ["antipodal", "gqcnn", "gqcnn-1000"]
    assert answer["detectors"]["antipodal"]["times_faster"] == 10.0
    assert answer["detectors"]["antipodal"]["detect_ms_median"] == 4.0
    assert answer["detectors"]["antipodal"]["several_ms_median"] == 13.0
    assert answer["missing"] == {"gqstn": "w.safetensors: no such weights file (train it)"}
    assert (answer["size"], answer["frames"], answer["repeats"]) == ("400x400", 1, 2)


def test_the_reference_is_measured_with_those_that_are_named(detectors, capsys, tmp_path):
    out = run(capsys, "antipodal", "--size", "640x480", "--json", str(tmp_path / "b.json"))
    answer = json.loads((tmp_path / "b.json").read_text())
    assert list(answer["detectors"]) == ["antipodal", "gqcnn-1000"]
    assert answer["missing"] == {}
    said = " ".join(out.split())
    assert "median p95 top 10 maps fill parameters kB speed" in said, "whole, in eighty columns"
    assert "antipodal 4.0 4.0 13.0 - 0.0 - - 10.0" in said
    assert "top 10: asked for ten grasps, as the cell asks; maps: the network alone on a whole view" in said
    assert "of 400 x 400; kB: of the weights' file; speed: gqcnn-1000's" in said
    assert answer["cpu"] in said
    assert "threads: networks 1, OpenCV" in said


def test_the_missing_is_named_for_the_eye_too(detectors, capsys):
    said = " ".join(run(capsys).split())
    assert "gqstn: not measured: w.safetensors: no such weights file" in said


def test_without_any_detector_it_ends_with_the_reasons(monkeypatch, capsys):
    monkeypatch.setattr(registry, "detector_names", lambda: ["gqstn"])
    monkeypatch.setattr(registry, "make_detector", lambda name: (_ for _ in ()).throw(SettingsError("no weights")))
    assert bench.main([]) == 2
    assert "no weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gqcn",), "did you mean 'gqcnn'"),
        (("--size", "12x12"), "invalid choice"),
        (("--repeats", "0"), "at least 1"),
        (("--json", "/nowhere/at/all.json"), "cannot be written"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(capsys, arguments, words):
    assert bench.main(list(arguments)) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1
    assert words in err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom detectors.bench import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'mujoco', 'cv2', 'open3d') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60)
    assert "--repeats" in done.stdout
    assert done.stderr.strip() == "[]"
