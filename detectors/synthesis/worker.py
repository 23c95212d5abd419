"""One worker process: makes every ``of``-th shard of a data set that is not there yet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from robot.errors import CellError


def main(argv: Sequence[str]) -> int:
    """Work through the shards; errors become one line on stderr."""
    parser = argparse.ArgumentParser(description="one worker of detectors.synthesize; not for the command line")
    parser.add_argument("folder", type=Path)
    parser.add_argument("number", type=int)
    parser.add_argument("of", type=int)
    args = parser.parse_args(argv)
    try:
        make_shards(args.folder, range(args.number, 10**9, args.of))
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def make_shards(folder: Path, shards: range) -> None:
    """Make those of ``shards`` that belong to the data set and are missing.

    Raises:
        SettingsError: the settings or the object set cannot be read, or the disk is full.
    """
    import cv2

    from detectors.synthesis.catalogue import open_catalogue
    from detectors.synthesis.settings import read_dataset

    cv2.setNumThreads(1)
    settings = read_dataset(folder)
    catalogue = open_catalogue(settings)
    for shard in shards:
        if shard >= settings.shards:
            return
        make_shard(folder, shard, settings, catalogue)


def make_shard(folder: Path, shard: int, settings, catalogue) -> None:  # type: ignore[no-untyped-def]
    """Make one shard, unless it is there: scenes first, tensors last, whose presence says that all is done."""
    from detectors.dexnet.writing import is_written, write_tensors
    from detectors.synthesis.making import joined_tensors, make_scene
    from detectors.synthesis.scene_shards import scenes_file, write_scenes

    if is_written(folder, shard):
        return
    made = [make_scene(number, settings, catalogue) for number in settings.scenes_of(shard)]
    if settings.images != "none":
        write_scenes(scenes_file(folder, shard), [one.record for one in made])
    write_tensors(folder, shard, joined_tensors(made))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
