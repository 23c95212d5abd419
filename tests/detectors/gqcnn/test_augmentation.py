from __future__ import annotations

from dataclasses import replace

import torch

from detectors.gqcnn.augmentation import Augmentation

NOTHING = Augmentation(flips=False, noisy_share=0.0, hole_share=0.0)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crops(count: int = 400) -> torch.Tensor:
    return 0.02 * torch.randn(count, 32, 32, generator=dice(7))


def test_nothing_asked_nothing_changed() -> None:
    torch.testing.assert_close(NOTHING.apply(crops(), dice()), crops())


def test_flips_turn_each_crop_over_in_one_of_four_ways() -> None:
    before, after = crops(), replace(NOTHING, flips=True).apply(crops(), dice())
    ways = [before, before.flip(1), before.flip(2), before.flip(1, 2)]
    counts = [int((after == way).all(dim=(1, 2)).sum()) for way in ways]
    assert sum(counts) == len(before)
    assert min(counts) > 60


def test_noise_keeps_within_its_bounds_and_is_partly_correlated() -> None:
    change = replace(NOTHING, noisy_share=1.0, offset_m=0.0).apply(torch.zeros(3000, 32, 32), dice())
    sigma = change.std(dim=(1, 2))
    assert sigma.max() < 1.5 * 2**0.5 * 0.0015
    assert sigma.min() < 0.0005
    neighbours = (change[:, :, 1:] * change[:, :, :-1]).mean() / change.square().mean()
    assert 0.2 < neighbours < 0.6, "white noise alone gives 0, correlated alone nearly 1"


def test_the_offset_moves_a_whole_crop() -> None:
    change = replace(NOTHING, noisy_share=1.0, noise_m=0.0).apply(torch.zeros(1000, 32, 32), dice())
    assert change.flatten(1).std(dim=1).max() < 1e-9
    offsets = change[:, 0, 0]
    assert offsets.abs().max() <= 0.001
    assert offsets.std() > 0.0004


def test_only_the_share_asked_for_is_noisy() -> None:
    change = replace(NOTHING, noisy_share=0.3).apply(torch.zeros(2000, 32, 32), dice())
    assert 0.25 < float((change != 0).any(dim=(1, 2)).float().mean()) < 0.35


def test_holes_are_rectangles_filled_with_their_farthest_depth() -> None:
    before = crops()
    after = replace(NOTHING, hole_share=1.0, hole_px=6).apply(before, dice())
    for old, new in zip(before, after, strict=True):
        changed = new != old
        rows, columns = torch.where(changed)
        if len(rows):
            value = new[rows[0], columns[0]]
            box = slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
            assert max(new[box].shape) <= 6
            assert (new[changed] == value).all()
            assert (old[changed] >= value).all()
    sides = [(n != o).any(dim=1).sum() for o, n in zip(before, after, strict=True)]
    assert max(sides) >= 5


def test_the_same_dice_give_the_same() -> None:
    full = Augmentation()
    torch.testing.assert_close(full.apply(crops(), dice(3)), full.apply(crops(), dice(3)), rtol=0, atol=0)
    assert not torch.equal(full.apply(crops(), dice(3)), full.apply(crops(), dice(4)))
