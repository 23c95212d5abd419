"""Thirty table tops made in code: wood, cloth, checks, stripes, speckle, marble, print, gravel and others.

Every texture tiles without a seam: its noise is filtered white noise on a torus, its waves have whole numbers of
periods. Each has a fixed seed, so that texture 7 is the same picture in every benchmark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.painting import Texture

Field = NDArray[np.float64]
Color = tuple[float, float, float]

SIZE_PX = 512
_SEED = 20_190_901  # of all textures; with the number it decides one


@dataclass(frozen=True)
class _Recipe:
    """How a texture is made, and how large it lies on the table."""

    name: str
    paint: Callable[..., Field]
    side_m: float
    settings: dict[str, Any]


def texture_names() -> tuple[str, ...]:
    """What the textures are, by number."""
    return tuple(recipe.name for recipe in _RECIPES)


@lru_cache(maxsize=32)
def texture(number: int) -> Texture:
    """Texture ``number``, 0 to 29.

    Raises:
        IndexError: there is none of this number.
    """
    recipe = _RECIPES[number]
    rng = np.random.default_rng([_SEED, number])
    image = recipe.paint(rng, **recipe.settings)
    return Texture(np.clip(image, 0.02, 0.98).astype(np.float32), recipe.side_m)


def _noise(rng: np.random.Generator, along_px: float, across_px: float | None = None) -> Field:
    """(S, S) smooth periodic noise of unit variance; ``along_px`` is its scale from left to right."""
    white = np.fft.rfft2(rng.standard_normal((SIZE_PX, SIZE_PX)))
    fy, fx = np.fft.fftfreq(SIZE_PX)[:, None], np.fft.rfftfreq(SIZE_PX)[None, :]
    across = along_px if across_px is None else across_px
    kept = np.exp(-2 * np.pi**2 * ((fx * along_px) ** 2 + (fy * across) ** 2))
    kept[0, 0] = 0.0
    smooth = np.fft.irfft2(white * kept, s=(SIZE_PX, SIZE_PX))
    return np.asarray(smooth / smooth.std())


def _turbulence(rng: np.random.Generator, coarse_px: float) -> Field:
    """(S, S) noise of several scales, unit variance."""
    total = sum((_noise(rng, coarse_px / 2**octave) / 1.7**octave for octave in range(5)), np.zeros((SIZE_PX, SIZE_PX)))
    return np.asarray(total / total.std())


def _grid() -> tuple[Field, Field]:
    """(S, S) x and y in 0..1."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX] / SIZE_PX
    return x, y


def _mix(share: Field, one: Color, other: Color) -> Field:
    """(S, S, 3) from ``one`` (share 0) to ``other`` (share 1)."""
    part = np.clip(share, 0.0, 1.0)[..., None]
    return np.asarray(np.array(one) * (1 - part) + np.array(other) * part)


def _wood(rng: np.random.Generator, *, light: Color, dark: Color, rings: int, boards: int) -> Field:
    x, y = _grid()
    board = np.floor(y * boards)
    shift = rng.uniform(0, 1, size=boards)[board.astype(int) % boards]
    bend = 0.25 * _noise(rng, 120, 25) + 0.1 * _noise(rng, 60, 8)
    ring = 0.5 + 0.5 * np.sin(2 * np.pi * (rings * (y + shift) + bend * 2 + 0.15 * np.sin(2 * np.pi * x)))
    grain = 0.12 * _noise(rng, 30, 0.8)
    seam = np.abs(y * boards - np.round(y * boards)) < 0.006 * boards
    tone = 0.15 * (rng.uniform(-1, 1, size=boards)[board.astype(int) % boards])
    image = _mix(0.75 * ring**2 + grain + tone, light, dark)
    return np.where(seam[..., None] & (boards > 1), image * 0.45, image)


