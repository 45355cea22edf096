"""The wheel beside nothing but what the base install needs: it reads, and is as large as the README says."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from bruit.data.dataset import DataPair

ROOT = Path(__file__).parents[1]


def base_install() -> list[Distribution]:
    """What pip installs beside bruit without any extra."""
    found: dict[str, Distribution] = {}
    todo = [Requirement(text) for text in distribution("bruit").requires or ()]
    while todo:
        requirement = todo.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if requirement.name.lower() not in found:
            there = found[requirement.name.lower()] = distribution(requirement.name)
            todo += [Requirement(text) for text in there.requires or ()]
    return list(found.values())


def size(installed: Distribution) -> int:
    """Bytes of its files, without what Python compiles of them."""
    paths = [Path(str(installed.locate_file(file))) for file in installed.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the wheel's content, and links to those of the base install."""
    folder = tmp_path_factory.mktemp("site")
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=True)
    wheel = folder / done.stdout.split()[-1]
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    for one in base_install():
        for name in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (folder / name).exists():
                (folder / name).symlink_to(Path(str(one.locate_file(name))))
    return folder


def run(site: Path, *arguments: Any, cwd: Path) -> subprocess.CompletedProcess[str]:
    """bruit with these packages and no others."""
    script = f"import sys; sys.path.append({str(site)!r}); from bruit.__main__ import main; main()"
    command = [sys.executable, "-I", "-S", "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_the_base_install_reads(site: Path, digits: DataPair, tmp_path: Path) -> None:
    Image.fromarray(digits.test.images[0]).save(tmp_path / "digit.png")
    np.save(tmp_path / "many.npy", digits.test.images[:50])
    assert not {"torch", "sklearn", "matplotlib"} & {path.name for path in site.iterdir()}
    told = run(site, "predict", "digit.png", "many.npy", "--csv", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout.splitlines()) == 52
    assert told.stdout.splitlines()[1].startswith(f"digit.png,,{digits.test.labels[0]},0.9")
    for command in ("explain digit.png", "corruptions", "noise mnist --recipe fog --out foggy"):
        told = run(site, *command.split(), cwd=tmp_path)
        assert told.returncode == 0, told.stderr


def test_what_needs_more_says_what_to_install(site: Path, tmp_path: Path) -> None:
    told = run(site, "train", "dnn", "--out", "model", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "pip install -e '.[train]'" in told.stderr


def test_it_is_as_large_as_the_readme_says(site: Path) -> None:
    wheel = next(site.glob("*.whl")).stat().st_size
    everything = sum(map(size, base_install())) + sum(
        path.stat().st_size for path in (site / "bruit").rglob("*") if path.is_file()
    )
    stated = re.search(r"a wheel of ([\d.]+) MB, ([\d]+) MB installed", (ROOT / "README.md").read_text("utf-8"))
    assert stated is not None
    assert wheel / 1e6 == pytest.approx(float(stated[1]), rel=0.05)
    assert everything / 1e6 == pytest.approx(float(stated[2]), rel=0.25)  # other systems' wheels are larger or smaller
