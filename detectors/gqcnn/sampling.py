"""Antipodal grasps from the depth image, with their depth and opening sampled too (Dex-Net 2.0, section on sampling).

Pairs of opposite edges come from the house's antipodal sampler. Of each pair the gripper's geometry says how deep the
tips may go and where the pads touch; within that, depth and opening are drawn, because a network will rank them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.detector import NO_ROOM, NOT_ALLOWED, find_pairs
from detectors.antipodal.ranking import Closing, centre_height, close_on, rank_closing
from detectors.antipodal.sampling import Pairs
from detectors.antipodal.scene import Scene
from detectors.antipodal.settings import AntipodalSettings
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.settings import GqcnnSettings
from robot.frame import Frame, Intrinsics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NOT_BARE = 0.25  # a landing place of which this share is covered counts for nothing
_LEAST_TRUST = 0.05  # what a pair that geometry thinks worthless still weighs in the draw


@dataclass(frozen=True)
class Poses:
    """Grasps over the table, in the camera's x, y and in heights above the table; all arrays (n, ...).

    Attributes:
        centre_m: (n, 2) the grasp point in the camera's x, y [m].
        axis: (n, 2) unit closing direction in the camera's x, y.
        height_m: (n,) of the grasp point above the table [m].
        contact_width_m: (n,) distance between the pads' first contacts [m].
        opening_m: (n,) jaw opening before closing [m].
        owner: (n,) index of the object.
    """

    centre_m: Array
    axis: Array
    height_m: Array
    contact_width_m: Array
    opening_m: Array
    owner: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.height_m)

    def __getitem__(self, chosen: NDArray[np.intp] | Mask) -> Poses:
        return Poses(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def joined(self, others: Poses) -> Poses:
        """These grasps and then ``others``."""
        return Poses(*(np.concatenate([getattr(self, f.name), getattr(others, f.name)]) for f in fields(self)))

    def in_image(self, scene: Scene, intrinsics: Intrinsics) -> GraspArrays:
        """The same grasps as the camera sees them."""
        x, y = self.centre_m[:, 0], self.centre_m[:, 1]
        depth = scene.table.depth_m(x, y, self.height_m)
        pixels = intrinsics.project(np.stack([x, y, depth], axis=-1))
        angle = np.arctan2(self.axis[:, 1], self.axis[:, 0])
        return GraspArrays(pixels[:, 0], pixels[:, 1], depth, angle, self.opening_m)


@dataclass(frozen=True)
class Samples:
    """What was sampled in a frame; ``reason`` says why there is nothing.

    Attributes:
        scene: the height map with its table and objects; None where no table was found.
        poses: the grasps over the table; None where there are none.
        grasps: the same grasps in the image.
        reason: for the operator; empty where there are grasps.
    """

    scene: Scene | None
    poses: Poses | None
    grasps: GraspArrays | None
    reason: str = ""


def sample(
    frame: Frame, count: int, rng: np.random.Generator, settings: GqcnnSettings, region: Mask | None = None
) -> Samples:
    """Draw ``count`` grasps, spread evenly over the objects.

    None of them lies on unknown depth or outside ``region`` (H, W), is wider than the stroke, or has its tips below
    the table's margin. Anything else that speaks against a grasp is left to the network.
    """
    seen = find_pairs(frame, settings.geometry, rng)
    if seen.scene is None or seen.pairs is None:
        return Samples(seen.scene, None, None, seen.reason)
    scene, closing = seen.scene, close_on(seen.scene, seen.pairs, settings.geometry)
    if not closing.possible.any():
        return Samples(scene, None, None, NO_ROOM)
    ranked = rank_closing(scene, seen.pairs, closing, settings.geometry)
    usual = Poses(
        closing.centre_m, seen.pairs.axis, ranked.centre_height_m, closing.width_m, ranked.opening_m, seen.pairs.owner
    )
    allowed = np.flatnonzero(closing.possible & usable(usual, scene, frame, region))
    trust = ranked.quality[allowed] if settings.trust_geometry else np.ones(len(allowed))
    order = allowed[spread(seen.pairs.owner[allowed], trust, rng)]
    if len(order) == 0:
        return Samples(scene, None, None, NOT_ALLOWED)
    chosen = np.resize(order, count)  # where there are fewer pairs than asked for, each is taken at several depths
    drawn = (rng.random(count) >= settings.geometric_share) | (np.arange(count) >= len(order))
    poses = _varied(usual, closing, chosen, drawn, settings.geometry, rng)
    poses = poses[usable(poses, scene, frame, region)]
    if len(poses) == 0:
        return Samples(scene, None, None, NOT_ALLOWED)
    return Samples(scene, poses, poses.in_image(scene, frame.intrinsics))


def usable(poses: Poses, scene: Scene, frame: Frame, region: Mask | None) -> Mask:
    """(n,) True where depth was measured under the grasp's centre and ``region`` allows it."""
    grasps, K = poses.in_image(scene, frame.intrinsics), frame.intrinsics
    row, column = np.rint(grasps.v).astype(np.intp), np.rint(grasps.u).astype(np.intp)
    ok = (row >= 0) & (row < K.height) & (column >= 0) & (column < K.width)
    row, column = np.clip(row, 0, K.height - 1), np.clip(column, 0, K.width - 1)
    return ok & frame.valid[row, column] & (True if region is None else region[row, column])


