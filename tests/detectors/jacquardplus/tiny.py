"""A tiny benchmark: things whose truth is plain, seen by a camera that is tilted as wanted."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from detectors.jacquardplus.judging import Stage, TrueScene
from detectors.jacquardplus.predictions import Prediction
from detectors.jacquardplus.scenes import catalogue
from detectors.jacquardplus.settings import SCENES_PER_SHARD, BenchmarkSettings, open_benchmark
from detectors.synthesis.crowds import lay_out_crowd
from detectors.synthesis.grasp_frames import TableGrasps, to_image
from detectors.synthesis.lifting import Lying
from detectors.synthesis.scene_shards import SceneGrasps, SceneRecord, scenes_file, write_scenes
from robot.frame import Intrinsics
from robot.geometry import Transform, transform

CAMERA = Intrinsics(600.0, 600.0, 200.0, 200.0, 400, 400)
THING = 9  # of the split "test"


def looking(tilt_deg: float, turn_deg: float = 0.0, away_m: float = 0.7) -> Transform:
    """A camera that looks at the middle of the table."""
    turned = Rotation.from_euler("z", turn_deg, degrees=True) * Rotation.from_euler("x", 180 + tilt_deg, degrees=True)
    return transform(turned, -turned.as_matrix()[:, 2] * away_m)


def stage(*lying: Lying, tilt_deg: float = 0.0, turn_deg: float = 0.0) -> Stage:
    """These things under a camera."""
    T = np.stack([one.T_table_object for one in lying])
    scene = TrueScene(0, np.arange(len(lying)), T, CAMERA, looking(tilt_deg, turn_deg))
    return Stage.of_things(scene, lying)


def drawn(on: Stage, x_m: float, y_m: float, z_m: float, yaw_rad: float, width_m: float) -> Prediction:
    """The prediction, with depth and width of its own, that is carried out as this grasp."""
    grasp = TableGrasps(np.array([[x_m, y_m, z_m]]), np.array([yaw_rad]), np.array([width_m]))
    image = to_image(grasp, on.scene.camera, on.scene.T_table_camera)
    u, v, depth, angle = (float(column[0]) for column in (image.u, image.v, image.depth_m, image.angle_rad))
    return Prediction(u, v, angle, width_m * CAMERA.fx / depth, depth, width_m)


def write_benchmark(folder: Path, scenes: int = 3, seed: int = 5) -> BenchmarkSettings:
    """Scenes of one catalogued thing each, seen from 5, 30 and 60 degrees in turn; the pictures are grey."""
    settings = BenchmarkSettings(seed=seed, scenes=scenes)
    open_benchmark(folder, settings)
    lying = lay_out_crowd([catalogue().thing(THING)], np.random.default_rng(seed))
    grey = np.full((400, 400), 0.7, np.float32)
    for shard in range(settings.shards):
        records = [
            SceneRecord(
                number=number, things=np.array([THING]), T_table_object=lying[0].T_table_object[None], camera=CAMERA,
                T_table_camera=looking((5.0, 30.0, 60.0)[number % 3]), depth_m=grey, clean_depth_m=grey,
                mask=np.zeros((400, 400), np.uint8), color=np.full((400, 400, 3), 128, np.uint8),
                grasps=SceneGrasps(**{name: np.zeros(0) for name in SceneGrasps.__dataclass_fields__}),
            )
            for number in settings.scenes_of(shard)
        ]  # fmt: skip
        write_scenes(scenes_file(folder, shard), records)
    assert settings.shards == math.ceil(scenes / SCENES_PER_SHARD)
    return settings


def predictions_data(settings: BenchmarkSettings, rows: dict[str, object]) -> dict[str, object]:
    """What a file of predictions holds."""
    return {"benchmark": "jacquardplus", "seed": settings.seed, "scenes": settings.scenes, "detector": "mine",
            "predictions": rows}  # fmt: skip
