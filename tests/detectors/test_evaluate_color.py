"""``detectors.evaluate`` with a detector that sees colour alone, as an installed package brings it."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detectors import evaluate
from detectors.evaluation import cards, comparing
from detectors.evaluation.rectangles import Rectangle
from detectors.gqcnn.network import NetworkConfig, build_network
from detectors.gqcnn.weights import save_weights
from detectors.synthesis.catalogue import SyntheticCatalogue
from detectors.synthesis.making import make_scene
from detectors.synthesis.scene_shards import scenes_file, write_scenes
from detectors.synthesis.settings import DatasetSettings, open_dataset
from tests.detectors import color_blob
from tests.detectors.color_blob import NAME, ColorBlob, across

HEIGHT, WIDTH = 120, 160


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    color_blob.install(monkeypatch)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "untrained.safetensors"
    save_weights(path, build_network(NetworkConfig("small")), {})
    return path


def bar(scale: int = 1) -> np.ndarray:
    """(120, 160, 3) RGB, times ``scale``: a red bar, upright, on white."""
    image = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    image[20:100, 60:84] = (180, 30, 30)
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


GOOD = across(bar())
WRONG = replace(GOOD, u=20.0)


def corners(*rectangles: Rectangle) -> str:
    return "".join(f"{u} {v}\n" for rectangle in rectangles for u, v in rectangle.corners())


def write_cornell(folder, number: int, text: str | None, color: np.ndarray | None = None) -> None:
    """Colour and rectangles in the original layout, and nothing else."""
    home = folder / "01"
    home.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(home / f"pcd{number:04d}r.png"), (bar() if color is None else color)[:, :, ::-1])
    if text is not None:
        (home / f"pcd{number:04d}cpos.txt").write_text(text, encoding="utf-8")


@pytest.fixture
def cornell(tmp_path):
    """Two images that can be judged, two without a rectangle."""
    folder = tmp_path / "cornell"
    write_cornell(folder, 100, corners(WRONG, GOOD))
    write_cornell(folder, 101, corners(WRONG))
    write_cornell(folder, 102, None)
    write_cornell(folder, 103, "nan nan\n" * 4)
    return folder


def evaluated(capsys, *arguments) -> dict:
    assert evaluate.main([*map(str, arguments), "--json", "-"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments) -> str:
    assert evaluate.main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_cornell_without_depth_is_judged_without_being_asked(cornell, weights, capsys):
    answer = evaluated(capsys, NAME, "--dataset", "cornell", "--path", cornell, "--top", 10,
                       "--metric-weights", weights)  # fmt: skip
    assert (answer["images"], answer["rectangle_images"], answer["input"]) == (2, 2, "color")
    assert answer["rectangle"] == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"), 0.5)
    assert answer["rectangle_by_angle"] == dict.fromkeys(("10", "15", "20", "25", "30"), 0.5)
    assert answer["predictions"] == {str(k): pytest.approx(1 / (2 * k)) for k in range(1, 11)}
    assert answer["skipped"] == {"no cpos.txt with rectangles": 1, "no whole rectangle in its cpos.txt": 1}
    assert list(answer["labelled"]) == [NAME], "the samples and the baselines need depth"
    assert answer["robust_rate"] is answer["rectangle_closest"] is answer["physical_success"] is None
    assert answer["detect_ms_median"] > 0


def test_the_tables_and_the_pictures_are_of_colour(cornell, weights, tmp_path, capsys):
    assert evaluate.main([
        NAME, "--dataset", "cornell", "--path", str(cornell), "--top", "5", "--metric-weights", str(weights),
        "--pictures", str(tmp_path / "pictures"), "--depth", "none",
    ]) == 0  # fmt: skip
    said = capsys.readouterr()
    shown = " ".join(said.out.split())
    for words in ("colour alone", "every rectangle is as high as its network says", "0.20 0.25 0.30 0.35 0.40",
                  "10 deg 15 deg 20 deg 25 deg 30 deg", "1 2 3 4 5 made"):  # fmt: skip
        assert words in shown, words
    assert "closest" not in shown
    assert "robust" not in shown
    for name in ("hits.png", "misses.png"):
        assert f"{name}: 1 image(s)" in said.err
        picture = cv2.imread(str(tmp_path / "pictures" / name))[:HEIGHT, :WIDTH].astype(int)
        assert ((picture[..., 2] > 150) & (picture[..., 1] < 60)).sum() > 500, "the bar is red, not a grey depth"


def test_originals_are_shown_at_their_own_scale_and_crops_are_scaled(tmp_path, weights, capsys, monkeypatch):
    folder, shown = tmp_path / "cornell", []
    write_cornell(folder, 100, corners(GOOD))
    write_cornell(folder, 101, corners(GOOD), bar(4))

    class Noting(ColorBlob):
        def rectangles(self, color, *, top=1, scale=None):
            shown.append((color.shape[:2], scale))
            return super().rectangles(color, top=top, scale=scale)

    monkeypatch.setattr(color_blob, "ColorBlob", Noting)
    evaluated(capsys, NAME, "--dataset", "cornell", "--path", folder, "--metric-weights", weights)
    assert shown == [((120, 160), None), ((480, 640), 1.0)]


def test_who_needs_depth_is_not_judged_beside_it(cornell, weights, capsys, monkeypatch):
    monkeypatch.setattr(comparing, "run_color_alone", lambda *a, **k: pytest.fail("it was measured"))
    common = ("--dataset", "cornell", "--path", cornell, "--metric-weights", weights)
    for line_up in ((NAME, "--beside", "antipodal"), ("antipodal", "--beside", NAME)):
        said = refusal(capsys, *line_up, *common)
        assert "antipodal cannot do without depth, and on cornell blob can only be shown colour alone" in said
    assert "leave --depth out" in refusal(capsys, NAME, *common, "--depth", "tiff")
    assert "crossvalidate --input color" in refusal(capsys, "antipodal", *common)


def test_without_a_usable_image_it_says_why(tmp_path, weights, capsys):
    write_cornell(tmp_path / "cornell", 100, None)
    said = refusal(capsys, NAME, "--dataset", "cornell", "--path", tmp_path / "cornell", "--metric-weights", weights)
    assert "no image could be used (no cpos.txt with rectangles: 1)" in said


def test_jacquard_and_georgia_have_colour_alone_too(tmp_path, weights, capsys):
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps({"fx": 150, "fy": 150, "cx": 80, "cy": 60, "width": WIDTH, "height": HEIGHT}))
    jacquard, georgia = tmp_path / "jacquard" / "thing", tmp_path / "georgia"
    for folder in (jacquard, georgia / "rgbd", georgia / "annotations"):
        folder.mkdir(parents=True)
    assert cv2.imwrite(str(jacquard / "0_thing_RGB.png"), bar()[:, :, ::-1])
    line = (GOOD.u, GOOD.v, np.degrees(GOOD.angle_rad), GOOD.width_px, GOOD.height_px)
    (jacquard / "0_thing_grasps.txt").write_text(";".join(map(str, line)) + "\n")
    assert cv2.imwrite(str(georgia / "rgbd" / "rgb_0000.jpg"), bar()[:, :, ::-1])
    (georgia / "annotations" / "rgb_0000_annotations.txt").write_text(corners(GOOD))
    for dataset, folder in (("jacquard", jacquard.parent), ("georgia", georgia)):
        answer = evaluated(capsys, NAME, "--dataset", dataset, "--path", folder, "--intrinsics", camera,
                           "--metric-weights", weights)  # fmt: skip
        assert (answer["images"], answer["rectangle"]["0.40"]) == (1, 1.0), dataset


def test_the_card_repeats_that_no_depth_was_shown(cornell, weights, capsys, monkeypatch):
    written = []
    monkeypatch.setattr(cards, "check_card", lambda name, weights: None)
    monkeypatch.setattr(cards, "write_into_card", lambda *arguments: written.append(arguments))
    evaluated(capsys, NAME, "--dataset", "cornell", "--path", cornell, "--metric-weights", weights, "--card")
    (name, _, answer, command), = written  # fmt: skip
    assert (name, answer["rectangle"]["0.25"]) == (NAME, 0.5)
    assert "--depth none" in command


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Scenes of one held-out thing each, by which images are kept."""
    made = {}
    for images in ("all", "depth"):
        folder = tmp_path_factory.mktemp("scenes") / images
        settings = DatasetSettings(scenes=1, seed=5, split="test", things=100, samples=3, images=images)
        open_dataset(folder, settings)
        catalogue = SyntheticCatalogue(settings.things)
        write_scenes(scenes_file(folder, 0), [make_scene(number, settings, catalogue).record for number in range(1)])
        made[images] = folder
    return made


