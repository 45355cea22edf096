"""POST /v1/read, over a real connection."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from pictures import png

PNG = {"content-type": "image/png"}


def texts(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [reading["text"] for reading in answer.json()["readings"]]


def test_a_picture_is_read(client, some_digits) -> None:
    answer = client.post("/v1/read", content=png(some_digits[3]), headers=PNG)
    (reading,) = answer.json()["readings"]
    assert answer.json()["model"] == "robust"
    assert reading["text"] == "3"
    (digit,) = reading["digits"]
    assert digit["digit"] == digit["label"] == "3"
    assert 0.9 < digit["confidence"] <= 1
    assert 0 <= digit["runner_up_confidence"] < digit["confidence"]
    assert "box" not in digit


def test_a_larger_picture_has_boxes(client, drawing) -> None:
    answer = client.post("/v1/read", content=drawing, headers=PNG)
    assert texts(answer) == ["7"]
    left, top, right, bottom = answer.json()["readings"][0]["digits"][0]["box"]
    assert 40 < left < right < 240
    assert 40 < top < bottom < 260


def test_several_come_as_files_numbers_or_one_array(client, some_digits) -> None:
    files = [("file", (f"{label}.png", png(image))) for label, image in enumerate(some_digits)]
    answer = client.post("/v1/read", files=files, data={"several": "false"})
    assert texts(answer) == list("0123456789")
    assert [reading["file"] for reading in answer.json()["readings"]] == [f"{label}.png" for label in range(10)]
    assert texts(client.post("/v1/read", json={"images": [image.tolist() for image in some_digits]})) == list(
        "0123456789"
    )
    floats = (some_digits[5] / 255).tolist()
    assert texts(client.post("/v1/read", json={"images": floats})) == ["5"]
    larger = np.pad(some_digits[4], 20).tolist()
    assert texts(client.post("/v1/read", json={"images": [floats, larger]})) == ["5", "4"]


def test_what_the_server_says_is_what_the_reader_says(client, some_digits) -> None:
    from bruit.reading.reader import Reader

    expected = Reader.load().read(np.stack(some_digits))
    answer = client.post("/v1/read", json={"images": [image.tolist() for image in some_digits]})
    given = [reading["digits"][0] for reading in answer.json()["readings"]]
    for reading, digit in zip(expected, given, strict=True):
        assert digit["label"] == reading.digits[0].label
        assert digit["confidence"] == pytest.approx(reading.digits[0].confidence, abs=1e-5)


def test_options(client, some_digits) -> None:
    image = png(some_digits[3])
    answer = client.post("/v1/read?top_k=3&model=robust", content=image, headers=PNG).json()
    top = answer["readings"][0]["digits"][0]["top"]
    assert len(top) == 3
    assert top[0][0] == "3"
    assert top[0][1] >= top[1][1] >= top[2][1]
    unsure = client.post("/v1/read?min_confidence=1", content=image, headers=PNG).json()["readings"][0]
    assert (unsure["text"], unsure["digits"][0]["digit"], unsure["digits"][0]["label"]) == ("?", None, "3")
    body = {"images": some_digits[3].tolist(), "top_k": 1, "min_confidence": 0.5, "several": False}
    assert len(client.post("/v1/read", json=body).json()["readings"][0]["digits"][0]["top"]) == 1


def test_what_holds_no_digit_says_so(client) -> None:
    blank = png(np.full((60, 60), 200, np.uint8))
    for lang, said in (("en", "no digit found"), ("fr", "aucun chiffre trouvé")):
        (reading,) = client.post("/v1/read", content=blank, headers={**PNG, "accept-language": lang}).json()["readings"]
        assert (reading["text"], reading["digits"], reading["problem"]) == ("", [], said)


def test_one_damaged_picture_of_several_is_a_problem_of_its_own(client, some_digits) -> None:
    files = [("a", ("a.png", png(some_digits[1]))), ("b", ("b.png", b"no picture"))]
    good, bad = client.post("/v1/read", files=files).json()["readings"]
    assert good["text"] == "1"
    assert "not a whole PNG" in bad["problem"]


@pytest.mark.parametrize(
    ("status", "said", "request_"),
    [
        (422, "not a whole PNG", {"content": b"no picture", "headers": PNG}),
        (422, "there is no picture", {"content": b"", "headers": PNG}),
        (415, "expected a picture", {"content": b"x", "headers": {"content-type": "text/plain"}}),
        (415, "received nothing", {"content": b"x"}),
        (400, "expected JSON", {"content": b"{", "headers": {"content-type": "application/json"}}),
        (400, "expected JSON", {"json": [1]}),
        (400, "expected JSON", {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}),
        (422, "list of lists of numbers", {"json": {"images": "x"}}),
        (422, "list of lists of numbers", {"json": {"images": [["a"]]}}),
        (422, "list of lists of numbers", {"json": {"images": [[1, 2], [3]]}}),
        (422, "expected a picture as (H, W)", {"json": {"images": [1, 2]}}),
        (422, "expected a picture as (H, W)", {"json": {"images": [[[[1]]]]}}),
        (422, "the pixels range from", {"json": {"images": [[-1, 2]]}}),
        (422, "NaN", {"content": b'{"images": [[NaN]]}', "headers": {"content-type": "application/json"}}),
        (413, "limit is 1,000", {"json": {"images": [[[0]]] * 1001}}),
        (400, "the form is damaged", {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}}),
        (400, "the form is damaged", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}),
        (422, "there is no picture", {"data": {"model": "robust"}, "files": {}, "headers": {}}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(client, status: int, said: str, request_: dict) -> None:
    if request_.get("files") == {}:
        request_ = {"content": b"--b--\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}}
    answer = client.post("/v1/read", **request_)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("model=cnn-minus", "no model is called cnn-minus; there are robust"),
        ("min_confidence=2", "expected min_confidence as a number of 0 to 1, received 2"),
        ("min_confidence=nan", "received nan"),
        ("top_k=1.5", "expected top_k as a whole number, received 1.5"),
        ("several=perhaps", "expected several as true or false"),
        ("colour=red", "there is no option colour; there are model, min_confidence, top_k, several"),
    ],
)
def test_options_that_make_no_sense_are_refused(client, some_digits, query: str, said: str) -> None:
    answer = client.post(f"/v1/read?{query}", content=png(some_digits[0]), headers=PNG)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_errors_are_said_in_the_language_of_the_request(client) -> None:
    for accepted, said in (("fr-CH, en;q=0.5", "pas une image"), ("de, en;q=0.9, fr;q=0.1", "is not a whole")):
        answer = client.post("/v1/read", content=b"?", headers={**PNG, "accept-language": accepted})
        assert said.split()[-1] in answer.json()["error"]
        assert answer.headers["content-language"] == ("fr" if accepted.startswith("fr") else "en")


def test_many_clients_are_answered_each_with_its_own(served, some_digits) -> None:
    def ask(index: int) -> list[str]:
        with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as own:
            return [
                text
                for step in range(3)
                for text in texts(own.post("/v1/read", content=png(some_digits[(index + step) % 10]), headers=PNG))
            ]

    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(ask, range(32)))
    assert given == [[str((index + step) % 10) for step in range(3)] for index in range(32)]


def test_a_bad_request_does_not_spoil_the_batch_of_others(served, some_digits) -> None:
    bodies = [png(some_digits[at % 10]) if at % 3 else b"damaged" for at in range(30)]

    def ask(body: bytes) -> int:
        return httpx.post(f"{served.url}v1/read", content=body, headers=PNG, timeout=120, trust_env=False).status_code

    with ThreadPoolExecutor(15) as pool:
        assert list(pool.map(ask, bodies)) == [200 if at % 3 else 422 for at in range(30)]


def test_a_line_for_each_request(served, client, some_digits) -> None:
    client.post("/v1/read?model=robust", json={"images": [image.tolist() for image in some_digits]})
    client.get("/not-there%0Aat-all")
    lines = [line for line in served.lines if "status" in line]
    assert all(set(line) == {"time", "method", "path", "status", "ms", "images"} for line in lines)
    line = next(line for line in lines[::-1] if line["path"] == "/v1/read")
    assert (line["method"], line["status"], line["images"]) == ("POST", 200, 10)
    assert line["ms"] > 0
    assert json.dumps(lines)


def test_metrics(client, some_digits) -> None:
    def value(name: str) -> float:
        page = client.get("/metrics")
        assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
        return sum(float(line.split()[-1]) for line in page.text.splitlines() if line.startswith(name))

    before = [value(name) for name in ("bruit_images_total", 'bruit_digits_total{model="robust"}')]
    client.post("/v1/read", content=png(some_digits[0]), headers=PNG)
    client.post("/v1/read", json={"images": [image.tolist() for image in some_digits]})
    after = [value(name) for name in ("bruit_images_total", 'bruit_digits_total{model="robust"}')]
    assert [late - early for late, early in zip(after, before, strict=True)] == [11, 11]
    assert value('bruit_requests_total{path="/v1/read",status="200"}') >= 2
    for wrong in range(5):
        client.get(f"/nowhere/{wrong}")
    assert value('bruit_requests_total{path="other",status="404"}') >= 5
    assert "nowhere" not in client.get("/metrics").text
