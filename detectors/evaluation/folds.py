"""Folds for cross validation: every image is tested once, by a model that was trained on the other folds.

Image-wise: the images are drawn apart, so that a model may have seen the thing, but not the image. Object-wise: all
images of a thing are in one fold, so that every tested thing is new. The papers use five folds of either kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError

By = Literal["image", "object"]
FOLDS = 5


def folds(
    names: Sequence[str], things: Sequence[str], *, by: By, count: int = FOLDS, seed: int = 0
) -> NDArray[np.int64]:
    """The fold of every image, balanced in images: the largest and the smallest differ by one thing's images at most.

    The draw depends on the names (image-wise) or the things (object-wise) and on the seed, not on the images' order.

    Args:
        names: of the images; those that share a name (crops of one photograph) share a fold.
        things: what each of them shows; only needed object-wise.
        by: what is kept together.
        count: of folds.
        seed: of the draw.

    Returns:
        (len(names),) in [0, count); no fold is empty.

    Raises:
        SettingsError: there are too few images or things for so many folds, or it is not known what an image shows.
    """
    if by not in ("image", "object"):
        raise SettingsError(f"folds must be by 'image' or by 'object', got {by!r}")
    if count < 2:
        raise SettingsError(f"{count} fold(s): cross validation needs two or more")
    if len(names) != len(things):
        raise ValueError(f"{len(names)} names, but {len(things)} things")
    unknown = sum(not thing for thing in things)
    if by == "object" and unknown:
        raise SettingsError(
            f"of {unknown} of {len(things)} images the data set does not say what they show", "split by image"
        )
    groups, group_of, sizes = np.unique(
        np.array(list(names if by == "image" else things), dtype=np.str_), return_inverse=True, return_counts=True
    )
    if len(groups) < count:
        what, otherwise = ("image(s)", "") if by == "image" else ("different thing(s)", ", or split by image")
        raise SettingsError(
            f"{len(groups)} {what} cannot be split into {count} folds", f"ask for fewer folds{otherwise}"
        )
    return _balanced(sizes, count, seed)[group_of.reshape(-1)]


def _balanced(sizes: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """The fold of every group: drawn in a random order, the large ones first, each into the smallest fold so far."""
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    fold_of, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for group in drawn[np.argsort(-sizes[drawn], kind="stable")]:
        fold_of[group] = np.argmin(filled)
        filled[fold_of[group]] += sizes[group]
    return fold_of
