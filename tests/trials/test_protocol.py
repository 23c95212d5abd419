"""Trial protocols: what comes with the program, and how mistakes in one's own are told."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from robot.errors import SettingsError
from robot.object_sets import OBJECT_SETS
from trials.protocol import load_protocol, protocol_names, protocol_of_run

MINE = {
    "name": "mine",
    "source": "a lab",
    "objects": "household12",
    "criterion": "put_back",
    "trials": "12",
    "carry_away_m": "0.1",
}


def write(tmp_path: Path, **changes: str | None) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("".join(f"{k}: {v}\n" for k, v in (MINE | changes).items() if v is not None), encoding="utf-8")
    return str(path)


def test_the_shipped_protocols_are_complete() -> None:
    assert protocol_names() == ("depierre2021", "household")
    for name in protocol_names():
        protocol = load_protocol(name)
        assert protocol.name == name
        assert protocol.objects_file.is_file()


def test_the_default_is_what_it_always_was() -> None:
    household = load_protocol("household")
    assert (household.trials, household.objects_file) == (60, OBJECT_SETS["household12"])
    assert (household.criterion, household.carry_away_m, household.puts_back) == ("held_after_shake", 0.0, False)


def test_a_run_from_before_there_was_a_choice_is_the_households() -> None:
    assert protocol_of_run(None, "run.yaml") == load_protocol("household")


@pytest.mark.parametrize("name", ["household", "depierre2021"])
def test_what_stands_in_a_run_is_read_back(name: str) -> None:
    assert protocol_of_run(asdict(load_protocol(name)), "run.yaml") == load_protocol(name)


def test_objects_of_ones_own_lie_beside_the_protocol(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, objects="things/mine.yaml"))
    assert protocol.objects_file == tmp_path.resolve() / "things/mine.yaml"
    assert load_protocol(write(tmp_path)).objects_file == OBJECT_SETS["household12"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criterion": "lifted"}, "criterion.*lifted.*known: held_after_shake, put_back"),
        ({"criterion": None}, "missing key 'criterion'"),
        ({"carry_away": "0.1"}, "unknown key 'carry_away'.*did you mean 'carry_away_m'"),
        ({"carry_away_m": None}, "put_back needs carry_away_m"),
        ({"carry_away_m": "20"}, "put_back needs carry_away_m in 0.05..0.5 m, got 20"),
        ({"criterion": "held_after_shake"}, "carry_away_m belongs to put_back"),
        ({"trials": "0"}, "trials must be at least 1"),
        ({"trials": "many"}, "trials: expected int"),
        ({"source": "''"}, "source must not be empty"),
        ({"name": "household"}, "name: 'household' comes with the program.*give your own another name"),
        ({"objects": "household13"}, "unknown object set 'household13'.*did you mean 'household12'.*depierre25"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, changes: dict[str, str | None], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_protocol(write(tmp_path, **changes))
    assert re.search(message, str(error.value))
    assert "mine.yaml" in str(error.value)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(SettingsError) as error:
        load_protocol("depiere2021")
    assert "unknown protocol 'depiere2021'" in error.value.message
    assert "did you mean 'depierre2021'? known: depierre2021, household" in str(error.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_protocol(str(tmp_path / "nowhere.yaml"))
