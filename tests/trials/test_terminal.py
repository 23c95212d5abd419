import io
import re
import subprocess
import sys

from rich.console import Console

from tests.trials.fake_run import fake_record, schedule
from trials.protocol import load_protocol
from trials.statistics import summarise
from trials.terminal import print_summary

PLAN = schedule(60)


def printed(done: int, width: int = 80, protocol: str = "household") -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(summarise([fake_record(p) for p in PLAN[:done]], PLAN), console, load_protocol(protocol))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().replace("\u202f", " ")


def test_the_headline_table_is_printed() -> None:
    text = printed(60)
    row = next(line for line in text.splitlines() if "Success, by the referee" in line)
    assert row.split("referee")[1].split() == ["86.7", "%", "75.8", "–", "93.1", "%", "52", "of", "60"]
    assert "Outcomes: 53 success, 1 empty" in text
    assert "INCOMPLETE" not in text


def test_the_fallbacks_reasons_and_cost_are_printed_where_it_was_asked() -> None:
    text = " ".join(printed(60).split())
    assert re.search(
        r"Fallback asked in (\d+) of 60 planned trials: \1 not robust\. Its grasp was the chosen one in", text
    )
    assert "Fallback asked in" not in printed(1)


def test_an_incomplete_run_is_said_to_be_so() -> None:
    assert "INCOMPLETE: 50 planned trials of 60" in " ".join(printed(10).split())
    assert "none yet" in printed(0)


def test_what_success_means_is_printed_where_it_is_not_the_usual() -> None:
    assert "Protocol" not in printed(60)
    said = " ".join(printed(60, protocol="depierre2021").split())
    assert "Protocol depierre2021: success means lifted, moved away and put back without a drop" in said


def test_reading_a_run_needs_no_torch_no_opencv_and_no_robot() -> None:
    code = "import sys, trials.terminal, trials.report, trials.ledger, trials.run_directory, trials.frames\n"
    code += "heavy = {'torch', 'cv2', 'mujoco', 'open3d', 'scipy', 'pyrealsense2', 'rtde_control'}\n"
    code += "loaded = {name for name in sys.modules if name.startswith('robot.')}\n"
    code += "print(sorted(heavy & set(sys.modules)), sorted(loaded))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out.strip() == "[] ['robot.errors', 'robot.object_sets', 'robot.strict_yaml']"
