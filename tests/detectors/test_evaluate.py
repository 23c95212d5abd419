"""The command ``detectors.evaluate``: what it refuses, and what it writes."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from detectors import evaluate
from detectors.dexnet.tensors import GraspTensors
from detectors.dexnet.writing import write_tensors
from detectors.evaluation import lineup
from detectors.evaluation.rectangles import Rectangle
from detectors.gqcnn.network import NetworkConfig, build_network
from detectors.gqcnn.weights import save_weights
from detectors.synthesis.catalogue import SyntheticCatalogue
from detectors.synthesis.making import make_scene
from detectors.synthesis.scene_shards import scenes_file, write_scenes
from detectors.synthesis.settings import DatasetSettings, open_dataset
from robot.child_process import PROJECT_ROOT
from tests.detectors.answering import GRASP, Answering
from tests.detectors.cornell import made as cornell
from tests.detectors.depth_scenes import CAMERA, Box, render
from tests.detectors.georgia import test_reading as georgia
from tests.detectors.jacquard.made import write_image

OBJECTS = (19, 29, 39)  # test things, by their last digit


@pytest.fixture
def weights(tmp_path):
    """A network of the right shape that has learnt nothing: the command is tried here, not its figures."""
    path = tmp_path / "untrained.safetensors"
    save_weights(path, build_network(NetworkConfig("small")), {})
    return path


def tensors(count: int, objects: tuple[int, ...]) -> GraspTensors:
    rng = np.random.default_rng(0)
    poses = np.zeros((count, 7), np.float32)
    poses[:, 2] = 0.7
    return GraspTensors(
        crops_m=rng.uniform(0.6, 0.7, (count, 32, 32)).astype(np.float32),
        hand_poses=poses,
        width_m=np.full(count, 0.05, np.float32),
        robust_ferrari_canny=rng.choice([0.0, 0.01], count).astype(np.float32),
        object_label=rng.choice(objects, count),
        physical_success=rng.choice([0.0, 1.0], count).astype(np.float32),
    )


def refusal(capsys, *arguments) -> str:
    assert evaluate.main([str(argument) for argument in arguments]) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1, err
    return err


def own_folder(folder, objects):
    write_tensors(folder, 0, tensors(200, objects))
    (folder / "dataset.yaml").write_text("scenes: 5\nseed: 0\n", encoding="utf-8")
    return folder


def test_the_classifier_is_judged_on_held_out_objects(tmp_path, weights, capsys):
    folder = own_folder(tmp_path / "set", (*OBJECTS, 10, 20))
    assert evaluate.main(["gqcnn", "--dataset", "dexnet", "--path", str(folder), "--weights", str(weights),
                          "--json", "-"]) == 0  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    assert answer["classifier"]["objects"] == len(OBJECTS)
    assert answer["classifier"]["grasps"] == int(np.isin(tensors(200, (*OBJECTS, 10, 20)).object_label, OBJECTS).sum())
    assert answer["rectangle"] == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"))
    assert answer["physical_success"] is None


def test_no_held_out_grasps_is_an_error(tmp_path, weights, capsys):
    folder = own_folder(tmp_path / "set", (10, 20))
    said = refusal(capsys, "gqcnn", "--dataset", "dexnet", "--path", folder, "--weights", weights)
    assert "test" in said


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Three held-out scenes, small labels."""
    folder = tmp_path_factory.mktemp("scenes") / "held-out"
    settings = DatasetSettings(scenes=3, seed=5, split="test", things=100, samples=3, held_out_tries=3, images="depth")
    open_dataset(folder, settings)
    catalogue = SyntheticCatalogue(settings.things)
    write_scenes(scenes_file(folder, 0), [make_scene(number, settings, catalogue).record for number in range(3)])
    return folder


