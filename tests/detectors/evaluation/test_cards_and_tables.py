"""What was measured reaches the card and the eye, whole."""

from __future__ import annotations

import pytest

from detectors.evaluation import cards
from detectors.evaluation.answers import labelled_answer, physical_answer
from detectors.evaluation.cards import check_card, write_into_card
from detectors.evaluation.first_grasps import FirstGrasp
from detectors.evaluation.physical import ORACLE
from detectors.evaluation.tables import card_rows, print_answer, rectangle_tables
from detectors.oneshot import card as oneshot_card
from robot.errors import SettingsError

GOOD = FirstGrasp(success=1.0, quality=0.9, by_angle=(0.0, 0.0, 0.28, 0.6, 0.6), further=(0.1, 0.3),
                  overlap_closest=0.28, detect_ms=12.0)  # fmt: skip
BAD = FirstGrasp(success=0.0, quality=0.8, by_angle=(0.0,) * 5, overlap_closest=0.0, detect_ms=14.0)
LOOKED = FirstGrasp(quality=0.9, by_angle=(0.32,) * 5, overlap_closest=0.28, detect_ms=12.0)
UNLABELLED = FirstGrasp(success=0.0, quality=0.8, overlap_closest=0.0, detect_ms=14.0)


@pytest.fixture
def physical():
    answers = {
        ORACLE: [FirstGrasp(success=1.0), FirstGrasp(success=0.0)],
        "gqstn": [GOOD, BAD],
        "random-antipodal": [BAD, BAD],
    }
    return {"detector": "gqstn", "dataset": "synthetic", **physical_answer("gqstn", answers, 8, 3)}


@pytest.fixture
def labelled():
    return {"detector": "gqstn", "dataset": "jacquard", **labelled_answer("gqstn", {"gqstn": [LOOKED]}, {"torn": 2})}


def test_rows_for_a_card_name_the_usual_threshold_and_leave_out_what_nobody_has(physical, labelled):
    rows = card_rows(physical["physical"])
    assert rows["gqstn"]["rectangle"] == 0.5
    assert rows["gqstn"]["robust, not liftable"] == 0.5
    assert rows[ORACLE]["robust"] is None
    assert list(card_rows(labelled["labelled"])["gqstn"]) == [
        "rectangle", "rectangle, closest", "robust", "no grasp", "median ms",
    ]  # fmt: skip


def test_the_fcn_papers_tables_two_and_three(physical, labelled):
    """By Jaccard threshold, by angle, by number of predictions; the oracle has no rectangles."""
    tables = rectangle_tables(physical["physical"])
    assert list(tables) == [
        "Rectangle metric by Jaccard threshold",
        "Rectangle metric at Jaccard 0.25 by angle threshold",
        "Correct ones of the first k predictions",
    ]
    by_jaccard, by_angle, by_count = tables.values()
    assert list(by_jaccard) == ["gqstn", "random-antipodal"]
    assert by_jaccard["gqstn"] == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"), 0.5)
    assert by_angle["gqstn"] == {"10 deg": 0.0, "15 deg": 0.0, "20 deg": 0.5, "25 deg": 0.5, "30 deg": 0.5}
    assert by_count["gqstn"] == {"1": 1 / 2, "2": 1 / 3, "3": 2 / 4, "made": 4}
    alone = rectangle_tables(labelled["labelled"])
    assert len(alone) == 2, "with one grasp there is nothing to count"
    assert alone["Rectangle metric by Jaccard threshold"]["gqstn"] == {
        "0.20": 1.0,
        "0.25": 1.0,
        "0.30": 1.0,
        "0.35": 0.0,
        "0.40": 0.0,
    }
    assert rectangle_tables({ORACLE: physical["physical"][ORACLE]}) == {}


def test_a_card_says_how_many_images_had_a_ground_truth(tmp_path, monkeypatch):
    added = []
    monkeypatch.setattr(oneshot_card, "add_table", lambda *arguments: added.append(arguments))
    answers = {ORACLE: [FirstGrasp(success=0.0)] * 2, "gqstn": [GOOD, UNLABELLED]}
    write_into_card("gqstn", tmp_path / "w", physical_answer("gqstn", answers, 8), "the command")
    assert added[1][1] == "Rectangle metric by Jaccard threshold, 2 held-out images, the 1 with a ground truth"


