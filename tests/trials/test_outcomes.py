import pytest

from trials.criteria import CRITERIA, Criterion
from trials.outcomes import Outcome


def test_the_public_names_are_those_of_the_ledger() -> None:
    names = "success empty slipped no_grasp unreachable blocked protective_stop arm_fault gripper_fault camera_fault "
    names += "detector_fault operator_abort"
    assert [outcome.value for outcome in Outcome] == names.split()


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_outcome_is_defined_in_words(criterion: Criterion) -> None:
    for outcome in Outcome:
        assert outcome.meaning(criterion).endswith(".")
        assert outcome.family in ("success", "grasp", "plan", "fault")
        assert len(outcome.code) == 1
        assert "_" not in outcome.words


def test_codes_tell_the_outcomes_apart() -> None:
    assert len({outcome.code for outcome in Outcome}) == len(Outcome)


def test_only_what_is_held_and_what_is_lost_hang_on_the_criterion() -> None:
    differing = {o for o in Outcome if o.meaning("held_after_shake") != o.meaning("put_back")}
    assert differing == {Outcome.SUCCESS, Outcome.SLIPPED}
    assert "shake" in Outcome.SUCCESS.meaning("held_after_shake")
    assert "shake" not in Outcome.SUCCESS.meaning("put_back")
