"""What the checks say, in words."""

from __future__ import annotations

import json
import re

import pytest

from bruit.data import findings
from bruit.data.dataset import DataPair, Example, Finding
from bruit.data.findings import as_dict, find, graded, said, sentences
from bruit.data.formats import pair_from_arrays, unlabelled
from bruit.data.raw import grey_finding, passed_over

CODES = findings._sentences(str)


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_is_whole_and_uses_only_figures(code: str) -> None:
    message, remedy = CODES[code]
    names = set(re.findall(r"%\((\w+)\)s", message + remedy))
    figure = dict.fromkeys(names, 3)
    shown, advice = sentences(code, figure)
    for text in filter(None, (shown, advice)):
        assert text.endswith(".")
        assert "%(" not in text
    assert names or code in ("imbalance",)
    if code not in ("range", "alike", "scale", "rounded", "made-grey", "set-aside"):
        assert advice


def test_figures_are_written_as_what_they_are() -> None:
    finding = find("blank", "warning", "train", images=1200, total=60_000, share=0.02)
    assert finding.message == "1,200 of 60,000 images (2.00%) are blank: their pixels all have nearly the same value."
    drift = find("drift", "warning", "both", accuracy=0.75, n=2000, p=1e-20)
    assert "75.00% of 2,000 cases (guessing: 50%; p < 0.001)" in drift.message.replace("\u00a0", " ")
    assert find("missing-class", "error", "train", classes="a\x1bb").message == "No image at all of class a\ufffdb."


def test_a_little_is_not_none() -> None:
    finding = find("blank", "info", "train", images=2, total=60_000, share=2 / 60_000)
    assert finding.message.startswith("2 of 60,000 images (<0.01%)")


def test_other_languages_write_numbers_their_way() -> None:
    stored = as_dict(find("blank", "warning", "train", images=1200, total=60_000, share=0.02))
    assert said(stored) == (stored["message"], stored["remedy"])
    message, remedy = said(stored, "fr")
    assert "2,00" in message
    assert remedy


@pytest.mark.parametrize("code", ["scale-mismatch", "of tomorrow"])
def test_what_has_no_words_here_is_said_as_it_was_stored(code: str) -> None:
    # No sentence goes with this code, or not with these figures.
    stored = {"code": code, "severity": "info", "split": "both", "message": "So it is.", "figure": {"n": 1}}
    assert said(stored, "fr") == ("So it is.", "")


def test_what_was_found_while_reading_can_be_said_from_its_code_and_figures(digits: DataPair) -> None:
    images = digits.train.images // 4 / 255
    images[3, 14, 14] = 0.2003
    pair = pair_from_arrays(images, digits.train.labels, digits.test.images, digits.test.labels)
    one_split = pair_from_arrays(images, digits.train.labels, digits.test.images)
    others = [passed_over(["a", "b"]), grey_finding(2, 9), *unlabelled(images).findings]
    found = [*pair.findings, *one_split.findings, *others]
    assert {finding.code for finding in found} >= {
        *("scale", "scale-mismatch", "rounded", "dim", "test-unlabelled", "not-used", "made-grey", "unlabelled"),
    }
    for finding in found:
        assert sentences(finding.code, as_dict(finding)["figure"]) == (finding.message, finding.remedy)


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        find("blanc", "info", "train")


def test_as_plain_values() -> None:
    examples = (Example("test", i, "4") for i in range(20))
    finding = find("blank", "error", "test", examples, images=20, total=20, share=1.0)
    assert len(finding.examples) == 12
    plain = json.loads(json.dumps(as_dict(finding)))
    assert plain["examples"][11] == {"split": "test", "index": 11, "note": "4"}
    assert plain["figure"] == {"images": 20, "total": 20, "share": 1.0}
    assert as_dict(Finding("old", "info", "train", "Said before."))["examples"] == []


@pytest.mark.parametrize(("share", "expected"), [(0.0, "info"), (0.009, "info"), (0.01, "warning"), (0.5, "error")])
def test_how_bad(share: float, expected: str) -> None:
    assert graded(share, warning=0.01, error=0.5) == expected
