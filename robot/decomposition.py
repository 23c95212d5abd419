"""``python -m robot.decomposition MESH.npz PARTS.npz``: approximate convex decomposition, as a process of its own."""

from __future__ import annotations

import sys

import numpy as np

THRESHOLD = 0.06  # CoACD's concavity, relative to the object's size
MOST_PARTS = 32


def main(source: str, target: str) -> None:
    """Read ``vertices`` and ``faces``, write ``count``, ``vertices_i`` and ``faces_i``."""
    import coacd

    coacd.set_log_level("error")
    with np.load(source) as stored:
        mesh = coacd.Mesh(stored["vertices"], stored["faces"].astype(np.int32))
    parts = coacd.run_coacd(
        mesh,
        threshold=THRESHOLD,
        max_convex_hull=MOST_PARTS,
        preprocess_mode="auto",
        preprocess_resolution=40,
        resolution=1500,
        mcts_iterations=80,
        mcts_nodes=15,
        max_ch_vertex=64,
        decimate=True,
        seed=0,
    )
    arrays = {"count": np.array(len(parts))}
    for i, (vertices, faces) in enumerate(parts):
        arrays[f"vertices_{i}"] = np.asarray(vertices, dtype=np.float64)
        arrays[f"faces_{i}"] = np.asarray(faces, dtype=np.int64)
    np.savez(target, **arrays)  # type: ignore[arg-type]  # numpy takes allow_pickle for one of them


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
