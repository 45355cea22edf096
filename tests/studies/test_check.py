"""The data doctor from Python, and within a study."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.files import read_json
from bruit.studies import check as check_module

SCHEMA = json.loads((files("bruit.studies") / "results.schema.json").read_text("utf-8"))


@pytest.fixture
def quick_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that learns in a moment judges the labels."""
    monkeypatch.setattr(check_module, "LABEL_MODEL", "dnn")


def test_a_checkup_says_what_was_found(digits: DataPair) -> None:
    pair = replace(digits, test=replace(digits.test, images=255 - digits.test.images))
    checkup = bruit.check(pair)
    assert (checkup.name, checkup.n, checkup.suspects) == ("digits", {"train": 600, "test": 200}, None)
    assert checkup.findings[0].code == "polarity-mismatch"
    assert checkup.seconds > 0
    assert {finding.severity for finding in checkup.at_least("error")} == {"error"}
    assert checkup.at_least("info") == list(checkup.findings)
    plain = json.loads(json.dumps(checkup.as_dict(), allow_nan=False))
    assert plain.keys() == {"name", "n", "seconds", "findings"}
    for finding in plain["findings"]:
        jsonschema.validate(finding, {"$defs": SCHEMA["$defs"], "$ref": "#/$defs/finding"})


def test_planted_labels_are_suspected(few: DataPair, quick_models: None) -> None:
    wrong = {"train": np.arange(0, 120, 20), "test": np.arange(5, 60, 20)}
    parts = {}
    for split, index in wrong.items():
        dataset = getattr(few, split)
        labels = dataset.labels.copy()
        labels[index] = (labels[index] + 1) % 3
        parts[split] = replace(dataset, labels=labels)
    checkup = bruit.check(DataPair("planted", parts["train"], parts["test"]), labels=True, workers=1)
    assert checkup.suspects is not None
    for split, index in wrong.items():
        suspects = [example for example in checkup.suspects if example.split == split]
        surest = [example for example in suspects[: len(index)] if example.index in index]
        assert len(surest) >= 0.6 * len(index)
        for example in surest:
            given, better = example.note.split(" → ")
            assert int(given) == (int(better) + 1) % 3
        (finding,) = [
            one for one in checkup.findings if one.code in ("labels", "labels-doubtful") and one.split == split
        ]
        n_wrong = finding.figure["images"]
        assert len(index) <= n_wrong <= len(suspects) == min(100, len(parts[split]))
        assert finding.examples == tuple(suspects[: min(12, n_wrong)])
    assert len(checkup.as_dict()["suspects"]) == len(checkup.suspects)


def test_networks_learn_enough_of_a_few_images_to_judge_them(few: DataPair, quick_models: None) -> None:
    checkup = bruit.check(few, labels=True, workers=1)
    assert "labels-doubtful" not in {finding.code for finding in checkup.findings}
    wrong = sum(int(one.figure["images"]) for one in checkup.findings if one.code == "labels")
    assert wrong <= 0.1 * (len(few.train) + len(few.test))


def test_networks_that_cannot_read_call_no_label_wrong(few: DataPair, quick_models: None) -> None:
    rng = np.random.default_rng(0)
    train = replace(few.train, labels=rng.permutation(few.train.labels))
    checkup = bruit.check(replace(few, train=train), labels=True, workers=1)
    (finding,) = [one for one in checkup.findings if (one.code, one.split) == ("labels-doubtful", "train")]
    assert finding.severity == "warning"
    assert finding.figure["trained"] == 135
    assert finding.figure["share"] > 0.4
    # Networks that cannot read are not believed of the other split either.
    assert "labels" not in {one.code for one in checkup.findings}


def test_a_study_keeps_what_its_doctor_found_with_pictures(finished, digits: DataPair) -> None:
    findings = finished.results["dataset"]["findings"]
    assert findings == read_json(finished.run / "findings.json")["findings"]
    assert findings == json.loads(json.dumps(bruit.check(finished.data).as_dict()["findings"]))
    with np.load(finished.run / "samples.npz") as samples:
        for place, finding in enumerate(findings):
            assert (f"findings/{place}" in samples) == bool(finding["examples"])
            for image, example in zip(samples.get(f"findings/{place}", ()), finding["examples"], strict=True):
                split = digits.train if example["split"] == "train" else digits.test
                np.testing.assert_array_equal(image, split.images[example["index"]])


def test_pictures_of_findings_are_in_the_first_report_and_in_the_last(
    tiny, few: DataPair, same_results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = few.train.images[:3].copy()
    copies[:, 0, 0] = 9
    images = np.concatenate([few.test.images[3:], copies])
    pair = replace(few, test=replace(few.test, images=images))
    kept = []

    def look(run: Path, results: dict) -> None:
        with np.load(run / "samples.npz") as samples:
            kept.append({name: samples[name] for name in samples if name.startswith("findings/")})

    monkeypatch.setattr("bruit.studies.study._report", look)
    results = tiny(pair)
    codes = [finding["code"] for finding in results["dataset"]["findings"]]
    place = f"findings/{codes.index('near-repeated')}"
    assert len(kept) > 2
    for pictures in kept:
        assert pictures.keys() == kept[0].keys()
        np.testing.assert_array_equal(pictures[place][:2], [few.train.images[2], copies[2]])
    same_results(tiny(pair, resume=True), results)
    np.testing.assert_array_equal(kept[-1][place], kept[0][place])