def evaluated(capsys, *arguments) -> dict:
    assert evaluate.main([*map(str, arguments), "--json", "-"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_several_detectors_are_lifted_in_one_table(scenes, weights, capsys):
    answer = evaluated(
        capsys, "antipodal", "--beside", "gqcnn-1000", "antipodal", "--dataset", "synthetic", "--path", scenes,
        "--tries", 2, "--metric-weights", weights,
    )  # fmt: skip
    rows = answer["physical"]
    assert list(rows) == ["antipodal", "oracle", "gqcnn-1000", "sampling-100", "principal-axis", "random-antipodal"]
    assert (answer["images"], answer["tries"], answer["metric_weights"]) == (3, 2, str(weights))
    own = rows["antipodal"]
    for key in ("images", "robust_rate", "physical_success", "detect_ms_median", "rectangle", "disagreement",
                "rectangle_images", "rectangle_by_angle", "rectangle_closest", "predictions",
                "predictions_made"):  # fmt: skip
        assert answer[key] == own[key], key
    assert set(answer["rectangle"]) == {"0.20", "0.25", "0.30", "0.35", "0.40"}
    assert set(answer["rectangle_by_angle"]) == {"10", "15", "20", "25", "30"}
    assert set(answer["predictions"]) == {"1"}
    assert 1 <= answer["rectangle_images"] <= 3
    assert own["robust_rate"] is not None
    assert 0 <= own["disagreement"]["robust_not_rectangle"] <= 1
    assert own["graspable"]["images"] + own["not_graspable"]["images"] == 3
    assert own["graspable"]["images"] == answer["graspable_images"]
    assert {"images", "robust_rate", "physical_success", "liftable", "fooled", "none", "rectangle"} <= set(
        own["graspable"]
    )
    assert own["interval"]["liftable"][0] <= own["liftable"] <= own["interval"]["liftable"][1]
    assert "classifier" not in answer


def test_so_many_images_and_no_more(scenes, weights, capsys):
    answer = evaluated(capsys, "antipodal", "--dataset", "synthetic", "--path", scenes, "--tries", 1, "--images", 1,
                       "--metric-weights", weights)  # fmt: skip
    assert answer["images"] == 1


def test_several_grasps_and_pictures_of_the_first(scenes, weights, tmp_path, capsys):
    folder = tmp_path / "new" / "pictures"
    assert evaluate.main([
        "antipodal", "--dataset", "synthetic", "--path", str(scenes), "--tries", "1", "--metric-weights", str(weights),
        "--top", "3", "--pictures", str(folder), "--pictures-count", "1", "--json", str(tmp_path / "figures.json"),
    ]) == 0  # fmt: skip
    answer = json.loads((tmp_path / "figures.json").read_text())
    made = answer["predictions_made"]
    assert (answer["top"], list(made)) == (3, ["1", "2", "3"])
    assert made["1"] <= made["2"] <= made["3"] <= 3 * answer["rectangle_images"]
    assert made["1"] < made["3"]
    said = capsys.readouterr()
    assert "Correct ones of the first k predictions" in said.out
    for name in ("hits.png", "misses.png"):
        assert f"{folder / name}: " in said.err
        assert (folder / name).read_bytes()[:4] == b"\x89PNG"


def test_a_folder_for_pictures_is_tried_before_anything_is_measured(scenes, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "_look", lambda args, answer: pytest.fail("it was measured"))
    (tmp_path / "file").write_text("in the way")
    arguments = ("antipodal", "--dataset", "synthetic", "--path", scenes, "--pictures")
    assert "file: cannot be made" in refusal(capsys, *arguments, tmp_path / "file")
    assert "cannot be made" in refusal(capsys, *arguments, tmp_path / "file" / "below")


def test_variants_are_rows_of_the_table(scenes, weights, capsys):
    answer = evaluated(capsys, "gqcnn-1000", "--dataset", "synthetic", "--path", scenes, "--tries", 1, "--images", 1,
                       "--metric-weights", weights, "--variant", f"before={weights}", f"after={weights}")  # fmt: skip
    assert list(answer["physical"]) == [
        "gqcnn-1000", "oracle", "before", "after", "sampling-100", "principal-axis", "random-antipodal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["before"], "--variant before: expected LABEL=FILE"),
        (["=a.safetensors"], "expected LABEL=FILE"),
        (["before="], "expected LABEL=FILE"),
        (["a=WEIGHTS", "a=WEIGHTS"], "another one is called 'a'"),
        (["oracle=WEIGHTS"], "the table has a row 'oracle' already"),
        (["a=WEIGHTS", "b=gone.safetensors"], "gone.safetensors: no such weights file"),
    ],
)
def test_a_bad_variant_is_refused_before_anything_is_measured(tmp_path, weights, capsys, monkeypatch, given, words):
    monkeypatch.setattr(evaluate, "_classify", lambda args: pytest.fail("it was measured"))
    variants = [text.replace("WEIGHTS", str(weights)) for text in given]
    assert words in refusal(capsys, "gqcnn", "--dataset", "synthetic", "--path", tmp_path, "--variant", *variants)
    said = refusal(capsys, "antipodal", "--dataset", "synthetic", "--path", tmp_path, "--variant", f"a={weights}")
    assert "not for antipodal" in said


def test_a_card_is_asked_for_before_anything_is_measured(tmp_path, weights, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "_classify", lambda args: pytest.fail("it was measured"))
    for name in ("gqcnn", "gqstn"):
        said = refusal(capsys, name, "--dataset", "synthetic", "--path", tmp_path, "--weights", weights, "--card")
        assert "untrained.card.json: cannot be read" in said


BOX = Box(0.02, -0.03, 0.14, 0.035, 0.05, math.radians(20))
FRAME = render([BOX])


def box_line(degrees: float) -> str:
    """Jacquard's words for a grasp across the middle of the box."""
    K, top_m = FRAME.intrinsics, 0.70 - 0.05
    u, v = K.project(np.array([BOX.x_m, BOX.y_m, top_m]))
    return f"{u};{v};{degrees};{0.055 * K.fx / top_m};{0.02 * K.fx / top_m}\n"


@pytest.fixture
def intrinsics(tmp_path):
    path = tmp_path / "camera.json"
    names = ("fx", "fy", "cx", "cy", "width", "height")
    path.write_text(json.dumps({name: getattr(CAMERA, name) for name in names}), encoding="utf-8")
    return path


def test_jacquard_is_judged_by_rectangles_and_robustness(tmp_path, weights, intrinsics, capsys):
    """Across the box is 20 + 90 degrees; the same label along the box is wrong, and so is silence about a file."""
    folder = tmp_path / "jacquard"
    write_image(folder, 0, FRAME, box_line(110.0))
    write_image(folder, 1, FRAME, box_line(20.0))
    write_image(folder, 2, FRAME, None)
    common = ("antipodal", "--dataset", "jacquard", "--path", folder, "--intrinsics", intrinsics,
              "--metric-weights", weights)  # fmt: skip
    answer = evaluated(capsys, *common)
    assert answer["images"] == 2
    assert answer["rectangle"]["0.25"] == answer["rectangle"]["0.30"] == 0.5
    assert answer["rectangle_images"] == 2
    assert answer["skipped"] == {"no grasps file": 1}
    assert answer["physical_success"] is None
    assert 0 <= answer["robust_rate"] <= 1
    assert list(answer["labelled"]) == ["antipodal", "sampling-100", "principal-axis", "random-antipodal"]
    assert evaluated(capsys, *common, "--depth", "perfect", "--images", 1)["rectangle"]["0.25"] == 1.0


def test_jacquard_without_a_usable_image_says_why(tmp_path, weights, capsys):
    folder = tmp_path / "jacquard"
    write_image(folder, 0, FRAME, box_line(110.0))
    arguments = ("antipodal", "--dataset", "jacquard", "--path", folder, "--metric-weights", weights)
    assert "another size than the camera's 1024 x 1024: 1" in refusal(capsys, *arguments)
    assert "another size" in refusal(capsys, *arguments, "--focal-px", "1500")


def box_corners(degrees: float) -> str:
    """Cornell's and Georgia's words for the same: four corners, the first side along the closing direction."""
    words = [float(word) for word in box_line(degrees).split(";")]
    rectangle = Rectangle(words[0], words[1], math.radians(words[2]), words[3], words[4])
    return "".join(f"{u} {v}\n" for u, v in rectangle.corners())


def test_cornell_is_judged_by_rectangles_as_high_as_half_their_width(tmp_path, weights, intrinsics, capsys):
    folder = tmp_path / "cornell"
    for number, degrees in ((100, 110.0), (101, 20.0)):
        cornell.write_image(folder, number, FRAME, box_corners(degrees), tiff=True)
    cornell.write_image(folder, 102, FRAME, None, tiff=True)
    common = ("antipodal", "--dataset", "cornell", "--path", folder, "--intrinsics", intrinsics,
              "--metric-weights", weights)  # fmt: skip
    answer = evaluated(capsys, *common)
    assert (answer["images"], answer["rectangle_images"], answer["rectangle"]["0.25"]) == (2, 2, 0.5)
    assert sum(answer["skipped"].values()) == 1
    assert answer["robust_rate"] is not None
    assert "such images" in refusal(capsys, *common, "--depth", "perfect")


def test_images_without_any_depth_are_no_failure_of_the_detectors(tmp_path, weights, intrinsics, capsys, monkeypatch):
    folder = tmp_path / "cornell"
    for number in (100, 101):
        cornell.write_image(folder, number, FRAME, box_corners(110.0))
    common = ("antipodal", "--dataset", "cornell", "--path", folder, "--intrinsics", intrinsics,
              "--metric-weights", weights)  # fmt: skip
    for words in ((), ("--depth", "none")):
        assert evaluate.main(list(map(str, (*common, *words)))) == 2
        said = capsys.readouterr()
        assert "no image has depth, and detectors need it" in said.err
        assert "python -m detectors.crossvalidate --input color" in said.err
        assert said.out == ""
    cornell.write_image(folder, 102, FRAME, box_corners(110.0), tiff=True)
    answer = evaluated(capsys, *common)
    assert (answer["images"], answer["rectangle"]["0.25"]) == (3, pytest.approx(1 / 3))
    assert list(answer["no_grasp_reasons"].values()) == [2]


def test_a_detector_that_needs_no_depth_is_judged_without(tmp_path, weights, intrinsics, capsys, monkeypatch):
    """One of somebody else's, as an entry point may bring it."""
    folder = tmp_path / "cornell"
    cornell.write_image(folder, 100, FRAME, box_corners(110.0))
    monkeypatch.setattr(lineup, "make_detector", lambda name: Answering(name, GRASP))
    common = ("antipodal", "--dataset", "cornell", "--path", folder, "--intrinsics", intrinsics,
              "--metric-weights", weights, "--depth", "none")  # fmt: skip
    answer = evaluated(capsys, *common)
    assert answer["robust_rate"] is None, "GQ-CNN sees depth alone"
    assert answer["images"] == 1
    assert evaluate.main(list(map(str, common))) == 0
    assert "against robustness" not in capsys.readouterr().out


def test_georgia_is_judged_by_every_grasp(tmp_path, weights, intrinsics, capsys):
    folder = tmp_path / "georgia"
    depth_mm = np.rint(FRAME.depth_m * 1000).astype(np.uint16)
    color = np.full((*depth_mm.shape, 3), 128, np.uint8)
    georgia.write(folder, 0, box_corners(110.0), color, depth_mm)
    georgia.write(folder, 1, None, color, depth_mm)
    answer = evaluated(capsys, "antipodal", "--dataset", "georgia", "--path", folder, "--intrinsics", intrinsics,
                       "--metric-weights", weights, "--top", 5)  # fmt: skip
    assert (answer["images"], answer["skipped"]) == (1, {"no annotations file": 1})
    assert answer["predictions"]["1"] == 1.0
    assert 2 <= answer["predictions_made"]["5"] <= 5


def dexnet_images(folder):
    """Two rows of one image; the first grasp, across the box, is good."""
    K, depth = FRAME.intrinsics, 0.665
    u, v = K.project(np.array([BOX.x_m, BOX.y_m, depth]))
    pose = [v, u, depth, math.radians(110), v - K.cy, u - K.cx, 0.05 * K.fx / depth]
    arrays = {
        "depth_ims_raw_table": np.stack([FRAME.depth_m, FRAME.depth_m])[..., None],
        "hand_poses": np.array([pose, pose], np.float32),
        "robust_ferrari_canny": np.array([0.01, 0.0], np.float32),
    }
    folder.mkdir()
    for name, array in arrays.items():
        np.savez_compressed(folder / f"{name}_00000", array)
    return folder


def test_whole_images_of_dexnet_are_judged_by_rectangles(tmp_path, weights, capsys):
    folder = dexnet_images(tmp_path / "dexnet")
    answer = evaluated(capsys, "antipodal", "--dataset", "dexnet", "--path", folder, "--metric-weights", weights)
    assert (answer["images"], answer["rectangle"]["0.25"]) == (1, 1.0)
    assert answer["physical_success"] is None


def test_crops_are_not_enough_for_other_detectors(tmp_path, weights, capsys):
    folder = own_folder(tmp_path / "set", OBJECTS)
    said = refusal(capsys, "antipodal", "--dataset", "dexnet", "--path", folder, "--metric-weights", weights)
    assert "only gqcnn's network" in said
    assert "depth_ims_raw_table" in said
    assert "--dataset synthetic" in said
    for more in (("--beside", "antipodal"), ("--variant", f"other={weights}")):
        assert "only gqcnn" in refusal(capsys, "gqcnn", *more, "--dataset", "dexnet", "--path", folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gqcn", "--dataset", "dexnet", "--path", "x"), "did you mean 'gqcnn'"),
        (("gqcnn", "--beside", "antipodl", "--dataset", "dexnet", "--path", "x"), "did you mean 'antipodal'"),
        (("antipodal", "--dataset", "dexnet", "--path", "x"), "x: no such folder"),
        (("gqcnn", "--dataset", "mnist", "--path", "x"), "invalid choice"),
        (("gqcnn", "--dataset", "dexnet", "--path", ".", "--weights", "gone.safetensors"), "no grasps in the Dex-Net"),
        (("gqcnn", "--dataset", "dexnet", "--path", "x", "--json", "/nowhere/at/all.json"), "cannot be written"),
        (("antipodal", "--dataset", "jacquard", "--path", PROJECT_ROOT / "docs"), "no images in Jacquard's layout"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--card"), "antipodal has no card"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--classifier-only"), "is for gqcnn"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--weights", "w"), "not for antipodal"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--top", "11"), "give at most 10"),
        (("gqcnn", "--dataset", "dexnet", "--path", ".", "--classifier-only", "--pictures", "p"), "looks at no images"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--focal-px", "9"), "for jacquard"),
        (("antipodal", "--dataset", "jacquard", "--path", ".", "--focal-px", "-9"), "positive"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--intrinsics", "k"), "know their camera"),
        (("antipodal", "--dataset", "synthetic", "--path", ".", "--metric-weights", "gone"), "gone: no such weights"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(capsys, arguments, words):
    assert words in refusal(capsys, *arguments)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom detectors.evaluate import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'mujoco', 'cv2', 'open3d') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60)
    assert "--dataset" in done.stdout
    assert done.stderr.strip() == "[]"
