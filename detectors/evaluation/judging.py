"""The physical metric: carry a detector's grasp out in the scene that its picture was taken of, several noisy times."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.rectangles import HEIGHT_PER_WIDTH, Rectangle
from detectors.grasp import Grasp
from detectors.synthesis.catalogue import Catalogue
from detectors.synthesis.contacts import first_contacts
from detectors.synthesis.dense import dense_grasps
from detectors.synthesis.grasp_frames import ImageGrasps, TableGrasps, to_image, to_table
from detectors.synthesis.labels import lift_success
from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene_shards import SceneRecord
from detectors.synthesis.viewing import Triangles, triangles_of
from robot.gripper_geometry import PAD_WIDTH_M

TRIES = 8
LIFTABLE = 0.5  # a grasp counts as liftable where more than this share of its noisy lifts succeed
_ORACLE_GRASPS = 16
_DENSE = 1  # the dice of the dense truths, apart from those of anything else


@dataclass(frozen=True, eq=False)
class JudgedScene:
    """A recorded scene, put back into the physical world."""

    record: SceneRecord
    lying: tuple[Lying, ...]
    triangles: Triangles
    caster: RayCaster

    @classmethod
    def rebuild(cls, record: SceneRecord, catalogue: Catalogue) -> JudgedScene:
        """From the numbers of the things and where they lie."""
        lying = tuple(
            Lying(catalogue.thing(int(n)), T) for n, T in zip(record.things, record.T_table_object, strict=True)
        )
        triangles = triangles_of(lying)
        return cls(record, lying, triangles, RayCaster(triangles.vertices, triangles.faces))

    def truths(self) -> tuple[Rectangle, ...]:
        """The labelled grasps that lift in more than half of their tries, as rectangles (h = w/5, as in the paper)."""
        g, focal = self.record.grasps, self.record.camera.fx
        good = np.flatnonzero(g.physical_success > LIFTABLE)
        width = g.width_m * focal / g.depth_m
        columns = (g.u, g.v, g.angle_rad, width, width * HEIGHT_PER_WIDTH)
        return tuple(Rectangle(*(float(column[index]) for column in columns)) for index in good)

    def dense_truths(self) -> tuple[Rectangle, ...]:
        """Good grasps all over the scene's things, each lifted once; the plates drawn are as broad as the pads."""
        rng = np.random.default_rng([self.record.number, _DENSE])
        good = dense_grasps(self.lying, self.triangles, self.caster, rng, lifted=True)
        image = to_image(good, self.record.camera, self.record.T_table_camera)
        px_per_m = self.record.camera.fx / image.depth_m
        columns = (image.u, image.v, image.angle_rad, image.width_m * px_per_m, PAD_WIDTH_M * px_per_m)
        return tuple(Rectangle(*(float(value) for value in row)) for row in zip(*columns, strict=True))

    def success(self, grasp: Grasp, tries: int = TRIES) -> float:
        """Share of ``tries`` noisy lifts after which the thing that was meant hung clear of the table."""
        one = [np.array([value]) for value in (grasp.u, grasp.v, grasp.depth_m, grasp.angle_rad, grasp.width_m)]
        return float(self._lift(ImageGrasps(*one), tries)[0])

    def oracle(self, tries: int = TRIES) -> float:
        """Success of the best of the scene's labelled grasps that were lifted once: what any detector could reach."""
        grasps = self.record.grasps
        order = np.lexsort((-grasps.collision_free, -grasps.physical_success))
        best = 0.0
        for index in order[:_ORACLE_GRASPS]:
            if grasps.physical_success[index] <= 0 or best >= 1.0:
                break
            row = slice(int(index), int(index) + 1)
            columns = (grasps.u, grasps.v, grasps.depth_m, grasps.angle_rad, grasps.width_m)
            best = max(best, float(self._lift(ImageGrasps(*(c[row].astype(float) for c in columns)), tries)[0]))
        return best

    def _lift(self, image: ImageGrasps, tries: int) -> NDArray[np.float32]:
        grasps = to_table(image, self.record.camera, self.record.T_table_camera)
        # The same grasp meets the same errors, whoever proposed it.
        rng = np.random.default_rng([self.record.number, zlib.crc32(np.round(grasps.centre_m, 6).tobytes())])
        return lift_success(self.lying, self.triangles, self.caster, self._target(grasps), grasps, tries, rng)

    def _target(self, grasps: TableGrasps) -> int:
        """Place of the thing between the jaws; without contact, of the one whose middle is nearest."""
        owners = first_contacts(self.caster, self.triangles, grasps).owner[0]
        touched = [int(owner) for owner in owners if owner >= 0]
        if touched:
            return touched[0]
        middles = np.stack([lying.vertices_table().mean(axis=0) for lying in self.lying])
        return int(np.linalg.norm(middles[:, :2] - grasps.centre_m[0, :2], axis=1).argmin())