def _cloth(rng: np.random.Generator, *, warp: Color, weft: Color, threads: int, folds: float) -> Field:
    x, y = _grid()
    over = np.sin(2 * np.pi * threads * x) * np.sin(2 * np.pi * threads * y) > 0
    thread = 0.8 + 0.2 * np.abs(np.sin(2 * np.pi * threads * np.where(over, x, y)))
    image = np.where(over[..., None], np.array(warp), np.array(weft)) * thread[..., None]
    return np.asarray(image * (1 + 0.05 * _noise(rng, 2) + folds * _noise(rng, 60))[..., None])


def _checks(rng: np.random.Generator, *, one: Color, other: Color, count: int, soft: bool) -> Field:
    x, y = _grid()
    columns, rows = (np.floor(value * 2 * count) % 2 for value in (x, y))
    share = (columns + rows) / 2 if soft else np.abs(columns - rows)
    return np.asarray(_mix(share, one, other) * (1 + 0.03 * _noise(rng, 1.5))[..., None])


def _stripes(rng: np.random.Generator, *, colors: tuple[Color, ...], count: int, wave: float) -> Field:
    x, y = _grid()
    widths = rng.uniform(0.5, 1.5, size=len(colors))
    ends = np.cumsum(widths) / widths.sum()
    place = (count * y + wave * np.sin(2 * np.pi * x)) % 1.0
    chosen = np.minimum(np.searchsorted(ends, place), len(colors) - 1)
    return np.asarray(np.array(colors)[chosen] * (1 + 0.03 * _noise(rng, 2))[..., None])


def _speckle(
    rng: np.random.Generator, *, base: Color, spots: tuple[Color, ...], grain_px: float, share: float
) -> Field:
    image = np.broadcast_to(np.array(base), (SIZE_PX, SIZE_PX, 3)) * (1 + 0.04 * _noise(rng, 20))[..., None]
    for color in spots:
        field = _noise(rng, grain_px)
        spot = field > np.quantile(field, 1 - share)
        image = np.where(spot[..., None], np.array(color), image)
    return np.asarray(image)


def _marble(rng: np.random.Generator, *, base: Color, vein: Color, veins: int, sharp: float) -> Field:
    x, y = _grid()
    line = np.abs(np.sin(np.pi * (veins * (x + y)) + 1.6 * _turbulence(rng, 70)))
    return np.asarray(_mix((1 - line) ** sharp + 0.08 * _turbulence(rng, 40), base, vein))


def _print(rng: np.random.Generator, *, base: Color, inks: tuple[Color, ...], count: int, shape: str) -> Field:
    """Discs, rings or bars strewn about, as on a tablecloth or a printed page."""
    x, y = _grid()
    image = np.broadcast_to(np.array(base), (SIZE_PX, SIZE_PX, 3)).copy()
    for index in range(count):
        middle, size, turn = rng.uniform(size=2), rng.uniform(0.02, 0.07), rng.uniform(0, np.pi)
        dx, dy = (x - middle[0] + 0.5) % 1.0 - 0.5, (y - middle[1] + 0.5) % 1.0 - 0.5
        far = np.hypot(dx, dy)
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        covered = {
            "discs": far < size,
            "rings": np.abs(far - size) < size / 5,
            "bars": (np.abs(along) < 1.8 * size) & (np.abs(across) < size / 3),
        }[shape]
        image[covered] = inks[index % len(inks)]
    return np.asarray(image * (1 + 0.02 * _noise(rng, 1))[..., None])


def _gravel(rng: np.random.Generator, *, colors: tuple[Color, ...], stones: int) -> Field:
    """Cells about random points, dark where they meet."""
    from scipy.spatial import cKDTree

    points = rng.uniform(size=(stones, 2))
    x, y = _grid()
    distance, nearest = cKDTree(points, boxsize=1.0).query(np.stack([x.ravel(), y.ravel()], axis=1), k=2)
    rim = np.clip((distance[:, 1] - distance[:, 0]) * np.sqrt(stones) * 3.0, 0.0, 1.0)
    tone = np.array(colors)[rng.integers(len(colors), size=stones)] * rng.uniform(0.75, 1.2, size=(stones, 1))
    image = tone[nearest[:, 0]] * (0.25 + 0.75 * rim[:, None])
    return np.asarray(image.reshape(SIZE_PX, SIZE_PX, 3) * (1 + 0.06 * _noise(rng, 1.2))[..., None])


