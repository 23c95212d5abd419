"""Plots of a calibration as inline SVG; colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.quality import ViewResidual
from calibration.views import View
from robot.frame import Intrinsics

WIDTH = 480.0
_LEFT, _TOP, _HEIGHT = 62.0, 14.0, 150.0


def residual_plot(views: Sequence[ViewResidual], unit: str) -> str:
    """One bar a view: reprojection in ``px``, or how far off the board is seen in ``mm`` or ``deg``.

    Views that were left out are of another colour, and cut off where they would dwarf the others.
    """
    factor, name = {"px": (1.0, "rms_px"), "mm": (1e3, "off_m"), "deg": (180 / math.pi, "off_rad")}[unit]
    values = [(view, getattr(view, name)) for view in views]
    known = [value * factor for view, value in values if value is not None and not view.left_out]
    top_value = 1.15 * max(known, default=1.0) or 1.0
    step = (WIDTH - _LEFT) / max(len(views), 1)
    parts = [_grid(top_value, unit)]
    for i, (view, value) in enumerate(values):
        x = _LEFT + step * i
        parts.append(_text(x + step / 2, _TOP + _HEIGHT + 16, str(view.number)))
        if value is not None:
            height = _HEIGHT * min(value * factor / top_value, 1.0)
            parts.append(
                f'<rect class="bar{_out(bool(view.left_out))}" x="{x + step * 0.15:.1f}" width="{step * 0.7:.1f}" '
                f'y="{_TOP + _HEIGHT - height:.1f}" height="{height:.1f}">'
                f"<title>view {view.number}: {value * factor:.3f} {unit}</title></rect>"
            )
    return _svg(WIDTH, _TOP + _HEIGHT + 24, f"Residuals of {len(views)} views in {unit}", "".join(parts))


def coverage_plot(views: Sequence[View], left_out: Collection[int], intrinsics: Intrinsics) -> str:
    """Where in the image corners were found."""
    scale = WIDTH / intrinsics.width
    dots = "".join(
        f'<circle class="dot{_out(view.number in left_out)}" cx="{u * scale:.1f}" cy="{v * scale:.1f}" r="2"/>'
        for view in views
        for u, v in view.pixels
    )
    height = intrinsics.height * scale
    frame = f'<rect class="frame" x="0.5" y="0.5" width="{WIDTH - 1:.1f}" height="{height - 1:.1f}"/>'
    return _svg(WIDTH, height, f"Corners of {len(views)} views in the image", frame + dots)


def rotation_plot(views: Sequence[View], left_out: Collection[int]) -> str:
    """How the flange was turned in each view against the mean, as rotation vectors seen along two axes."""
    if not views:
        return ""
    rotations = Rotation.from_matrix(np.array([view.T_base_flange[:3, :3] for view in views]))
    turns = np.degrees((rotations.mean().inv() * rotations).as_rotvec())
    half = WIDTH / 4
    panels = ((0, 1, half, "x, y"), (0, 2, 3 * half, "x, z"))
    parts = []
    for across, up, middle, axes in panels:
        reach = max(10.0, float(np.hypot(turns[:, across], turns[:, up]).max()))
        parts.append(_rings(middle, half, reach))
        parts.append(_text(middle, 2 * half + 16, f"turned about the flange's {axes} axes"))
        for view, turn in zip(views, turns, strict=True):
            x, y = _placed(turn[[across, up]], middle, half, reach)
            kind = _out(view.number in left_out)
            parts.append(
                f'<circle class="dot{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>view {view.number}</title></circle>'
            )
    return _svg(WIDTH, 2 * half + 24, "Rotation of the views about the flange's axes", "".join(parts))


def _placed(turn_deg: NDArray[np.float64], middle: float, half: float, reach_deg: float) -> tuple[float, float]:
    x, y = turn_deg / reach_deg * (half - 14)
    return middle + float(x), half - float(y)


def _rings(middle: float, half: float, reach_deg: float) -> str:
    rings = ""
    for share in (0.5, 1.0):
        radius = share * (half - 14)
        rings += f'<circle class="ring" cx="{middle:.1f}" cy="{half:.1f}" r="{radius:.1f}"/>'
        rings += _text(middle, half - radius - 2, f"{share * reach_deg:.0f}°")
    return rings


def _grid(top_value: float, unit: str) -> str:
    lines = ""
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _HEIGHT * (1 - share)
        lines += f'<path class="ring" d="M{_LEFT} {y:.1f}H{WIDTH}"/>'
        label = f"{share * top_value:.2g}" + (f" {unit}" if share == 1.0 else "")
        lines += _text(_LEFT - 5, y + 4, label, "end")
    return lines


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _out(left_out: bool) -> str:
    return " out" if left_out else ""


def _svg(width: float, height: float, label: str, content: str) -> str:
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">{content}</svg>'
