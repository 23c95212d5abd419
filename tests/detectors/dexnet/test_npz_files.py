"""No bytes, however broken, give anything but arrays or a reason; what is written is whole and always the same."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.dexnet.npz_files import DamagedFile, array_length, load_array, load_arrays, save_arrays
from robot.errors import SettingsError

ARRAYS = {
    "arr_0": np.arange(300, dtype=np.float32).reshape(100, 3),
    "names": np.arange(7, dtype=np.int64),
}


def test_what_is_written_is_read_and_numpy_reads_it_too(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.npz"
    save_arrays(path, ARRAYS)
    for found in (load_arrays(path), dict(np.load(path))):
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    assert array_length(path) == 100
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


def test_the_same_arrays_give_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_arrays(tmp_path / "a.npz", ARRAYS)
    later = time.time() + 1e8
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(later))
    save_arrays(tmp_path / "b.npz", ARRAYS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_arrays(path, ARRAYS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="bject arrays"):
        save_arrays(path, {**ARRAYS, "bad": np.array([{}], dtype=object)})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_arrays(tmp_path / "file" / "a.npz", ARRAYS)


def test_one_array_under_any_name_or_alone(tmp_path: Path) -> None:
    for keys in ({"arr_0": ARRAYS["arr_0"]}, {"data": ARRAYS["arr_0"]}, ARRAYS):
        np.savez(tmp_path / "a.npz", **keys)  # type: ignore[arg-type]
        np.testing.assert_array_equal(load_array(tmp_path / "a.npz"), ARRAYS["arr_0"])
    np.save(tmp_path / "a.npy", ARRAYS["arr_0"])
    np.testing.assert_array_equal(load_array(tmp_path / "a.npy"), ARRAYS["arr_0"])
    assert array_length(tmp_path / "a.npy") == 100
    np.savez(tmp_path / "a.npz", a=np.zeros(1), b=np.zeros(1))
    with pytest.raises(DamagedFile, match="2 arrays"):
        load_array(tmp_path / "a.npz")
    with pytest.raises(DamagedFile, match="no such file"):
        load_array(tmp_path / "absent.npz")
    with pytest.raises(DamagedFile, match="directory"):
        load_array(tmp_path)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), compressed=st.booleans(), plain=st.booleans())
def test_any_damage_gives_a_reason_or_the_true_arrays(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, compressed: bool, plain: bool
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    path = folder / ("a.npy" if plain else "a.npz")
    if plain:
        np.save(path, ARRAYS["arr_0"])
    else:
        (np.savez_compressed if compressed else np.savez)(path, **ARRAYS)  # type: ignore[arg-type]
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    assert array_length(path) >= 0
    found, error = attempt(path)
    if error is not None:
        assert error.path == path
        assert error.reason
        assert "\n" not in error.reason
    elif not plain:  # a .npy has no check sum
        assert all(np.array_equal(array, ARRAYS[name]) for name, array in found.items() if name in ARRAYS)


def attempt(path: Path) -> tuple[dict[str, Any], DamagedFile | None]:
    try:
        return load_arrays(path), None
    except DamagedFile as error:
        return {}, error
