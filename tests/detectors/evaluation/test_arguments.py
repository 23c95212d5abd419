"""What ``detectors.evaluate`` may be asked for, and the command line that a card repeats."""

from __future__ import annotations

import pytest

from detectors.evaluation.arguments import as_typed, check_data, depth_of, make_parser
from robot.errors import SettingsError


def parsed(options: str):
    return make_parser().parse_args(options.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("gqstn --dataset synthetic --path /a/held-out --card",
         "gqstn --dataset synthetic --path held-out --tries 8 --card"),
        ("gqcnn --dataset synthetic --path held-out --split image --images 9 --beside gqstn antipodal --variant "
         "one=/home/me/1.safetensors two=2.safetensors --tries 3 --weights /a/w --metric-weights /a/m --card",
         "gqcnn --dataset synthetic --path held-out --split image --images 9 --beside gqstn antipodal --variant "
         "one=1.safetensors two=2.safetensors --tries 3 --weights w --metric-weights m --card"),
        ("gqstn --dataset jacquard --path j --depth perfect --focal-px 1234.5 --card",
         "gqstn --dataset jacquard --path j --depth perfect --focal-px 1234.5 --card"),
        ("gqcnn --dataset dexnet --path d --intrinsics /a/k.json --damaged skip --classifier-only --card --json f",
         "gqcnn --dataset dexnet --path d --intrinsics k.json --damaged skip --classifier-only --card"),
        ("gqstn --dataset georgia --path /a/g --top 5 --pictures /a/p --card",
         "gqstn --dataset georgia --path g --top 5 --depth auto --card"),
    ],
)  # fmt: skip
def test_the_card_names_the_options_that_made_the_figures(options, words):
    assert as_typed(parsed(options)) == f"python -m detectors.evaluate {words}"


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        ("--dataset jacquard", "stereo"),
        ("--dataset cornell", "auto"),
        ("--dataset georgia", "auto"),
        ("--dataset cornell --depth cloud", "cloud"),
        ("--dataset georgia --depth none", "none"),
        ("--dataset synthetic", None),
        ("--dataset dexnet", None),
    ],
)
def test_every_data_set_has_its_own_depth_images(tmp_path, options, depth):
    args = parsed(f"antipodal --path {tmp_path} {options}")
    check_data(args)
    assert depth_of(args) == depth


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--dataset jacquard --depth tiff", "--depth tiff: jacquard has no such images.*stereo, perfect, none"),
        ("--dataset cornell --depth stereo", "auto, cloud, tiff, none"),
        ("--dataset georgia --depth cloud", "georgia has no such images.*auto, none"),
        ("--dataset synthetic --depth perfect", "--depth is for jacquard, cornell, georgia"),
        ("--dataset dexnet --depth none", "dexnet has one depth image only"),
        ("--dataset cornell --focal-px 500", "--focal-px .* for jacquard"),
    ],
)
def test_what_a_data_set_does_not_have_is_refused(tmp_path, options, words):
    with pytest.raises(SettingsError, match="(?s)" + words):
        check_data(parsed(f"antipodal --path {tmp_path} {options}"))


def test_the_readers_know_every_depth_that_may_be_asked_for():
    from detectors.cornell import reading as cornell
    from detectors.evaluation.arguments import DEPTHS
    from detectors.jacquard import reading as jacquard

    assert set(DEPTHS["jacquard"]) == set(jacquard.DEPTHS)
    assert set(DEPTHS["cornell"]) == set(cornell.DEPTHS)


def test_help_says_that_some_sets_have_no_split_of_their_own(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "cornell and georgia have no split of their own" in said
