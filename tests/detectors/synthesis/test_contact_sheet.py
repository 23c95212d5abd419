"""The contact sheet: things are on it, each in its place, and mistakes are told."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.synthesis.contact_sheet import contact_sheet, main, sample_numbers
from detectors.synthesis.splits import SPLITS, split_of
from detectors.synthesis.things import FAMILY_NAMES, family_of


def test_every_thing_fills_its_place() -> None:
    numbers = sample_numbers(5)
    sheet = contact_sheet(numbers, 3)
    height, width = sheet.shape[0] // 2, sheet.shape[1] // 3
    assert sheet.dtype == np.uint8
    paper = sheet[0, 0]
    inked = [
        float(
            (sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] != paper)
            .any(axis=2)
            .mean()
        )
        for row in range(2)
        for column in range(3)
    ]
    assert all(0.04 < share < 0.9 for share in inked[:5])
    assert inked[5] == 0.0  # nothing is left for the sixth place


def test_shading_follows_the_surface_and_colours_the_thing() -> None:
    sheet = contact_sheet([family_number("big_block")], 1)[:128]
    seen = {tuple(pixel) for pixel in sheet.reshape(-1, 3).tolist()}
    assert len(seen) >= 4  # paper and three faces


def test_the_sample_walks_through_families_and_splits() -> None:
    numbers = sample_numbers(len(FAMILY_NAMES))
    assert {family_of(number) for number in numbers} == set(FAMILY_NAMES)
    assert {split_of(number) for number in numbers} == set(SPLITS)


def test_the_command_writes_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["--out", str(out), "--count", "4", "--columns", "2"]) == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert np.array_equal(picture[:, :, ::-1], contact_sheet(sample_numbers(4), 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "sheet.jpg"], "PNG"),
        (["--out", "sheet.png", "--count", "0"], "--count"),
        (["--out", "nowhere/at/all/sheet.png", "--count", "1"], "cannot be written"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def family_number(family: str) -> int:
    return 10 * FAMILY_NAMES.index(family)
