"""The card of a one-shot or map network's weights: what it was trained on and how, and how well it does.

All of it is in ``FILE.card.json`` too. Whoever measures more adds a table with ``add_table``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detectors.gqcnn.card import markdown_rows, without_nan
from detectors.gqcnn.weights_file import card_path
from robot.errors import SettingsError

_NOTES_FILE = "notes.md"
_LODGERS = {"ggcnn": "fcn", "zhou": "anchor"}
"""Detectors that live in another's folder."""


def write_card(weights: Path, results: Mapping[str, Any]) -> Path:
    """Write card and JSON beside ``weights``.

    Args:
        weights: the weights file.
        results: "detector", "sha256", "training" (what ``save_weights`` was told), and optionally "tables":
            {title: {row: {column: value}}} and "commands": {title: command line}.

    Returns:
        The card's path.

    Raises:
        SettingsError: a file cannot be written.
    """
    card = card_path(weights)
    try:
        card.write_text(render_card(weights, results), encoding="utf-8")
        text = json.dumps(without_nan(results), indent=1, default=str) + "\n"
        weights.with_suffix(".card.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{card}: cannot be written: {error.strerror or error}") from None
    return card


def add_table(weights: Path, title: str, rows: dict[str, dict[str, Any]], command: str = "", note: str = "") -> Path:
    """Put a table into the card of ``weights``, in place of one with the same title.

    Args:
        weights: the weights file, with its card beside it.
        title: the table's.
        rows: {row: {column: value}}.
        command: the line that made it.
        note: a sentence on what the table says.

    Raises:
        SettingsError: there is no card, or it cannot be written.
    """
    path = weights.with_suffix(".card.json")
    try:
        results = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    results.setdefault("tables", {})[title] = rows
    for name, text in (("commands", command), ("notes", note)):
        results.setdefault(name, {}).pop(title, None)
        if text:
            results[name][title] = text
    return write_card(weights, results)


def render_card(weights: Path, results: Mapping[str, Any]) -> str:
    """The card as Markdown. What the network is and where it leaves the paper stands in its folder's ``notes.md``."""
    sections = [
        f"# {weights.name}: {results['detector']}\n",
        f"SHA-256: `{results['sha256']}`\n",
        *(_table(title, rows, results) for title, rows in results.get("tables", {}).items()),
        *_told(results["training"]),
        _notes(results["detector"]),
    ]
    return "\n".join(section for section in sections if section)


def _table(title: str, rows: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    note = results.get("notes", {}).get(title)
    command = results.get("commands", {}).get(title)
    parts = [f"## {title}\n", f"{note}\n" if note else "", markdown_rows(rows)]
    return "\n".join(part for part in [*parts, f"```\n{command}\n```\n" if command else ""] if part)


def _told(training: Mapping[str, Any]) -> tuple[str, str]:
    """How it was trained, and its epochs."""
    if "kept_aside" in training:
        from detectors.anchor import card as anchor

        return anchor.how_trained(training), anchor.history(training)
    if "judged" in training:
        from detectors.fcn.card import history, how_trained

        return how_trained(training), history(training)
    return _training(training), _history(training["history"])


def _training(training: Mapping[str, Any]) -> str:
    recipe, steps = training["recipe"], "\n".join([*training["before"], training["command"]])
    stages = "\n".join(
        f"| {s['epochs']} | {s['xi']:g} | {s['rate']:g} | {'yes' if s['forced'] else 'no'} |" for s in recipe["stages"]
    )
    facts = "".join(f"- {name}: {value}\n" for name, value in (training["data"] or {}).items())
    return (
        f"## Training\n\n```\n{steps}\n```\n\n"
        f"- {training['images']:,} images of training things; {training['epochs']} epochs in {training['minutes']:g} "
        f"min on {training.get('threads', 1)} thread(s); epoch {training['best_epoch']}, kept, had the best mean "
        f"probability by GQ-CNN on 480 validation images with a good grasp\n"
        f"- {training['parameters']:,} parameters: {training['network']}\n"
        f"- Adam, batch {recipe['batch']}, L2 {recipe['l2']:g}, mean of the weights with decay "
        f"{recipe['averaging']:g}; targets: {_targets(recipe['picks'])}\n"
        f"- seed {training['seed']}, revision {training['git_revision']}, torch {training['torch']}; teacher "
        f"`{training['teacher_sha256'][:12]}`\n\n"
        f"| epochs | xi | learning rate | teacher forcing |\n| ---: | ---: | ---: | --- |\n{stages}\n\n"
        f"The data set:\n\n{facts}"
    )


def _targets(picks: int) -> str:
    return f"the {picks} best grasps of an image by GQ-CNN" if picks else "any grasp that lifted"


def _history(history: list[dict[str, Any]]) -> str:
    rows = {str(number): {k: v for k, v in row.items() if k != "seconds"} for number, row in enumerate(history, 1)}
    return f"## Epoch by epoch, on 480 images of validation things with a good grasp\n\n{markdown_rows(rows)}"


def _notes(detector: str) -> str:
    folder = Path(__file__).resolve().parents[1] / _LODGERS.get(detector, detector) / "weights"
    path = folder / (f"{detector}.{_NOTES_FILE}" if detector in _LODGERS else _NOTES_FILE)
    return path.read_text(encoding="utf-8") if path.is_file() else ""