def _tiles(rng: np.random.Generator, *, tile: Color, joint: Color, count: int, spread: float) -> Field:
    x, y = _grid()
    row = np.floor(y * count).astype(int)
    column = np.floor(x * count + 0.5 * (row % 2)).astype(int) % count
    tone = 1 + spread * rng.uniform(-1, 1, size=(count, count))[row % count, column]
    out = np.maximum(np.abs((x * count + 0.5 * (row % 2)) % 1 - 0.5), np.abs((y * count) % 1 - 0.5))
    image = _mix((out > 0.47).astype(float), tile, joint) * tone[..., None]
    return np.asarray(image * (1 + 0.04 * _noise(rng, 6))[..., None])


def _blots(rng: np.random.Generator, *, colors: tuple[Color, ...], size_px: float) -> Field:
    """Patches of several colours with soft outlines in no order: camouflage, rust, a much used bench."""
    fields = np.stack([_turbulence(rng, size_px) for _ in colors])
    image = np.array(colors)[fields.argmax(axis=0)]
    return np.asarray(image * (1 + 0.04 * _noise(rng, 1.5))[..., None])


def _brushed(rng: np.random.Generator, *, base: Color, along_px: float, depth: float) -> Field:
    return np.asarray(np.array(base) * (1 + depth * _noise(rng, along_px, 0.7) + 0.05 * _noise(rng, 90))[..., None])


_WHITE, _BLACK, _GREY = (0.93, 0.93, 0.91), (0.05, 0.05, 0.06), (0.5, 0.5, 0.5)
_RED, _GREEN, _BLUE, _YELLOW = (0.75, 0.1, 0.1), (0.12, 0.45, 0.18), (0.1, 0.2, 0.6), (0.9, 0.75, 0.15)
_OAK, _WALNUT, _PINE, _EBONY = (0.76, 0.6, 0.4), (0.4, 0.25, 0.14), (0.88, 0.75, 0.52), (0.16, 0.11, 0.08)
_CREAM, _TEAL, _PINK = (0.92, 0.86, 0.72), (0.1, 0.5, 0.5), (0.9, 0.55, 0.6)

