import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from robot.errors import SettingsError
from tests.trials.fake_run import OBJECTS, make_record, make_run, run_info
from trials.ledger import Ledger, LedgerCorrupt
from trials.protocol import load_protocol
from trials.report import write_report
from trials.report.run_view import load_runs
from trials.run_directory import RunDirectory

VOID = {"meta", "img", "br", "rect", "line", "circle", "link", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags are balanced, and gathers ids, links and addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.tags: Counter[str] = Counter()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href"):
                self.links.append(value or "")
            elif name in ("src", "srcset", "data", "action"):
                self.sources.append(value or "")
            assert not name.startswith("on")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "one")
    make_run(root / "two", detector="gqstn", failing=0.3, frames=False)
    make_run(root / "short", detector="cem", done=37, frames=False)
    make_run(root / "always", detector="cem", frames=False, fallback="none")
    make_run(root / "elsewhere", detector="cem", seed=8, frames=False)
    return {path.name: path for path in root.iterdir()}


def report(tmp_path: Path, *paths: Path) -> tuple[str, Page]:
    out = tmp_path / "report.html"
    write_report(list(paths), out)
    html = out.read_text(encoding="utf-8")
    return html, Page(html)


def test_one_file_that_asks_the_network_for_nothing(tmp_path: Path, runs: dict[str, Path]) -> None:
    html, page = report(tmp_path, runs["one"])
    assert len(html) < 3_000_000
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(link.startswith("#") for link in page.links)
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    assert not re.search(r"url\(|@import|https?://", html)


