"""Which thing an image of Cornell's shows, for folds by object.

The original download holds ``processedData/z.txt``: ``image thing category background ...`` on each line, separated by
spaces, an image on as many lines as it has rectangles. Most copies have lost it. Then nothing says which images show
one thing, but the numbers do approximately: a thing was photographed two to five times in a row. Blocks of
``BLOCK`` consecutive numbers therefore keep most of the images of a thing together; a thing at a block's border may
still be in two (with some 3.6 images to a thing, about one in eight). An object-wise figure on blocks is that much
kinder than one on ``z.txt``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

MAPPING = "z.txt"
BLOCK = 20


def things_of(folder: Path, numbers: Collection[int], tell: Callable[[str], None]) -> dict[int, str]:
    """Number of an image -> the thing that it shows.

    Args:
        folder: where a ``z.txt`` may lie, at any depth.
        numbers: of the images that are there.
        tell: takes one line that says how the things were told apart.
    """
    known: Mapping[int, str] = next((found for path in sorted(folder.rglob(MAPPING)) if (found := _mapping(path))), {})
    named = sum(number in known for number in set(numbers))
    blocks = f"blocks of {BLOCK} consecutive image numbers, so a thing at a block's border may be in two"
    if not named:
        tell(f"no {MAPPING} says which images show one thing: things are {blocks}")
    elif named < len(set(numbers)):
        tell(f"{MAPPING} names the thing of {named} of {len(set(numbers))} images; the others' are {blocks}")
    else:
        tell(f"{MAPPING} says which images show one thing")
    return {number: known.get(number, _block(number)) for number in numbers}


def _block(number: int) -> str:
    first = number - number % BLOCK
    return f"images {first:04d} to {first + BLOCK - 1:04d}"


def _mapping(path: Path) -> dict[int, str]:
    """What a ``z.txt`` says; lines that say nothing are passed over."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    words = (line.split() for line in lines)
    return {int(first): thing for first, thing, *_ in (w for w in words if len(w) >= 2) if first.isdecimal()}