def test_on_our_own_scenes_its_grasp_is_lifted_beside_everybodys(scenes, weights, capsys):
    answer = evaluated(capsys, NAME, "--beside", "antipodal", "--dataset", "synthetic", "--path", scenes["all"],
                       "--tries", 1, "--top", 10, "--metric-weights", weights)  # fmt: skip
    rows = answer["physical"]
    assert list(rows) == [NAME, "oracle", "antipodal", "sampling-100", "principal-axis", "random-antipodal"]
    own = rows[NAME]
    assert own["physical_success"] is not None
    assert own["robust_rate"] is not None
    assert set(own["rectangle"]) == {"0.20", "0.25", "0.30", "0.35", "0.40"}
    assert set(own["rectangle_by_angle"]) == {"10", "15", "20", "25", "30"}
    assert set(own["predictions"]) == {str(k) for k in range(1, 11)}
    assert "input" not in answer


def test_scenes_without_colour_are_refused_in_one_line(scenes, weights, capsys):
    common = ("--dataset", "synthetic", "--path", scenes["depth"], "--metric-weights", weights)
    for line_up in ((NAME,), ("antipodal", "--beside", NAME)):
        said = refusal(capsys, *line_up, *common)
        assert "no colour image, and blob cannot do without" in said
        assert "--images all" in said
