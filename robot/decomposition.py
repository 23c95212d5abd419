"""``python -m robot.decomposition MESH.npz PARTS.npz``: approximate convex decomposition, as a process of its own."""

from __future__ import annotations

import sys

import numpy as np

from robot.shapes import Faces, Vertices

THRESHOLD = 0.06  # CoACD's concavity, relative to the object's size
MOST_PARTS = 24
MOST_FACES = 3000  # the time grows with them; what finer triangles tell is far below a gripper's accuracy


def main(source: str, target: str) -> None:
    """Read ``vertices`` and ``faces``, write ``count``, ``vertices_i`` and ``faces_i``."""
    with np.load(source) as stored:
        vertices, faces = _simplified(stored["vertices"], stored["faces"])
    import coacd  # not before open3d, which then fails to load

    coacd.set_log_level("error")
    parts = coacd.run_coacd(
        coacd.Mesh(vertices, faces.astype(np.int32)),
        threshold=THRESHOLD,
        max_convex_hull=MOST_PARTS,
        preprocess_mode="auto",
        preprocess_resolution=30,
        resolution=1000,
        mcts_iterations=40,
        mcts_nodes=12,
        mcts_max_depth=2,
        max_ch_vertex=64,
        decimate=True,
        seed=0,
    )
    arrays = {"count": np.array(len(parts))}
    for i, (hull_vertices, hull_faces) in enumerate(parts):
        arrays[f"vertices_{i}"] = np.asarray(hull_vertices, dtype=np.float64)
        arrays[f"faces_{i}"] = np.asarray(hull_faces, dtype=np.int64)
    np.savez(target, **arrays)  # type: ignore[arg-type]  # numpy takes allow_pickle for one of them


def _simplified(vertices: Vertices, faces: Faces) -> tuple[Vertices, Faces]:
    if len(faces) <= MOST_FACES:
        return vertices, faces
    from robot.native_libraries import load_libusb

    load_libusb()
    import open3d

    mesh = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(vertices), open3d.utility.Vector3iVector(faces.astype(np.int32))
    )
    mesh = mesh.simplify_quadric_decimation(MOST_FACES)
    return np.asarray(mesh.vertices), np.asarray(mesh.triangles, dtype=np.int64)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
