"""An evaluation for the eye, and as rows of tables for a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.evaluation.rectangles import ANGLES_DEG, JACCARD

_COLUMNS = ("grasps", "positive_share", "accuracy", "precision", "recall", "auc")
_FILE_COLUMNS = 110
_USUAL = f"{JACCARD:.2f}"
_SHARES = {
    "rectangle": "rectangle",
    "rectangle_closest": "rectangle, closest",
    "robust_rate": "robust",
    "physical_success": "physical success",
    "liftable": "liftable",
    "fooled": "robust, not liftable",
    "none": "no grasp",
}
_SHORT = {
    "rectangle": "rect.",
    "rectangle_closest": "closest",
    "robust_rate": "robust",
    "physical_success": "lifts",
    "liftable": "liftable",
    "fooled": "fooled",
    "none": "no grasp",
}
_HEADS = f"rect.: Jaccard above {_USUAL} and less than {ANGLES_DEG[-1]} degrees off any ground truth"
_CLOSEST_HEAD = "closest: the same with the closest of the labelled grasps"
_COLOR, _OWN_HEIGHT = ", colour alone", "every rectangle is as high as its network says"
_LIFT_HEADS = "lifts: of all; liftable: more than half of the grasp's; fooled: robust, not liftable"
_MADE = "made"
_DISAGREEMENT = {
    "rectangle_not_robust": "rectangle, not robust",
    "robust_not_rectangle": "robust, not rectangle",
    "rectangle_of_not_robust": "rectangle, of the not robust",
    "not_rectangle_of_robust": "not rectangle, of the robust",
}


def print_answer(answer: dict[str, Any]) -> None:
    """Print what ``detectors.evaluate`` found."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a file has room for whole words
        console = Console(width=_FILE_COLUMNS)
    if "classifier" in answer:
        console.print(_classifier(answer["classifier"]))
    if "physical" in answer:
        _print_physical(console, answer)
    if "labelled" in answer:
        _print_labelled(console, answer)
    for reason, count in answer.get("no_grasp_reasons", {}).items():
        console.print(f"no grasp in {count} image(s): {reason}", highlight=False)
    for reason, count in answer.get("skipped", {}).items():
        console.print(f"left out {count} image(s): {reason}", highlight=False)


def card_rows(rows: Mapping[str, Mapping[str, Any]], heads: Mapping[str, str] = _SHARES) -> dict[str, dict[str, Any]]:
    """A table of first grasps, row by row, for a card; columns that no row fills are left out."""
    filled = {key: head for key, head in heads.items() if any(row[key] is not None for row in rows.values())}
    return {
        name: {head: _value(row, key) for key, head in filled.items()} | {"median ms": row["detect_ms_median"]}
        for name, row in rows.items()
    }


def rectangle_tables(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Title -> row -> column -> value: the rectangle metric by Jaccard threshold, by angle, by number of predictions.

    The last stands only where more than one grasp was asked for. Rows that were not compared are left out.
    """
    compared = {name: row for name, row in rows.items() if row["rectangle_images"]}
    if not compared:
        return {}
    tables = {
        "Rectangle metric by Jaccard threshold": {name: dict(row["rectangle"]) for name, row in compared.items()},
        f"Rectangle metric at Jaccard {_USUAL} by angle threshold": {
            name: {f"{angle} deg": share for angle, share in row["rectangle_by_angle"].items()}
            for name, row in compared.items()
        },
    }
    if max(len(row["predictions"]) for row in compared.values()) > 1:
        tables["Correct ones of the first k predictions"] = {
            name: {**row["predictions"], _MADE: [*row["predictions_made"].values()][-1]}
            for name, row in compared.items()
        }
    return tables


def _print_rectangles(console: Any, rows: Mapping[str, Mapping[str, Any]]) -> None:
    images = max(row["rectangle_images"] for row in rows.values())
    for title, shown in rectangle_tables(rows).items():
        table = _table(title, next(iter(shown.values())))
        table.caption = f"of {images} image(s) with a ground truth"
        for name, row in shown.items():
            table.add_row(name, *(str(cell) if head == _MADE else _share(cell) for head, cell in row.items()))
        console.print(table)
    if any(row["disagreement"] for row in rows.values()):
        console.print(_disagreement(rows))


def _print_labelled(console: Any, answer: dict[str, Any]) -> None:
    rows, in_color = answer["labelled"], answer.get("input") == "color"
    console.print(_first_grasps(f"{answer['images']} images of {answer['dataset']}{_COLOR if in_color else ''}", rows))
    console.print(f"{_HEADS}; {_OWN_HEIGHT if in_color else _CLOSEST_HEAD}.", highlight=False)
    _print_rectangles(console, rows)


def _print_physical(console: Any, answer: dict[str, Any]) -> None:
    rows = answer["physical"]
    title = f"{answer['images']} held-out images, {answer['tries']} noisy lifts of each top grasp"
    console.print(_first_grasps(title, rows))
    graspable = {name: row["graspable"] for name, row in rows.items()}
    if answer["graspable_images"]:
        console.print(_first_grasps(f"the {answer['graspable_images']} graspable images of them", graspable))
    console.print(f"{_HEADS}; {_CLOSEST_HEAD}; {_LIFT_HEADS}. {_about_graspable(answer)}", highlight=False)
    _print_rectangles(console, rows)


def _about_graspable(answer: dict[str, Any]) -> str:
    first, row = next(iter(answer["physical"].items()))
    said = (
        f"Graspable are the {answer['graspable_images']} of {answer['images']} images in which the oracle, the best of "
        "the labelled grasps, lifts in more than half of its tries"
    )
    other = row["not_graspable"]
    if not other["images"] or other["robust_rate"] is None:
        return f"{said}."
    return (
        f"{said}. In the other {other['images']}, {first} calls its top grasp robust in {other['robust_rate']:.1%}; "
        f"it lifts in {other['liftable']:.1%}."
    )


def _first_grasps(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Any:
    shown = card_rows(rows, _SHORT)
    table = _table(title, next(iter(shown.values())))
    for name, row in shown.items():
        *shares, time = row.values()
        table.add_row(name, *(_share(value) for value in shares), "-" if time is None else f"{time:.0f}")
    return table


def _disagreement(rows: Mapping[str, Mapping[str, Any]]) -> Any:
    table = _table(f"rectangle metric (closest, Jaccard above {_USUAL}) against robustness", _DISAGREEMENT.values())
    for name, row in rows.items():
        found = row["disagreement"]
        if found is not None:
            table.add_row(name, *(_share(found[key]) for key in _DISAGREEMENT))
    table.caption = "first two: shares of all images; last two: of the grasps on that side, as in the paper"
    return table


def _table(title: str, columns: Iterable[str]) -> Any:
    """Names on the left, never cut; numbers on the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _value(row: Mapping[str, Any], key: str) -> float | None:
    value = row[key]
    found: float | None = value[_USUAL] if isinstance(value, Mapping) else value
    return found


def _classifier(found: dict[str, Any]) -> Any:
    objects = f" on {found['objects']} held-out objects" if found["objects"] else ""
    title = f"{found['grasps']} grasps{objects}; truth: {found['truth']}"
    table = _table(title, (column.replace("_", " ") for column in _COLUMNS))
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


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
