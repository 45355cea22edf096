import errno
import json
import math
import os
import pickle
import resource
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bruit.errors import DataError, RunError
from bruit.files import read_json, read_npy, write_atomically, write_json, write_npy, write_npz, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def npy_with_header(header: str, payload: bytes = b"") -> bytes:
    content = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content + payload


# Writing


def test_what_is_written_is_read_again(tmp_path):
    array = np.arange(24, dtype=np.int64).reshape(2, 3, 4)
    write_npy(tmp_path / "deep" / "er" / "array.npy", array)
    write_json(tmp_path / "value.json", {"name": "chiffres bruités", "accuracy": 0.5, "rows": [1, None]})
    write_npz(tmp_path / "many.npz", {"mistakes/cnn": array, "empty": array[:0]})

    assert np.array_equal(read_npy(tmp_path / "deep" / "er" / "array.npy"), array)
    assert read_json(tmp_path / "value.json") == {"name": "chiffres bruités", "accuracy": 0.5, "rows": [1, None]}
    with np.load(tmp_path / "many.npz") as many:
        assert np.array_equal(many["mistakes/cnn"], array)
        assert many["empty"].shape == (0, 3, 4)
    assert names(tmp_path) == ["deep", "many.npz", "value.json"]


def test_text_is_utf8_whatever_the_locale(tmp_path):
    write_text(tmp_path / "note.txt", "0…255 × 3")
    assert (tmp_path / "note.txt").read_bytes() == "0…255 × 3".encode()


def test_text_that_is_not_unicode_is_written_all_the_same(tmp_path):
    name = b"r\xe9s".decode(errors="surrogateescape")
    write_text(tmp_path / "note.txt", name)
    assert (tmp_path / "note.txt").read_text("utf-8") == "r?s"
    write_json(tmp_path / "value.json", {"name": name})
    assert read_json(tmp_path / "value.json") == {"name": "r?s"}


def test_others_may_read_what_was_written(tmp_path):
    write_text(tmp_path / "report.html", "for all")
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [KeyError("half way"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, error):
    write_text(tmp_path / "value", "old")

    def fail(file):
        file.write(b"new, but only ha")
        file.flush()
        raise error

    with pytest.raises(type(error)):
        write_atomically(tmp_path / "value", fail)
    assert (tmp_path / "value").read_text() == "old"
    assert names(tmp_path) == ["value"]


def test_the_file_is_not_there_before_it_is_whole_and_on_disk(tmp_path, monkeypatch):
    seen = []
    synced = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append((tmp_path / "value").exists()), synced(fd)))
    write_atomically(tmp_path / "value", lambda file: seen.append((tmp_path / "value").exists()) or file.write(b"x"))
    assert seen == [False, False]
    assert (tmp_path / "value").read_bytes() == b"x"


def test_a_disk_that_is_full_when_the_file_is_flushed(tmp_path, monkeypatch, refused):
    write_text(tmp_path / "value", "old")

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    place = tmp_path / "value"
    with refused(RunError, f"cannot write {place}: No space left on device; free some space or choose another place"):
        write_text(place, "new")
    assert place.read_text() == "old"
    assert names(tmp_path) == ["value"]


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_disk_that_takes_a_part_only(tmp_path, refused, size):
    write_npy(tmp_path / "array.npy", np.arange(3))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    place = tmp_path / "array.npy"
    with refused(RunError, f"cannot write {place}: File too large; free some space or choose another place"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
        try:
            write_npy(place, np.zeros(size, np.uint8))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert np.array_equal(read_npy(place), np.arange(3))
    assert names(tmp_path) == ["array.npy"]


def test_a_folder_that_cannot_be_made(tmp_path, refused):
    (tmp_path / "taken").write_text("a file")
    place = tmp_path / "taken" / "folder" / "value.json"
    with refused(RunError, f"cannot write {place}: Not a directory; choose another place"):
        write_json(place, 1)
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        ("EIO", "look after the disk, or choose another place"),
        ("EROFS", "choose another place"),
        ("EACCES", "make it writable, or choose another place"),
        ("ENOSPC", "free some space or choose another place"),
    ],
)
def test_each_failure_has_its_remedy(tmp_path, monkeypatch, refused, number, remedy):
    number = getattr(errno, number)

    def fail(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with refused(RunError, f"cannot write {tmp_path / 'value'}: {os.strerror(number)}; {remedy}"):
        write_text(tmp_path / "value", "new")
    assert names(tmp_path) == []


def test_a_folder_stands_where_the_file_should(tmp_path, refused):
    place = tmp_path / "value"
    place.mkdir()
    with refused(
        RunError, f"cannot write {place}: Is a directory; move away what stands there, or choose another place"
    ):
        write_text(place, "new")
    assert names(tmp_path) == ["value"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_has_no_nan_and_none_is_written(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "value.json", {"loss": value})
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [write_npy, lambda path, array: write_npz(path, {"a": array})])
def test_objects_are_never_pickled(tmp_path, write):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        write(tmp_path / "array", np.array([print, {}], dtype=object))
    assert names(tmp_path) == []


# Reading


def test_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "value.json")
    with pytest.raises(DataError, match="Not a file"):
        read_json(tmp_path / "value.json")


