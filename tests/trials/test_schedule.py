from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import SettingsError
from trials.schedule import PlannedTrial, make_schedule, pose_seed

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=15, unique=True)
SEEDS = st.integers(-(2**40), 2**40)
FIXED = (
    PlannedTrial(1, "bowl", 576515940, 1),
    PlannedTrial(2, "mug", 485428356, 1),
    PlannedTrial(3, "cup", 2006506233, 1),
    PlannedTrial(4, "cup", 313593668, 2),
)


@given(NAMES, st.integers(1, 60), SEEDS)
def test_blocks_hold_every_object_once(objects: list[str], trials: int, seed: int) -> None:
    plan = make_schedule(objects, trials, seed)
    assert [p.trial for p in plan] == list(range(1, trials + 1))
    for start in range(0, trials, len(objects)):
        block = plan[start : start + len(objects)]
        assert {p.repeat for p in block} == {start // len(objects) + 1}
        assert max(Counter(p.object for p in block).values()) == 1
        if len(block) == len(objects):
            assert {p.object for p in block} == set(objects)


@given(NAMES, st.integers(1, 40), st.integers(0, 20), SEEDS)
def test_a_shorter_run_is_the_beginning_of_a_longer_one(objects: list[str], trials: int, more: int, seed: int) -> None:
    assert make_schedule(objects, trials + more, seed)[:trials] == make_schedule(objects, trials, seed)


@given(NAMES, SEEDS)
def test_a_further_object_leaves_the_others_placements_alone(objects: list[str], seed: int) -> None:
    before = {(p.object, p.repeat): p.pose_seed for p in make_schedule(objects, 3 * len(objects), seed)}
    more = [*objects, "one more thing"]
    after = {(p.object, p.repeat): p.pose_seed for p in make_schedule(more, 3 * len(more), seed)}
    assert before.items() <= after.items()


@given(NAMES, SEEDS)
def test_the_order_in_which_objects_are_named_does_not_matter(objects: list[str], seed: int) -> None:
    assert make_schedule(objects, 2 * len(objects), seed) == make_schedule(objects[::-1], 2 * len(objects), seed)


@given(SEEDS, st.text(), st.integers(1, 100))
def test_pose_seeds_fit_a_signed_32_bit_integer(seed: int, name: str, repeat: int) -> None:
    assert 0 <= pose_seed(seed, name, repeat) < 2**31


def test_the_plan_never_changes_between_versions() -> None:
    """Fixed numbers: a run of last year must be resumable, and comparable with one of today."""
    assert make_schedule(["bowl", "cup", "mug"], 4, 7) == FIXED


def test_seeds_differ_in_order_and_placement() -> None:
    objects = [f"object {i}" for i in range(12)]
    one, two = make_schedule(objects, 60, 1), make_schedule(objects, 60, 2)
    assert [p.object for p in one] != [p.object for p in two]
    assert not {p.pose_seed for p in one} & {p.pose_seed for p in two}
    orders = {tuple(p.object for p in one if p.repeat == r) for r in range(1, 6)}
    assert len(orders) == 5


def test_every_object_comes_first_about_equally_often() -> None:
    first = Counter(make_schedule(["a", "b", "c"], 1, seed)[0].object for seed in range(600))
    assert min(first.values()) > 150  # 200 expected, standard deviation 11.5


@pytest.mark.parametrize("trials", [0, -3])
def test_no_trials_are_refused(trials: int) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        make_schedule(["mug"], trials, 0)


def test_an_empty_or_ambiguous_object_set_is_refused() -> None:
    with pytest.raises(SettingsError, match="empty"):
        make_schedule([], 3, 0)
    with pytest.raises(SettingsError, match="named twice: mug"):
        make_schedule(["mug", "cup", "mug"], 3, 0)
