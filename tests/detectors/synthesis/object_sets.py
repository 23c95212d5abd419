"""A user's own object set: three things, one of them a mesh."""

from __future__ import annotations

from pathlib import Path

OBJECTS_YAML = """
objects:
  - {name: wedge, mesh: meshes/wedge.obj, mass_kg: 0.1, friction: 0.5}
  - name: peg
    mass_kg: 0.05
    friction: 0.6
    primitives: [{shape: cylinder, size_m: [0.03, 0.08]}]
  - name: brick
    mass_kg: 0.2
    friction: 0.4
    primitives: [{shape: box, size_m: [0.04, 0.06, 0.05]}]
"""
WEDGE_OBJ = """
o wedge
v 0 0 0
v 0.06 0 0
v 0 0.05 0
v 0.06 0.05 0
v 0 0 0.03
v 0 0.05 0.03
f 1 3 4
f 1 4 2
f 1 2 5
f 3 6 4
f 1 5 6
f 1 6 3
f 2 4 6
f 2 6 5
"""


def write_object_set(folder: Path) -> Path:
    """The YAML file's path."""
    (folder / "meshes").mkdir(parents=True)
    (folder / "meshes" / "wedge.obj").write_text(WEDGE_OBJ)
    path = folder / "mine.yaml"
    path.write_text(OBJECTS_YAML)
    return path
