"""Object sets: what is read, and how mistakes are told."""

from pathlib import Path

import numpy as np
import pytest

from robot.errors import SettingsError
from robot.objects import HOUSEHOLD_12, load_objects
from robot.shapes import SIZE_NAMES, ring_boxes, triangles, volume_m3

BOX = "{shape: box, size_m: [0.04, 0.05, 0.06]}"
CUBE_OBJ = """
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
f 4 3 2 1
f 5 6 7 8
f 1 2 6 5
f 2/1/1 3//2 7 6
f -5 -1 -2 -6
f 1 5 8 4
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "things.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def scaled_cube(tmp_path: Path, name: str, side: float) -> None:
    lines = [
        "v " + " ".join(str(float(w) * side) for w in line.split()[1:]) if line.startswith("v ") else line
        for line in CUBE_OBJ.splitlines()
    ]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")


def test_the_household_has_twelve_different_things() -> None:
    things = load_objects(HOUSEHOLD_12)
    assert len({thing.name for thing in things}) == 12
    assert all(0.3 <= thing.friction <= 0.9 for thing in things)
    assert max(t.mass_kg for t in things) / min(t.mass_kg for t in things) > 10
    assert any(len(thing.primitives) == 1 for thing in things)
    for thing in things:
        for part in thing.primitives:
            assert part.volume_m3 > 0


def test_primitives_are_read_with_pose_color_and_density(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "objects:\n  - {name: a, mass_kg: 1, friction: 0.5, color: [1, 0, 0], primitives: ["
        f"{BOX}, {{shape: capsule, size_m: [0.02, 0.1], position_m: [0, 0, 0.1], rpy_deg: [0, 90, 0],"
        " color: [0, 1, 0], relative_density: 3}]}",
    )
    (thing,) = load_objects(path)
    box, capsule = thing.primitives
    assert (thing.mass_kg, box.color, capsule.color, capsule.relative_density) == (1.0, (1, 0, 0), (0, 1, 0), 3.0)
    low, high = capsule.vertices_object.min(axis=0), capsule.vertices_object.max(axis=0)
    np.testing.assert_allclose(high - low, [0.1, 0.02, 0.02], atol=1e-9)
    np.testing.assert_allclose((high + low) / 2, [0, 0, 0.1], atol=1e-9)


def test_a_ring_is_hollow_and_round(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "objects:\n  - {name: a, mass_kg: 1, friction: 0.5, primitives: [{shape: ring, size_m: [0.1, 0.08, 0.02]}]}",
    )
    (thing,) = load_objects(path)
    points = np.vstack([part.vertices_object for part in thing.primitives])
    radii = np.hypot(points[:, 0], points[:, 1])
    assert 0.0398 < radii.min() < 0.0415
    assert 0.0495 < radii.max() < 0.0515
    assert len(thing.primitives) == len(ring_boxes((0.1, 0.08, 0.02)))


@pytest.mark.parametrize(
    ("shape", "size_m", "volume"),
    [
        ("box", (0.1, 0.2, 0.3), 0.006),
        ("cylinder", (0.1, 0.2), np.pi * 0.05**2 * 0.2),
        ("sphere", (0.1,), np.pi / 6 * 1e-3),
        ("ellipsoid", (0.1, 0.2, 0.3), np.pi / 6 * 0.006),
        ("capsule", (0.1, 0.3), np.pi * 0.05**2 * 0.2 + np.pi / 6 * 1e-3),
        ("capsule", (0.1, 0.1), np.pi / 6 * 1e-3),
    ],
)
def test_triangles_are_closed_and_face_outwards(shape: str, size_m: tuple[float, ...], volume: float) -> None:
    vertices, faces = triangles(shape, size_m, segments=64)
    assert volume_m3(vertices, faces) == pytest.approx(volume, rel=0.01)
    assert set(SIZE_NAMES) >= {shape}
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all()


def entry(**changes: str) -> str:
    fields = {"name": "cup", "mass_kg": "0.2", "friction": "0.5", "primitives": f"[{BOX}]"} | changes
    return "{" + ", ".join(f"{k}: {v}" for k, v in fields.items() if v) + "}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("things: []", "one key 'objects'"),
        ("objects: []", "no objects"),
        ("- 1", "one key 'objects'"),
        ("objects: [", "not valid YAML"),
        (f"objects: [{entry()}, {entry()}]", r"objects\[1\] 'cup'.*used twice"),
        (f"objects: [{entry(mass_kg='0')}]", r"objects\[0\] 'cup': mass_kg must be positive"),
        (f"objects: [{entry(mass_kg='.nan')}]", "mass_kg: expected a finite number"),
        (f"objects: [{entry(friction='-0.1')}]", "friction must be positive"),
        (f"objects: [{entry(friction='rough')}]", "friction: expected float"),
        (f"objects: [{entry(name='7')}]", "name: expected str"),
        (f"objects: [{entry(mas_kg='1')}]", "unknown key 'mas_kg'.*did you mean 'mass_kg'"),
        (f"objects: [{entry(friction='')}]", "missing key 'friction'"),
        (f"objects: [{entry(primitives='')}]", "either mesh or primitives"),
        (f"objects: [{entry(mesh='a.obj')}]", "either mesh or primitives"),
        (f"objects: [{entry(primitives='[]')}]", "primitives is empty"),
        (f"objects: [{entry(primitives='[{shape: cone, size_m: [1]}]')}]", "got 'cone'"),
        (f"objects: [{entry(primitives='[{shape: sphere, size_m: [1, 2]}]')}]", "size_m of a sphere is"),
        (f"objects: [{entry(primitives='[{shape: sphere, size_m: [-1]}]')}]", "must be positive"),
        (f"objects: [{entry(primitives='[{shape: sphere, size_m: [65]}]')}]", "is 65 m long.*in metres"),
        (f"objects: [{entry(primitives='[{shape: ring, size_m: [0.05, 0.06, 0.1]}]')}]", "inner diameter"),
        (f"objects: [{entry(primitives='[{shape: capsule, size_m: [0.05, 0.02]}]')}]", "both caps"),
        (f"objects: [{entry(color='[1, 2, 3]')}]", "RGB in 0..1"),
        (f"objects: [{entry(primitives='', mesh='none.obj')}]", "none.obj' does not exist"),
        (f"objects: [{entry(primitives='', mesh='things.yaml')}]", "neither OBJ nor STL"),
    ],
)
def test_mistakes_are_named_with_file_and_entry(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=f"(?s){message}") as caught:
        load_objects(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def mesh_set(tmp_path: Path, name: str) -> Path:
    return write(tmp_path, f"objects: [{entry(primitives='', mesh=name)}]")


def test_a_mesh_is_read_and_centred(tmp_path: Path) -> None:
    scaled_cube(tmp_path, "cube.obj", 0.05)
    (thing,) = load_objects(mesh_set(tmp_path, "cube.obj"))
    assert thing.mesh is not None
    np.testing.assert_allclose(thing.mesh.vertices.min(axis=0), [-0.025] * 3)
    assert volume_m3(thing.mesh.vertices, thing.mesh.faces) == pytest.approx(0.05**3)


def test_a_mesh_in_millimetres_is_recognised(tmp_path: Path) -> None:
    scaled_cube(tmp_path, "cube.obj", 50.0)
    with pytest.raises(SettingsError, match=r"50 m long.*millimetres.*scale it by 0.001"):
        load_objects(mesh_set(tmp_path, "cube.obj"))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.obj", b"v 0 0 0\nv 1 0 0\n", "empty"),
        ("a.obj", b"v 0 0 zero\n", "line 1"),
        ("a.obj", b"v 0 0 0\nf 1 2 3\n", "names vertex 3"),
        ("a.obj", b"v 0 0 0\nf 1 1\n", "three vertices"),
        ("a.obj", b"\xff\xfe\x00", "not a readable OBJ"),
        ("a.obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
        ("a.obj", b"", "empty"),
        ("a.stl", b"garbage", "not a readable STL"),
        ("a.stl", bytes(80) + (3).to_bytes(4, "little") + bytes(50), "not a readable STL"),
        ("a.stl", b"solid x\nendsolid x\n", "empty"),
    ],
)
def test_unreadable_meshes_are_told(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SettingsError, match=message) as caught:
        load_objects(mesh_set(tmp_path, name))
    assert name in str(caught.value)
    assert "'cup'" in str(caught.value)
