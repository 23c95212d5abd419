"""Thirty table tops that tile without a seam, lamps above the table, materials from matt to metal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.jacquardplus import looks
from detectors.jacquardplus.looks import draw_look
from detectors.jacquardplus.textures import TEXTURES, texture, texture_names
from detectors.synthesis.painting import Texture

PLAIN = Texture(np.full((4, 4, 3), 0.5, np.float32), 0.3)


def test_there_are_thirty_of_many_kinds():
    names = texture_names()
    assert len(set(names)) == TEXTURES == 30
    assert len({name.split(",")[0] for name in names}) >= 10


@pytest.mark.parametrize("number", [1, 4, 7, 12, 16, 20, 23, 25])
def test_a_texture_tiles_without_a_seam(number):
    """Across the rim neighbouring pixels differ no more than elsewhere."""
    image = texture(number).image.astype(float)
    assert image.shape == (512, 512, 3)
    assert 0.0 <= image.min() < image.max() <= 1.0
    assert image.std() > 0.01
    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=(1 - axis, 2))
        rim = np.abs(np.take(image, 0, axis=axis) - np.take(image, -1, axis=axis)).mean()
        assert rim <= steps.max() * 1.02 + 1e-3


def test_a_texture_is_always_the_same_and_no_two_are_alike():
    first = texture(3).image.copy()
    texture.cache_clear()
    assert (texture(3).image == first).all()
    assert (texture(2).image != first).any()
    with pytest.raises(IndexError):
        texture(30)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(2, 5))
def test_what_a_look_draws_is_sound(seed, things):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "texture", lambda number: PLAIN)
        one, again = (draw_look(things, np.random.default_rng(seed)) for _ in range(2))
    assert vars(one) == vars(again)
    assert 1 <= len(one.lamps) <= 3
    assert all(lamp.position_m[2] > 0 and min(lamp.color) > 0 for lamp in one.lamps)
    assert len(one.materials) == things
    assert all(0 <= m.specular <= 1 and 0 <= m.metal <= 1 and m.shininess >= 5 for m in one.materials)
    assert min(one.ambient) > 0
    assert 0.5 <= one.exposure <= 2.0


def test_over_many_draws_there_is_everything(monkeypatch):
    chosen = set()
    monkeypatch.setattr(looks, "texture", lambda number: chosen.add(number) or PLAIN)
    drawn = [draw_look(3, np.random.default_rng(seed)) for seed in range(300)]
    assert chosen == set(range(TEXTURES))
    assert {len(look.lamps) for look in drawn} == {1, 2, 3}
    materials = [material for look in drawn for material in look.materials]
    matt = np.mean([m.specular == 0 for m in materials])
    metal = np.mean([m.metal > 0 for m in materials])
    assert 0.2 < matt < 0.4
    assert 0.2 < metal < 0.4
    assert min(look.exposure for look in drawn) < 0.7 < 1.3 < max(look.exposure for look in drawn)
