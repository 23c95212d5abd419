"""What the scenes of a Jacquard+ benchmark are made from: kept in its ``benchmark.yaml``."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import yaml

from robot.errors import SettingsError
from robot.strict_yaml import build, read_yaml
from robot.whole_files import whole_file

BENCHMARK = "jacquardplus"
BENCHMARK_FILE = "benchmark.yaml"
SCENES = 1000
"""As many as the paper has."""
SCENES_PER_SHARD = 10
IMAGE_PX = 400
FORMAT = 1  # of what lies on the disk and of what is drawn: a change makes other scenes of the same seed


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """Everything that decides the scenes.

    Attributes:
        benchmark: which.
        seed: seed and number decide a scene, whatever the number of workers.
        scenes: how many.
        format: version of the generator.

    Raises:
        ValueError: the numbers are none of a benchmark's.
    """

    benchmark: Literal["jacquardplus"] = "jacquardplus"
    seed: int
    scenes: int
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.seed < 0 or self.scenes < 1:
            raise ValueError(f"needs a seed from 0 on and at least one scene, got {self.seed} and {self.scenes}")

    @property
    def image_px(self) -> int:
        """Height and width of every picture."""
        return IMAGE_PX

    @property
    def shards(self) -> int:
        """Files of ten scenes."""
        return -(-self.scenes // SCENES_PER_SHARD)

    def scenes_of(self, shard: int) -> range:
        """Numbers of the scenes in one shard."""
        return range(shard * SCENES_PER_SHARD, min((shard + 1) * SCENES_PER_SHARD, self.scenes))


def open_benchmark(folder: Path, wanted: BenchmarkSettings) -> None:
    """Make the folder, or check that what was begun in it is the same benchmark; more scenes than before go on with it.

    Raises:
        SettingsError: the folder holds something else, or cannot be written.
    """
    try:
        begun = (folder / BENCHMARK_FILE).exists()
        in_use = folder.exists() and (not folder.is_dir() or any(file.name[:1] != "." for file in folder.iterdir()))
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be read: {error.strerror}") from None
    if begun:
        found = read_benchmark(folder)
        if found == wanted:
            return
        if found.seed != wanted.seed or wanted.scenes < found.scenes or found.scenes % SCENES_PER_SHARD:
            raise SettingsError(
                f"{folder}: holds {found.scenes} scenes of seed {found.seed}, "
                f"{wanted.scenes} of seed {wanted.seed} were asked for",
                "give its own settings to go on with it, or another --out",
            )
    elif in_use:
        raise SettingsError(f"{folder}: is not empty and holds no benchmark", "give a new folder")
    with whole_file(folder / BENCHMARK_FILE) as stream:
        stream.write(yaml.safe_dump(asdict(wanted), sort_keys=False).encode())


def read_benchmark(folder: Path) -> BenchmarkSettings:
    """What the scenes in a folder were made from.

    Raises:
        SettingsError: there is no ``benchmark.yaml``, or it is not ours.
    """
    path = folder / BENCHMARK_FILE
    if folder.is_dir() and not path.exists():
        raise SettingsError(
            f"{folder}: holds no {BENCHMARK_FILE}",
            f"make the scenes with python -m detectors.synthesize --benchmark {BENCHMARK} --out {folder} --seed S",
        )
    settings: BenchmarkSettings = build(BenchmarkSettings, read_yaml(path), str(path))
    if settings.format != FORMAT:
        raise SettingsError(f"{path}: is of format {settings.format}, this program makes {FORMAT}", "make it again")
    return settings


def require_made(folder: Path, settings: BenchmarkSettings) -> None:
    """Refuse a benchmark whose scenes are not all there.

    Raises:
        SettingsError: shards are missing.
    """
    from detectors.synthesis.scene_shards import scenes_file

    missing = sum(not scenes_file(folder, shard).is_file() for shard in range(settings.shards))
    if missing:
        raise SettingsError(
            f"{folder}: {missing} of {settings.shards} files of scenes are missing",
            f"python -m detectors.synthesize --benchmark {BENCHMARK} --out {folder} --scenes {settings.scenes} "
            f"--seed {settings.seed} makes them",
        )


def scenes_sha256(folder: Path, scenes: int) -> str:
    """Hash of the shards that hold the first ``scenes`` scenes.

    Raises:
        SettingsError: one cannot be read.
    """
    from detectors.synthesis.scene_shards import scenes_file

    digest = hashlib.sha256()
    for shard in range(-(-scenes // SCENES_PER_SHARD)):
        path = scenes_file(folder, shard)
        try:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()