def test_every_planned_trial_appears_exactly_once(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"])
    assert Counter(i for i in page.ids if "-t" in i) == Counter(f"run1-t{n}" for n in range(1, 61))
    assert len(set(page.ids)) == len(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    # Failures and disputed trials have two pictures; the two camera faults none.
    assert page.tags["img"] > 58


def test_failures_come_first(tmp_path: Path, runs: dict[str, Path]) -> None:
    html, _ = report(tmp_path, runs["one"])
    places = [html.index(f"<h3>{title}") for title in ("Failures", "Judged differently", "Successes", "Voided")]
    assert places == sorted(places)
    for trial in re.findall(r'id="run1-t(\d+)"', html[places[0] : places[1]]):
        card = html[html.index(f'id="run1-t{trial}"') :].split("</figure>")[0]
        assert "✓" not in card


def test_the_headline_says_what_the_ledger_holds(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"])
    text = page.text.replace("\u202f", " ")
    assert "86.7 % success by the referee: 52 of 60 planned trials, 95 % interval 75.8 – 93.1 %." in text
    assert "Dry run." in text
    assert "incomplete" not in text.lower()
    for word in ("antipodal", "cem", "0ec37291b2d4", "numpy 2.4.6", "2026-11-20 09:13 UTC", *OBJECTS):
        assert word in text


def test_an_incomplete_run_is_said_to_be_so_loudly(tmp_path: Path, runs: dict[str, Path]) -> None:
    html, page = report(tmp_path, runs["short"])
    assert 'class="warning loud" role="alert"' in html
    assert "This run is incomplete." in page.text
    assert "23 planned trials of 60 have no outcome" in page.text
    assert page.text.count("not carried out") >= 1
    plan = RunDirectory.open(runs["short"]).planned()
    listed = page.text.split("Not carried out")[1].split("Voided")[0]
    assert re.findall(r"#(\d+)", listed) == [str(p.trial) for p in plan[37:]]


def test_several_runs_are_compared_pair_by_pair(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"], runs["two"], runs["short"])
    text = page.text.replace("\u202f", " ")
    assert "Paired comparison" in text
    assert text.count("Holm: p ") == 3
    assert "23 unpaired" in text
    assert text.count("p = 0.") + text.count("p < 0.001") >= 3
    assert {f"run{r}-t1" for r in (1, 2, 3)} <= set(page.ids)


def test_the_fallbacks_share_reasons_and_cost_are_told(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"])
    text = page.text.replace("\u202f", " ")
    told = re.search(r"Fallback asked in (\d+) of 60 planned trials: \1 not robust\. Its grasp was the chosen", text)
    assert told is not None
    assert len(re.findall(r"fallback \+[\d,.]+ ms · not robust \(0\.\d\d\)", text)) == int(told[1])
    assert "Planning time, mean" in text


def test_a_fallback_is_set_against_the_run_that_always_asks_it(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"], runs["always"])
    text = page.text.replace("\u202f", " ")
    claim = re.search(r"antipodal \+ cem plans (\d+\.\d) times as fast as always asking cem: ", text)
    assert claim is not None
    assert float(claim[1]) > 1.0
    assert "% interval over objects" in text
    assert text.count("times as fast") == 1
    _, page = report(tmp_path, runs["one"], runs["two"])
    assert "times as fast" not in page.text


def test_runs_with_other_placements_are_not_tested_against_each_other(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["one"], runs["elsewhere"])
    assert "no placement in common" in page.text
    assert "p = " not in page.text


def test_runs_of_one_detector_are_told_apart(tmp_path: Path, runs: dict[str, Path]) -> None:
    _, page = report(tmp_path, runs["short"], runs["elsewhere"])
    assert "cem + cem (short)" in page.text
    assert "cem + cem (elsewhere)" in page.text


def test_a_run_with_a_fallback_is_called_by_both(tmp_path: Path, runs: dict[str, Path]) -> None:
    runs = runs | {"alone": make_run(tmp_path / "alone", trials=12, frames=False, fallback="none").path}
    labels = [run.label for run in load_runs([runs[name] for name in ("one", "alone", "always", "short")])]
    assert labels == ["antipodal + cem", "antipodal", "cem", "cem + cem"]
    html, _ = report(tmp_path, runs["one"])
    assert "<h1>antipodal + cem</h1>" in html
    html, _ = report(tmp_path, runs["one"], runs["alone"])
    assert "<h1>antipodal + cem · antipodal</h1>" in html


@pytest.mark.parametrize("fallback", [{}, {"fallback": None}, {"fallback": "none"}])
def test_a_run_that_names_no_fallback_has_none(tmp_path: Path, fallback: dict[str, object]) -> None:
    info = {name: value for name, value in run_info("cem", 3, 0, ("cup",)).items() if name != "fallback"}
    (view,) = load_runs([RunDirectory.create(tmp_path / "run", info | fallback).path])
    assert (view.label, view.fallback) == ("cem", "")


def test_names_from_outside_cannot_break_the_page(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>&\"'"
    paths = []
    for name in ("run", "other"):
        info = run_info(nasty, 2, 1, (nasty, "cup")) | {"cell_file": nasty, "fallback": nasty}
        run = RunDirectory.create(tmp_path / name, info)
        asked = {"fallback_used": True, "fallback_reason": nasty, "executed": nasty}
        with Ledger.open(run.ledger_path) as ledger:
            for planned in run.planned():
                ledger.append(make_record(planned, detector=nasty, reason=nasty, voided=planned.trial == 2, **asked))
        paths.append(run.path)
    _, page = report(tmp_path, *paths)
    assert page.tags["script"] == 0
    _, page = report(tmp_path, paths[0])
    assert page.tags["script"] == 0
    assert page.text.count(nasty) >= 5


def test_a_run_that_is_still_being_written_can_be_looked_at(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", trials=12, done=5, frames=False)
    with run.ledger_path.open("ab") as file:
        file.write(b'{"trial": 6, "obj')
    before = run.ledger_path.read_bytes()
    with Ledger.open(tmp_path / "other.jsonl"):
        _, page = report(tmp_path, run.path)
    assert "unfinished line" in page.text
    assert run.ledger_path.read_bytes() == before


def test_a_run_without_a_single_trial_has_a_report(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", {"detector": "antipodal", "trials": 3, "seed": 0, "objects": ["cup"]})
    _, page = report(tmp_path, run.path)
    assert "3 planned trials of 3 have no outcome" in page.text


def test_what_cannot_be_reported_is_said_in_one_line(tmp_path: Path, runs: dict[str, Path]) -> None:
    with pytest.raises(SettingsError, match="at least one"):
        write_report([], tmp_path / "r.html")
    with pytest.raises(SettingsError, match="no such run directory"):
        write_report([tmp_path / "nothing"], tmp_path / "r.html")
    with pytest.raises(SettingsError, match="named twice"):
        write_report([runs["one"], runs["one"] / "."], tmp_path / "r.html")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_report([runs["two"]], tmp_path / "no" / "r.html")
    broken = make_run(tmp_path / "broken", trials=3, frames=False)
    broken.ledger_path.write_bytes(b"{}\n" + broken.ledger_path.read_bytes())
    with pytest.raises(LedgerCorrupt, match="line 1"):
        write_report([broken.path], tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def with_protocol(path: Path, name: str) -> Path:
    run = RunDirectory.open(path)
    run.with_info(protocol=load_protocol(name))
    return path


def test_runs_of_different_protocols_are_not_compared_and_it_is_said(tmp_path: Path) -> None:
    make_run(tmp_path / "usual", frames=False)
    make_run(tmp_path / "paper", detector="gqstn", frames=False)
    paper = with_protocol(tmp_path / "paper", "depierre2021")
    _, page = report(tmp_path, tmp_path / "usual", paper)
    assert "These runs count different things as success, so their rates cannot be compared." in page.text
    assert "not compared: their protocols count different things as success" in page.text
    assert "p = " not in page.text
    make_run(tmp_path / "other", detector="cem", frames=False)
    _, page = report(tmp_path, paper, with_protocol(tmp_path / "other", "depierre2021"))
    assert "different things" not in page.text
    assert "McNemar" in page.text


def test_the_protocol_and_its_success_stand_in_the_report(tmp_path: Path) -> None:
    make_run(tmp_path / "usual", frames=False)
    _, page = report(tmp_path, tmp_path / "usual")
    assert "household: success means held after the lift and a short shake" in page.text
    _, page = report(tmp_path, with_protocol(tmp_path / "usual", "depierre2021"))
    assert "depierre2021: success means lifted, moved away and put back without a drop" in page.text
    assert "shake" not in page.text.split("Definitions")[1].split("Settings, in full")[0]
    assert "Putting the object back is part of it." in page.text