def test_a_one_shot_card_gets_a_table_of_all_images_and_one_of_the_graspable(physical, labelled, tmp_path, monkeypatch):
    added = []
    monkeypatch.setattr(oneshot_card, "add_table", lambda *arguments: added.append(arguments))
    weights = tmp_path / "gqstn.safetensors"
    write_into_card("gqstn", weights, physical, "the command")
    write_into_card("gqstn", weights, labelled, "another")
    assert [(path, title, command) for path, title, _, command in added] == [
        (weights, "First grasps on 2 held-out images, each lifted 8 times", "the command"),
        (weights, "The same on the 1 of them in which the oracle's grasp lifts", "the command"),
        (weights, "Rectangle metric by Jaccard threshold, 2 held-out images", "the command"),
        (weights, "Rectangle metric at Jaccard 0.25 by angle threshold, 2 held-out images", "the command"),
        (weights, "Correct ones of the first k predictions, 2 held-out images", "the command"),
        (weights, "First grasps on 1 images of jacquard", "another"),
        (weights, "Rectangle metric by Jaccard threshold, 1 images of jacquard", "another"),
        (weights, "Rectangle metric at Jaccard 0.25 by angle threshold, 1 images of jacquard", "another"),
    ]
    assert added[0][2]["gqstn"]["liftable"] == 0.5
    assert added[1][2]["gqstn"]["liftable"] == 1.0


def test_gqcnns_card_keeps_its_other_tables_and_what_was_not_measured_again(physical, tmp_path, monkeypatch):
    before = {"evaluation": "of before", "tables": {"Labels": {"a": {"b": 1}}}}
    written = []
    monkeypatch.setattr(cards, "read_results", lambda weights: dict(before))
    monkeypatch.setattr(cards, "write_card", lambda weights, results: written.append(results))
    write_into_card("gqcnn", tmp_path / "w", physical, "the command")
    write_into_card("gqcnn", tmp_path / "w", physical | {"classifier": "anew"}, "the command")
    assert next(iter(written[0]["tables"])) == "Labels"
    assert len(written[0]["tables"]) == 1 + 2 + 3
    assert [results["evaluation"] for results in written] == ["of before", "anew"]
    assert "evaluated_with" not in written[0]
    assert written[1]["evaluated_with"] == "the command"


def test_who_has_no_card_is_told_before_anything_is_measured(physical, tmp_path, monkeypatch):
    check_card("multigrasp", None)
    for name in ("antipodal", "gqcnn-1000"):
        with pytest.raises(SettingsError, match=f"{name} has no card"):
            check_card(name, None)
    mine = tmp_path / "mine.safetensors"
    for name in ("gqcnn", "gqstn"):
        with pytest.raises(SettingsError, match=r"mine\.card\.json: cannot be read"):
            check_card(name, mine)
    mine.with_suffix(".card.json").write_text("{}", encoding="utf-8")
    check_card("gqcnn", mine)
    monkeypatch.setattr("detectors.gqstn.weights_file.SHIPPED", tmp_path / "other.safetensors")
    with pytest.raises(SettingsError, match=r"other\.card\.json: cannot be read"):
        check_card("gqstn", None)
    with pytest.raises(SettingsError, match="--weights"):
        write_into_card("gqstn", None, physical, "")


def test_the_eye_sees_both_tables_whole_names_and_a_sentence(physical, capsys):
    print_answer(physical)
    said = " ".join(capsys.readouterr().out.split())
    assert "2 held-out images, 8 noisy lifts of each top grasp" in said
    assert "the 1 graspable images of them" in said
    assert "Graspable are the 1 of 2 images" in said
    assert "In the other 1, gqstn calls its top grasp robust in 100.0%; it lifts in 0.0%." in said
    assert said.count("random-antipodal") == 6
    assert "rectangle metric (closest, Jaccard above 0.25) against robustness" in said


def test_the_eye_sees_the_rectangles_and_how_many_predictions_were_made(physical, capsys):
    print_answer(physical)
    said = " ".join(capsys.readouterr().out.split())
    assert "Rectangle metric by Jaccard threshold" in said
    assert "of 2 image(s) with a ground truth" in said
    assert "gqstn 0.500 0.333 0.500 4" in said


def test_the_eye_sees_what_was_left_out(labelled, capsys):
    print_answer(labelled)
    said = " ".join(capsys.readouterr().out.split())
    assert "1 images of jacquard" in said
    assert "left out 2 image(s): torn" in said
    assert "lifts" not in said


def test_without_anything_graspable_there_is_one_table(capsys):
    answers = {ORACLE: [FirstGrasp(success=0.0)], "gqstn": [BAD]}
    answer = {"detector": "gqstn", "dataset": "synthetic", **physical_answer("gqstn", answers, 8)}
    print_answer(answer)
    assert "graspable images of them" not in capsys.readouterr().out
