"""How training scenes are made to look: lamps, materials and tables drawn at random, wider than any one lab.

The tables' patterns are of other kinds than the thirty of the Jacquard+ benchmark, which is to test what a network
makes of backgrounds that it has never seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.painting import Lamp, Look, Material, Rgb, Texture

Image = NDArray[np.float32]
_TEXELS = 256
_PLAIN_SHARE, _WHITE_SHARE = 0.45, 0.3
_MATT_SHARE = 0.5


def draw_look(things: int, rng: np.random.Generator) -> Look:
    """A look for a scene of so many things."""
    count = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    lamps = tuple(_lamp(1 / count**0.7, rng) for _ in range(count))
    brightness = rng.uniform(0.15, 0.6)
    return Look(
        lamps=lamps,
        ambient=_tinted(brightness, 0.06, rng),
        table=_table(rng),
        table_turn_rad=float(rng.uniform(0, 2 * math.pi)),
        materials=tuple(_material(rng) for _ in range(things)),
        exposure=float(rng.uniform(0.7, 1.25)),
        blur_px=float(rng.uniform(0.3, 1.2)),
        noise=float(rng.uniform(0.5, 4.0)),
    )


def _lamp(share: float, rng: np.random.Generator) -> Lamp:
    away, towards, up = rng.uniform(0.1, 1.2), rng.uniform(0, 2 * math.pi), rng.uniform(0.6, 2.0)
    position = (float(away * math.cos(towards)), float(away * math.sin(towards)), float(up))
    distance_factor = (math.hypot(away, up) / 1.5) ** 2  # as bright on the table, near or far
    return Lamp(position, _tinted(float(rng.uniform(0.25, 0.8)) * share * distance_factor, 0.12, rng))


def _tinted(brightness: float, spread: float, rng: np.random.Generator) -> Rgb:
    red, green, blue = (float(max(brightness * (1 + rng.normal(scale=spread)), 0.02)) for _ in range(3))
    return red, green, blue


def _material(rng: np.random.Generator) -> Material:
    if rng.random() < _MATT_SHARE:
        return Material()
    metal = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.3 else 0.0
    return Material(float(rng.uniform(0.05, 0.6)), float(np.exp(rng.uniform(math.log(5), math.log(150)))), metal)


def _table(rng: np.random.Generator) -> Texture:
    side_m = float(rng.uniform(0.25, 0.9))
    one, two = _color(rng), _color(rng)
    if rng.random() < _PLAIN_SHARE:
        if rng.random() < _WHITE_SHARE:
            one = np.clip(rng.uniform(0.7, 0.95) + rng.normal(scale=0.03, size=3), 0, 1).astype(np.float32)
        grain = _noise(rng, (_pick(rng, 0.6, 8), _pick(rng, 0.6, 8)))
        return Texture(_clipped(one * (1 + rng.uniform(0, 0.08) * grain[..., None])), side_m)
    pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))](rng)
    share = pattern[..., None] * np.float32(rng.uniform(0.2, 1.0))
    return Texture(_clipped(one * (1 - share) + two * share + 0.01 * _noise(rng, (0.7, 0.7))[..., None]), side_m)


def _clouds(rng: np.random.Generator) -> Image:
    """Noise of several sizes, as of stone."""
    total = sum(_noise(rng, (size, size)) * size**0.5 for size in (1.5, 4.0, 10.0, 25.0))
    return _unit(np.asarray(total, dtype=np.float32))


def _fibres(rng: np.random.Generator) -> Image:
    """Long thin streaks."""
    return _unit(_noise(rng, (_pick(rng, 12, 50), _pick(rng, 0.6, 2.5))))


def _grating(rng: np.random.Generator) -> Image:
    """Bent waves."""
    x, y = np.meshgrid(*(np.arange(_TEXELS, dtype=np.float32) / _TEXELS,) * 2)
    bend = _noise(rng, (20.0, 20.0)) * np.float32(rng.uniform(0, 1.5))
    phase = 2 * math.pi * (int(rng.integers(2, 16)) * x + int(rng.integers(0, 10)) * y) + bend
    return np.asarray(0.5 + 0.5 * np.sin(phase), dtype=np.float32)


def _scraps(rng: np.random.Generator) -> Image:
    """Polygons and discs strewn about, as of prints and litter that cannot be grasped."""
    image = np.full((_TEXELS, _TEXELS), rng.random(), dtype=np.float32)
    for _ in range(int(rng.integers(4, 40))):
        middle, size = rng.uniform(0, _TEXELS, 2), rng.uniform(3, 45)
        if rng.random() < 0.4:
            cv2.circle(image, (int(middle[0]), int(middle[1])), int(size), float(rng.random()), -1, cv2.LINE_AA)
        else:
            turns = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(3, 7))))
            corners = middle + size * np.stack([np.cos(turns), np.sin(turns) * rng.uniform(0.2, 1)], axis=1)
            cv2.fillPoly(image, [corners.astype(np.int32)], float(rng.random()), cv2.LINE_AA)
    return image


def _patches(rng: np.random.Generator) -> Image:
    """Each place has the shade of the nearest of some points."""
    count = int(rng.integers(8, 60))
    places = rng.uniform(0, _TEXELS, (count, 2)).astype(np.float32)
    shades = rng.random(count).astype(np.float32)
    x, y = np.meshgrid(*(np.arange(_TEXELS, dtype=np.float32),) * 2)
    nearest = np.argmin([(x - px) ** 2 + (y - py) ** 2 for px, py in places], axis=0)
    return np.asarray(shades[nearest], dtype=np.float32)


_PATTERNS: tuple[Callable[[np.random.Generator], Image], ...] = (_clouds, _fibres, _grating, _scraps, _patches)


def _noise(rng: np.random.Generator, spread: tuple[float, float]) -> Image:
    """(S, S) smooth noise of mean 0 and spread 1 that goes on over the square's edges."""
    grain = rng.standard_normal((_TEXELS, _TEXELS), dtype=np.float32)
    edge = 3 * int(max(spread)) + 1
    wrapped = np.pad(grain, min(edge, _TEXELS), mode="wrap")
    smooth = cv2.GaussianBlur(wrapped, (0, 0), spread[0], sigmaY=spread[1])
    cut = min(edge, _TEXELS)
    inner = smooth[cut:-cut, cut:-cut]
    return np.asarray(inner / max(float(inner.std()), 1e-6), dtype=np.float32)


def _color(rng: np.random.Generator) -> Image:
    """An albedo: mostly dull."""
    return np.clip(rng.uniform(0.08, 0.9) + rng.normal(scale=rng.uniform(0.01, 0.2), size=3), 0.03, 0.97).astype(
        np.float32
    )


def _pick(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _unit(image: Image) -> Image:
    low, high = np.quantile(image, [0.02, 0.98])
    return np.asarray(np.clip((image - low) / max(float(high - low), 1e-6), 0, 1), dtype=np.float32)


def _clipped(image: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(image, 0.02, 0.98), dtype=np.float32)
