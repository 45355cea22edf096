"""What the page is told: looks, curves, kinds of noise, words, and the description of the interface."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from pictures import png

from bruit.noise.registry import CORRUPTIONS, corrupt
from bruit.serving.app import PATHS
from bruit.serving.language import language_of
from bruit.serving.words import WORDS, words

PNG = {"content-type": "image/png"}


def seen(digit: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(digit["seen"]), np.uint8).reshape(28, 28)


def test_a_look_without_noise_is_the_picture(client, some_digits) -> None:
    look = client.post("/v1/look", content=png(some_digits[3]), headers=PNG).json()
    assert (look["text"], look["shape"]) == ("3", [28, 28])
    (digit,) = look["digits"]
    assert (digit["label"], digit["box"]) == ("3", None)
    assert np.array_equal(seen(digit), some_digits[3])
    assert np.argmax(digit["believed"]["robust"]) == 3
    assert sum(digit["believed"]["robust"]) == pytest.approx(1, abs=1e-3)


def test_noise_falls_on_what_the_models_see(client, some_digits) -> None:
    for name, severity, seed in (("fog", 3, 0), ("impulse_noise", 5, 7)):
        query = f"noise={name}&severity={severity}&seed={seed}"
        look = client.post(f"/v1/look?{query}", content=png(some_digits[3]), headers=PNG).json()
        assert np.array_equal(seen(look["digits"][0]), corrupt(some_digits[3][None], name, severity, seed)[0])
    none = client.post("/v1/look?noise=fog&severity=0", content=png(some_digits[3]), headers=PNG).json()
    assert np.array_equal(seen(none["digits"][0]), some_digits[3])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_noise_can_be_looked_at(client, drawing, name: str) -> None:
    answer = client.post(f"/v1/look?noise={name}&severity=2", content=drawing, headers=PNG)
    assert answer.status_code == 200
    assert answer.json()["digits"][0]["label"] == "7"


def test_a_curve_begins_with_no_noise(client, some_digits) -> None:
    curve = client.post("/v1/curve?noise=gaussian_noise&draws=5", content=png(some_digits[3]), headers=PNG).json()
    assert (curve["label"], curve["severities"], curve["draws"]) == ("3", [0, 1, 2, 3, 4, 5], 5)
    held = curve["models"]["robust"]
    assert len(held["confidence"]) == len(held["right"]) == 6
    look = client.post("/v1/look", content=png(some_digits[3]), headers=PNG).json()
    assert held["confidence"][0] == pytest.approx(look["digits"][0]["believed"]["robust"][3], abs=1e-3)
    wrong = client.post("/v1/curve?noise=stripe&label=8&draws=2", content=png(some_digits[3]), headers=PNG).json()
    assert (wrong["label"], wrong["severities"]) == ("8", [0, 1])
    assert wrong["models"]["robust"]["confidence"][0] < 0.1
    unknown = client.post("/v1/curve?noise=stripe&label=x&draws=2", content=png(some_digits[3]), headers=PNG).json()
    assert unknown["models"]["robust"] is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/look?noise=fogg", "did you mean fog?"),
        ("/v1/look?noise=fog&severity=6", "expected severity as a number of 0 to 5, received 6"),
        ("/v1/look?colour=red", "there is no option colour; there are noise, severity, seed"),
        ("/v1/curve", "expected the name of a noise"),
        ("/v1/curve?noise=fog&digit=7", "there is no digit 7 in the picture"),
        ("/v1/curve?noise=fog&draws=0", "expected draws as a number of 1 to 50, received 0"),
    ],
)
def test_looks_that_make_no_sense_are_refused(client, some_digits, path: str, said: str) -> None:
    answer = client.post(path, content=png(some_digits[3]), headers=PNG)
    assert (answer.status_code, said in answer.json()["error"]) == (422, True), answer.text


def test_a_picture_without_a_digit_cannot_be_looked_at(client) -> None:
    answer = client.post("/v1/look", content=png(np.full((50, 50), 255, np.uint8)), headers=PNG)
    assert (answer.json()["digits"], answer.json()["problem"]) == ([], "no digit found")
    answer = client.post("/v1/curve?noise=fog", content=png(np.full((50, 50), 255, np.uint8)), headers=PNG)
    assert (answer.status_code, answer.json()["error"]) == (422, "no digit found")


def test_every_noise_is_listed_in_two_languages(client) -> None:
    english, french = (client.get(f"/v1/noises?lang={lang}").json() for lang in ("en", "fr"))
    assert [one["name"] for one in english] == [one["name"] for one in french] == list(CORRUPTIONS)
    assert {one["name"]: one["summary"] for one in english}["impulse_noise"] == "salt and pepper"
    assert {one["name"]: one["summary"] for one in french}["impulse_noise"] == "poivre et sel"


def test_the_page_speaks_two_languages(client) -> None:
    assert client.get("/v1/words").json() == WORDS
    french = client.get("/v1/words", headers={"accept-language": "fr"}).json()
    assert french == words("fr")
    for name, text in WORDS.items():
        assert set(re.findall(r"\{\w+\}", french[name])) == set(re.findall(r"\{\w+\}", text)), name
    for lang, heading in (("en", "Draw a digit"), ("fr", "Dessinez un chiffre")):
        for page in (client.get(f"/?lang={lang}"), client.get("/", headers={"accept-language": lang})):
            assert f'<html lang="{lang}">' in page.text
            assert heading in page.text
            assert "{{" not in page.text


def test_the_page_loads_nothing_from_elsewhere(client) -> None:
    for path in ("/", "/docs", "/app.js", "/ask.js", "/draw.js", "/show.js", "/docs.js", "/style.css", "/icon.svg"):
        text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|\bstyle=|<style|<script(?! type=.module. src=)| on\w+=", text), path


def test_the_description_is_of_what_there_is(client) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {path for path in PATHS if path.startswith("/v1/")} | {"/healthz", "/metrics"}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert client.request(method.upper(), path).status_code not in (404, 405)
            assert operation["description"]
            assert "200" in operation["responses"]
    assert described["info"]["version"] == client.get("/healthz").json()["version"]


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CH,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,fr;q=0.9", "en"),
        ("de,fr;q=0.2,en;q=0.1", "fr"),
        ("*", "en"),
        ("fr;q=x, en;q=0.1", "en"),
        (";;;,,,", "en"),
    ],
)
def test_the_language_that_is_liked_best(accepted: str, lang: str) -> None:
    assert language_of(accepted) == lang
