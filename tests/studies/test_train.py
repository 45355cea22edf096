"""One training into a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import BruitError, ConfigError, RunError
from bruit.files import read_json, write_json
from bruit.studies.train import train
from bruit.training.loop import Loop
from bruit.training.start import digest


def test_a_training_leaves_a_model_that_agrees_with_fit(few: DataPair, tmp_path: Path) -> None:
    summary = train("dnn", few.train, tmp_path / "reader", epochs=2, seed=3)
    fitted = bruit.fit("dnn", few.train, epochs=2, seed=3)
    model = bruit.load_model(tmp_path / "reader")
    expected = fitted.model.probabilities(few.test.images)
    assert (model.probabilities(few.test.images) == expected).all()
    assert summary["name"] == "dnn"
    assert summary["train"]["epochs"] == 2
    assert summary["temperature"] == pytest.approx(fitted.model.temperature)
    assert summary["validation"]["n"] == len(fitted.validation_probabilities)


def test_a_training_that_was_stopped_goes_on(few: DataPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train("dnn", few.train, tmp_path / "whole", epochs=3)
    checkpoint = Loop.checkpoint

    def stop(loop: Loop) -> None:
        checkpoint(loop)
        if len(loop.members[0].history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Loop, "checkpoint", stop)
    with pytest.raises(KeyboardInterrupt):
        train("dnn", few.train, tmp_path / "part", epochs=3)
    monkeypatch.undo()
    assert not (tmp_path / "part" / "config.json").exists()
    resumed = train("dnn", few.train, tmp_path / "part", epochs=3, resume=True)
    assert resumed["validation"] == whole["validation"]
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "part")]
    assert weights[0] == weights[1]


def test_a_finished_training_is_resumed_at_once(few: DataPair, tmp_path: Path, monkeypatch) -> None:
    first = train("logistic", few.train, tmp_path)
    monkeypatch.setattr("bruit.studies.train.fit", lambda *args, **named: pytest.fail("trained again"))
    assert train("logistic", few.train, tmp_path, resume=True) == first


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"name": "knn"}, "another model; repeat it"),
        ({"seed": 1}, "another --seed; repeat it"),
        ({"epochs": 5}, "another --epochs; repeat it"),
        ({"other data": True}, "other data; repeat them"),
    ],
)
def test_resume_refuses_another_training(
    few: DataPair, tmp_path: Path, changed: dict[str, Any], what: str, refused
) -> None:
    train("logistic", few.train, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    data = few.test if changed.pop("other data", False) else few.train
    name = changed.pop("name", "logistic")
    with refused(RunError, f"{tmp_path} was begun with {what}, or choose another --out"):
        train(name, data, tmp_path, resume=True, **changed)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_training_is_replaced_by_force_only(few: DataPair, tmp_path: Path, refused) -> None:
    train("logistic", few.train, tmp_path)
    message = f"{tmp_path} holds a training already; add --resume to go on with it, --force to replace it"
    with refused(RunError, message):
        train("knn", few.train, tmp_path)
    train("knn", few.train, tmp_path, force=True)
    assert bruit.load_model(tmp_path).name == "knn"


def test_replacing_that_is_cut_short_leaves_nothing_of_the_old_model(
    few: DataPair, tmp_path: Path, monkeypatch
) -> None:
    train("logistic", few.train, tmp_path)

    def stop(path: Path, value: Any) -> None:
        write_json(path, value)
        raise KeyboardInterrupt

    monkeypatch.setattr("bruit.training.claim.write_json", stop)
    with pytest.raises(KeyboardInterrupt):
        train("knn", few.train, tmp_path, force=True)
    monkeypatch.undo()
    train("knn", few.train, tmp_path, resume=True)
    assert bruit.load_model(tmp_path).name == "knn"


@pytest.mark.parametrize("force", [False, True])
def test_other_files_are_never_touched(few: DataPair, tmp_path: Path, refused, force: bool) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with refused(RunError, f"{tmp_path} holds other files (thesis.txt); give --out an empty or a new folder"):
        train("knn", few.train, tmp_path, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(few: DataPair, tmp_path: Path, refused) -> None:
    (tmp_path / "out").write_text("mine")
    with refused(RunError, f"{tmp_path / 'out'} is a file; give --out a folder"):
        train("knn", few.train, tmp_path / "out")


def test_an_unknown_model_leaves_nothing(few: DataPair, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model is called rnn"):
        train("rnn", few.train, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_model_is_trained_again(few: DataPair, tmp_path: Path) -> None:
    first = train("dnn", few.train, tmp_path, epochs=1)
    weights = tmp_path / "weights.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-10])
    again = train("dnn", few.train, tmp_path, epochs=1, resume=True)
    assert again["validation"] == first["validation"]
    assert weights.read_bytes() == before


@pytest.fixture(scope="module")
def started(few: DataPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model to start from."""
    out = tmp_path_factory.mktemp("started") / "reader"
    train("dnn", few.train, out, epochs=3)
    return out


