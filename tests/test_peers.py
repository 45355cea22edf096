"""benchmarks/peers.py without Keras: which trainings it does and refuses, what it makes of them, and bruit's side."""

import argparse
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import keras_networks
import keras_peer
import peers
import peers_figure


def run(network="cnn", seed=0, accuracies=(0.5, 0.9), pace=10.0, **settings):
    history = [
        {"epoch": epoch, "seconds": pace * epoch, "validation_accuracy": accuracy}
        for epoch, accuracy in enumerate(accuracies, 1)
    ]
    last = accuracies[-1]
    return {
        "settings": {"network": network, "seed": seed, "images": None, **settings},
        "parameters": 1234,
        "history": history,
        "seconds": history[-1]["seconds"],
        "validation_accuracy": last,
        "test_accuracy": last - 0.01,
    }


def left(folder, run):
    path = peers.file_of(folder, (run["settings"]["network"], run["settings"]["seed"]))
    path.write_text(json.dumps(run), encoding="utf-8")
    return path


def ended(call, *args):
    """The one line with which the program ends."""
    with pytest.raises(SystemExit) as end:
        call(*args)
    assert "\n" not in str(end.value)
    return str(end.value)


# Which trainings


def test_every_network_has_a_training_before_any_has_two():
    assert peers.in_order(["a-dnn", "cnn"], 2) == [("a-dnn", 0), ("cnn", 0), ("a-dnn", 1), ("cnn", 1)]


def test_what_is_finished_is_not_trained_again(tmp_path):
    done = run("cnn", 0)
    left(tmp_path, done)
    settings = {("cnn", 0): done["settings"], ("dnn", 0): run("dnn", 0)["settings"], ("cnn", 1): run()["settings"]}
    trained = []

    def train(training):
        trained.append(training)
        return {"history": []}

    peers.train_all(argparse.Namespace(out=tmp_path), settings, train)
    assert trained == [("dnn", 0), ("cnn", 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn-0.json", "cnn-1.json", "dnn-0.json"]
    peers.train_all(argparse.Namespace(out=tmp_path), settings, train)
    assert len(trained) == 2


def test_a_file_of_other_settings_is_refused_before_anything_is_trained(tmp_path):
    path = left(tmp_path, run("cnn", 1, epochs=2, versions={"torch": "1"}))
    settings = {("cnn", 0): {}, ("cnn", 1): run("cnn", 1, epochs=3, versions={"torch": "2"})["settings"]}
    said = ended(peers.train_all, argparse.Namespace(out=tmp_path), settings, lambda training: pytest.fail("trained"))
    assert said == f"{path} is of a training with other epochs, versions; remove it, or choose another --out"


def test_settings_are_the_same_after_they_have_been_written(tmp_path):
    settings = {**run("cnn-plus")["settings"], "recipe": peers.recipe_of("cnn-plus")}
    assert peers.is_done(left(tmp_path, run(**settings)), settings)


def test_a_damaged_file_and_a_foreign_one_are_refused(tmp_path):
    path = tmp_path / "cnn-0.json"
    for content in ("{", "[]", "{}"):
        path.write_text(content)
        assert str(path) in ended(peers.is_done, path, {})


def test_a_python_without_keras_is_refused(tmp_path):
    assert "has no Keras" in ended(peers.versions, ["a-dnn"], str(tmp_path / "python"))
    assert peers.versions(["cnn"], str(tmp_path / "python"))["cnn"].keys() == {"bruit", "torch", "numpy"}


def test_networks_end_in_the_ten_classes_and_have_names_of_their_own():
    assert not keras_networks.NETWORKS.keys() & set(peers.BRUIT)
    assert all(network.layers.endswith(", softmax 10") for network in keras_networks.NETWORKS.values())
    assert keras_peer.EPOCHS == 15


# What is made of them


def test_a_training_that_stops_early_stays_at_its_end():
    line = peers_figure.curve([run(accuracies=(0.5, 0.7)), run(accuracies=(0.6, 0.8, 0.9), pace=20.0)])
    assert line["seconds"] == pytest.approx([15, 30, 40])
    assert line["mean"] == pytest.approx([0.55, 0.75, 0.8])
    assert (list(line["low"]), list(line["high"])) == ([0.5, 0.7, 0.7], [0.6, 0.8, 0.9])


def test_the_table_has_means_and_spreads():
    runs = {
        "a-dnn": [run("a-dnn", accuracies=(0.8,))],
        "cnn": [run(accuracies=(0.5, 0.9)), run(accuracies=(0.92,), pace=40.0)],
    }
    _, _, peer, own = peers_figure.table(runs).splitlines()
    assert peer == "| notebook A, DNN | 1,234 | 1 | 79.00 | 80.00 | 10.0 | 1 |"
    assert own == "| bruit cnn | 1,234 | 2 | 90.00 ± 1.41 | 91.00 ± 1.41 | 30.0 (20.0–40.0) | 1–2 |"


def test_without_the_test_set_the_table_has_a_dash():
    untested = {key: value for key, value in run().items() if key != "test_accuracy"}
    assert "| – | 90.00 |" in peers_figure.table({"cnn": [untested]})


def test_what_cannot_be_compared_is_not_drawn(tmp_path):
    left(tmp_path, run("cnn", 0, machine="one"))
    left(tmp_path, run("dnn", 0, machine="another"))
    said = ended(peers.runs_there, tmp_path, ["dnn", "cnn"], 1)
    assert said == "these trainings cannot be compared: they differ in their machine"
    left(tmp_path, run("dnn", 0, machine="one", recipe={"epochs": 1}))
    left(tmp_path, run("dnn", 1, machine="one", recipe={"epochs": 2}))
    said = ended(peers.runs_there, tmp_path, ["dnn", "cnn"], 2)
    assert said == "these trainings cannot be compared: those of dnn differ in their recipe"
    assert list(peers.runs_there(tmp_path, ["cnn", "knn"], 1)) == ["cnn"]


def test_the_figure_names_every_line_on_a_white_ground(tmp_path):
    runs = {network: [run(network, 0), run(network, 1, (0.6, 1.0))] for network in peers.NETWORKS}
    figure = peers_figure.draw(runs)
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale(), ax.yaxis_inverted()) == ("log", "log", True)
    names = [text.get_text() for text in ax.texts]
    assert sorted(names) == sorted(peers_figure.label(network).removeprefix("notebook ") for network in runs)
    assert "mean of 2 seeds" in ax.get_title("left")
    peers_figure.save(figure, tmp_path / "peers.svg")
    svg = (tmp_path / "peers.svg").read_text()
    assert 'height="100%" fill="white"' in svg
    assert "A, optimised CNN" in svg


# bruit's side


@pytest.mark.parametrize("no_test", [False, True])
def test_bruit_looks_at_the_test_set_once_or_not_at_all(npy_folder, tmp_path, no_test):
    log = tmp_path / "log.jsonl"
    asked = {"data": npy_folder(), "bruit_side": "dnn", "bruit_seed": 1, "images": 200, "epochs": 2}
    result = peers.bruit_side(argparse.Namespace(**asked, no_test=no_test, test_log=log))
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert result["history"][-1]["seconds"] == pytest.approx(result["seconds"])
    # The zoo's dnn keeps its best epoch.
    assert result["validation_accuracy"] == pytest.approx(max(row["validation_accuracy"] for row in result["history"]))
    assert ("test_accuracy" in result, log.exists()) == (not no_test, not no_test)
    if not no_test:
        assert [json.loads(line)["n_evaluations"] for line in log.read_text().splitlines()] == [1]
