"""An evaluation for the eye."""

from __future__ import annotations

from typing import Any

_COLUMNS = ("grasps", "positive_share", "accuracy", "precision", "recall", "auc")


def print_answer(answer: dict[str, Any]) -> None:
    """Print what ``detectors.evaluate`` found."""
    from rich.console import Console

    console = Console()
    if "classifier" in answer:
        console.print(_classifier(answer["classifier"]))
    if "physical" in answer:
        console.print(_physical(answer))
    for reason, count in answer.get("no_grasp_reasons", {}).items():
        console.print(f"no grasp in {count} image(s): {reason}", highlight=False)


def physical_rows(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The table of the lifts, row by row, for a card."""
    heads = {
        "physical_success": "physical success",
        "liftable": "liftable",
        "robust_rate": "robust",
        "fooled": "robust, not liftable",
        "none": "no grasp",
        "detect_ms_median": "median ms",
    }
    return {name: {head: row[key] for key, head in heads.items()} for name, row in answer["physical"].items()}


def _classifier(found: dict[str, Any]) -> Any:
    from rich.table import Table

    objects = f" on {found['objects']} held-out objects" if found["objects"] else ""
    table = Table(title=f"{found['grasps']} grasps{objects}; truth: {found['truth']}")
    for column in ("", *_COLUMNS):
        table.add_column(column.replace("_", " "), justify="right" if column else "left")
    table.add_row("all", *_row(found["scores"]), end_section=True)
    for group in ("by_kind", "by_family"):
        for name, row in found.get(group, {}).items():
            table.add_row(name, *_row(row))
        table.add_section()
    scores = found["scores"]
    table.caption = (
        f"average precision {_share(scores['average_precision'])}, "
        f"expected calibration error {_share(scores['calibration_error'])}"
    )
    return table


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (str(row["grasps"]), *(_share(row[column]) for column in _COLUMNS[1:]))


def _physical(answer: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title=f"{answer['images']} held-out images, {answer['tries']} noisy lifts of each top grasp")
    for column in ("", "physical success", "liftable", "robust", "robust, not liftable", "no grasp", "median ms"):
        table.add_column(column, justify="left" if not column else "right")
    keys = ("physical_success", "liftable", "robust_rate", "fooled", "none")
    for name, row in answer["physical"].items():
        time = "-" if row["detect_ms_median"] is None else f"{row['detect_ms_median']:.0f}"
        table.add_row(name, *(_share(row[key]) for key in keys), time)
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
