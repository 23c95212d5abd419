"""Which things are learnt from and which are held out: by the last digit of the thing's number, the same everywhere.

Things are numbered from 0 and every ten in a row belong to one shape family, so that each split holds every family.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

THINGS = 3000  # the default catalogue

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_BY_LAST_DIGIT: tuple[Split, ...] = ("train",) * 8 + ("validation", "test")


def split_of(number: int) -> Split:
    """The split of the thing ``number`` (>= 0).

    Raises:
        ValueError: the number is negative.
    """
    if number < 0:
        raise ValueError(f"things are numbered from 0, got {number}")
    return _BY_LAST_DIGIT[int(number) % 10]


def numbers_of(split: Split, things: int = THINGS) -> NDArray[np.int64]:
    """The ascending numbers below ``things`` that belong to ``split``.

    Raises:
        ValueError: there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"there is no split '{split}', only {', '.join(SPLITS)}")
    digits = [digit for digit, name in enumerate(_BY_LAST_DIGIT) if name == split]
    numbers = np.arange(things, dtype=np.int64)
    return numbers[np.isin(numbers % 10, digits)]
