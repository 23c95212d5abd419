"""Makes the scenes of a benchmark with several processes; what is finished is kept, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from detectors.jacquardplus.parallel import mapped
from detectors.jacquardplus.scenes import make_scene
from detectors.jacquardplus.settings import BenchmarkSettings
from detectors.synthesis.scene_shards import scenes_file, write_scenes


def make(folder: Path, settings: BenchmarkSettings, workers: int, report: Callable[[int, int], None]) -> None:
    """Make every shard that is missing.

    Args:
        folder: opened by ``settings.open_benchmark``.
        settings: of the benchmark.
        workers: how many processes.
        report: takes how many scenes there are, and how many there will be.

    Raises:
        CellError: a file cannot be written, or a worker was killed.
    """
    missing = [shard for shard in range(settings.shards) if not scenes_file(folder, shard).is_file()]
    done = settings.scenes - sum(len(settings.scenes_of(shard)) for shard in missing)
    report(done, settings.scenes)
    for count in mapped(partial(_make_shard, folder, settings), missing, min(workers, max(len(missing), 1))):
        done += count
        report(done, settings.scenes)


def _make_shard(folder: Path, settings: BenchmarkSettings, shard: int) -> int:
    """Make one shard; returns how many scenes it holds."""
    numbers = settings.scenes_of(shard)
    write_scenes(scenes_file(folder, shard), [make_scene(number, settings) for number in numbers])
    return len(numbers)
