"""How a map network was trained, for the card of its weights; see ``detectors.oneshot.card``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detectors.gqcnn.card import markdown_rows


def how_trained(training: Mapping[str, Any]) -> str:
    """A section on recipe and data."""
    recipe, steps = training["recipe"], "\n".join([*training["before"], training["command"]])
    facts = "".join(f"- {name}: {value}\n" for name, value in (training["data"] or {}).items())
    return (
        f"## Training\n\n```\n{steps}\n```\n\n"
        f"- {training['images']:,} pictures; {training['epochs']} epochs in {training['minutes']:g} min on "
        f"{training['threads']} thread(s); epoch {training['best_epoch']}, kept, had the best rectangle accuracy on "
        f"{training['judged']} pictures kept for choosing\n"
        f"- {training['parameters']:,} parameters: {training['network']}\n"
        f"- Adam at {recipe['rate']:g} falling along a cosine, batch {recipe['batch']}, views of {recipe['view_px']} x "
        f"{recipe['view_px']} pixels, variation '{recipe['variation']}', mean of the weights with decay "
        f"{recipe['averaging']:g}; losses weighted 5 (quality), 3 (angle), 4 (width)\n"
        f"- seed {training['seed']}, revision {training['git_revision']}, torch {training['torch']}\n\n"
        f"The data set:\n\n{facts}"
    )


def history(training: Mapping[str, Any]) -> str:
    """A section on the epochs."""
    rows = {
        str(number): {name: value for name, value in row.items() if name != "seconds"}
        for number, row in enumerate(training["history"], 1)
    }
    return f"## Epoch by epoch, on the pictures kept for choosing\n\n{markdown_rows(rows)}"
