"""What a stereo depth camera makes of a perfect depth image."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.simulator import camera_model
from robot.simulator.rendering import CleanView, Image, Mask

DepthImage = NDArray[np.uint16]
ColorImage = NDArray[np.uint8]

_GRAIN_SHIFT_PX, _GRAIN_SEED = 256, 5


@dataclass(frozen=True, kw_only=True)
class StereoNoise:
    """How bad the sensor is; the defaults are like a D435 at its medium preset.

    Attributes:
        disparity_px: standard deviation of the matching error on a well-lit, frontal surface.
        correlation_px: over how many pixels errors hang together.
        disparity_step_px: sub-pixel resolution of the matcher.
        edge_wander_px: how far object outlines wander from their place.
        edge_hole_share: share of the pixels at a depth edge that are lost.
        flying_share: share of the pixels at a depth edge that float between both sides.
        edge_m: what counts as a depth edge.
        dark_albedo: surfaces darker than this are lost in part.
        grazing_cosine: surfaces turned further away than this are lost in part.
        speck_share: share of pixels lost anywhere, in small patches.
        color_sigma: standard deviation of the colour values, 0..255.
    """

    disparity_px: float = 0.07
    correlation_px: float = 1.1
    disparity_step_px: float = 1 / 32
    edge_wander_px: float = 0.7
    edge_hole_share: float = 0.30
    flying_share: float = 0.12
    edge_m: float = 0.006
    dark_albedo: float = 0.12
    grazing_cosine: float = 0.28
    speck_share: float = 0.0015
    color_sigma: float = 2.2


def clean_depth(view: CleanView) -> DepthImage:
    """(H, W) depth in the sensor's units without any defect."""
    return _to_units(view.depth_m)


def noisy_depth(
    view: CleanView,
    noise: StereoNoise,
    rng: np.random.Generator,
    focal_baseline_px_m: float = camera_model.DEPTH.fx * camera_model.BASELINE_M,
) -> DepthImage:
    """(H, W) uint16 depth in the sensor's units; 0 where nothing was measured.

    ``focal_baseline_px_m``: what turns depth into disparity; the simulated cell's camera unless given.
    """
    depth, hidden = _wandering(view.depth_m, view.hidden, noise, rng)
    patchy = _share(_field(depth.shape, 1.3, rng))
    edge, near, far = _edges(depth, noise.edge_m)
    flying = edge & (patchy > 1.0 - noise.flying_share)
    depth = np.where(flying, near + (far - near) * rng.random(depth.shape, dtype=np.float32), depth)
    lost = hidden | (edge & (patchy < noise.edge_hole_share))
    lost |= _share(_field(depth.shape, 0.8, rng)) < noise.speck_share
    lost |= patchy < _loss_by_surface(view, noise)
    disparity = focal_baseline_px_m / depth
    trouble = 1.0 + np.clip(0.5 - view.incidence, 0.0, 0.5) * 3.0 + np.clip(0.25 - view.albedo, 0.0, 0.25) * 4.0
    disparity = disparity + noise.disparity_px * trouble * _field(depth.shape, noise.correlation_px, rng)
    disparity = np.maximum(np.round(disparity / noise.disparity_step_px) * noise.disparity_step_px, 0.1)
    depth = focal_baseline_px_m / disparity
    lost |= (depth < camera_model.NEAREST_M) | (depth > camera_model.FARTHEST_M)
    return np.where(lost, np.uint16(0), _to_units(depth))


def clean_color(view: CleanView) -> ColorImage:
    """(H, W, 3) RGB without noise."""
    return np.asarray(np.clip(view.color, 0, 255), dtype=np.uint8)


def noisy_color(view: CleanView, noise: StereoNoise, rng: np.random.Generator) -> ColorImage:
    """(H, W, 3) RGB with a small sensor's blur and noise."""
    cv2 = _cv2()
    picture = cv2.GaussianBlur(view.color, (0, 0), 0.6)
    top, left = rng.integers(0, _GRAIN_SHIFT_PX, size=2)
    grain = _grain(view.color.shape)[top : top + picture.shape[0], left : left + picture.shape[1]]
    picture += noise.color_sigma * grain
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


@functools.lru_cache(maxsize=2)
def _grain(shape: tuple[int, ...]) -> Image:
    """A sheet of unit noise, larger than the picture, of which every frame takes another part."""
    large = (shape[0] + _GRAIN_SHIFT_PX, shape[1] + _GRAIN_SHIFT_PX, 3)
    return np.random.default_rng(_GRAIN_SEED).standard_normal(large, dtype=np.float32)


def _wandering(depth: Image, hidden: Mask, noise: StereoNoise, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Matching windows do not see where an outline is: it wanders by a fraction of a pixel, in waves."""
    cv2 = _cv2()
    rows, columns = np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]].astype(np.float32)
    x = columns + noise.edge_wander_px * _field(depth.shape, 2.5, rng)
    y = rows + noise.edge_wander_px * _field(depth.shape, 2.5, rng)
    moved = cv2.remap(depth, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    masked = cv2.remap(hidden.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    # Only at edges: within a surface the depth is that of the pixel itself.
    at_edge = np.abs(moved - depth) > noise.edge_m / 2
    return np.where(at_edge, moved, depth), np.asarray((masked > 0) | hidden)


def _edges(depth: Image, step_m: float) -> tuple[Mask, Image, Image]:
    """Where the depth jumps within 3 x 3 pixels, and the nearest and farthest depth there."""
    cv2 = _cv2()
    kernel = np.ones((3, 3), np.uint8)
    near, far = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
    return far - near > step_m, near, far


def _loss_by_surface(view: CleanView, noise: StereoNoise) -> Image:
    """(H, W) share of pixels lost for being dark or seen at a grazing angle."""
    dark = np.clip((noise.dark_albedo - view.albedo) / noise.dark_albedo, 0.0, 1.0) * 0.5
    grazing = np.clip((noise.grazing_cosine - view.incidence) / noise.grazing_cosine, 0.0, 1.0)
    return np.asarray(np.maximum(dark, grazing), dtype=np.float32)


def _field(shape: tuple[int, ...], sigma_px: float, rng: np.random.Generator) -> Image:
    """(H, W) smooth Gaussian noise of unit variance."""
    white = rng.standard_normal(shape, dtype=np.float32)
    # Blurring white noise with a Gaussian leaves 1 / (2 sigma sqrt(pi)) of its standard deviation.
    return np.asarray(_cv2().GaussianBlur(white, (0, 0), sigma_px) * np.float32(_blur_gain(sigma_px)))


def _blur_gain(sigma_px: float) -> float:
    kernel = _cv2().getGaussianKernel(2 * round(4 * sigma_px) + 1, sigma_px).ravel()
    return float(1.0 / (kernel**2).sum())


def _share(field: Image) -> Image:
    """Unit Gaussian values -> uniform shares in 0..1."""
    return np.asarray(1.0 / (1.0 + np.exp(-1.702 * field)))


def _to_units(depth_m: NDArray[Any]) -> DepthImage:
    return np.asarray(np.clip(np.round(depth_m / camera_model.DEPTH_UNIT_M), 0, 65535), dtype=np.uint16)


def _cv2() -> Any:
    import cv2

    return cv2
