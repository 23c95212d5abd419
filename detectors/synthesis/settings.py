"""What a data set is made from: kept in its ``dataset.yaml``, so that it can be continued and made again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import yaml

from detectors.synthesis.splits import THINGS
from robot.errors import SettingsError
from robot.strict_yaml import build, read_yaml

DATASET_FILE = "dataset.yaml"
SCENES_PER_SHARD, GRASPS_PER_SCENE = 25, 40
MOST_THINGS = 8  # in a scene: more seldom find a place in the picture
FORMAT = 1  # of what lies on the disk and of what the generator draws: a change makes other data of the same seed

Images = Literal["all", "depth", "none"]
SplitChoice = Literal["all", "train", "validation", "test"]


@dataclass(frozen=True, kw_only=True)
class DatasetSettings:
    """Everything that decides what lies in a data set.

    Attributes:
        scenes: how many.
        seed: scene number and seed decide a scene, whatever the number of workers.
        split: which things are used; ``all`` gives eight scenes in ten to training things, one each to the others.
        things: size of the catalogue of synthetic things.
        tries, held_out_tries: noisy lifts of a grasp on training things, and on those of validation and test: learning
            averages over its data, judging wants a sharper truth.
        samples: Monte-Carlo draws of the analytic labels.
        images: whether full images are kept: with colour, depth only, or none (tensors alone).
        objects: a user's object set in place of the catalogue; empty for none. ``objects_sha256`` is its hash.
        format: version of the generator.
        least, most: things in a scene, drawn evenly between the two; 0 for the usual draw (one to four, mostly one).
            A scene has as many as were drawn for it, unless thirty draws of things found no place for so many: then as
            many as found one, not fewer than ``least``.

    Raises:
        ValueError: ``least`` and ``most`` are no such numbers.
    """

    scenes: int
    seed: int
    split: SplitChoice = "all"
    things: int = THINGS
    tries: int = 1
    held_out_tries: int = 3
    samples: int = 10
    images: Images = "all"
    objects: str = ""
    objects_sha256: str = ""
    format: int = FORMAT
    least: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        if (self.least or self.most) and not 1 <= self.least <= self.most <= MOST_THINGS:
            raise ValueError(
                f"least and most are things in a scene, 1 to {MOST_THINGS}, or both 0; got {self.least} and {self.most}"
            )

    @property
    def shards(self) -> int:
        """Files of 25 scenes."""
        return -(-self.scenes // SCENES_PER_SHARD)

    def scenes_of(self, shard: int) -> range:
        """Numbers of the scenes in one shard."""
        return range(shard * SCENES_PER_SHARD, min((shard + 1) * SCENES_PER_SHARD, self.scenes))


def object_set_sha256(path: Path) -> str:
    """Hash of an object set's file and of every mesh that it names.

    Raises:
        SettingsError: one of them cannot be read.
    """
    data = read_yaml(path)
    entries = data.get("objects") if isinstance(data, dict) else None
    listed = entries if isinstance(entries, list) else []
    names = [entry.get("mesh") for entry in listed if isinstance(entry, dict)]
    digest = hashlib.sha256()
    try:
        for file in (path, *(path.resolve().parent / name for name in names if isinstance(name, str))):
            digest.update(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.filename} cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def open_dataset(folder: Path, wanted: DatasetSettings) -> None:
    """Make the folder, or check that what was begun in it is the same data set.

    More scenes than before continue a data set; fewer are an error, as is any other difference.

    Raises:
        SettingsError: the folder holds something else, or cannot be written.
    """
    try:
        begun = (folder / DATASET_FILE).exists()
        in_use = folder.is_dir() and any(file.name[:1] != "." for file in folder.iterdir())
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be read: {error.strerror}") from None
    if begun:
        found = read_dataset(folder)
        differences = [
            f"{key} is {value!r} there, {asdict(wanted)[key]!r} was asked for"
            for key, value in asdict(found).items()
            if value != asdict(wanted)[key] and not (key == "scenes" and _continues(found, wanted))
        ]
        if differences:
            raise SettingsError(
                f"{folder}: holds another data set: " + "; ".join(differences),
                "give its own settings to go on with it, or another --out",
            )
        if found.scenes == wanted.scenes:
            return
    elif in_use:
        raise SettingsError(f"{folder}: is not empty and holds no data set", "give a new folder")
    _write(folder, wanted)


def _continues(found: DatasetSettings, wanted: DatasetSettings) -> bool:
    """Whether the scenes wanted go on after the last full shard of those found."""
    return wanted.scenes > found.scenes and found.scenes % SCENES_PER_SHARD == 0


def read_dataset(folder: Path) -> DatasetSettings:
    """What a data set was made from.

    Raises:
        SettingsError: there is no ``dataset.yaml``, or it is not ours.
    """
    path = folder / DATASET_FILE
    settings: DatasetSettings = build(DatasetSettings, read_yaml(path), str(path))
    if settings.format != FORMAT:
        raise SettingsError(f"{path}: is of format {settings.format}, this program makes {FORMAT}", "make it again")
    return settings


def _write(folder: Path, settings: DatasetSettings) -> None:
    facts = asdict(settings)
    if not settings.most:  # without them the file is what it was before they came
        del facts["least"], facts["most"]
    text = yaml.safe_dump(facts, sort_keys=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{DATASET_FILE}.{os.getpid()}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, folder / DATASET_FILE)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written: {error.strerror or error}") from None
