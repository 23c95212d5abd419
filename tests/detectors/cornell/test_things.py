"""Things are told apart by z.txt, or else by blocks of numbers, and it is said which."""

from __future__ import annotations

from detectors.cornell.things import things_of

NUMBERS = [100, 101, 119, 120, 1034]


def test_the_mapping_of_the_original_download(tmp_path):
    (tmp_path / "processedData").mkdir()
    lines = [
        "0100 1 bowl 0003",
        "0100 1 bowl 0003",
        "0101 1 bowl 0003",
        "0119 17 hair brush",
        "0120 18 cup",
        "1034 3 x",
    ]
    (tmp_path / "processedData" / "z.txt").write_text("\n".join([*lines, "", "text here"]), encoding="utf-8")
    told = []
    assert things_of(tmp_path, NUMBERS, told.append) == {100: "1", 101: "1", 119: "17", 120: "18", 1034: "3"}
    assert told == ["z.txt says which images show one thing"]


def test_without_it_neighbours_are_one_thing(tmp_path):
    told = []
    things = things_of(tmp_path, NUMBERS, told.append)
    assert things[100] == things[101] == things[119] == "images 0100 to 0119"
    assert things[120] == "images 0120 to 0139"
    assert len(set(things.values())) == 3
    assert len(told) == 1
    assert "no z.txt" in told[0]
    assert "blocks of 20" in told[0]


def test_what_it_does_not_name_is_told_apart_by_blocks(tmp_path):
    (tmp_path / "z.txt").write_text("0100 1 bowl\n", encoding="utf-8")
    told = []
    things = things_of(tmp_path, NUMBERS, told.append)
    assert (things[100], things[101]) == ("1", "images 0100 to 0119")
    assert told[0].startswith("z.txt names the thing of 1 of 5 images")


def test_a_file_of_that_name_that_says_nothing_is_none(tmp_path):
    (tmp_path / "z.txt").write_bytes(b"\x00\xff\n\n")
    told = []
    assert things_of(tmp_path, [100], told.append) == {100: "images 0100 to 0119"}
    assert "no z.txt" in told[0]
