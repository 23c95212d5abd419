"""Folders as pictures to learn from: what is learnt, what is kept aside, and what says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.anchor import samples
from detectors.anchor.data import JUDGED, Learning, load_learning
from detectors.anchor.samples import RealColors, SceneColors, held_out
from robot.errors import SettingsError
from tests.detectors.fcn.drawn import write_drawn


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return write_drawn(tmp_path / "drawn", 20)


def load(scenes: Path | None, real: Path | None, real_share: float = 0.4, **other: Any) -> Learning:
    return load_learning(scenes, real, "cornell", real_share, other.pop("tell", lambda line: None), **other)


def test_photographs_alone_are_all_that_is_learnt_from(drawn: Path) -> None:
    said: list[str] = []
    found = load(None, drawn, tell=said.append)
    (source,), (judged,) = found.sources, found.judged
    assert isinstance(source.pictures, RealColors)
    assert (source.share, judged.name) == (1.0, "cornell")
    learnt, kept = (set(source.pictures.names[rows].tolist()) for rows in (source.rows, judged.rows))
    assert learnt | kept == set(source.pictures.names.tolist())
    assert not learnt & kept
    assert len(learnt) + len(kept) == 40
    assert kept == {name for name in learnt | kept if held_out([name])[0]} != set()
    assert any(f"{len(learnt)} photographs to learn from, {len(kept)} of other ids kept aside" in line for line in said)


def test_scenes_alone_and_both_together(painted_scenes: Path, drawn: Path) -> None:
    alone = load(painted_scenes, None)
    assert [source.share for source in alone.sources] == [1.0]
    both = load(painted_scenes, drawn, 0.3)
    assert [source.share for source in both.sources] == pytest.approx([0.7, 0.3])
    assert [judged.name for judged in both.judged] == ["synthetic", "cornell"]
    ours, judged = both.sources[0].pictures, both.judged[0]
    assert isinstance(ours, SceneColors)
    assert set(judged.pictures.names) == {"scene 18", "scene 28"}
    assert len(both.sources[0].rows) == 7
    assert len(judged.rows) == 2 <= JUDGED
    assert alone.labels != both.labels


def test_a_source_without_a_share_is_judged_by_and_not_learnt_from(painted_scenes: Path, drawn: Path) -> None:
    for share, kind in ((0.0, SceneColors), (1.0, RealColors)):
        found = load(painted_scenes, drawn, share)
        (source,) = found.sources
        assert isinstance(source.pictures, kind)
        assert len(found.judged) == 2


def test_a_limit_holds_for_what_is_learnt_from(drawn: Path) -> None:
    found = load(None, drawn, limit=3)
    assert len(found.sources[0].rows) == 3
    assert len(found.judged[0].rows) > 3


def test_other_labels_have_another_hash(drawn: Path) -> None:
    before, again = load(None, drawn).labels, load(None, drawn).labels
    assert before == again
    (drawn / "01" / "pcd0102cpos.txt").write_text("20 20\n40 20\n40 30\n20 30\n", encoding="utf-8")
    assert load(None, drawn).labels != before


def test_photographs_left_out_are_counted_by_reason(drawn: Path) -> None:
    (drawn / "01" / "pcd0102cpos.txt").unlink()
    said: list[str] = []
    load(None, drawn, tell=said.append)
    assert any("left out 1 image(s): no cpos.txt" in line for line in said)


def test_too_few_photographs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = write_drawn(tmp_path / "few", 1)
    for percent in (0, 100):
        monkeypatch.setattr(samples, "HELD_OUT_PERCENT", percent)
        with pytest.raises(SettingsError, match="few: 2 usable photographs are too few to keep some aside"):
            load(None, few)


def test_scenes_of_one_split_alone_are_refused(painted_scenes: Path, tmp_path: Path) -> None:
    few = Path(shutil.copytree(painted_scenes, tmp_path / "few"))
    for file in [*few.glob("*/*_00002.np?")]:
        file.unlink()
    with pytest.raises(SettingsError, match="few: no grasp to learn from, or none to choose by"):
        load(few, None)


def test_the_true_grasps_of_a_photograph_are_its_rectangles(drawn: Path) -> None:
    picture = load(None, drawn).sources[0].pictures.picture(0)
    assert picture.truths.shape == (2, 5)
    np.testing.assert_allclose(picture.truths[:, 3], 16.0, atol=0.01)
    assert picture.scale == pytest.approx(320 / 72)
