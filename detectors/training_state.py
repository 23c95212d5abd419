"""What a training of a network knows after some epochs, and the running mean of its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Progress:
    """What is known after some epochs; all of it goes into the checkpoint.

    Attributes:
        epoch: epochs done.
        best_epoch, best_score: the epoch with the best score on what is kept for choosing.
        best: its weights.
        history: one mapping of figures an epoch.
        elapsed_s: training time, earlier sessions included [s].
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    elapsed_s: float = 0.0


def copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's ``state_dict``, which learning on does not change."""
    return {name: value.detach().clone() for name, value in state.items()}


@torch.no_grad()
def follow(average: Mapping[str, Tensor], state: Mapping[str, Tensor], steps: int, averaging: float) -> None:
    """Move the running mean ``average`` of the weights towards the weights ``state``, in place.

    Args:
        average, state: of one network.
        steps: done so far, this one included.
        averaging: how much of the mean is kept a step, in the end.
    """
    # At first the mean would still be full of the weights drawn by chance, so it follows faster.
    keep = min(averaging, (1 + steps) / (10 + steps))
    moving = [name for name, value in average.items() if value.is_floating_point()]
    torch._foreach_lerp_([average[n] for n in moving], [state[n] for n in moving], 1 - keep)
