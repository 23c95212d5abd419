"""How an anchor network was trained, for the card of its weights; see ``detectors.oneshot.card``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detectors.gqcnn.card import markdown_rows


def how_trained(training: Mapping[str, Any]) -> str:
    """A section on recipe and data."""
    recipe, steps = training["recipe"], "\n".join([*training["before"], training["command"]])
    facts = "".join(f"- {name}: {value}\n" for name, value in (training["data"] or {}).items())
    sources = ", ".join(f"{count:,} {name}" for name, count in training["sources"].items())
    kept = ", ".join(f"{count} of {name}" for name, count in training["kept_aside"].items())
    share = f"real photographs {recipe['real_share']:.0%} of the views, " if len(training["sources"]) > 1 else ""
    scorer = ""
    if training["network"]["scorer"]:
        times = recipe.get("scorer_rate", 1.0)  # the scorers of earlier weights learnt as fast as the rest
        scorer = f"the scorer at {times:g} times the rate, its selection by the {recipe['selection']} score, "
    whose = " of our own scenes" if "synthetic" in training["kept_aside"] else ""
    return (
        f"## Training\n\n```\n{steps}\n```\n\n"
        f"- learnt from {sources}; {training['epochs']} epochs of {recipe['views']:,} views in "
        f"{training['minutes']:g} min on {training['threads']} thread(s)"
        + (", after the trainings named before" if training["before"] else "")
        + f"; epoch {training['best_epoch']}, kept, had the best mean rectangle accuracy on pictures kept aside "
        f"({kept})\n"
        f"- {training['parameters']:,} parameters: {training['network']}\n"
        + ("- nothing but the scorer learnt in the last of them\n" if recipe.get("only_scorer") else "")
        + f"- AdamW at {recipe['rate']:g} falling along a cosine, decay {recipe['weight_decay']:g}, batch "
        f"{recipe['batch']}, {share}{scorer}mean of the weights with decay {recipe['averaging']:g}\n"
        f"- seed {training['seed']}, revision {training['git_revision']}, torch {training['torch']}\n\n"
        f"The data set{whose}:\n\n{facts}"
    )


def history(training: Mapping[str, Any]) -> str:
    """A section on the epochs."""
    rows = {
        str(number): {name: value for name, value in row.items() if name != "seconds"}
        for number, row in enumerate(training["history"], 1)
    }
    return f"## Epoch by epoch, on the pictures kept aside\n\n{markdown_rows(rows)}"
