"""How long detectors take, measured so that they can be compared: one process, the same frames, turn by turn."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detectors.registry import Detector
from robot.frame import Frame, Intrinsics

SEVERAL = 10
"""What the cell asks for (``cell.trial_cycle.PROPOSALS``)."""
WHOLE_PX = 400
REFERENCE = "gqcnn-1000"
"""The paper's Prop+GQ-CNN, a thousand samples ranked once: what the others' speed is compared with."""


@dataclass(frozen=True)
class Times:
    """What one detector took for each detection [ms].

    Attributes:
        detect_ms: image in hand to grasps, in-painting left out.
        inpaint_ms: the in-painting, 0 where a detector does none.
        several_ms: as ``detect_ms``, asked for as many grasps as the cell asks for, in case the first has no plan.
    """

    detect_ms: tuple[float, ...]
    inpaint_ms: tuple[float, ...]
    several_ms: tuple[float, ...]


def make_frames(count: int, width: int, height: int, seed: int) -> list[Frame]:
    """Pictures of held-out things on the table, noise and holes included; the same for the same arguments.

    A larger image shows more of the table at the same scale.
    """
    from detectors.synthesis.catalogue import SyntheticCatalogue
    from detectors.synthesis.scene import draw_count, lay_out
    from detectors.synthesis.splits import THINGS
    from detectors.synthesis.viewing import IMAGE_PX, sample_camera, take, triangles_of

    catalogue, frames = SyntheticCatalogue(THINGS), []
    numbers = catalogue.numbers("test")
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        chosen = rng.choice(numbers, size=draw_count(rng), replace=False)
        scene = lay_out([catalogue.thing(int(n)) for n in chosen], rng)
        camera = sample_camera(rng)
        K = camera.intrinsics
        middle = K.cx + (width - IMAGE_PX) / 2, K.cy + (height - IMAGE_PX) / 2
        camera = replace(camera, intrinsics=Intrinsics(K.fx, K.fy, *middle, width, height))
        view = take(camera, triangles_of(scene), rng, np.random.default_rng([seed, number, 1]))
        frames.append(Frame(view.depth_m, camera.intrinsics, color=view.color, number=number))
    return frames


def measure(
    detectors: Mapping[str, Detector],
    frames: Sequence[Frame],
    repeats: int,
    tell: Callable[[int], None] = lambda round_number: None,
) -> dict[str, Times]:
    """Time every detector on every frame, ``repeats`` times.

    The detectors take turns frame by frame, and who begins changes: whatever else the machine does hits all alike.
    The first detection of each on each frame, of one grasp as of several, does not count.
    """
    for frame in frames:
        for detector in detectors.values():
            detector.detect(frame)
            detector.detect(frame, top=SEVERAL)
    names = list(detectors)
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    turn = 0
    for repeat in range(repeats):
        for frame in frames:
            for name in names[turn:] + names[:turn]:
                found = detectors[name].detect(frame, seed=repeat)
                several = detectors[name].detect(frame, top=SEVERAL, seed=repeat)
                taken[name].append((found.detect_ms, found.inpaint_ms, several.detect_ms))
            turn = (turn + 1) % len(names)
        tell(repeat + 1)
    return {name: Times(*(tuple(column) for column in zip(*times, strict=True))) for name, times in taken.items()}


def whole_view_ms(detector: Detector, repeats: int) -> float | None:
    """Median time of a map network alone on a view of 400 x 400 [ms]; None for a detector without grasp maps.

    In use the view is only as large as what stands on the table, so detection may take less than this.
    """
    maps = getattr(detector, "maps", None)
    if maps is None:
        return None
    heights = np.zeros((WHOLE_PX, WHOLE_PX), dtype=np.float32)
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        maps(heights)
        taken.append((time.perf_counter() - began) * 1e3)
    return float(np.median(taken[1:]))


def rows(detectors: Mapping[str, Detector], times: Mapping[str, Times]) -> dict[str, dict[str, Any]]:
    """One row a detector: times [ms], parameters, size of the weights, and how many times faster than the reference."""
    medians = {name: float(np.median(taken.detect_ms)) for name, taken in times.items()}
    reference = medians.get(REFERENCE)
    return {
        name: {
            "detect_ms_median": medians[name],
            "detect_ms_p95": float(np.percentile(taken.detect_ms, 95)),
            "several_ms_median": float(np.median(taken.several_ms)),
            "inpaint_ms_median": float(np.median(taken.inpaint_ms)),
            "whole_view_ms_median": whole_view_ms(detectors[name], len(taken.detect_ms)),
            "parameters": getattr(detectors[name], "parameter_count", None),
            "weights_bytes": _size(getattr(detectors[name], "weights_path", None)),
            "times_faster": reference / medians[name] if reference and medians[name] > 0 else None,
        }
        for name, taken in times.items()
    }


def machine() -> dict[str, Any]:
    """What the times were measured on."""
    import cv2
    import torch

    return {
        "cpu": _cpu_name(Path("/proc/cpuinfo")),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": {"torch": torch.get_num_threads(), "opencv": cv2.getNumThreads()},
        "load_average": os.getloadavg()[0],
    }


def _cpu_name(listing: Path) -> str:
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _size(weights: Path | None) -> int | None:
    return weights.stat().st_size if weights is not None and weights.is_file() else None
