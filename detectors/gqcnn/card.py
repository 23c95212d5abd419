"""The card of a weights file: what it was trained on and how, and how well it does; Markdown, its curves beside it.

All of it is in ``FILE.card.json`` too. Whoever measures more (how often a detector's first grasp lifts, say) adds a
table to that under "tables" and writes the card again with ``write_card``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detectors.gqcnn.curve_plots import draw_curve
from detectors.gqcnn.weights_file import card_path
from robot.errors import SettingsError

_PLOTS = {
    "roc": ("ROC", "false-positive rate", "true-positive rate", True),
    "precision_recall": ("Precision and recall", "recall", "precision", False),
    "calibration": ("Calibration", "predicted probability", "observed share", True),
}
_DEVIATIONS = """## Where it differs from Dex-Net 2.0 and the paper

- The crop's window grows with the opening (opening + 60 mm); there it is fixed. Training grasps open differently, and
  the network must see both fingers' room.
- Depth enters relative to the grasp point, in units of 2 cm and clipped at 8 cm; there it is absolute and normalised by
  the set's mean.
- The pose input is depth and opening; there it is depth alone.
- The label, if it says "physical" above, is the share of perturbed lifts that succeed in simulation, learnt as a
  probability; there it is robust Ferrari-Canny quality above 0.002.
