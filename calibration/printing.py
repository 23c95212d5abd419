"""The board on paper, true to scale, with rulers that show whether the printer kept it so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.calibration_board import BoardSettings
from robot.errors import SettingsError
from robot.whole_files import whole_file

PAPERS_MM = {"A4": (297.0, 210.0), "A3": (420.0, 297.0)}
"""Landscape: width and height."""
RULER_MM = 200
_STRIP_LEFT_MM, _STRIP_TOP_MM = 22.0, 10.0
_TEXT_PT = 7.0
_BLACK, _WHITE = 0, 255


@dataclass(frozen=True)
class Rectangle:
    """On the page [mm], from its upper left corner; ``grey`` 0 is black."""

    x: float
    y: float
    width: float
    height: float
    grey: int


def print_board(path: Path, board: BoardSettings) -> None:
    """Write a PDF of one page, A4 or else A3, with the board and a 200 mm ruler along each side.

    Raises:
        SettingsError: the board fits on neither paper, or the file cannot be written.
    """
    from fpdf import FPDF, ViewerPreferences

    paper = paper_for(board)
    width, height = PAPERS_MM[paper]
    pdf = FPDF(orientation="landscape", unit="mm", format=(height, width))
    pdf.set_compression(False)  # so that the drawing can be checked, and mended, with a text editor
    pdf.viewer_preferences = ViewerPreferences(print_scaling="None")  # viewers that heed it do not fit to the page
    pdf.set_title(f"ChArUco board {board.columns} x {board.rows}")
    pdf.set_margin(0)
    pdf.set_auto_page_break(False)
    pdf.add_page()
    for rectangle in rectangles(board, paper):
        pdf.set_fill_color(rectangle.grey)
        pdf.rect(rectangle.x, rectangle.y, rectangle.width, rectangle.height, style="F")
    _draw_rulers(pdf, paper)
    _write_words(pdf, board, paper)
    with whole_file(path) as stream:
        stream.write(bytes(pdf.output()))


def paper_for(board: BoardSettings) -> str:
    """The smallest paper that board and rulers fit on. Raises SettingsError when none does."""
    width, height = (1e3 * (side_m + 2 * board.margin_m) for side_m in board.size_m)
    for paper, (paper_width, paper_height) in PAPERS_MM.items():
        if width + _STRIP_LEFT_MM <= paper_width and height + _STRIP_TOP_MM <= paper_height:
            return paper
    raise SettingsError(
        f"board: {width:.0f} x {height:.0f} mm with its margin does not fit on A3",
        f"at most {PAPERS_MM['A3'][0] - _STRIP_LEFT_MM:.0f} x {PAPERS_MM['A3'][1] - _STRIP_TOP_MM:.0f} mm do: "
        "set fewer or smaller squares",
    )


def rectangles(board: BoardSettings, paper: str) -> Iterator[Rectangle]:
    """The pattern, in the order in which it is painted: black squares, then each marker in black, its bits in white."""
    left, top = _pattern_corner_mm(board, paper)
    square = 1e3 * board.square_m
    side = square * board.marker_share
    inset = (square - side) / 2
    markers = _marker_bits(board)
    for row in range(board.rows):
        for column in range(board.columns):
            x, y = left + column * square, top + row * square
            bits = markers.get((column, row))
            if bits is None:
                yield Rectangle(x, y, square, square, _BLACK)
            else:
                yield Rectangle(x + inset, y + inset, side, side, _BLACK)
                yield from _white_bits(bits, x + inset, y + inset, side)


def _marker_bits(board: BoardSettings) -> dict[tuple[int, int], NDArray[np.bool_]]:
    """By the markers' (column, row): (n, n) whether each of its cells, the black border's too, is white."""
    charuco = board.charuco()
    dictionary = charuco.getDictionary()
    cells = int(dictionary.markerSize) + 2
    markers = {}
    for number, corners in zip(charuco.getIds().ravel(), charuco.getObjPoints(), strict=True):
        column, row = (np.asarray(corners).mean(axis=0)[:2] // board.square_m).astype(int)
        markers[int(column), int(row)] = np.asarray(dictionary.generateImageMarker(int(number), cells)) > 127
    return markers


def _white_bits(bits: NDArray[np.bool_], left: float, top: float, side: float) -> Iterator[Rectangle]:
    """White cells as whole stretches, both along and across, so that no hairline shows between neighbours."""
    cell = side / len(bits)
    for i, (row, column) in enumerate(zip(bits, bits.T, strict=True)):
        for start, length in _stretches(row):
            yield Rectangle(left + start * cell, top + i * cell, length * cell, cell, _WHITE)
        for start, length in _stretches(column):
            if length > 1:
                yield Rectangle(left + i * cell, top + start * cell, cell, length * cell, _WHITE)


def _stretches(row: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and length of every run of True."""
    for white, cells in groupby(enumerate(row), key=lambda cell: bool(cell[1])):
        numbers = [i for i, _ in cells]
        if white:
            yield numbers[0], len(numbers)


def _pattern_corner_mm(board: BoardSettings, paper: str) -> tuple[float, float]:
    """Upper left corner of the pattern: the board with its margin lies in the page's lower right corner."""
    (width, height), (pattern_width_m, pattern_height_m) = PAPERS_MM[paper], board.size_m
    return width - 1e3 * (pattern_width_m + board.margin_m), height - 1e3 * (pattern_height_m + board.margin_m)


def _draw_rulers(pdf: Any, paper: str) -> None:
    """One along the page's upper edge, one along its left edge, with a tick every millimetre."""
    x0, y0 = _STRIP_LEFT_MM + 3.0, _STRIP_TOP_MM - 1.0
    left, top = 9.0, (PAPERS_MM[paper][1] - RULER_MM) / 2
    pdf.set_line_width(0.15)
    pdf.set_font("helvetica", size=_TEXT_PT)
    pdf.line(x0, y0, x0 + RULER_MM, y0)
    pdf.line(left, top, left, top + RULER_MM)
    for mm in range(0, RULER_MM + 1):
        tick = 3.5 if mm % 10 == 0 else 2.5 if mm % 5 == 0 else 1.5
        pdf.line(x0 + mm, y0, x0 + mm, y0 - tick)
        pdf.line(left, top + mm, left - tick, top + mm)
        if mm % 50 == 0:
            unit = " mm" if mm == RULER_MM else ""
            pdf.text(x0 + mm + 0.7, y0 - 2.2, f"{mm}{unit}")
            if 0 < mm < RULER_MM:
                pdf.text(left + 0.8, top + mm + 0.9, f"{mm}")


def _write_words(pdf: Any, board: BoardSettings, paper: str) -> None:
    height = PAPERS_MM[paper][1]
    square = f"{1e3 * board.square_m:g} mm"
    lines = (
        f"ChArUco {board.columns} x {board.rows}, {board.dictionary}, squares of {square}, "
        f"markers of {1e3 * board.square_m * board.marker_share:g} mm; {paper}, print at 100 %, not fitted to the page",
        "Both rulers must measure 200 mm. Measure over several squares; set the side of one, in metres, as "
        "calibration.board.square_m",
    )
    pdf.set_font("helvetica", size=_TEXT_PT)
    for i, line in enumerate(lines):
        x = 17.2 + 3.3 * i
        with pdf.rotation(90, x=x, y=height - 6.0):
            pdf.text(x, height - 6.0, line)
