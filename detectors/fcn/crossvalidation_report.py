"""A cross-validation's figures: the paper's Tables I, II and III, added up from what lies in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectors.evaluation.folds import By
from detectors.evaluation.intervals import wilson
from detectors.evaluation.rectangles import ANGLES_DEG, JACCARD
from detectors.fcn.fold_results import PREDICTIONS, FoldResult, Tally, added, read_result, result_file, write_json
from detectors.fcn.settings import STEP_M, VIEW_PX
from detectors.gqcnn.card import markdown_rows
from robot.whole_files import whole_file

REPORT, REPORT_JSON = "report.md", "report.json"
_SPLITS: tuple[By, ...] = ("image", "object")
_USUAL = f"{JACCARD:.2f}"
_FILE_COLUMNS = 110
_HOW = (
    f"Right is a grasp that overlaps a ground truth with a Jaccard index above {_USUAL}, where nothing else is said, "
    f"and is less than {ANGLES_DEG[-1]} degrees off it. Every image was judged once, by a network that learnt from the "
    "other folds; a part of those chose its epoch. In brackets: Wilson's 95 % interval over all images, as if they "
    "were independent. Folds: the lowest and the highest fold."
)
_SIZES = {"depth": f"whole image, {1000 * STEP_M:g} mm a pixel", "color": f"whole image, {VIEW_PX} px long"}

Table = dict[str, dict[str, Any]]


def read_results(folder: Path, count: int) -> dict[By, list[FoldResult]]:
    """The splits of which all ``count`` folds lie there.

    Raises:
        SettingsError: a file is damaged.
    """
    files = {split: [result_file(folder, split, number) for number in range(1, count + 1)] for split in _SPLITS}
    return {
        split: [read_result(file) for file in of] for split, of in files.items() if all(file.is_file() for file in of)
    }


def summary(results: Mapping[By, Sequence[FoldResult]]) -> dict[str, Any]:
    """Split -> table -> column -> ``share``, ``right``, ``of``, ``interval`` and the ``folds``' shares."""
    return {
        split: {
            "images": sum(len(fold.answers) for fold in folds),
            "threshold": folds[0].threshold,
            "best_epochs": [fold.best_epoch for fold in folds],
        }
        | {name: _figures([fold.tallies()[name] for fold in folds]) for name in folds[0].tallies()}
        for split, folds in results.items()
    }


def _figures(folds: Sequence[Tally]) -> dict[str, dict[str, Any]]:
    return {
        column: {
            "share": right / of,
            "right": right,
            "of": of,
            "interval": list(wilson(right, of)),
            "folds": [fold[column][0] / fold[column][1] for fold in folds],
        }
        for column, (right, of) in added(folds).items()
    }


def write_report(folder: Path, answer: Mapping[str, Any]) -> None:
    """``report.md`` and ``report.json``.

    Args:
        folder: where the results lie.
        answer: "settings", "notes" on the data, "revision", and "splits" as ``summary`` gives them.

    Raises:
        SettingsError: they cannot be written.
    """
    write_json(folder / REPORT_JSON, answer)
    with whole_file(folder / REPORT) as stream:
        stream.write(markdown(answer).encode())


def markdown(answer: Mapping[str, Any]) -> str:
    """The report for the eye."""
    shown = "\n".join(f"## {title}\n\n{markdown_rows(rows)}" for title, rows in tables(answer).items())
    settings = "".join(f"- {name}: {value}\n" for name, value in answer["settings"].items() if value is not None)
    notes = "".join(f"- {note}\n" for note in answer["notes"])
    return f"# {_title(answer)}\n\n{_HOW}\n\n{shown}\n## Settings\n\n{settings}- revision: {answer['revision']}\n" + (
        f"\n## The data\n\n{notes}" if notes else ""
    )


def print_report(answer: Mapping[str, Any]) -> None:
    """The tables on the screen."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Shown

    console = Console()
    if not console.is_terminal:  # a file has room for whole words
        console = Console(width=_FILE_COLUMNS)
    console.print(_title(answer), style="bold", highlight=False)
    for title, rows in tables(answer).items():
        table = Shown(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for column in next(iter(rows.values())):
            table.add_column(column, justify="right")
        for name, row in rows.items():
            table.add_row(name, *(str(cell) for cell in row.values()))
        console.print(table)
    console.print(_HOW, highlight=False)


def tables(answer: Mapping[str, Any]) -> dict[str, Table]:
    """Title -> row -> column -> text."""
    splits = answer["splits"]
    name, size = answer["settings"]["detector"], _SIZES[answer["settings"]["input"]]
    accuracy = {_name(split): _with_spread(found["jaccard"][_USUAL]) for split, found in splits.items()}
    return {
        "Accuracy (Table I)": {name: {"input": size, **accuracy}},
        "By Jaccard threshold (Table II)": {_name(split): _row(found["jaccard"]) for split, found in splits.items()},
        f"By angle threshold, degrees, at Jaccard {_USUAL}": {
            _name(split): _row(found["angle"]) for split, found in splits.items()
        },
        "All of the first k predictions (Table III)": {
            _name(split): {**_row(found["predictions"]), "made": str(found["predictions"][str(PREDICTIONS)]["of"])}
            for split, found in splits.items()
        },
        "Fold by fold": {
            _name(split): {str(i): _percent(share) for i, share in enumerate(found["jaccard"][_USUAL]["folds"], 1)}
            for split, found in splits.items()
        },
    }


def _title(answer: Mapping[str, Any]) -> str:
    settings = answer["settings"]
    of = f"{settings['images']} images of {settings['dataset']}, {settings['input']}"
    return f"{settings['detector']}: cross-validation in {settings['folds']} folds on {of}"


def _name(split: str) -> str:
    return f"{split}-wise"


def _row(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {column: _percent(found["share"]) for column, found in figures.items()}


def _with_spread(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    folds = f"{100 * min(found['folds']):.1f} to {100 * max(found['folds']):.1f}"
    return f"{_percent(found['share'])} [{100 * low:.1f} to {100 * high:.1f}], folds {folds}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
