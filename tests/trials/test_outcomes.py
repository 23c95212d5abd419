from trials.outcomes import Outcome


def test_the_public_names_are_those_of_the_ledger() -> None:
    names = "success empty slipped no_grasp unreachable blocked protective_stop arm_fault gripper_fault camera_fault "
    names += "detector_fault operator_abort"
    assert [outcome.value for outcome in Outcome] == names.split()


def test_every_outcome_is_defined_in_words() -> None:
    for outcome in Outcome:
        assert outcome.meaning.endswith(".")
        assert outcome.family in ("success", "grasp", "plan", "fault")
        assert len(outcome.code) == 1
        assert "_" not in outcome.words


def test_codes_tell_the_outcomes_apart() -> None:
    assert len({outcome.code for outcome in Outcome}) == len(Outcome)
