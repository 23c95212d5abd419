"""Training a GQ-CNN: one loop for CPU and GPU, resumable after any epoch.

The loss is the cross entropy with the share of lifts that succeed (or with the 0/1 label of Dex-Net 2.0), so that the
network learns a probability. All crops lie on the device as float16 heights, so that an epoch is bound by arithmetic.
Every epoch seeds its own dice: whether a training ran through or was killed and resumed makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.gqcnn import checkpoint
from detectors.gqcnn.calibration import fit_platt
from detectors.gqcnn.crop import normalise_heights, normalise_pose
from detectors.gqcnn.grasp_data import GraspData
from detectors.gqcnn.network import GraspQualityNetwork
from detectors.gqcnn.scores import cross_entropy, score, success_probability
from detectors.gqcnn.training_settings import TrainingSettings

Clock = Callable[[], float]
Tell = Callable[[str], None]

_REPORT_EVERY_S = 30.0
_JUDGED_AT_ONCE = 2000
_EPOCH_STRIDE = 1_000_003  # keeps the seeds of different epochs and trainings apart


@dataclass
class Progress:
    """What is known after some epochs; all of it goes into the checkpoint.

    Attributes:
        epoch: epochs done.
        best_epoch, best_auc, best_loss: the epoch with the best validation AUC (of equal ones: the least loss).
        best: its weights.
        history: one mapping of figures an epoch.
        elapsed_s: training time, earlier sessions included [s].
    """

    epoch: int = 0
    best_epoch: int = 0
    best_auc: float = -math.inf
    best_loss: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    elapsed_s: float = 0.0


class _OutOfTime(Exception):
    """The time limit has come in the middle of an epoch."""


class Trainer:
    """Trains one network on one data set.

    Args:
        network: freshly built, or loaded to be trained on.
        data: with its splits.
        settings: the recipe.
        device: where to train.
        clock: seconds that only grow.
        tell: takes one line for the user.
        checkpoint_file: where to keep the state after every epoch; None keeps none.
    """

    def __init__(
        self,
        network: GraspQualityNetwork,
        data: GraspData,
        settings: TrainingSettings,
        *,
        device: torch.device,
        clock: Clock,
        tell: Tell,
        checkpoint_file: Path | None = None,
    ) -> None:
        self._network, self._data, self._settings = network.to(device), data, settings
        self._device, self._clock, self._tell, self._file = device, clock, tell, checkpoint_file
        self._heights = torch.from_numpy(data.heights_m).to(device)
        pose = normalise_pose(torch.from_numpy(data.depth_m), torch.from_numpy(data.width_m))
        self._poses, self._label = pose.to(device), torch.from_numpy(data.label).to(device)
        self._rows = {name: torch.from_numpy(rows).to(device) for name, rows in data.rows.items()}
        fused = device.type == "cuda"
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.top_rate, weight_decay=settings.weight_decay, fused=fused
        )
        self._average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self._steps = 0
        self._dice = torch.Generator(device)
        self.progress = Progress()

    @property
    def _steps_an_epoch(self) -> int:
        return max(len(self._rows["train"]) // self._settings.batch, 1)

    def resume(self) -> bool:
        """Go on from the checkpoint; False where there is none.

        Raises:
            SettingsError: the checkpoint is damaged or of another recipe or data set.
        """
        state = checkpoint.load(self._file, self._identity()) if self._file else None
        if state is None:
            return False
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average = {name: value.to(self._device) for name, value in state["average"].items()}
        self._steps = state["steps"]
        self.progress = Progress(**state["progress"])
        return True

    def run(self) -> GraspQualityNetwork:
        """Train to the end, or until time or patience is over; the best epoch's network, calibrated."""
        settings, progress = self._settings, self.progress
        began = self._clock() - progress.elapsed_s
        limit = math.inf if settings.max_minutes is None else self._clock() + 60 * settings.max_minutes
        while progress.epoch < settings.epochs and not self._out_of_patience():
            epoch_began = self._clock()
            try:
                loss = self._train_epoch(limit)
            except _OutOfTime:
                self._tell(f"the time is over in epoch {progress.epoch + 1}")
                if not progress.history:
                    self._judge(math.nan, epoch_began, began)
                break
            self._judge(loss, epoch_began, began)
            if self._file:
                checkpoint.save(self._file, self._identity(), self._state())
            if self._clock() + (self._clock() - epoch_began) > limit and progress.epoch < settings.epochs:
                self._tell(f"another epoch would take longer than the {settings.max_minutes:g} minutes allowed")
                break
        self._network.load_state_dict(progress.best)
        self._calibrate()
        return self._network.eval()

    def logits(self, split: str) -> NDArray[np.float32]:
        """(N,) of the current network for a split's grasps, in the order of their rows."""
        self._network.eval()
        parts = []
        with torch.inference_mode(), self._autocast():
            for rows in torch.split(self._rows[split], _JUDGED_AT_ONCE):
                images = normalise_heights(self._heights[rows].float())
                parts.append(self._network.success_logit(images, self._poses[rows]).float().cpu())
        return np.asarray(torch.cat(parts).numpy())

    def _train_epoch(self, limit: float) -> float:
        """One pass; the mean loss."""
        seed = self._settings.seed * _EPOCH_STRIDE + self.progress.epoch
        torch.manual_seed(seed)  # dropout knows no generator but the global one
        self._dice.manual_seed(seed)
        rows = self._rows["train"]
        order = rows[torch.randperm(len(rows), generator=self._dice, device=self._device)]
        self._network.train()
        total, steps, said = torch.zeros((), device=self._device), self._steps_an_epoch, self._clock()
        for step in range(steps):
            total += self._step(order[step * self._settings.batch : (step + 1) * self._settings.batch])
            now = self._clock()
            if now > limit:
                raise _OutOfTime
            if now - said > _REPORT_EVERY_S:
                said = now
                self._tell(f"  step {step + 1}/{steps}  loss {float(total) / (step + 1):.4f}")
        return float(total) / steps

    def _step(self, rows: Tensor) -> Tensor:
        rate = self._settings.rate_at(self._steps / (self._settings.epochs * self._steps_an_epoch))
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        heights = self._settings.augmentation.apply(self._heights[rows].float(), self._dice)
        with self._autocast():
            logits = self._network.success_logit(normalise_heights(heights), self._poses[rows])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), self._label[rows])
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._steps += 1
        self._follow()
        return loss.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the running mean of the weights towards the weights."""
        # At first the mean would still be full of the weights drawn by chance, so it follows faster.
        keep = min(self._settings.averaging, (1 + self._steps) / (10 + self._steps))
        moving = [n for n, value in self._average.items() if value.is_floating_point()]
        state = self._network.state_dict()
        if self._settings.averaging > 0:
            torch._foreach_lerp_([self._average[n] for n in moving], [state[n] for n in moving], 1 - keep)
        else:
            torch._foreach_copy_([self._average[n] for n in moving], [state[n] for n in moving])

    def _judge(self, loss: float, epoch_began: float, began: float) -> None:
        """Score the averaged weights on the validation grasps, keep them if they are the best, and say so."""
        progress, rows = self.progress, self._data.rows["validation"]
        own = {name: value.detach().clone() for name, value in self._network.state_dict().items()}
        self._network.load_state_dict(self._average)
        logits = self.logits("validation")
        found, missed = (
            score(success_probability(logits), self._data.truth[rows]),
            cross_entropy(logits, self._data.label[rows]),
        )
        auc = found.auc if math.isfinite(found.auc) else 0.0  # one class alone has none
        if (auc, -missed) > (progress.best_auc, -progress.best_loss):
            progress.best_auc, progress.best_loss, progress.best_epoch = auc, missed, progress.epoch + 1
            progress.best = {name: value.detach().cpu().clone() for name, value in self._average.items()}
        self._network.load_state_dict(own)
        progress.epoch += 1
        now = self._clock()
        progress.elapsed_s = now - began
        progress.history.append(
            {
                "loss": loss,
                "validation_loss": missed,
                "auc": found.auc,
                "accuracy": found.accuracy,
                "seconds": now - epoch_began,
            }
        )
        left = (self._settings.epochs - progress.epoch) * (now - epoch_began)
        self._tell(
            f"epoch {progress.epoch}/{self._settings.epochs}  loss {loss:.4f}  validation loss {missed:.4f} "
            f"AUC {found.auc:.4f} accuracy {found.accuracy:.4f}  {now - epoch_began:.1f} s, {_minutes(left)} left"
        )

    def _out_of_patience(self) -> bool:
        patience = self._settings.patience
        return 0 < patience <= self.progress.epoch - self.progress.best_epoch

    def _calibrate(self) -> None:
        known = self._data.truth.astype(np.float32) if self._settings.calibrate == "truth" else self._data.label
        slope, offset = fit_platt(self.logits("validation"), known[self._data.rows["validation"]])
        self._network.rescale_logit(slope, offset)
        self._tell(f"calibrated on the validation grasps: logit x {slope:.3f} {offset:+.3f}")

    def _autocast(self) -> Any:
        half = self._settings.bfloat16
        return torch.autocast(self._device.type, dtype=torch.bfloat16) if half else nullcontext()

    def _identity(self) -> dict[str, Any]:
        return {"recipe": self._settings.recipe(), "data": self._data.digest, "grasps": len(self._data.rows["train"])}

    def _state(self) -> dict[str, Any]:
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "steps": self._steps,
            "progress": vars(self.progress),
        }


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
