"""What became of one fold: the answers to its images, on disk as soon as it is done, and how many of them are right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detectors.evaluation.folds import By
from detectors.evaluation.rectangles import ANGLES_DEG, JACCARD, JACCARDS
from robot.errors import SettingsError
from robot.strict_yaml import build
from robot.whole_files import whole_file

PREDICTIONS = 5
THRESHOLDS: dict[By, float] = {"image": 0.5, "object": 0.2}
"""From which quality on the grasps after the first are predictions (paper, section VI)."""

Tally = dict[str, tuple[int, int]]
"""Column of a table -> how many are right, of how many."""


@dataclass(frozen=True)
class Answer:
    """What a network that has never seen an image said to it.

    Attributes:
        name: of the image.
        by_angle: Jaccard index of the top grasp with the best ground truth within each of ``ANGLES_DEG``.
        further: the same of the next grasps, within the usual 30 degrees; at most four.
    """

    name: str
    by_angle: tuple[float, ...]
    further: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """One fold; nothing in it depends on when or how fast it was computed.

    Attributes:
        split: what folds keep together.
        fold, folds: which of how many, from 1.
        learnt_from: how many images the network learnt from.
        chosen_by: how many, held aside from the other folds, chose the epoch.
        epochs, best_epoch: how many there were, and which was judged.
        threshold: quality from which on grasps after the first count.
        answers: one an image.
    """

    split: By
    fold: int
    folds: int
    learnt_from: int
    chosen_by: int
    epochs: int
    best_epoch: int
    threshold: float
    answers: tuple[Answer, ...]

    def tallies(self) -> dict[str, Tally]:
        """The three tables: by Jaccard threshold, by angle threshold, by number of predictions."""
        return tallies(self.answers)


def tallies(answers: Sequence[Answer]) -> dict[str, Tally]:
    """How many answers are right in each column of each table.

    "predictions" are all of the first k grasps of all images together: silence is no prediction and does not count.
    """
    first, everything = [one.by_angle[-1] for one in answers], len(answers)
    made = [(one.by_angle[-1], *one.further) for one in answers]
    of_k = {k: [index for image in made for index in image[:k]] for k in range(1, PREDICTIONS + 1)}
    return {
        "jaccard": {f"{least:.2f}": (sum(index > least for index in first), everything) for least in JACCARDS},
        "angle": {
            str(degrees): (sum(one.by_angle[place] > JACCARD for one in answers), everything)
            for place, degrees in enumerate(ANGLES_DEG)
        },
        "predictions": {str(k): (sum(index > JACCARD for index in seen), len(seen)) for k, seen in of_k.items()},
    }


def added(parts: Sequence[Tally]) -> Tally:
    """Tallies of one table, column by column."""
    return {
        column: (sum(part[column][0] for part in parts), sum(part[column][1] for part in parts)) for column in parts[0]
    }


def result_file(folder: Path, split: By, fold: int) -> Path:
    """Where a fold's result lies."""
    return folder / f"{split}-fold-{fold}.json"


def write_result(file: Path, result: FoldResult) -> None:
    """Write it whole or not at all.

    Raises:
        SettingsError: it cannot be written.
    """
    content = {**asdict(result), "right_of": result.tallies()}
    content["answers"] = content.pop("answers")  # the long part last, for whoever opens the file
    write_json(file, content)


def read_result(file: Path) -> FoldResult:
    """What ``write_result`` wrote.

    Raises:
        SettingsError: the file is damaged.
    """
    again = f"delete {file.name}: that fold is then computed again"
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        content.pop("right_of")
        return build(FoldResult, content, str(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{file}: holds no result of a fold", again) from None
    except SettingsError as error:
        raise SettingsError(error.message, again) from None


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write it whole or not at all.

    Raises:
        SettingsError: it cannot be written.
    """
    with whole_file(file) as stream:
        stream.write((json.dumps(content, indent=1) + "\n").encode())
