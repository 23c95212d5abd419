"""Jaccard indices of many pairs of turned rectangles at once."""

from __future__ import annotations

import torch
from torch import Tensor

_SLACK_PX = 1e-7
_PARALLEL_RAD = 1e-9
_SIGNS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))


def jaccard_pairs(one: Tensor, other: Tensor) -> Tensor:
    """(N,) index of each pair of (N, 5) rectangles x, y, w, h [px], theta [rad].

    The common polygon's corners are the corners of each rectangle that lie in the other and the points where sides
    cross; they are put in order about their middle, and the polygon is measured by the shoelace formula.
    """
    one, other = one.double(), other.double()
    middle = (one[:, None, :2] + other[:, None, :2]) / 2  # far from the origin digits would be lost
    a, b = corners(one) - middle, corners(other) - middle
    points, real = _candidates(a, b, one, other, middle[:, 0])
    common = _polygon_area(points, real)
    areas = one[:, 2] * one[:, 3], other[:, 2] * other[:, 3]
    common = torch.minimum(common, torch.minimum(*areas))
    return common / (areas[0] + areas[1] - common)


def corners(boxes: Tensor) -> Tensor:
    """(N, 4, 2) corners of (N, 5) rectangles, in order."""
    c, s = torch.cos(boxes[:, 4]), torch.sin(boxes[:, 4])
    along, across = torch.stack([c, s], -1) * boxes[:, 2:3] / 2, torch.stack([-s, c], -1) * boxes[:, 3:4] / 2
    return torch.stack([boxes[:, :2] + i * along + j * across for i, j in _SIGNS], dim=1)


def _candidates(a: Tensor, b: Tensor, one: Tensor, other: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 24, 2) points and (N, 24) which of them belong to the common polygon."""
    edge_a, edge_b = a.roll(-1, 1) - a, b.roll(-1, 1) - b
    between = b[:, None] - a[:, :, None]  # (N, 4 of a, 4 of b, 2)
    ea, eb = edge_a[:, :, None], edge_b[:, None]
    cross = _cross(ea, eb)
    # Sides on one line cross nowhere; rounding would let them cross anywhere, and their ends are corners in any case.
    turned = cross.abs() > _PARALLEL_RAD * ea.norm(dim=-1) * eb.norm(dim=-1)
    safe = torch.where(turned, cross, torch.ones_like(cross))
    t, s = _cross(between, eb) / safe, _cross(between, ea) / safe
    met = turned & (t >= 0) & (t <= 1) & (s >= 0) & (s <= 1)
    crossings = a[:, :, None] + t[..., None] * ea
    points = torch.cat([a, b, crossings.flatten(1, 2)], dim=1)
    real = torch.cat([_inside(a, other, middle), _inside(b, one, middle), met.flatten(1)], dim=1)
    return points, real


def _cross(one: Tensor, other: Tensor) -> Tensor:
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def _inside(points: Tensor, box: Tensor, middle: Tensor) -> Tensor:
    """(N, M) which points lie in their rectangle, its sides included."""
    c, s = torch.cos(box[:, 4]), torch.sin(box[:, 4])
    away = points - (box[:, :2] - middle)[:, None]
    along = away[..., 0] * c[:, None] + away[..., 1] * s[:, None]
    across = away[..., 1] * c[:, None] - away[..., 0] * s[:, None]
    half_w, half_h = box[:, 2:3] / 2 + _SLACK_PX, box[:, 3:4] / 2 + _SLACK_PX
    return (along.abs() <= half_w) & (across.abs() <= half_h)


def _polygon_area(points: Tensor, real: Tensor) -> Tensor:
    """(N,) area of the convex polygon of the ``real`` points; 0 for fewer than three."""
    count = real.sum(dim=1)
    weight = real[..., None].double()
    centre = (points * weight).sum(dim=1) / count.clamp(min=1)[:, None]
    away = points - centre[:, None]
    angle = torch.where(real, torch.atan2(away[..., 1], away[..., 0]), torch.full_like(away[..., 0], 9.0))
    order = angle.argsort(dim=1)
    ordered = away.gather(1, order[..., None].expand(-1, -1, 2))
    kept = real.gather(1, order)
    # What is no corner becomes the last corner again, and adds nothing.
    last = (count.clamp(min=1) - 1)[:, None, None].expand(-1, 1, 2)
    ordered = torch.where(kept[..., None], ordered, ordered.gather(1, last))
    area = _cross(ordered, ordered.roll(-1, 1)).sum(dim=1).abs() / 2
    return torch.where(count >= 3, area, torch.zeros_like(area))
