"""The images that ``detectors.evaluate`` looks at: our own scenes, or those of a data set with rectangles."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

from detectors.evaluation.arguments import DEXNET, JACQUARD, depth_of
from detectors.evaluation.judging import JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.rectangles import HeightRule, fifth_of_opening, half_of_opening
from robot.frame import Intrinsics

Tell = Callable[[str], None]


def scenes(args: argparse.Namespace, tell: Tell) -> Iterator[JudgedScene]:
    """The scenes that show held-out things (all scenes when the split is by image)."""
    from detectors.synthesis.catalogue import open_catalogue
    from detectors.synthesis.scene_shards import iter_scenes
    from detectors.synthesis.settings import read_dataset
    from detectors.synthesis.splits import split_of

    settings = read_dataset(args.path)
    catalogue = open_catalogue(settings)
    for record in iter_scenes(args.path, damaged=args.damaged, tell=tell):
        if args.split == "image" or settings.objects or split_of(int(record.things[0])) == "test":
            yield JudgedScene.rebuild(record, catalogue)


def labelled(args: argparse.Namespace, skipped: Counter[str], tell: Tell) -> Iterator[LabelledImage]:
    """The images of a data set that is labelled with rectangles; ``skipped`` counts those left out, by reason."""
    camera = _camera(args)
    if args.dataset == DEXNET:
        from detectors.dexnet import images

        yield from images.iter_images(args.path, camera=camera, damaged=args.damaged, tell=tell, skipped=skipped)
        return
    depth = cast(Any, depth_of(args))  # checked against what each reader knows when the options were
    if args.dataset == JACQUARD:
        from detectors.jacquard import reading as jacquard
        from detectors.jacquard.camera import assumed_camera

        camera = camera or assumed_camera()
        yield from jacquard.iter_images(args.path, depth=depth, camera=camera, skipped=skipped, tell=tell)
    elif args.dataset == "cornell":
        from detectors.cornell import reading as cornell

        yield from cornell.iter_images(args.path, depth=depth, camera=camera, skipped=skipped, tell=tell)
    else:
        from detectors.georgia import reading as georgia

        yield from georgia.iter_images(args.path, depth=depth, camera=camera, skipped=skipped, tell=tell)


def height_rule(dataset: str) -> HeightRule:
    """How high a prediction's rectangle is beside those of the data set.

    Those of Cornell, Jacquard and Georgia are drawn, about half as high as wide. Dex-Net's grasps have no height: they
    are given a fifth of the opening by its reader, as in the GQ-STN paper, and so are predictions.
    """
    return fifth_of_opening if dataset == DEXNET else half_of_opening


def _camera(args: argparse.Namespace) -> Intrinsics | None:
    """What the command line says about the camera, if anything."""
    if args.intrinsics:
        from detectors.reading import read_intrinsics

        return read_intrinsics(args.intrinsics)
    if args.focal_px:
        from detectors.jacquard.camera import assumed_camera

        return assumed_camera(args.focal_px)
    return None
