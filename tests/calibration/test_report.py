"""The page about a calibration: whole, self-contained, the verdict first."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from calibration.records import DepthCheck, TableMark, TouchMiss
from calibration.report import render, write_report
from calibration.result import Calibration, calibrate
from robot.errors import SettingsError
from tests.calibration.synthetic_views import INTRINSICS, make_cell, settings, spoil

VOID = {"meta", "rect", "circle", "path", "br"}
LABELS = {"made_at": "2026-11-21T12:00:00+00:00", "camera_serial": "0123", "robot_serial": "UR5 <7>"}


class Page(HTMLParser):
    """Collects what is in the page, and checks that every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or self.get_starttag_text() is None:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if "style" not in self.open:
            self.words += data

    def count(self, tag: str, kind: str = "") -> int:
        return sum(t == tag and (not kind or kind in (attrs.get("class") or "").split()) for t, attrs in self.tags)


@pytest.fixture(scope="module")
def good():
    cell = make_cell("fixed", 0)
    result = calibrate(cell.views, INTRINSICS, settings("fixed"), np.random.default_rng(0))
    return Calibration.of(result, **LABELS, arm_model="UR5"), cell.views


def test_the_page_of_a_good_calibration_says_so_first_and_has_every_view_and_solver(good):
    calibration, views = good
    page = Page(render(calibration, views, INTRINSICS))
    assert "passed" in page.words.strip().splitlines()[0]
    assert "refused" not in page.words
    assert f"{1e3 * calibration.quality.position_rms_m:.2f} mm" in page.words
    assert page.count("svg") == 4
    assert page.count("circle", "dot") == sum(len(v.ids) for v in views) + 2 * len(views)
    for solver in calibration.solvers:
        assert solver.name in page.words


def test_nothing_comes_from_outside_and_names_are_escaped(good):
    calibration, views = good
    html = render(calibration, views, INTRINSICS)
    page = Page(html)
    assert not any(name in ("src", "href") for _, attrs in page.tags for name in attrs)
    assert "url(" not in html
    assert "UR5 <7>" in page.words
    assert page.count("script") == 0


def test_reasons_stand_before_the_figures(good):
    calibration, views = good
    reason = "the board's squares seem to be 29.1 mm, not 30.0 mm"
    page = Page(render(replace(calibration, reasons=(reason,)), views, INTRINSICS))
    assert page.words.index("refused") < page.words.index(reason) < page.words.index("Figures")


def test_views_that_were_left_out_are_marked_with_the_reason():
    cell = spoil(make_cell("wrist", 1), 0.2, 1)
    result = calibrate(cell.views, INTRINSICS, settings("wrist"), np.random.default_rng(0))
    calibration = Calibration.of(result, **LABELS, arm_model="UR5")
    left_out = [view for view in calibration.views if view.left_out]
    assert left_out
    page = Page(render(calibration, cell.views, INTRINSICS))
    dropped = [solver for solver in calibration.solvers if solver.dropped]
    assert page.count("tr", "out") == len(left_out) + len(dropped)
    assert left_out[0].left_out in page.words


def test_touch_depth_and_marks_are_shown_when_there_are_any(good):
    calibration, views = good
    bare = Page(render(replace(calibration, depth=None), views, INTRINSICS))
    assert "moved sideways will not be seen" in bare.words
    assert "Touched" not in bare.words
    mark = TableMark(2, np.array([[0.29, 0.25, -0.25], [0.33, 0.25, -0.25], [0.33, 0.29, -0.25], [0.29, 0.29, -0.25]]))
    rich = replace(
        calibration, marks=(mark,), touch=(TouchMiss(6, (0.003, 0.0, -0.004)),), depth=DepthCheck(1.02, 0.0, 0.001, 600)
    )
    page = Page(render(rich, views, INTRINSICS))
    assert "5.00 mm" in page.words
    assert "310.0 mm" in page.words
    assert "on-chip calibration" in page.words


def test_it_is_written_whole_or_not_at_all(good, tmp_path):
    calibration, views = good
    write_report(tmp_path, calibration, views, INTRINSICS)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(SettingsError):
        write_report(tmp_path / "report.html", calibration, views, INTRINSICS)


def test_no_views_at_all_still_make_a_page(good):
    calibration, _ = good
    Page(render(replace(calibration, views=()), (), INTRINSICS))
