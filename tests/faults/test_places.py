"""Places that cannot be written, or are too small, and are not the run folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from harness import Warm, assert_alike, resume, study
from test_full_disks import Disk


def test_no_folder_for_temporary_files(warm: Warm, data: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    line = warm.run(*study(data, run), nowhere=True).refused()
    assert line.startswith("bruit: no folder for temporary files can be written; name one that can in TMPDIR")
    ended = warm.run(*resume(run))
    assert ended.code == 0, ended
    assert_alike(run, whole)


def test_no_room_for_the_images_that_workers_share(warm: Warm, data: Path, tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root may mount a small disk")
    many, run, disk = tmp_path / "many", tmp_path / "run", Disk(tmp_path / "disk")
    many.mkdir()
    for path in data.iterdir():
        array = np.concatenate([np.load(path)] * 20)  # joblib shares what is larger than 1 MB
        # Images that are uint8 in their file are mapped from it, and need no room.
        np.save(many / path.name, array / np.float32(255) if "images" in path.name else array)
    disk.limit(500)
    try:
        room = {"JOBLIB_TEMP_FOLDER": str(disk.folder)}
        line = warm.run(*study(many, run, workers=2), environment=room).refused()
        assert line.startswith("bruit: cannot hand the images to the trainings: "), line
        assert line.endswith("set TMPDIR and JOBLIB_TEMP_FOLDER to a folder that has it"), line
        disk.make_room()
        assert warm.run(*resume(run, workers=2), environment=room).code == 0
    finally:
        disk.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_an_output_that_is_full(option: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "bruit", "models", *option], stdout=full, stderr=subprocess.PIPE)
    told = "No space left on device; make room, or choose another place (for temporary files TMPDIR)"
    assert (done.returncode, done.stderr.decode()) == (1, f"bruit: cannot read or write a file: {told}\n")
