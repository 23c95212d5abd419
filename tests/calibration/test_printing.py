"""The printed board, read back out of the PDF: its size in points, and the very pattern that is looked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from calibration.detection import BoardDetector
from calibration.printing import paper_for, print_board
from robot.calibration_board import BoardSettings
from robot.errors import SettingsError

POINTS_PER_MM = 72.0 / 25.4
NUMBER = r"(-?\d+\.?\d*)"
BOARDS = [
    BoardSettings(),
    BoardSettings(columns=5, rows=7, square_m=0.025, dictionary="DICT_4X4_100"),
    BoardSettings(columns=11, rows=8, marker_share=0.7, dictionary="DICT_6X6_250"),
]


class Page(NamedTuple):
    """Millimetres from the upper left corner; rectangles as (x, y, width, height, grey), lines as (x0, y0, x1, y1)."""

    size: tuple[float, float]
    rectangles: list[tuple[float, ...]]
    lines: np.ndarray
    text: str


def read_page(path: Path) -> Page:
    raw = path.read_bytes().decode("latin-1")
    box = re.search(rf"/MediaBox \[0 0 {NUMBER} {NUMBER}\]", raw)
    assert box is not None
    width, height = (float(v) / POINTS_PER_MM for v in box.groups())
    stream = max(re.findall(r"stream\n(.*?)endstream", raw, re.DOTALL), key=len)
    rectangles, lines, grey = [], [], 0.0
    for line in stream.splitlines():
        if found := re.fullmatch(rf"{NUMBER} g", line):
            grey = float(found[1])
        elif found := re.fullmatch(rf"{NUMBER} {NUMBER} {NUMBER} {NUMBER} re f", line):
            x, y, w, h = (float(v) / POINTS_PER_MM for v in found.groups())
            rectangles.append((x, height - y, w, -h, grey))
        elif found := re.fullmatch(rf"{NUMBER} {NUMBER} m {NUMBER} {NUMBER} l S", line):
            x0, y0, x1, y1 = (float(v) / POINTS_PER_MM for v in found.groups())
            lines.append((x0, height - y0, x1, height - y1))
    return Page((width, height), rectangles, np.array(lines), " ".join(re.findall(r"\((.*?)\) Tj", stream)))


def painted(page: Page, pixels_per_mm: int = 8) -> np.ndarray:
    """(H, W) the page as a printer would paint it."""
    width, height = page.size
    sheet = np.full((round(height * pixels_per_mm), round(width * pixels_per_mm)), 255, np.uint8)
    for x, y, w, h, grey in page.rectangles:
        top, bottom, left, right = (round(v * pixels_per_mm) for v in (y, y + h, x, x + w))
        sheet[top:bottom, left:right] = round(255 * grey)
    return sheet


@pytest.fixture(params=BOARDS, ids=lambda board: f"{board.columns}x{board.rows}")
def printed(request, tmp_path) -> tuple[BoardSettings, Page]:
    print_board(tmp_path / "board.pdf", request.param)
    return request.param, read_page(tmp_path / "board.pdf")


def test_the_page_is_landscape_paper(printed):
    board, page = printed
    expected = {"A4": (297.0, 210.0), "A3": (420.0, 297.0)}[paper_for(board)]
    assert page.size == pytest.approx(expected, abs=0.01)


def test_squares_and_pattern_are_true_to_scale(printed):
    board, page = printed
    square = 1e3 * board.square_m
    squares = [r for r in page.rectangles if r[4] == 0 and r[2] == pytest.approx(square, abs=0.01)]
    markers = [r for r in page.rectangles if r[4] == 0 and r[2] == pytest.approx(square * board.marker_share, abs=0.01)]
    assert len(squares) + len(markers) == board.columns * board.rows
    assert all(r[3] == pytest.approx(r[2], abs=0.01) for r in squares + markers)
    lefts, tops = np.array([r[:2] for r in squares]).T
    assert np.ptp(lefts) + square == pytest.approx(1e3 * board.size_m[0], abs=0.02)
    assert np.ptp(tops) + square == pytest.approx(1e3 * board.size_m[1], abs=0.02)


def test_the_pattern_is_the_one_that_is_looked_for(printed):
    board, page = printed
    scale = 8
    sheet = painted(page, scale)
    picture = board.picture(scale * 1e3)
    part = sheet[-picture.shape[0] :, -picture.shape[1] :]
    assert np.mean(part != picture) < 0.01  # rounding of the cells' edges
    seen = BoardDetector(board).find(np.repeat(sheet[::2, ::2, None], 3, axis=2))
    assert seen is not None
    assert len(seen.ids) == len(board.corners_m)


def test_nothing_but_rulers_and_words_lies_beside_the_board(printed):
    board, page = printed
    left = page.size[0] - 1e3 * (board.size_m[0] + 2 * board.margin_m)
    top = page.size[1] - 1e3 * (board.size_m[1] + 2 * board.margin_m)
    x, y = np.concatenate([page.lines[:, :2], page.lines[:, 2:]]).T
    assert ((x < left) | (y < top)).all()
    assert min(x.min(), y.min()) > 4.0  # what printers cannot reach


def test_both_rulers_are_200_mm_long(printed):
    _, page = printed
    spans = np.abs(page.lines[:, 2:] - page.lines[:, :2])
    assert spans[:, 0].max() == pytest.approx(200.0, abs=0.02)
    assert spans[:, 1].max() == pytest.approx(200.0, abs=0.02)
    ticks = page.lines[(spans[:, 0] < 0.01) & (spans[:, 1] < 10)]
    np.testing.assert_allclose(np.diff(np.sort(ticks[:, 0])), 1.0, atol=0.02)


def test_the_words_say_what_to_do(printed):
    board, page = printed
    for words in ("100 %", "calibration.board.square_m", f"{1e3 * board.square_m:g} mm", board.dictionary):
        assert words in page.text


def test_viewers_are_asked_not_to_scale(tmp_path):
    print_board(tmp_path / "board.pdf", BoardSettings())
    assert b"/PrintScaling /None" in (tmp_path / "board.pdf").read_bytes()


def test_the_shipped_board_fits_on_a4_a_larger_one_on_a3_a_huge_one_nowhere():
    assert paper_for(BoardSettings()) == "A4"
    assert paper_for(BoardSettings(square_m=0.040)) == "A3"
    with pytest.raises(SettingsError, match="does not fit on A3") as refused:
        paper_for(BoardSettings(square_m=0.060))
    assert "fewer or smaller" in refused.value.hint


def test_a_folder_that_cannot_be_written_is_an_error_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        print_board(tmp_path / "file" / "board.pdf", BoardSettings())