def test_json_that_is_nested_too_deep(tmp_path):
    (tmp_path / "value.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="cannot read"):
        read_json(tmp_path / "value.json")


def test_a_big_array_is_mapped_not_copied_and_cannot_be_written_to(tmp_path):
    write_npy(tmp_path / "array.npy", np.arange(10))
    array = read_npy(tmp_path / "array.npy")
    assert isinstance(array.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(6).astype(">i4"),
        np.zeros((0, 28, 28), np.uint8),
        np.array(["yes", "no"]),
        np.array(3.5),
    ],
)
def test_arrays_of_every_plain_kind(tmp_path, array):
    np.save(tmp_path / "array.npy", array)
    read = read_npy(tmp_path / "array.npy")
    assert np.array_equal(read, array)
    assert read.dtype == array.dtype


def test_a_missing_npy(tmp_path, refused):
    with refused(DataError, f"cannot read {tmp_path / 'no.npy'}: No such file or directory"):
        read_npy(tmp_path / "no.npy")


def test_an_empty_npy(tmp_path, refused):
    (tmp_path / "e.npy").touch()
    with refused(DataError, f"{tmp_path / 'e.npy'} is an empty file (0 bytes); write it again with numpy.save"):
        read_npy(tmp_path / "e.npy")


def test_a_file_that_is_no_npy(tmp_path, refused):
    (tmp_path / "p.npy").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with refused(
        DataError, f"{tmp_path / 'p.npy'} is not a whole .npy file (108 bytes); write it again with numpy.save"
    ):
        read_npy(tmp_path / "p.npy")


def test_a_truncated_npy(tmp_path, refused):
    np.save(tmp_path / "t.npy", np.zeros((50, 28, 28), np.uint8))
    content = (tmp_path / "t.npy").read_bytes()
    (tmp_path / "t.npy").write_bytes(content[:-1])
    with refused(
        DataError,
        f"{tmp_path / 't.npy'} is truncated: its header promises 39,328 bytes, the file holds 39,327; copy it again",
    ):
        read_npy(tmp_path / "t.npy")


def test_a_header_that_promises_more_than_memory_holds(tmp_path, refused):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (60000000, 2800000, 28)}"
    (tmp_path / "h.npy").write_bytes(npy_with_header(header, bytes(64)))
    with refused(
        DataError,
        f"{tmp_path / 'h.npy'} is truncated: its header promises 37,632,000,000,000,128 bytes, "
        "the file holds 192; copy it again",
    ):
        read_npy(tmp_path / "h.npy")


class Payload:
    """What a hostile file could hold: unpickled, it makes a folder."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_an_object_array_is_refused_and_nothing_in_it_is_run(tmp_path, refused):
    trace = str(tmp_path / "code-was-run")
    np.save(tmp_path / "o.npy", np.array([Payload(trace)], dtype=object), allow_pickle=True)
    with refused(
        DataError,
        f"{tmp_path / 'o.npy'} holds Python objects (dtype object), which are never loaded because that could run "
        "code; save a plain array, as images.astype('uint8')",
    ):
        read_npy(tmp_path / "o.npy")
    assert not os.path.exists(trace)
    np.load(tmp_path / "o.npy", allow_pickle=True)  # the payload is a live one
    assert os.path.exists(trace)


def test_a_bare_pickle_is_not_run_either(tmp_path):
    trace = str(tmp_path / "code-was-run")
    (tmp_path / "p.npy").write_bytes(pickle.dumps(Payload(trace)))
    with pytest.raises(DataError, match=r"is not a whole \.npy file"):
        read_npy(tmp_path / "p.npy")
    assert not os.path.exists(trace)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2, 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 10000000000000000000000000)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2",
        "{'descr': '|u1'''",
        "{'descr': '|u9', 'fortran_order': False, 'shape': (3, 2)}",
        "((((((((((((((((((((",
        "import os",
    ],
)
def test_damaged_headers(tmp_path, refused, header):
    (tmp_path / "d.npy").write_bytes(npy_with_header(header, bytes(100)))
    with refused(
        DataError, f"{tmp_path / 'd.npy'} is not a whole .npy file (228 bytes); write it again with numpy.save"
    ):
        read_npy(tmp_path / "d.npy")


def test_a_header_that_promises_to_be_long_itself(tmp_path, refused):
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(100))
    tracemalloc.start()
    with refused(
        DataError, f"{tmp_path / 'd.npy'} is not a whole .npy file (112 bytes); write it again with numpy.save"
    ):
        read_npy(tmp_path / "d.npy")
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4), st.integers(0, 200))
def test_any_damage_gives_an_array_or_a_data_error_in_one_line(tmp_path, changes, kept):
    content = bytearray(npy_with_header("{'descr': '<i8', 'fortran_order': False, 'shape': (3, 3)}", bytes(72)))
    for at, value in changes:
        content[at % len(content)] = value
    place = tmp_path / "fuzz.npy"
    place.write_bytes(content[:kept] if kept % 3 == 0 else content)
    try:
        array = read_npy(place)
    except DataError as error:
        message = str(error)
    else:
        assert isinstance(array, np.ndarray)
        return
    assert message.startswith(str(place))
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b'{"half": ', b"\xff\xfe", b"[1, 2"])
def test_damaged_json(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_json(tmp_path / "v.json")
    assert str(caught.value).startswith(f"cannot read {tmp_path / 'v.json'}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_json_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no\.json"):
        read_json(tmp_path / "no.json")


def test_json_is_for_people_too(tmp_path):
    write_json(tmp_path / "v.json", {"a": [1], "é": "…"})
    text = (tmp_path / "v.json").read_text("utf-8")
    assert "é" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"a": [1], "é": "…"}
