import subprocess

import pytest

from bruit.errors import DataError
from bruit.seals import SEAL, broken, refuse_broken, seal


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "one").write_text("1")
    (tmp_path / "deep" / "two").write_text("2")
    seal(tmp_path, ["one", "deep/two", "not there"])
    return tmp_path


def test_what_was_sealed_holds(folder):
    assert broken(folder) == []
    refuse_broken(folder, "one", "deep/two")


def test_everybody_can_check_a_seal(folder):
    assert subprocess.run(["sha256sum", "--check", "--strict", SEAL], cwd=folder, capture_output=True).returncode == 0


def test_what_has_changed_or_gone_is_named(folder):
    (folder / "one").write_text("2")
    assert broken(folder) == ["one"]
    (folder / "deep" / "two").unlink()
    assert broken(folder) == ["one", "deep/two"]


def test_what_was_not_sealed_may_change(folder):
    (folder / "three").write_text("3")
    refuse_broken(folder, "three")
    assert broken(folder) == []


@pytest.mark.parametrize("content", [b"", b"no checksum\n", b"\xff"])
def test_a_seal_that_is_damaged_holds_nothing(folder, content):
    (folder / SEAL).write_bytes(content)
    assert broken(folder) == [SEAL]
    with pytest.raises(DataError, match=f"{folder / SEAL} is damaged"):
        refuse_broken(folder, "one")


def test_a_folder_without_a_seal(folder, refused):
    (folder / SEAL).unlink()
    assert broken(folder) == [SEAL]
    refuse_broken(folder, "one")


def test_what_has_changed_is_refused(folder, refused):
    (folder / "one").write_text("2")
    refuse_broken(folder, "deep/two")
    with refused(DataError, f"{folder / 'one'} is not as it was written: its checksum is another"):
        refuse_broken(folder, "deep/two", "one")
