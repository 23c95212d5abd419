"""Curves in the unit square as small SVG pictures, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence

_SIDE, _LEFT, _TOP, _RIGHT, _BOTTOM = 260, 48, 26, 12, 40
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw_curve(
    x: Sequence[float],
    y: Sequence[float],
    *,
    title: str,
    x_label: str,
    y_label: str,
    diagonal: bool = False,
    counts: Sequence[int] | None = None,
) -> str:
    """One curve through the points (x, y), all within [0, 1].

    Args:
        x, y: the points.
        title, x_label, y_label: words; plain text.
        diagonal: draw the line of chance (or of perfect calibration).
        counts: how many samples each point stands for: drawn as bars at the bottom, and the points as dots.

    Returns:
        The SVG document.
    """
    parts = [_frame(title, x_label, y_label)]
    if diagonal:
        parts.append(_line([(0.0, 0.0), (1.0, 1.0)], 'stroke="#999" stroke-dasharray="4 3"'))
    if counts is not None and len(counts):
        parts += [_bar(at, 0.25 * count / max(counts)) for at, count in zip(x, counts, strict=True)]
    points = list(zip(x, y, strict=True))
    if points:
        parts.append(_line(points, 'stroke="#0b62a4" stroke-width="2"'))
    if counts is not None:
        parts += [f'<circle cx="{_u(a):.1f}" cy="{_v(b):.1f}" r="3" fill="#0b62a4"/>' for a, b in points]
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="#222">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>", ""])


def _frame(title: str, x_label: str, y_label: str) -> str:
    middle_u, middle_v = _LEFT + _SIDE / 2, _TOP + _SIDE / 2
    grid = []
    for tick in _TICKS:
        grid.append(_line([(tick, 0.0), (tick, 1.0)], 'stroke="#e4e4e4"'))
        grid.append(_line([(0.0, tick), (1.0, tick)], 'stroke="#e4e4e4"'))
        grid.append(f'<text x="{_u(tick):.1f}" y="{_TOP + _SIDE + 14}" text-anchor="middle">{tick:g}</text>')
        grid.append(f'<text x="{_LEFT - 5}" y="{_v(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    return "\n".join(
        [
            *grid,
            f'<text x="{middle_u}" y="16" text-anchor="middle" font-weight="bold">{_safe(title)}</text>',
            f'<text x="{middle_u}" y="{_TOP + _SIDE + 31}" text-anchor="middle">{_safe(x_label)}</text>',
            f'<text x="12" y="{middle_v}" text-anchor="middle" transform="rotate(-90 12 {middle_v})">'
            f"{_safe(y_label)}</text>",
        ]
    )


def _line(points: Sequence[tuple[float, float]], style: str) -> str:
    path = " ".join(f"{_u(a):.1f},{_v(b):.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" {style}/>'


def _bar(at: float, height: float) -> str:
    top = _v(height)
    return f'<rect x="{_u(at) - 4:.1f}" y="{top:.1f}" width="8" height="{_v(0.0) - top:.1f}" fill="#cfe0ee"/>'


def _u(x: float) -> float:
    return _LEFT + _SIDE * x


def _v(y: float) -> float:
    return _TOP + _SIDE * (1.0 - y)


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
