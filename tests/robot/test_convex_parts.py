"""Convexity decides: which groups are taken as they are, and what is decomposed."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial import Delaunay

from robot import convex_parts as module
from robot.convex_parts import convex_parts, is_convex
from robot.errors import SettingsError
from robot.objects import ObjectSpec, load_objects
from robot.shapes import triangles


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def load(tmp_path: Path, mesh_name: str) -> ObjectSpec:
    path = tmp_path / "set.yaml"
    path.write_text(f"objects: [{{name: thing, mass_kg: 0.1, friction: 0.5, mesh: {mesh_name}}}]", encoding="utf-8")
    return load_objects(path)[0]


def write_groups(path: Path, *meshes: trimesh.Trimesh, keyword: str = "o") -> None:
    lines, first = [], 1
    for i, mesh in enumerate(meshes):
        lines.append(f"{keyword} part{i}")
        lines += ["v {} {} {}".format(*v) for v in mesh.vertices]
        lines += ["f {} {} {}".format(*(f + first)) for f in mesh.faces]
        first += len(mesh.vertices)
    path.write_text("\n".join(lines), encoding="utf-8")


def box(size: tuple[float, float, float], at: tuple[float, float, float]) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(size)
    mesh.apply_translation(at)
    return mesh


def ell() -> trimesh.Trimesh:
    """One closed mesh in the shape of an L."""
    outline = np.array([[0, 0], [0.08, 0], [0.08, 0.02], [0.02, 0.02], [0.02, 0.08], [0, 0.08]])
    count = len(outline)
    vertices = np.vstack([np.column_stack([outline, np.full(count, z)]) for z in (0.0, 0.02)])
    cap = [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]]
    faces = [[c, b, a] for a, b, c in cap] + [[a + count, b + count, c + count] for a, b, c in cap]
    for i in range(count):
        j = (i + 1) % count
        faces += [[i, j, j + count], [i, j + count, i + count]]
    return trimesh.Trimesh(vertices, faces, process=False)


@pytest.mark.parametrize("keyword", ["o", "g"])
def test_convex_groups_are_taken_as_they_are(tmp_path: Path, keyword: str) -> None:
    write_groups(
        tmp_path / "a.obj", box((0.1, 0.02, 0.02), (0, 0, 0)), box((0.02, 0.1, 0.02), (0, 0.06, 0)), keyword=keyword
    )
    parts = convex_parts(load(tmp_path, "a.obj"))
    assert [round(part.volume_m3 * 1e9) for part in parts] == [40_000, 40_000]
    assert not (tmp_path / "cache").exists()


def test_one_convex_mesh_is_one_part_whatever_its_groups(tmp_path: Path) -> None:
    """Groups by material are open patches of one surface."""
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
    half = len(mesh.faces) // 2
    lines = ["v {} {} {}".format(*v) for v in mesh.vertices]
    lines += ["g one"] + ["f {} {} {}".format(*(f + 1)) for f in mesh.faces[:half]]
    lines += ["g two"] + ["f {} {} {}".format(*(f + 1)) for f in mesh.faces[half:]]
    (tmp_path / "a.obj").write_text("\n".join(lines), encoding="utf-8")
    assert len(convex_parts(load(tmp_path, "a.obj"))) == 1


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_an_stl_with_unshared_corners_is_seen_as_closed(tmp_path: Path, kind: str) -> None:
    trimesh.creation.cylinder(radius=0.02, height=0.1).export(tmp_path / "a.stl", file_type=kind)
    (part,) = convex_parts(load(tmp_path, "a.stl"))
    assert part.volume_m3 == pytest.approx(np.pi * 0.02**2 * 0.1, rel=0.02)


def test_a_mesh_that_is_not_convex_is_decomposed_once(tmp_path: Path) -> None:
    write_groups(tmp_path / "a.obj", ell())
    told: list[str] = []
    parts = convex_parts(load(tmp_path, "a.obj"), told.append)
    assert len(told) == 1
    assert "thing" in told[0]
    assert 2 <= len(parts) <= 8
    # The notch of the L stays open, and the arms are there.
    vertices = load(tmp_path, "a.obj").mesh.vertices  # type: ignore[union-attr]
    notch = vertices.min(axis=0) + np.array([0.055, 0.055, 0.01])
    arm = vertices.min(axis=0) + np.array([0.01, 0.06, 0.01])
    hulls = [Delaunay(part.vertices_object) for part in parts]
    assert all(hull.find_simplex(notch) < 0 for hull in hulls)
    assert any(hull.find_simplex(arm) >= 0 for hull in hulls)
    assert sum(part.volume_m3 for part in parts) == pytest.approx(ell().volume, rel=0.1)
    again = convex_parts(load(tmp_path, "a.obj"), told.append)
    assert len(told) == 1
    assert len(again) == len(parts)


def test_a_torn_cache_is_made_again(tmp_path: Path) -> None:
    write_groups(tmp_path / "a.obj", ell())
    convex_parts(load(tmp_path, "a.obj"))
    (cached,) = (tmp_path / "cache").rglob("*.npz")
    cached.write_bytes(cached.read_bytes()[:100])
    told: list[str] = []
    assert len(convex_parts(load(tmp_path, "a.obj"), told.append)) >= 2
    assert told


def test_decomposition_has_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DECOMPOSITION_TIMEOUT_S", 0.05)
    write_groups(tmp_path / "a.obj", ell())
    with pytest.raises(SettingsError, match=r"could not be decomposed.*not finished.*groups"):
        convex_parts(load(tmp_path, "a.obj"))


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (trimesh.creation.box((0.1, 0.05, 0.02)), True),
        (trimesh.creation.icosphere(radius=0.04), True),
        (trimesh.creation.capsule(height=0.1, radius=0.02), True),
        (trimesh.creation.annulus(r_min=0.03, r_max=0.04, height=0.05), False),
        (trimesh.creation.torus(major_radius=0.04, minor_radius=0.01), False),
        (ell(), False),
    ],
)
def test_convexity(mesh: trimesh.Trimesh, expected: bool) -> None:
    assert is_convex(np.array(mesh.vertices), np.array(mesh.faces)) is expected


def test_an_open_shell_and_a_flat_sheet_are_not_convex_solids() -> None:
    vertices, faces = triangles("sphere", (0.08,))
    upper = faces[vertices[faces].mean(axis=1)[:, 2] > 0]
    assert not is_convex(vertices, upper)
    flat = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
    assert not is_convex(flat, np.array([[0, 1, 2], [0, 2, 1]]))
