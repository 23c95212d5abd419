"""A trial protocol: on which objects, how often, and what counts as success. Read from YAML, strictly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from robot.errors import SettingsError, did_you_mean
from robot.object_sets import OBJECT_SETS
from robot.strict_yaml import build, read_yaml
from trials.criteria import CRITERIA, Criterion, CriterionWords

PROTOCOLS_FOLDER = Path(__file__).resolve().parent / "protocols"
DEFAULT_PROTOCOL = "household"
CARRY_AWAY_M = (0.05, 0.5)
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class TrialProtocol:
    """How a benchmark is carried out.

    Attributes:
        name: what it is called in run.yaml and in reports.
        source: where it comes from, in words.
        objects: the object set it is meant for: a name of :data:`robot.object_sets.OBJECT_SETS` or an absolute path.
        criterion: what counts as success.
        trials: how many trials a run has, unless told otherwise.
        carry_away_m: of ``put_back``: how far an object is moved sideways after the lift; 0 for other criteria.
    """

    name: str
    source: str
    objects: str
    criterion: Criterion
    trials: int
    carry_away_m: float = 0.0

    def __post_init__(self) -> None:
        for key in ("name", "source"):
            if not getattr(self, key).strip():
                raise ValueError(f"{key} must not be empty")
        if self.trials < 1:
            raise ValueError(f"trials must be at least 1, got {self.trials}")
        least, most = CARRY_AWAY_M
        if self.puts_back and not least <= self.carry_away_m <= most:
            raise ValueError(f"put_back needs carry_away_m in {least:g}..{most:g} m, got {self.carry_away_m:g}")
        if not self.puts_back and self.carry_away_m:
            raise ValueError(f"carry_away_m belongs to put_back; the criterion is {self.criterion}")

    @property
    def puts_back(self) -> bool:
        """Whether a trial is decided only when the object has been put back."""
        return self.criterion == "put_back"

    @property
    def words(self) -> CriterionWords:
        """The criterion in words."""
        return CRITERIA[self.criterion]

    @property
    def objects_file(self) -> Path:
        """The file of the object set it is meant for."""
        return OBJECT_SETS.get(self.objects) or Path(self.objects)

    def same_success(self, other: TrialProtocol) -> bool:
        """Whether a success under the one is a success under the other."""
        return (self.criterion, self.carry_away_m) == (other.criterion, other.carry_away_m)


def protocol_names() -> tuple[str, ...]:
    """The protocols that come with the program."""
    return tuple(sorted(path.stem for path in PROTOCOLS_FOLDER.glob("*.yaml")))


def load_protocol(name_or_file: str) -> TrialProtocol:
    """Read a protocol that comes with the program, or one of your own.

    Args:
        name_or_file: a name of :func:`protocol_names`, or a YAML file.

    Raises:
        SettingsError: there is no such protocol or object set, or the file is malformed; the message names the place.
    """
    shipped = name_or_file in protocol_names()
    path = PROTOCOLS_FOLDER / f"{name_or_file}.yaml" if shipped else Path(name_or_file)
    if path.suffix not in _ENDINGS:
        hint = did_you_mean(name_or_file, protocol_names())
        raise SettingsError(f"unknown protocol '{name_or_file}'", f"{hint}; a file of your own ends in .yaml")
    protocol = build(TrialProtocol, read_yaml(path), str(path))
    if protocol.name in protocol_names() and not (shipped or path.resolve().parent == PROTOCOLS_FOLDER):
        raise SettingsError(f"{path}.name: '{protocol.name}' comes with the program", "give your own another name")
    return replace(protocol, objects=_objects(protocol.objects, path))


def protocol_of_run(info: object, where: str) -> TrialProtocol:
    """The protocol in a run.yaml; a run from before there was a choice is the household's.

    Raises:
        SettingsError: what stands there is no protocol.
    """
    return load_protocol(DEFAULT_PROTOCOL) if info is None else build(TrialProtocol, info, f"{where}: protocol")


def _objects(given: str, path: Path) -> str:
    if given in OBJECT_SETS:
        return given
    if Path(given).suffix not in _ENDINGS:
        hint = f"{did_you_mean(given, OBJECT_SETS)}; a file of your own ends in .yaml"
        raise SettingsError(f"{path}.objects: unknown object set '{given}'", hint)
    return str((path.resolve().parent / given).resolve())
