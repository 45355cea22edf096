"""Every command once: as JSON, which agrees with the Python function, and as a table."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.files import read_json
from bruit.models.zoo import ZOO
from bruit.seals import seal
from bruit.training.crossval import summary

TINY = (
    "--models",
    "logistic,dnn",
    "--crossval",
    "dnn",
    "--folds",
    "2",
    "--repeats",
    "1",
    "--epochs",
    "2",
    "--workers",
    "1",
)


def as_json(value: object) -> object:
    return json.loads(json.dumps(value))


def test_a_quick_run_that_is_gone_on_with_is_called_one(cli, npy_folder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("bruit.studies.study._report", lambda run, results: None)
    told = "This run is a quick one, of a sample; for the whole study, add --force or choose another --out."
    quick = ("study", npy_folder(), "--out", tmp_path / "run", "--models", "logistic", "--quick")
    assert told not in cli(*quick).out
    assert told in cli("study", "--out", tmp_path / "run", "--resume").out


def test_study(cli, npy_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, run = npy_folder(), tmp_path / "run"
    done = cli("study", data, "--out", run, *TINY, "--json")
    assert done.code == 0
    assert done.json == read_json(run / "results.json")
    assert done.err.splitlines()[0] == "Reading the data"
    assert done.err.splitlines()[1] == (
        "5 trainings, 1 at a time: less than a minute. "
        f"The report grows in {run / 'report.html'}; Ctrl-C stops, --resume goes on."
    )
    assert (run / "report.html").is_file()

    monkeypatch.setattr("bruit.studies.study._report", lambda run, results: None)
    settings = {"models": ("logistic", "dnn"), "crossval": ("dnn",), "folds": 2, "repeats": 1, "epochs": 2}
    same = bruit.study(data, tmp_path / "python", workers=1, **settings)
    for name in ("logistic", "dnn"):
        assert done.json["models"][name]["test"] == same["models"][name]["test"]
    assert done.json["crossval"]["dnn"]["oof"] == same["crossval"]["dnn"]["oof"]
    assert done.json["conclusion"] == same["conclusion"]

    shown = cli("study", data, "--out", run, *TINY, "--resume")
    assert shown.code == 0
    assert shown.out.startswith("data: accuracy\n")
    for line in ("  logistic ", "  dnn ", "200 test images; ← chosen on validation", "dnn, 2 folds: ", "· “"):
        assert line in shown.out
    assert shown.out.count("←") == 2
    assert "['" not in shown.out
    assert shown.out.endswith(f"\nThe report: {run / 'report.html'}\n")
    assert "trainings" not in shown.err

    (run / "results.json").unlink()
    resumed = cli("study", "--out", run, "--resume", "--workers", "1", "--json")
    assert resumed.json["models"] == done.json["models"]
    assert resumed.json["command"] == done.json["command"]
    changed = cli("study", "--out", run, "--resume", "--folds", "5").problem()
    assert "was begun with other settings (--folds was 2, is 5)" in changed


def test_report(cli, finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    (run / "report.html").unlink()
    assert cli("report", run).out == f"The report: {run / 'report.html'}\n"
    assert (run / "report.html").read_bytes() == (finished.run / "report.html").read_bytes()
    assert cli("report", run, "--json").json == {"report": str(run / "report.html")}


def test_train_then_evaluate(cli, npy_folder, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "reader"
    trained = cli("train", "dnn", data, "--out", out, "--epochs", "2", "--seed", "3", "--json")
    assert trained.code == 0
    pair = bruit.load(data)
    fitted = bruit.fit("dnn", pair.train, epochs=2, seed=3)
    assert trained.json["validation"]["n"] == 60
    assert trained.json["temperature"] == pytest.approx(fitted.model.temperature)

    shown = cli("train", "dnn", data, "--out", out, "--epochs", "2", "--seed", "3", "--resume")
    assert shown.out.startswith("dnn: ")
    assert re.search(
        r"of 60 validation images right, trained in [0-9.]+\N{NO-BREAK SPACE}s\. The model is in ", shown.out
    )
    assert shown.out.endswith(f" {out}\n")
    taken = cli("train", "knn", data, "--out", out)
    assert "holds a training already" in taken.problem()
    assert "This takes" not in taken.err
    assert "was begun with another model" in cli("train", "knn", data, "--out", out, "--resume").problem()

    evaluated = cli("evaluate", out, data, "--json")
    names = {"source": str(out), "model": "dnn", "data": "data"}
    assert evaluated.json == names | as_json(bruit.evaluate(fitted.model, pair))
    assert evaluated.err == ""


def test_train_from_a_model(cli, npy_folder, finished, tmp_path: Path) -> None:
    labels = {f"{split}_labels": np.full(n, 7) for split, n in (("train", 600), ("test", 200))}
    labels["train_labels"][::2] = labels["test_labels"][::2] = 12
    data, source = npy_folder(**labels), f"{finished.run}:dnn"
    tuned = cli("train", data, "--from", source, "--out", tmp_path / "mine", "--epochs", "1")
    assert tuned.code == 0
    assert f"It went on from {source} (weights " in tuned.out
    assert "Classes that are new to it: 12.\n" in tuned.out
    assert "dnn: " in tuned.out
    again = cli(
        "train", "dnn", data, "--from", source, "--out", tmp_path / "mine", "--epochs", "1", "--resume", "--json"
    )
    assert again.json["start"]["source"] == source
    assert again.json["start"]["new_classes"] == ["12"]
    other = cli("train", "cnn", data, "--from", source, "--out", tmp_path / "other")
    assert other.problem() == "expected a cnn to start from, received a dnn"
    neither = cli("train", "--out", tmp_path / "other")
    assert neither.code == 2
    assert "missing MODEL" in neither.err


def test_evaluate(cli, finished) -> None:
    figures = cli("evaluate", f"{finished.run}:cnn", finished.data, "--json").json
    assert figures["confusion"] == finished.results["models"]["cnn"]["test"]["confusion"]
    shown = cli("evaluate", finished.run, finished.data)
    assert (shown.code, shown.err) == (0, "")
    winner = finished.results["winner"]
    accuracy = finished.results["models"][winner]["test"]["accuracy"]
    title = f"{finished.run} ({winner}) on digits: {accuracy:.2%} of 200 test images right (95 % interval "
    assert " ".join(shown.out.split()).startswith(title)
    assert len([line for line in shown.out.splitlines() if line.endswith("     20  ")]) == 10


def test_evaluate_says_what_does_not_fit(cli, finished, npy_folder) -> None:
    small = npy_folder(train_images=np.zeros((600, 16, 16), np.uint8), test_images=np.zeros((200, 16, 16), np.uint8))
    expected = "the model reads images of 28 × 28 pixels, the data has 16 × 16; resize them first"
    assert cli("evaluate", finished.run, small).problem() == expected
    expected = f"{finished.run} has no finished model rnn; there are cnn, dnn, knn, logistic"
    assert cli("evaluate", f"{finished.run}:rnn", finished.data).problem() == expected


def test_crossval(cli, npy_folder, tmp_path: Path) -> None:
    data, out = npy_folder(), tmp_path / "folds"
    arguments = ("crossval", "logistic", data, "--folds", "3", "--workers", "1")
    figures = cli(*arguments, "--repeats", "1", "--out", out, "--json").json
    train = bruit.load(data).train
    result = bruit.cross_validate("logistic", train, k=3, repeats=1, workers=1)
    again = as_json(summary(result, train.labels))
    for one in (figures, again):
        for fold in one["folds"]:
            del fold["seconds"]
    assert figures == again
    assert figures["seed_std"] is not None
    assert (out / "oof_probs.npy").is_file()

    assert "This takes" not in cli("crossval", "dnn", data, "--folds", "3", "--out", out).err
    assert cli(*arguments, "--repeats", "1", "--out", out).err == ""  # nothing is left to do

    shown = cli(*arguments)
    assert shown.code == 0
    assert shown.err == "This takes less than a minute.\n"
    assert shown.out.startswith("logistic: 3 folds\n")
    assert f"logistic, 3 folds: {result.mean:.2%} ± {100 * result.std:.2f}" in shown.out


def test_crossval_keeps_its_folder_to_one_question(cli, npy_folder, tmp_path: Path, monkeypatch) -> None:
    data, out = npy_folder(), tmp_path / "folds"
    arguments = (data, "--folds", "2", "--workers", "1", "--out", out, "--json")
    first = cli("crossval", "logistic", *arguments).json
    monkeypatch.setattr("bruit.training.pool.fit_all", lambda *args, **named: pytest.fail("trained again"))
    assert cli("crossval", "logistic", *arguments).json == first
    for changed, what in (
        (("crossval", "knn", *arguments), "another model; repeat it"),
        (("crossval", "logistic", *arguments, "--seed", "1"), "another --seed; repeat it"),
        (("crossval", "logistic", *arguments, "--folds", "3"), "another --folds; repeat it"),
        (
            (
                "crossval",
                "logistic",
                npy_folder(train_labels=np.arange(600) % 7, test_labels=np.zeros(200, int)),
                *arguments[1:],
            ),
            "other data; repeat them",
        ),
    ):
        expected = f"{out} was begun with {what}, or choose another --out"
        assert cli(*changed).problem() == expected


def test_compare(cli, finished, tmp_path: Path) -> None:
    assert cli("compare", finished.run, "--json").json == as_json(bruit.compare([finished.run]))
    shown = cli("compare", finished.run)
    assert (shown.code, shown.err) == (0, "")
    assert "How far " in shown.out

    other = tmp_path / "other"
    shutil.copytree(finished.run, other, ignore=shutil.ignore_patterns("figures", "crossval"))
    results = read_json(other / "results.json")
    results["dataset"]["test"]["fingerprint"] = "other"
    (other / "results.json").write_text(json.dumps(results))
    seal(other, ["results.json"])
    assert cli("compare", finished.run, other).out.endswith(
        "The runs were tested on different images: their models cannot be compared image by image.\n"
    )


def test_one_run_of_one_model_is_compared_with_nothing(cli, npy_folder, tmp_path: Path) -> None:
    run = tmp_path / "run"
    bruit.study(bruit.load(npy_folder()), run, models=("knn",), crossval=(), workers=1)
    shown = cli("compare", run)
    assert shown.out.endswith("← chosen on validation in its run\n")


def test_export(cli, finished, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "dense.onnx"
    told = cli("export", f"{finished.run}:dnn", "--format", "onnx", "--out", path, "--json").json
    assert told["file"] == str(path)
    assert told["bytes"] == path.stat().st_size
    assert cli("export", f"{finished.run}:dnn", "--out", path).problem() == (
        f"{path} is there already; add --force to replace it, or choose another --out"
    )
    shown = cli("export", f"{finished.run}:dnn", "--out", path, "--force")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"dnn: {told['bytes'] / 1e6:.1f} MB, probabilities within ")
    images = bruit.load(finished.data).test.images
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    given = session.run(None, {"images": images})[0]
    stored = np.load(finished.run / "models" / "dnn" / "test_probs.npy")
    assert (given.argmax(axis=1) == stored.argmax(axis=1)).mean() > 0.97


def test_a_file_of_another_program_is_a_model(cli, finished, tmp_path: Path) -> None:
    path, run = tmp_path / "reader.keras", tmp_path / "run"
    told = cli("export", f"{finished.run}:logistic", "--out", path, "--json").json
    assert (told["format"], told["model"]) == ("keras", "logistic")
    figures = cli("evaluate", path, finished.data, "--json").json
    assert figures["confusion"] == finished.results["models"]["logistic"]["test"]["confusion"]
    one = ("--models", "logistic", "--crossval", "none", "--with", path)
    shown = cli("study", finished.data, "--out", run, *one)
    assert shown.code == 0
    assert "reader.keras" in shown.out
    assert "logistic ←" in shown.out
    assert "“reader.keras”, brought from outside, reads " in " ".join(shown.out.split())
    results = cli("study", "--out", run, "--resume", "--json").json
    assert results["models"]["reader.keras"]["outside"]["format"] == "keras"
    assert results["models"]["reader.keras"]["test"]["confusion"] == figures["confusion"]
    told = cli("export", f"{run}:reader.keras", "--out", tmp_path / "again.onnx").problem()
    assert told.endswith("was not trained by bruit, which exports its own models alone")


def test_what_a_file_does_not_say_is_asked_for(cli, finished, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "mine.onnx"
    cli("export", f"{finished.run}:dnn", "--out", path)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    model.producer_name = "another"
    path.write_bytes(model.SerializeToString())
    told = cli("evaluate", path, finished.data).problem()
    assert told.startswith(f"{path} does not say which pixels it takes; add --scale, one of 0-255, 0-1, -1-1, mnist")
    figures = cli("evaluate", path, finished.data, "--scale", "0-255", "--json").json
    stored = finished.results["models"]["dnn"]["test"]
    assert figures["accuracy"] == pytest.approx(stored["accuracy"], abs=0.02)
    wrong = cli("evaluate", path, finished.data, "--scale", "-1-1", "--json").json
    assert wrong["accuracy"] < figures["accuracy"]
    letters = cli("evaluate", path, finished.data, "--scale", "0-255", "--classes", "a,b,c,d,e,f,g,h,i,j").problem()
    assert letters.startswith("the model knows the classes a, b, c, d, e, f, g, h, i, j; the data also has 0, 1")
    assert cli("study", finished.data, "--out", tmp_path / "run", "--with", path).problem() == told
    assert not (tmp_path / "run").exists()


def test_models(cli) -> None:
    listed = cli("models", "--json").json
    assert [model["name"] for model in listed] == list(ZOO)
    assert listed[-1]["recipe"]["epochs"] == ZOO["cnn-plus"].recipe.epochs
    shown = cli("models")
    assert shown.code == 0
    for name in ZOO:
        assert f"  {name} " in shown.out