def test_fine_tuning_says_what_it_started_from(few: DataPair, started: Path, tmp_path: Path) -> None:
    told = train(None, few.train, tmp_path / "mine", start=started, epochs=1)
    assert told["name"] == "dnn"
    begun = read_json(tmp_path / "mine" / "config.json")["start"]
    assert told["start"] == begun
    assert (begun["source"], begun["model"], begun["n"]) == (str(started), "dnn", 108)
    assert begun["digest"] == digest(bruit.load_model(started))
    fitted = bruit.fit("dnn", few.train, epochs=1, start=bruit.load_model(started))
    expected = fitted.model.probabilities(few.test.images)
    assert (bruit.load_model(tmp_path / "mine").probabilities(few.test.images) == expected).all()
    assert read_json(started / "config.json").get("start") is None


def test_fine_tuning_is_resumed_from_the_same_start_only(few: DataPair, started: Path, tmp_path: Path, refused) -> None:
    class Killed(BaseException):
        pass

    def kill(progress: Any) -> None:
        if progress.epoch == 3:
            raise Killed

    out, settings = tmp_path / "mine", {"start": started, "epochs": 3}
    whole = train("dnn", few.train, tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        train("dnn", few.train, out, on_progress=kill, **settings)
    another = f"{out} was begun with another --from; repeat it, or choose another --out"
    train("dnn", few.train, tmp_path / "other", epochs=1, seed=1)
    for start in (None, tmp_path / "other"):
        with refused(RunError, another):
            train("dnn", few.train, out, resume=True, epochs=3, start=start)
    resumed = train("dnn", few.train, out, resume=True, **settings)
    assert resumed["validation"] == whole["validation"]
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (out, tmp_path / "whole")]
    assert weights[0] == weights[1]


def test_what_cannot_be_started_from_leaves_nothing(few: DataPair, started: Path, finished, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name, start, message in (
        ("cnn", started, "expected a cnn to start from, received a dnn"),
        (None, f"{finished.run}:logistic", "only a network of the zoo can be fine-tuned, received logistic"),
        ("cnn", "robust", "expected a cnn to start from, received a cnn-plus"),
        (None, tmp_path / "nowhere", "no folder or model is called"),
        (None, None, "expected a model's name, or a model to start from"),
    ):
        with pytest.raises(BruitError, match=message):
            train(name, few.train, out, start=start)
    assert not out.exists()


def test_a_start_is_not_replaced_by_what_goes_on_from_it(few: DataPair, started: Path, refused) -> None:
    before = {path: path.read_bytes() for path in started.iterdir()}
    expected = f"{started} is the model to start from, which --force would delete; choose another --out"
    with refused(RunError, expected):
        train(None, few.train, started, start=started, force=True)
    assert {path: path.read_bytes() for path in started.iterdir()} == before


def test_it_says_that_it_begins_only_when_it_does(few: DataPair, tmp_path: Path) -> None:
    begun: list[str] = []
    train("logistic", few.train, tmp_path, on_begin=lambda: begun.append("first"))
    train("logistic", few.train, tmp_path, resume=True, on_begin=lambda: begun.append("finished"))
    with pytest.raises(RunError, match="holds a training already"):
        train("logistic", few.train, tmp_path, on_begin=lambda: begun.append("refused"))
    assert begun == ["first"]


def test_two_trainings_do_not_share_a_folder(few: DataPair, tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(RunError, match="another study or training is writing into"):
            train("knn", few.train, tmp_path, force=True)

    train("logistic", few.train, tmp_path, on_begin=second)
    assert bruit.load_model(tmp_path).name == "logistic"


def test_numbers_may_be_of_numpy(few: DataPair, tmp_path: Path, refused) -> None:
    train("dnn", few.train, tmp_path, seed=np.int64(3), epochs=np.int64(1))
    train("dnn", few.train, tmp_path, seed=3, epochs=1, resume=True)
    with refused(ConfigError, "expected 0 or more as seed, received -1"):
        train("dnn", few.train, tmp_path / "other", seed=-1)
    assert not (tmp_path / "other").exists()


def test_a_model_keeps_what_it_has_seen(few: DataPair, tmp_path: Path) -> None:
    train("dnn", few.train, tmp_path / "first", epochs=1, seen="mine (mnist+fog)")
    first = bruit.load_model(tmp_path / "first")
    assert (first.seen, first.augmented) == (("mine (mnist+fog)",), False)
    train(None, few.train, tmp_path / "second", start=first, epochs=1, seen="few")
    assert bruit.load_model(tmp_path / "second").seen == ("mine (mnist+fog)", "few")
    unknown = bruit.fit("dnn-plus", few.train, epochs=1).model
    assert (unknown.seen, unknown.augmented) == ((), True)
    train(None, few.train, tmp_path / "third", start=unknown, epochs=1, seen="few")
    third = bruit.load_model(tmp_path / "third")
    assert (third.seen, third.augmented) == (("unknown", "few"), True)
