"""What was measured, written into the card beside the weights that it was measured with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detectors.evaluation.tables import card_rows, rectangle_tables
from detectors.gqcnn.card import read_results, write_card
from detectors.registry import shipped_weights
from robot.errors import SettingsError

_GQCNN = "gqcnn"
_ONE_SHOT = ("gqstn", "directgrasp", "multigrasp", "fcn", "ggcnn", "anchor", "zhou")


def check_card(name: str, weights: Path | None) -> None:
    """Refuse a detector without a card, before anything is measured.

    Args:
        name: the detector.
        weights: its weights file; None for the one that ships.

    Raises:
        SettingsError: it has none.
    """
    if name != _GQCNN and name not in _ONE_SHOT:
        raise SettingsError(f"--card is for {', '.join((_GQCNN, *_ONE_SHOT))}: {name} has no card")
    read_results(weights or shipped_weights(name) or Path(name))


def write_into_card(name: str, weights: Path | None, answer: dict[str, Any], command: str) -> None:
    """Add what ``answer`` holds to the card; a table of the same title is replaced.

    Args:
        name: the detector.
        weights: its weights file; None where it does not say which.
        answer: as written to JSON.
        command: the command line that measured it.

    Raises:
        SettingsError: there is no card to write into.
    """
    if weights is None:
        raise SettingsError(f"{name} does not say where its weights lie", "name them with --weights")
    tables = _tables(answer)
    if name == _GQCNN:
        results = read_results(weights)
        if "classifier" in answer:
            results |= {"evaluation": answer["classifier"], "judged_on": "held-out", "evaluated_with": command}
        results["tables"] = {**results.get("tables", {}), **tables}
        write_card(weights, results)
        return
    from detectors.oneshot.card import add_table

    for title, rows in tables.items():
        add_table(weights, title, rows, command)


def _tables(answer: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """Title -> row -> column -> value."""
    if "labelled" in answer:
        where = f"{answer['images']} images of {answer['dataset']}"
        return {f"First grasps on {where}": card_rows(answer["labelled"])} | _rectangles(answer["labelled"], where)
    if "physical" not in answer:
        return {}
    rows, where = answer["physical"], f"{answer['images']} held-out images"
    tables = {f"First grasps on {where}, each lifted {answer['tries']} times": card_rows(rows)}
    if answer["graspable_images"]:
        title = f"The same on the {answer['graspable_images']} of them in which the oracle's grasp lifts"
        tables[title] = card_rows({name: row["graspable"] for name, row in rows.items()})
    return tables | _rectangles(rows, where)


def _rectangles(rows: dict[str, Any], where: str) -> dict[str, dict[str, dict[str, Any]]]:
    with_truth = max(row["rectangle_images"] for row in rows.values())
    of = "" if where.startswith(f"{with_truth} ") else f", the {with_truth} with a ground truth"
    return {f"{title}, {where}{of}": table for title, table in rectangle_tables(rows).items()}
