"""Where the things of a data set come from: the synthetic catalogue, or a user's own object set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.settings import DatasetSettings, object_set_sha256
from detectors.synthesis.splits import SPLITS, Split, numbers_of, split_of
from detectors.synthesis.things import FAMILY_NAMES, family_of, make_thing
from robot.errors import SettingsError
from robot.objects import ObjectSpec

USER_FAMILY = -1


class Catalogue(Protocol):
    """Numbered things."""

    def numbers(self, split: Split) -> NDArray[np.int64]:
        """The things that belong to ``split``."""
        ...

    def thing(self, number: int) -> ObjectSpec:
        """Thing ``number``, made of convex primitives."""
        ...

    def family(self, number: int) -> int:
        """Index into ``FAMILY_NAMES``, or -1 for a user's own."""
        ...


@dataclass(frozen=True)
class SyntheticCatalogue:
    """The house's own things, the first ``things`` of them."""

    things: int

    def numbers(self, split: Split) -> NDArray[np.int64]:
        return numbers_of(split, self.things)

    def thing(self, number: int) -> ObjectSpec:
        return _synthetic(number)

    def family(self, number: int) -> int:
        return FAMILY_NAMES.index(family_of(number))


@dataclass(frozen=True)
class UserCatalogue:
    """The things of an object set, numbered in its order."""

    specs: tuple[ObjectSpec, ...]

    def numbers(self, split: Split) -> NDArray[np.int64]:
        return np.array([n for n in range(len(self.specs)) if split_of(n) == split], dtype=np.int64)

    def thing(self, number: int) -> ObjectSpec:
        return self.specs[number]

    def family(self, number: int) -> int:
        return USER_FAMILY


@lru_cache(maxsize=256)
def _synthetic(number: int) -> ObjectSpec:
    return make_thing(number).spec


def open_catalogue(settings: DatasetSettings) -> Catalogue:
    """The catalogue that ``settings`` name.

    Raises:
        SettingsError: the object set cannot be read, has changed, or a split that is wanted is empty or has fewer
            things than a scene.
    """
    catalogue: Catalogue = SyntheticCatalogue(settings.things)
    if settings.objects:
        catalogue = _user_catalogue(Path(settings.objects), settings.objects_sha256)
    wanted: tuple[Split, ...] = SPLITS if settings.split == "all" else (settings.split,)
    if not any(len(catalogue.numbers(split)) for split in wanted):
        raise SettingsError(f"no thing of the split '{settings.split}' in the catalogue", "use a larger catalogue")
    for split in wanted:
        if 0 < (count := len(catalogue.numbers(split))) < settings.least:
            raise SettingsError(
                f"the split '{split}' has {count} thing(s), fewer than the {settings.least} of a scene",
                "use a larger catalogue, --split for another split alone, or a smaller --things-per-scene",
            )
    return catalogue


def _user_catalogue(path: Path, sha256: str) -> UserCatalogue:
    from robot.convex_parts import convex_parts
    from robot.objects import load_objects

    specs = load_objects(path)
    if object_set_sha256(path) != sha256:
        raise SettingsError(f"{path}: has changed since the data set was begun", "restore it, or begin a new one")
    return UserCatalogue(tuple(replace(spec, primitives=convex_parts(spec), mesh=None) for spec in specs))


def draw_split(settings: DatasetSettings, catalogue: Catalogue, scene: int) -> Split:
    """Which things a scene holds: all of one split, so that no picture shows both learnt and held-out ones."""
    if settings.split != "all":
        return settings.split
    split = split_of(scene)
    return split if len(catalogue.numbers(split)) else "train"
