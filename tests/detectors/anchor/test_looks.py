"""Looks: drawn from a generator alone, wide in what they cover, and always something that can be painted."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.anchor import looks
from detectors.anchor.looks import draw_look
from detectors.synthesis.painting import Look

MANY = 40


@pytest.fixture(scope="module")
def drawn() -> list[Look]:
    return [draw_look(3, np.random.default_rng(seed)) for seed in range(MANY)]


def same(one: Look, other: Look) -> bool:
    plain = [{**vars(look), "table": look.table.side_m} for look in (one, other)]
    return plain[0] == plain[1] and np.array_equal(one.table.image, other.table.image)


def test_the_generator_decides_the_look(drawn: list[Look]) -> None:
    assert same(drawn[5], draw_look(3, np.random.default_rng(5)))
    assert not any(same(drawn[0], other) for other in drawn[1:])


def test_every_look_can_be_painted(drawn: list[Look]) -> None:
    for look in drawn:
        assert len(look.materials) == 3
        assert 1 <= len(look.lamps) <= 3
        image = look.table.image
        assert image.shape == (256, 256, 3)
        assert image.dtype == np.float32
        assert 0.0 < image.min() <= image.max() < 1.0
        assert all(lamp.position_m[2] > 0.5 and min(lamp.color) > 0 for lamp in look.lamps), "above every thing"
        assert min(look.ambient) > 0
        assert all(0 <= m.specular <= 1 and m.shininess > 1 and 0 <= m.metal <= 1 for m in look.materials)
        assert look.noise > 0
        assert look.table.side_m > 0.2


def test_looks_cover_what_they_are_meant_to(drawn: list[Look]) -> None:
    assert {len(look.lamps) for look in drawn} == {1, 2, 3}
    specular = [m.specular for look in drawn for m in look.materials]
    assert 0.3 < np.mean(np.array(specular) == 0) < 0.7
    assert any(m.metal > 0.3 for look in drawn for m in look.materials)
    contrast = [float(look.table.image.std(axis=(0, 1)).max()) for look in drawn]
    assert min(contrast) < 0.03, "plain tables"
    assert max(contrast) > 0.1, "and such with strong patterns"
    brightness = [float(look.table.image.mean()) for look in drawn]
    assert max(brightness) - min(brightness) > 0.5


@pytest.mark.parametrize("pattern", looks._PATTERNS, ids=lambda one: one.__name__)
def test_every_pattern_has_shades_in_the_unit_range(pattern: object) -> None:
    assert callable(pattern)
    for seed in range(3):
        image = pattern(np.random.default_rng(seed))
        assert image.shape == (256, 256)
        assert image.dtype == np.float32
        assert 0.0 <= image.min() < image.max() <= 1.0
        assert float(image.std()) > 0.05


def test_noise_goes_on_over_the_edges() -> None:
    """A table bears its square again and again: no seam shows."""
    grain = looks._noise(np.random.default_rng(0), (8.0, 8.0))
    step = np.abs(np.diff(grain, axis=0)).mean()
    seam = np.abs(grain[0] - grain[-1]).mean()
    assert seam < 2 * step
    assert float(grain.std()) == pytest.approx(1.0, abs=1e-3)