_RECIPES = (
    _Recipe("wood, oak", _wood, 0.60, {"light": _OAK, "dark": (0.55, 0.38, 0.2), "rings": 14, "boards": 1}),
    _Recipe("wood, walnut boards", _wood, 0.50, {"light": _WALNUT, "dark": _EBONY, "rings": 18, "boards": 4}),
    _Recipe("wood, pine boards", _wood, 0.80, {"light": _PINE, "dark": _OAK, "rings": 24, "boards": 6}),
    _Recipe("wood, ebony", _wood, 0.40, {"light": (0.25, 0.18, 0.13), "dark": _BLACK, "rings": 9, "boards": 2}),
    _Recipe("cloth, linen", _cloth, 0.12, {"warp": _CREAM, "weft": (0.8, 0.72, 0.58), "threads": 32, "folds": 0.03}),
    _Recipe("cloth, denim", _cloth, 0.16, {"warp": (0.2, 0.27, 0.45), "weft": _GREY, "threads": 48, "folds": 0.06}),
    _Recipe("cloth, sacking", _cloth, 0.20, {"warp": _OAK, "weft": _WALNUT, "threads": 24, "folds": 0.05}),
    _Recipe("checks, chess", _checks, 0.24, {"one": _WHITE, "other": _BLACK, "count": 3, "soft": False}),
    _Recipe("checks, red gingham", _checks, 0.16, {"one": _WHITE, "other": _RED, "count": 4, "soft": True}),
    _Recipe("checks, blue, fine", _checks, 0.18, {"one": _CREAM, "other": _BLUE, "count": 9, "soft": True}),
    _Recipe("stripes, awning", _stripes, 0.30, {"colors": (_WHITE, _GREEN), "count": 4, "wave": 0.0}),
    _Recipe("stripes, deck chair", _stripes, 0.36, {"colors": (_RED, _YELLOW, _BLUE, _WHITE), "count": 3, "wave": 0.0}),
    _Recipe("stripes, waves", _stripes, 0.25, {"colors": (_TEAL, _CREAM), "count": 6, "wave": 0.4}),
    _Recipe("speckle, terrazzo", _speckle, 0.40, {"base": _CREAM, "spots": (_GREY, _RED, _EBONY), "grain_px": 5,
                                                  "share": 0.07}),
    _Recipe("speckle, granite", _speckle, 0.20, {"base": _GREY, "spots": (_WHITE, _BLACK), "grain_px": 1.6,
                                                 "share": 0.2}),
    _Recipe("speckle, dark", _speckle, 0.30, {"base": (0.12, 0.13, 0.16), "spots": (_WHITE, _TEAL), "grain_px": 1.2,
                                              "share": 0.03}),
    _Recipe("marble, white", _marble, 0.60, {"base": _WHITE, "vein": (0.45, 0.46, 0.5), "veins": 2, "sharp": 8.0}),
    _Recipe("marble, green", _marble, 0.50, {"base": (0.1, 0.28, 0.2), "vein": _CREAM, "veins": 3, "sharp": 12.0}),
    _Recipe("marble, red", _marble, 0.35, {"base": (0.5, 0.2, 0.16), "vein": _WHITE, "veins": 2, "sharp": 5.0}),
    _Recipe("print, dots", _print, 0.30, {"base": _WHITE, "inks": (_RED, _BLUE, _YELLOW), "count": 60,
                                          "shape": "discs"}),
    _Recipe("print, rings", _print, 0.40, {"base": _BLUE, "inks": (_WHITE, _YELLOW), "count": 50, "shape": "rings"}),
    _Recipe("print, bars", _print, 0.35, {"base": _CREAM, "inks": (_BLACK, _RED, _TEAL, _GREEN), "count": 55,
                                          "shape": "bars"}),
    _Recipe("print, pink dots", _print, 0.15, {"base": _PINK, "inks": (_WHITE,), "count": 35, "shape": "discs"}),
    _Recipe("gravel, grey", _gravel, 0.30, {"colors": (_GREY, (0.62, 0.6, 0.56), (0.36, 0.35, 0.34)), "stones": 500}),
    _Recipe("gravel, beach", _gravel, 0.45, {"colors": (_OAK, _CREAM, _WALNUT, _GREY), "stones": 220}),
    _Recipe("tiles, white", _tiles, 0.40, {"tile": _WHITE, "joint": _GREY, "count": 6, "spread": 0.04}),
    _Recipe("tiles, bricks", _tiles, 0.60, {"tile": (0.6, 0.28, 0.2), "joint": _CREAM, "count": 8, "spread": 0.2}),
    _Recipe("blots, camouflage", _blots, 0.50, {"colors": (_GREEN, (0.35, 0.3, 0.16), _EBONY, (0.6, 0.57, 0.4)),
                                                "size_px": 45}),
    _Recipe("brushed metal", _brushed, 0.40, {"base": (0.62, 0.63, 0.65), "along_px": 60.0, "depth": 0.10}),
    _Recipe("plain, white", _brushed, 0.50, {"base": _WHITE, "along_px": 2.0, "depth": 0.01}),
)  # fmt: skip
TEXTURES = len(_RECIPES)
