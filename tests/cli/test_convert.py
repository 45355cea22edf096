"""bruit convert."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import bruit
from bruit.data.npy import NPY_NAMES


def test_into_an_archive_and_back(cli, npy_folder, digits, tmp_path: Path) -> None:
    archive, out = tmp_path / "digits.npz", tmp_path / "out"
    done = cli("convert", npy_folder(), archive, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "name": "data",
        "files": [str(archive)],
        "train": 600,
        "test": 200,
        "size": [28, 28],
        "classes": [str(digit) for digit in range(10)],
        "findings": [
            {"code": one.code, "severity": one.severity, "message": one.message}
            for one in bruit.load(npy_folder()).findings
        ],
    }
    shown = cli("convert", archive, out)
    assert shown.code == 0
    assert shown.out.splitlines() == [
        "· train: 600 images of 28 × 28 pixels, uint8 on a scale of 0…255.",
        "· test: 200 images of 28 × 28 pixels, uint8 on a scale of 0…255.",
        f"600 training and 200 test images of 28 × 28 pixels are in {out}",
    ]
    assert sorted(path.name for path in out.iterdir()) == sorted(NPY_NAMES)
    assert bruit.load(out).fingerprint() == bruit.load(npy_folder()).fingerprint()


def test_nothing_is_overwritten_and_nothing_read_before_that_is_known(cli, npy_folder, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "out.npz"
    assert cli("convert", data, out).code == 0
    before = out.read_bytes()
    expected = f"{out} is there already; choose another name, or add --force to replace it"
    assert cli("convert", tmp_path / "missing", out).problem() == expected
    assert out.read_bytes() == before
    assert cli("convert", data, out, "--force").code == 0
    assert cli("convert", data, data).problem().endswith("choose another place, or add --force to replace them")
    assert "received " in cli("convert", data, tmp_path / "out.csv").problem()


def test_what_one_split_becomes_is_said(cli, npy_folder, tmp_path: Path) -> None:
    data = npy_folder(test_images=None, test_labels=None)
    shown = cli("convert", data, tmp_path / "out")
    assert "60 of the 600 training images, a tenth of each class, were set aside as the test set" in shown.out
    assert len(np.load(tmp_path / "out" / "test_labels.npy")) == 60


def test_a_problem_is_one_line(cli, tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    expected = f"{tmp_path / 'bad.npz'} is damaged or not an .npz archive; copy it again"
    assert cli("convert", tmp_path / "bad.npz", tmp_path / "out").problem() == expected
    assert not (tmp_path / "out").exists()


def test_into_tables_and_idx_files(cli, npy_folder, tmp_path: Path) -> None:
    data = npy_folder()
    for form in ("csv", "idx"):
        assert cli("convert", data, tmp_path / form, "--to", form).code == 0
        assert bruit.load(tmp_path / form).fingerprint() == bruit.load(data).fingerprint()
