"""Requests to read into answers: all of their digits in one batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bruit.errors import BruitError
from bruit.reading.reader import Digit, Reading, to_be_read
from bruit.reading.scans import Found
from bruit.serving.asked import Asked, asked
from bruit.serving.metrics import Metrics
from bruit.serving.models import Offered, Shelf

# Requests whose digits are read together.
AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Job:
    """A request as it came."""

    content_type: str
    body: bytes
    query: bytes
    lang: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What goes back, as JSON; images: how many were received."""

    body: bytes
    images: int


@dataclass(frozen=True, eq=False)
class _Prepared:
    model: Offered
    wish: Asked
    found: list[list[Found] | BruitError]


class Desk:
    """Answers jobs with the models of `shelf`."""

    def __init__(self, shelf: Shelf, metrics: Metrics) -> None:
        self._shelf, self._metrics = shelf, metrics

    def answer(self, jobs: Sequence[Job]) -> list[Answer | Exception]:
        """For each its answer, or why there is none."""
        self._metrics.batch(len(jobs))
        prepared = [self._prepared(job) for job in jobs]
        answers: list[Answer | Exception] = [one if isinstance(one, Exception) else Answer(b"", 0) for one in prepared]
        for model in self._shelf:
            places = [
                (place, one) for place, one in enumerate(prepared) if isinstance(one, _Prepared) and one.model is model
            ]
            if not places:
                continue
            try:
                read = self._read(model, [one for _, one in places])
                for (place, one), readings in zip(places, read, strict=True):
                    answers[place] = _answer(one, readings, jobs[place].lang)
            except Exception as error:
                for place, _ in places:
                    answers[place] = error
        return answers

    def _prepared(self, job: Job) -> _Prepared | Exception:
        try:
            wish = asked(job.content_type, job.body, job.query)
            model = self._shelf.find(wish.model)
            return _Prepared(model, wish, _found(model, wish))
        except Exception as error:  # it is the answer to this job, and to no other
            return error

    def _read(self, model: Offered, prepared: list[_Prepared]) -> list[list[Reading]]:
        seen = [to_be_read(one.found) for one in prepared]
        images = [image for some in seen for image in some]
        self._metrics.digits(model.name, len(images))
        given = model.reader.probabilities(np.stack(images)) if images else None
        readings, done = [], 0
        for one, some in zip(prepared, seen, strict=True):
            part = None if given is None else given[done : done + len(some)]
            readings.append(model.reader.told(one.found, part, one.wish.min_confidence))
            done += len(some)
        return readings


def _found(model: Offered, wish: Asked) -> list[list[Found] | BruitError]:
    if isinstance(wish.pictures, np.ndarray):
        return model.reader.find(wish.pictures, several=wish.several)
    return [
        picture if isinstance(picture, BruitError) else model.reader.find(picture, several=wish.several)[0]
        for picture in wish.pictures
    ]


def _answer(prepared: _Prepared, readings: list[Reading], lang: str) -> Answer:
    classes = prepared.model.reader.classes
    told = [_told(reading, classes, prepared.wish.top_k, lang) for reading in readings]
    for name, one in zip(prepared.wish.names or (), told, strict=False):
        one["file"] = name
    body = json.dumps({"model": prepared.model.name, "readings": told}, separators=(",", ":"))
    return Answer(body.encode(), len(readings))


def _told(reading: Reading, classes: tuple[str, ...], top_k: int, lang: str) -> dict[str, Any]:
    told: dict[str, Any] = {"text": reading.text, "digits": [_digit(one, classes, top_k) for one in reading.digits]}
    if reading.problem is not None:
        told["problem"] = reading.problem.said(lang)
    if reading.doubt is not None:
        told["doubt"] = reading.doubt.said(lang)
    return told


def _digit(digit: Digit, classes: tuple[str, ...], top_k: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "digit": digit.digit,
        "label": digit.label,
        "confidence": round(digit.confidence, 6),
        "runner_up": digit.runner_up,
        "runner_up_confidence": round(digit.runner_up_confidence, 6),
    }
    if digit.box is not None:
        told["box"] = list(digit.box)
    if top_k:
        best = np.argsort(-digit.probabilities, kind="stable")[:top_k]
        told["top"] = [[classes[at], round(float(digit.probabilities[at]), 6)] for at in best]
    return told
