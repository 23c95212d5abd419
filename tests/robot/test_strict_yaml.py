"""Wrong settings are named with their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from robot.errors import SettingsError
from robot.strict_yaml import build, read_yaml


@dataclass(frozen=True)
class Inner:
    size_m: tuple[float, float]


@dataclass(frozen=True)
class Outer:
    kind: Literal["a", "b"]
    inner: Inner
    speed: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError("speed must be positive")


GOOD = {"kind": "a", "inner": {"size_m": [1, 2.5]}, "speed": 2}


def test_builds_nested_and_converts_whole_numbers():
    assert build(Outer, GOOD, "f") == Outer("a", Inner((1.0, 2.5)), 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sped": 1}, "unknown key 'sped'.*did you mean 'speed'"),
        ({"kind": "c"}, r"f\.kind.*known: a, b"),
        ({"inner": {"size_m": [1, "x"]}}, r"f\.inner\.size_m\[1\]: expected float, got str 'x'"),
        ({"inner": {"size_m": [1]}}, "expected 2 values, got 1"),
        ({"inner": {}}, "missing key 'size_m'"),
        ({"inner": 3}, "expected a mapping"),
        ({"speed": True}, "expected float, got bool"),
        ({"speed": -1.0}, "speed must be positive"),
    ],
)
def test_names_the_place(change, message):
    with pytest.raises(SettingsError, match=message):
        build(Outer, GOOD | change, "f")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1,\nb: 2")
    with pytest.raises(SettingsError, match="not valid YAML at line"):
        read_yaml(bad)
    bad.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(SettingsError, match="not valid YAML"):
        read_yaml(bad)
