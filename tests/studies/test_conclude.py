"""A study's conclusion about models that were trained one by one."""

from __future__ import annotations

import pytest

import bruit


@pytest.fixture(scope="module")
def fits(digits) -> list[bruit.Fit]:
    return [bruit.fit("dnn", digits.train, digits.test, epochs=1), bruit.fit("logistic", digits.train, digits.test)]


def test_the_winner_is_chosen_on_validation_and_told_with_its_test_figures(fits, digits) -> None:
    even, odd = digits.test.subset(slice(0, None, 2)), digits.test.subset(slice(1, None, 2))
    told = bruit.conclude(fits, even, odd, lang="en")
    best = max(fits, key=lambda fit: bruit.evaluate(fit.model, even)["accuracy"])
    title = {one["name"]: one["title"] for one in bruit.describe_zoo()}[best.model.name]
    assert told[0].startswith(
        f"“{title}” reads {bruit.evaluate(best.model, odd)['accuracy']:.2%} of the 100 test images"
    )
    assert "McNemar" in told[0]


def test_one_model_alone_is_compared_with_nothing(fits, digits) -> None:
    assert "the only model" in bruit.conclude(fits[:1], digits.test, digits.test, lang="en")[0]


def test_a_cross_validation_says_whether_the_sample_matters(fits, digits) -> None:
    divided = bruit.cross_validate("logistic", digits.train, k=3, repeats=1, workers=1)
    told = bruit.conclude(fits, digits.test, digits.test, crossval=(divided, digits.train), lang="en")
    (about,) = (sentence for sentence in told if "Trained 3 times" in sentence)
    assert f"reads {divided.mean:.2%} of the held-out images" in about
    assert "another random seed on the same images gives" in about


def test_each_model_is_there_once(fits, digits, refused) -> None:
    for wrong, received in (([], "none"), ([fits[0], fits[0]], "dnn, dnn")):
        with refused(bruit.ConfigError, f"expected one fit of each model, received {received}"):
            bruit.conclude(wrong, digits.test, digits.test)