- The output is calibrated on the validation grasps (Platt scaling, folded into the last layer); there it is not.
- Only the architecture `dexnet2` is the published one.
"""
_COLUMNS = (
    "grasps",
    "positive_share",
    "accuracy",
    "precision",
    "recall",
    "auc",
    "average_precision",
    "calibration_error",
)
_HEADS = ("grasps", "positive", "accuracy", "precision", "recall", "AUC", "average precision", "calibration error")


def write_card(weights: Path, results: Mapping[str, Any]) -> Path:
    """Write card, JSON and plots beside ``weights``.

    Args:
        weights: the weights file.
        results: "training" (what ``save_weights`` was told), "evaluation" (from ``evaluate_network``), "judged_on",
            "sha256", and optionally "tables": {title: {row: {column: value}}}, "evaluated_with": a command line, and
            "before": the command lines that led to the weights training began with.

    Returns:
        The card's path.

    Raises:
        SettingsError: a file cannot be written.
    """
    card = card_path(weights)
    files = {
        card: render_card(weights, results),
        weights.with_suffix(".card.json"): json.dumps(without_nan(results), indent=1, default=str) + "\n",
    }
    for name, (title, x_label, y_label, diagonal) in _PLOTS.items():
        curve = results["evaluation"]["curves"][name]
        files[_plot_path(weights, name)] = draw_curve(
            curve["x"], curve["y"], title=title, x_label=x_label, y_label=y_label, diagonal=diagonal,
            counts=curve.get("count"),
        )  # fmt: skip
    try:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror or error}") from None
    return card


def read_results(weights: Path) -> dict[str, Any]:
    """What ``write_card`` was given.

    Raises:
        SettingsError: there is no such file, or it is damaged.
    """
    path = weights.with_suffix(".card.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    return dict(found)


def render_card(weights: Path, results: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    training, evaluation = results["training"], results["evaluation"]
    sections = [
        f"# {weights.name}: GQ-CNN, architecture `{training['architecture']}`\n",
        f"SHA-256: `{results['sha256']}`\n",
        _figures(results["judged_on"], evaluation),
        f"```\n{results['evaluated_with']}\n```\n" if "evaluated_with" in results else "",
        "\n".join(f"![{head[0]}]({_plot_path(weights, name).name})" for name, head in _PLOTS.items()) + "\n",
        _label(evaluation),
        *(f"## {title}\n\n{markdown_rows(rows)}" for title, rows in results.get("tables", {}).items()),
        _groups("By kind of grasp", evaluation.get("by_kind")),
        _groups("By shape family", evaluation.get("by_family")),
        _data(training),
        _training(training, results.get("before", ())),
        _DEVIATIONS,
    ]
    return "\n".join(section for section in sections if section)


def _figures(judged_on: str, evaluation: Mapping[str, Any]) -> str:
    objects = evaluation["objects"]
    of = "" if objects is None else f" of {objects:,} objects"
    lines = [
        f"## Figures\n\nOn {evaluation['grasps']:,} {judged_on} grasps{of} that took no part in training. Truth: "
        f"{evaluation['truth']}. A grasp is called good above the threshold.\n",
        _scores_table({f"threshold {t}": row for t, row in evaluation["by_threshold"].items()}),
    ]
    if "scores_without_random" in evaluation:
        lines.append(
            f"Without the random grasps, which are easy, at threshold {evaluation['threshold']:g}:\n\n"
            + _scores_table({"hard": evaluation["scores_without_random"]})
        )
    if "calibration_error_of_share" in evaluation:
        lines.append(
            "The calibration error above is against the truth; against the share of lifts that succeed it is "
            f"{_number(evaluation['calibration_error_of_share'])} (expected calibration error, 15 bins).\n"
        )
    return "\n".join(lines)


def _label(evaluation: Mapping[str, Any]) -> str:
    label = evaluation.get("label")
    if label is None:
        return ""
    return (
        "## The labels themselves\n\n"
        f"One noisy lift agrees with the truth in {_number(label['one_lift_agrees'])} of these grasps, which bounds "
        "what can be learnt. The label of Dex-Net 2.0 (robust Ferrari-Canny above 0.002) predicts the truth with "
        f"accuracy {_number(label['robust_label_accuracy'])}, precision {_number(label['robust_label_precision'])}, "
        f"recall {_number(label['robust_label_recall'])}; its quality has an AUC of "
        f"{_number(label['robust_quality_auc'])}.\n"
    )


def _groups(title: str, groups: Mapping[str, Any] | None) -> str:
    return "" if not groups else f"## {title}\n\n{_scores_table(groups)}"


def _data(training: Mapping[str, Any]) -> str:
    grasps, objects = training["grasps"], training["objects"]
    split = "\n".join(
        f"| {name} | {grasps[name]:,} | {'-' if objects is None else format(objects[name], ',')} |" for name in grasps
    )
    facts = training["data"] or {}
    plain = {
        name: value for name, value in facts.items() if not isinstance(value, Mapping | Sequence) or value == str(value)
    }
    known = "".join(f"- {name}: {value}\n" for name, value in plain.items())
    return (
        f"## Data\n\nSplit by {training['split_by']}; SHA-256 of what was read: `{training['data_sha256']}`.\n\n"
        f"| split | grasps | objects |\n| --- | ---: | ---: |\n{split}\n" + (f"\n{known}" if known else "")
    )


def _training(training: Mapping[str, Any], before: Sequence[str]) -> str:
    recipe, steps = training["recipe"], "\n".join([*before, training["command"]])
    augmentation = ", ".join(f"{name} {value}" for name, value in recipe["augmentation"].items())
    return (
        f"## Training\n\n```\n{steps}\n```\n\n"
        f"- seed {training['seed']}, revision {training['git_revision']}, torch {training['torch']}, "
        f"{training['device']}\n"
        f"- {training['parameters']:,} parameters, label: {training['label']}; calibrated on the "
        f"validation grasps' {recipe['calibrate']}\n"
        f"- AdamW, one cycle up to {training['rate']:.2g}, weight decay {recipe['weight_decay']:g}, batch "
        f"{recipe['batch']}, mean of the weights with decay {recipe['averaging']:g}\n"
        f"- augmentation: {augmentation}\n"
        f"- {training['epochs']} of {recipe['epochs']} epochs in {training['minutes']:g} min; epoch "
        f"{training['best_epoch']} had the best validation AUC and is the one kept\n"
    )


def _scores_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    head = "| | " + " | ".join(_HEADS) + " |\n| --- |" + " ---: |" * len(_HEADS)
    body = "\n".join(
        f"| {name} | " + " | ".join(_number(row[c]) for c in _COLUMNS) + " |" for name, row in rows.items()
    )
    return f"{head}\n{body}\n"


def markdown_rows(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table of {row: {column: value}}."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    head = "| | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns)
    body = "\n".join(
        f"| {name} | " + " | ".join(_number(row.get(column)) for column in columns) + " |" for name, row in rows.items()
    )
    return f"{head}\n{body}\n"


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _plot_path(weights: Path, name: str) -> Path:
    return weights.with_suffix(f".{name.replace('_', '-')}.svg")


def without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(name): without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
