"""A disk that fills: one line, exit code 1, nothing half written; and once there is room, all goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import FULL, Warm, assert_alike, files, resume, study
from test_failing_writes import COMMANDS, assert_alike_files, leftovers

KIB = 1024
# In KiB. The run takes about 6,000 of them, the images that `noise` and `convert` write 150.
STUDIES = range(4, 6000, 150) if FULL else (40, 1500, 4500)
OTHERS = (4, 16, 64, 100, 140, 300, 700, 1000, 2000, 3500) if FULL else (64, 700)


class Disk:
    """A place with little room: a tmpfs where one may be mounted, else files may not grow beyond the room there is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mounted = folder, False

    def limit(self, kib: int) -> dict[str, int]:
        self.folder.mkdir(exist_ok=True)
        options = f"size={kib}k,mode=0777"
        self.mounted = (
            not os.getuid()
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], capture_output=True
            ).returncode
        )
        return {} if self.mounted else {"largest": kib * KIB}

    @property
    def kind(self) -> str:
        return "disk full" if self.mounted else "file too large"

    def make_room(self) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=100m", self.folder], check=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.mounted = False


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    small = Disk(tmp_path / "disk")
    yield small
    small.close()


def test_a_study(disk: Disk, warm: Warm, data: Path, whole: Path, trials) -> None:
    for kib in STUDIES:
        run, faults = disk.folder / "run", disk.limit(kib)
        with trials(f"study: {disk.kind}", kib) as told:
            ended = warm.run(*study(data, run), **faults)
            if ended.code:
                line = ended.refused()
                assert "; free some space" in line, line
                assert leftovers(run) == []
            disk.make_room()
            again = warm.run(*(resume(run) if (run / "study.toml").is_file() else study(data, run)))
            assert again.code == 0, (ended, again)
            assert_alike(run, whole)
            told("one line, resumed alike" if ended.code else "had room enough")
        disk.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(name: str, disk: Disk, warm: Warm, data: Path, whole: Path, tmp_path: Path, trials) -> None:
    def command(out: Path) -> list[str]:
        return [word.format(data=data, run=whole, out=out) for word in COMMANDS[name]]

    assert warm.run(*command(tmp_path / "count")).code == 0
    for kib in OTHERS:
        faults = disk.limit(kib)
        with trials(f"{name}: {disk.kind}", kib) as told:
            ended = warm.run(*command(disk.folder / "out"), **faults)
            if ended.code:
                assert "free some space" in ended.refused()
                assert leftovers(disk.folder) == []
                if name not in ("train", "crossval"):
                    assert files(disk.folder) == []
                disk.make_room()
                again = warm.run(*command(disk.folder / "out"), *(["--resume"] if name == "train" else []))
                assert again.code == 0, again
            assert_alike_files(disk.folder, tmp_path, name)
            told("one line, then alike" if ended.code else "had room enough")
        disk.close()


def test_a_report(disk: Disk, warm: Warm, whole: Path, trials) -> None:
    bare = shutil.ignore_patterns("figures", "report.html", "models", "crossval")
    for kib in (128, 180, 300, 500, 800) if FULL else (180,):
        faults, run = disk.limit(kib), disk.folder / "run"
        shutil.copytree(whole, run, ignore=bare)
        with trials(f"report: {disk.kind}", kib) as told:
            assert "free some space" in warm.run("report", run, **faults).refused()
            assert leftovers(run) == []
            disk.make_room()
            assert warm.run("report", run).code == 0
            for path in (whole / "figures").iterdir():
                assert (run / "figures" / path.name).read_bytes() == path.read_bytes(), path.name
            assert (run / "report.html").read_bytes() == (whole / "report.html").read_bytes()
            told("one line, then alike")
        disk.close()