def geometric_trust(poses: Poses, scene: Scene, settings: AntipodalSettings) -> Array:
    """(n,) in [0, 1] how good the grasps' pairs are by the gripper's geometry alone, best over bare table.

    What ``antipodal.ranking`` asks, less where a jaw comes down on anything at all, even on what its tips clear: of
    what is hardly higher than the noise a camera shows little.
    """
    pairs = Pairs(poses.centre_m, poses.axis, poses.contact_width_m, np.zeros(len(poses)), poses.owner)
    trust = rank_closing(scene, pairs, close_on(scene, pairs, settings), settings).quality
    bare = np.clip(1.0 - _covered(poses, scene, settings) / _NOT_BARE, 0.0, 1.0)
    return np.asarray(trust * bare)


def _covered(poses: Poses, scene: Scene, settings: AntipodalSettings) -> Array:
    """(n,) share of a jaw's landing place, the worse of both, on which something stands."""
    beyond = np.linspace(0.0, settings.finger_thickness_m, 4)
    along = np.linspace(-settings.finger_width_m / 2, settings.finger_width_m / 2, 5)
    out, side = (grid.ravel() for grid in np.meshgrid(beyond, along))
    across = np.stack([-poses.axis[:, 1], poses.axis[:, 0]], axis=1)
    shares = []
    for sign in (-1.0, 1.0):
        reach = sign * (poses.opening_m[:, None] / 2 + out)
        points = poses.centre_m[:, None] + reach[..., None] * poses.axis[:, None] + side[:, None] * across[:, None]
        rows, columns = scene.cells(points)
        shares.append((scene.objects.labels[rows, columns] > 0).mean(axis=1))
    return np.asarray(np.maximum(*shares))


def settled(pairs: Pairs, height_m: Array, play_m: Array, scene: Scene, settings: AntipodalSettings) -> Poses:
    """Grasps near what was asked for that the gripper can carry out; those that it cannot are left out.

    Args:
        pairs: where the pads are to touch, roughly.
        height_m: (n,) wanted heights of the grasp point [m]; held between the lowest allowed and the object's top.
        play_m: (n,) wanted room between each open pad and the object [m]; held within the gripper's clearances.
        scene: the height map.
        settings: of the gripper.
    """
    closing = close_on(scene, pairs, settings)
    low, high = heights_allowed(closing, settings)
    play = np.clip(play_m, min(settings.clearances_m), max(settings.clearances_m))
    opening = np.minimum(closing.width_m + 2 * play, settings.stroke_m)
    height = np.clip(height_m, low, high)
    poses = Poses(closing.centre_m, pairs.axis, height, closing.width_m, opening, pairs.owner)
    return poses[closing.possible]


def heights_allowed(closing: Closing, settings: AntipodalSettings) -> tuple[Array, Array]:
    """Lowest and highest sensible heights of the grasp point above the table [m].

    Lowest: the tips at the lowest that table, neighbours and palm allow. Highest: the grasp point at the top of the
    object where the pads touch it.
    """
    contact, floor = closing.contact_m, closing.floor_m
    highest_tip = np.maximum(contact - settings.tip_to_centre_m, floor)
    return (
        centre_height(floor, contact, closing.table_floor_m, settings),
        centre_height(highest_tip, contact, closing.table_floor_m, settings),
    )


def spread(owner: NDArray[np.int32], weight: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """An order in which every object gets its turn; within an object, pairs of more weight tend to come first."""
    luck = rng.gumbel(size=len(owner)) + np.log(_LEAST_TRUST + weight)  # a weighted draw without replacement
    order = np.argsort(-luck, kind="stable")
    turn = np.empty(len(owner), dtype=np.intp)
    for one in np.unique(owner):
        own = order[owner[order] == one]
        turn[own] = np.arange(len(own))
    return order[np.argsort(turn[order], kind="stable")]


def _varied(
    usual: Poses,
    closing: Closing,
    chosen: NDArray[np.intp],
    drawn: Mask,
    settings: AntipodalSettings,
    rng: np.random.Generator,
) -> Poses:
    """The chosen grasps, some of them at a depth and an opening that are drawn within what the gripper can do."""
    low, high = (bound[chosen] for bound in heights_allowed(closing, settings))
    poses = usual[chosen]
    height = low + rng.random(len(chosen)) * (high - low)
    play = rng.uniform(min(settings.clearances_m), max(settings.clearances_m), len(chosen))
    opening = np.minimum(poses.contact_width_m + 2 * play, settings.stroke_m)
    return Poses(
        poses.centre_m,
        poses.axis,
        np.where(drawn, height, poses.height_m),
        poses.contact_width_m,
        np.where(drawn, opening, poses.opening_m),
        poses.owner,
    )
