"""A detector by its deadline. Whatever hangs here hangs until the test lets it go, so no test waits for a clock."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import pytest

from detectors.grasp import Detection
from detectors.registry import Detector
from detectors.watched import DetectorTimeout, WatchedDetector
from robot.frame import Frame
from tests.detectors.answering import FRAME, GRASP, Answering

SHORT_S, LONG_S = 0.05, 30.0


class Hanging:
    """Answers once it is let go."""

    name = "hanging"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun = 0
        self.at_once = 0
        self.most_at_once = 0

    def detect(self, frame: Frame, **asked: object) -> Detection:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.let_go.wait(LONG_S)
        self.at_once -= 1
        return Detection((GRASP,), detect_ms=float(self.begun), reason="")


def test_an_answer_comes_through_and_so_does_the_question() -> None:
    detector = Answering("prompt", GRASP)
    watched: Detector = WatchedDetector(detector, LONG_S)
    assert watched.name == "prompt"
    assert watched.detect(FRAME, top=4, region=None, seed=9).grasps == (GRASP,)
    assert detector.asked == [{"frame": FRAME, "top": 4, "region": None, "seed": 9}]


def test_what_is_raised_comes_through_and_the_next_call_is_answered() -> None:
    detector = Answering("moody", GRASP, error=ValueError("not today"))
    watched = WatchedDetector(detector, LONG_S)
    for error, raised in ((ValueError("not today"), ValueError), (SystemExit(3), RuntimeError)):
        detector.error = error
        with pytest.raises(raised):
            watched.detect(FRAME)
    detector.error = None
    assert watched.detect(FRAME).grasps == (GRASP,)


def test_a_late_answer_is_thrown_away_and_the_next_call_waits_for_its_turn() -> None:
    detector = Hanging()
    watched = WatchedDetector(detector, SHORT_S)
    with pytest.raises(DetectorTimeout, match=r"hanging did not answer within its deadline of 0.05 s \(.*deadline_s"):
        watched.detect(FRAME)
    with pytest.raises(DetectorTimeout, match="hanging is still busy with an earlier image"):
        watched.detect(FRAME)
    assert detector.begun == 1
    threading.Timer(SHORT_S, detector.let_go.set).start()
    watched._deadline_s = LONG_S
    assert watched.detect(FRAME).detect_ms == 2.0
    assert detector.most_at_once == 1


def test_one_thread_serves_all_calls_and_ends_with_its_owner() -> None:
    names = set()

    class Naming(Answering):
        def detect(self, frame: Frame, **asked: object) -> Detection:  # type: ignore[override]
            names.add(threading.current_thread().name)
            threads.add(threading.current_thread())
            return Detection((), detect_ms=0.0)

    threads: set[threading.Thread] = set()
    watched = WatchedDetector(Naming("naming"), LONG_S)
    for _ in range(5):
        watched.detect(FRAME)
    assert names == {"detector: naming"}
    (thread,) = threads
    assert thread.daemon
    del watched
    gc.collect()
    thread.join(LONG_S)
    assert not thread.is_alive()


PROGRAM = """
import os, signal, sys, threading, time
from detectors.watched import DetectorTimeout, WatchedDetector

class Hanging:
    name = "hanging"
    def detect(self, frame, **asked):
        print("begun", flush=True)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            time.sleep(60)

try:
    WatchedDetector(Hanging(), float(sys.argv[1])).detect(None)
except DetectorTimeout:
    print("late")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(("deadline_s", "end"), [(0.05, "late"), (1000.0, "interrupted")])
def test_neither_ctrl_c_nor_the_programs_end_waits_for_what_hangs(deadline_s: float, end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(deadline_s)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.split()[-1], done.returncode) == (end, 0), done.stderr
