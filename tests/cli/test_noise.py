"""bruit noise and bruit corruptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bruit
from bruit.data.npy import NPY_NAMES
from bruit.errors import RunError
from bruit.files import read_json
from bruit.noise.registry import CORRUPTIONS, MNIST_C
from bruit.seals import checksum
from bruit.studies import noise


def test_noise(cli, npy_folder, digits, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "noisy"
    made = cli("noise", data, "--recipe", "course", "--seed", "7", "--out", out, "--json")
    assert made.code == 0
    assert (made.json["name"], made.json["recipe"], made.json["seed"]) == ("data+course", "course", 7)
    assert made.json["sha256"] == {name: checksum(out / name) for name in NPY_NAMES}
    assert made.json == read_json(out / "manifest.json")
    noisy = bruit.apply_recipe("course", bruit.load(data), 7)
    np.testing.assert_array_equal(bruit.load(out).train.images, noisy.train.images)
    np.testing.assert_array_equal(bruit.load(out).test.labels, digits.test.labels)

    first = {path.name: path.read_bytes() for path in out.iterdir()}
    again = ("noise", data, "--recipe", "course", "--out", out)
    told = cli(*again, "--seed", "7").problem()
    assert told.endswith("choose another place, or add --force to replace them")
    shown = cli(*again, "--seed", "7", "--force")
    assert shown.out == f"600 training and 200 test images of 28 × 28 pixels are in {out}\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    cli(*again, "--seed", "8", "--force")
    assert (out / "train_images.npy").read_bytes() != first["train_images.npy"]


def test_a_model_says_which_recipe_made_its_data(cli, npy_folder, tmp_path: Path) -> None:
    out = tmp_path / "noisy"
    cli("noise", npy_folder(), "--recipe", "fog", "--out", out)
    assert cli("train", "dnn", out, "--epochs", "1", "--out", tmp_path / "reader").code == 0
    assert read_json(tmp_path / "reader" / "config.json")["seen"] == ["noisy (data+fog)"]
    shown = cli("robustness", tmp_path / "reader", "--data", out, "--suite", "course")
    assert f"· {tmp_path / 'reader'}: noisy (data+fog)" in shown.out.replace("\n  ", " ")
    (out / "manifest.json").write_text('["no manifest"]')
    assert cli("train", "dnn", out, "--epochs", "1", "--out", tmp_path / "other").code == 0
    assert read_json(tmp_path / "other" / "config.json")["seen"] == ["noisy"]


def test_noise_of_a_corruption_at_a_severity(cli, npy_folder, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "foggy"
    assert cli("noise", data, "--recipe", "fog", "--severity", "2", "--out", out).code == 0
    clean = bruit.load(data)
    expected = bruit.corrupt(clean.test.images, "fog", 2, ids=clean.test.ids)
    np.testing.assert_array_equal(bruit.load(out).test.images, expected)
    assert read_json(out / "manifest.json")["severity"] == 2
    wrong = ("noise", data, "--out", tmp_path / "no", "--recipe")
    assert cli(*wrong, "course", "--severity", "2").problem().startswith("only a corruption has severities")
    assert cli(*wrong, "fog", "--severity", "6").problem() == "expected a severity of 1 to 5, received 6"
    assert cli(*wrong, "mnist-c", "--severity", "2").problem().startswith("only a corruption has severities")
    assert not (tmp_path / "no").exists()


def test_a_manifest_is_of_what_is_there(cli, npy_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = npy_folder(), tmp_path / "noisy"
    (tmp_path / "mine.toml").write_text('[[corruption]]\nname = "fog"\nseverity = [1, 2]\n')
    assert cli("noise", data, "--recipe", tmp_path / "mine.toml", "--out", out).code == 0
    kept = read_json(out / "manifest.json")
    assert kept["mixture"] == {"parts": [{"name": "fog", "odds": 1.0, "severities": [1, 2]}], "chain": False}
    told = cli("noise", data, "--recipe", "mnist-c", "--out", out).problem()
    assert told == f"{out} already holds manifest.json; choose another place, or add --force to replace them"
    assert read_json(out / "manifest.json") == kept

    def full(*_: object, **__: object) -> None:
        raise RunError("the disk is full")

    monkeypatch.setattr("bruit.studies.noise.write_npy_folder", full)
    assert cli("noise", data, "--recipe", "fog", "--out", out, "--force").problem() == "the disk is full"
    assert not (out / "manifest.json").exists()


def test_all_of_mnist_c_is_a_folder_a_set(cli, npy_folder, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "mnist_c"
    shown = cli("noise", data, "--recipe", "mnist-c", "--out", out)
    assert shown.code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted([*MNIST_C, "manifest.json"])
    clean = bruit.load(data)
    for name in MNIST_C:
        made = bruit.load(out / name)
        np.testing.assert_array_equal(made.test.images, bruit.corrupt(clean.test.images, name, ids=clean.test.ids))
    assert len(read_json(out / "manifest.json")["sha256"]) == 60
    assert "already holds" in cli("noise", data, "--recipe", "mnist-c", "--out", out).problem()
    assert cli("noise", data, "--recipe", "mnist-c", "--out", out, "--force").code == 0


def test_mnist_c_that_was_killed_goes_on_by_the_same_command(
    cli, npy_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    data, made = npy_folder(), []
    honest = noise.write_npy_folder

    def counted(pair, folder, *rest, **more):
        made.append(folder.name)
        if len(made) == 4:
            raise Killed
        return honest(pair, folder, *rest, **more)

    monkeypatch.setattr(noise, "write_npy_folder", counted)
    out, whole = tmp_path / "killed", tmp_path / "whole"
    with pytest.raises(Killed):
        noise.make_noisy(data, "mnist-c", out, seed=3)
    assert not (out / "manifest.json").exists()
    # A process that is killed cannot tidy up what it was writing.
    (out / MNIST_C[3]).mkdir(exist_ok=True)
    (out / MNIST_C[3] / ".train_images.npy.x43hkykf").write_bytes(b"half")
    command = ("noise", data, "--recipe", "mnist-c", "--seed", "3", "--out", out)
    # Sets that were made otherwise, or have changed since, are not taken for those that are asked for.
    refused = cli(*command[:5], "4", *command[6:]).problem()
    assert refused == (
        f"{out / 'shot_noise'} holds a set that was made otherwise, or has changed; delete it, choose another place, "
        "or add --force to make all of them again"
    )
    labels = out / "glass_blur" / "test_labels.npy"
    before = labels.read_bytes()
    labels.write_bytes(before[:-1] + b"?")
    assert f"{out / 'glass_blur'} holds a set that was made otherwise, or has changed" in cli(*command).problem()
    labels.write_bytes(before)
    del made[:]
    made += ["", "", "", ""]
    assert cli(*command).code == 0
    assert made[4:] == list(MNIST_C[3:])
    monkeypatch.undo()
    noise.make_noisy(data, "mnist-c", whole, seed=3)

    def of(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert of(out) == of(whole)
    assert "already holds manifest.json" in cli(*command).problem()
    assert cli(*command, "--force").code == 0
    assert of(out) == of(whole)


def test_images_go_into_their_file_as_they_are_made(npy_folder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("bruit.data.room.empty", lambda *shape: pytest.fail("all of them at once"))
    seen: list[tuple[int, int]] = []
    noise.make_noisy(npy_folder(), "rotate", tmp_path / "out", seed=2, progress=lambda *at: seen.append(at))
    assert [total for _, total in seen] == [800] * len(seen)
    assert sorted(seen) == seen
    assert seen[-1] == (800, 800)
    monkeypatch.undo()
    expected = bruit.apply_recipe("rotate", bruit.load(npy_folder()), 2)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "train_images.npy"), expected.train.images)


def test_where_noise_cannot_be_written_is_said_before_any_work(cli, tmp_path: Path) -> None:
    for name in ("x.npz", "x.csv"):
        told = cli("noise", "mnist", "--recipe", "fog", "--out", tmp_path / name).problem()
        assert told == f"expected a folder for npy files, received {tmp_path / name}; name a folder"
        assert "--to" not in told
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    told = cli("noise", "mnist", "--recipe", "fog", "--out", in_the_way / "x").problem()
    assert told == f"{in_the_way / 'x'} cannot be written: {in_the_way} is no folder; choose another place"


def test_corruptions(cli, tmp_path: Path) -> None:
    listed = cli("corruptions", "--json").json
    assert [one["name"] for one in listed] == list(CORRUPTIONS)
    sheet = tmp_path / "sheet.png"
    shown = cli("corruptions", "--figure", sheet)
    assert shown.out.endswith(f"The figure: {sheet}\n")
    with Image.open(sheet) as image:
        assert image.height > image.width > 500
        # Of every corruption something is to be seen: no row of pictures is of one grey.
        assert np.asarray(image.convert("L")).std() > 40
    for name in CORRUPTIONS:
        assert name in shown.out
    before = sheet.read_bytes()
    assert "is there already" in cli("corruptions", "--figure", sheet).problem()
    assert sheet.read_bytes() == before
    assert cli("corruptions", "--figure", sheet, "--force").code == 0
    assert "expected a file whose name ends in .png" in cli("corruptions", "--figure", tmp_path / "sheet.pdf").problem()


def test_noise_keeps_what_the_classes_are_called(cli, npy_folder, digits, tmp_path: Path) -> None:
    labels = {f"{split}_labels": getattr(digits, split).labels // 5 * 4 + 3 for split in ("train", "test")}
    letters = {key: np.array(["a", "b", "c", "d", "e", "f", "g", "h"])[value] for key, value in labels.items()}
    for named, classes in ((labels, ("3", "7")), (letters, ("d", "h"))):
        data, out = npy_folder(folder="-".join(classes), **named), tmp_path / "out"
        assert cli("noise", data, "--recipe", "course", "--out", out, "--force").code == 0
        assert bruit.load(out).classes == classes
        np.testing.assert_array_equal(np.load(out / "test_labels.npy"), named["test_labels"])
