"""Requests to read into answers: all of their digits in one batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bruit.errors import BruitError
from bruit.reading.reader import Digit, Reader, Reading, to_be_read
from bruit.reading.scans import Found, fit_as_they_are
from bruit.serving.asked import Asked, asked
from bruit.serving.metrics import Metrics
from bruit.serving.models import Offered, Shelf
from bruit.serving.pictures import Pixels

# Requests whose digits are read together. With more, all clients would wait for the model, then all for the network.
AT_ONCE = 8
Sought: TypeAlias = list[list[Found] | BruitError]


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
class _Wish:
    """What a job asks for, of which model."""

    asked: Asked
    model: Offered


class Desk:
    """Answers jobs with the models of `shelf`."""

    def __init__(self, shelf: Shelf, metrics: Metrics) -> None:
        self._shelf, self._metrics = shelf, metrics

    def answer(self, jobs: Sequence[Job]) -> list[Answer | Exception]:
        """For each its answer, or why there is none: what is wrong with one is no matter of the others."""
        self._metrics.batch(len(jobs))
        wishes = [self._wish(job) for job in jobs]
        answers: dict[int, Answer | Exception] = {
            place: wish for place, wish in enumerate(wishes) if isinstance(wish, Exception)
        }
        for model in self._shelf:
            mine = {place: wish for place, wish in enumerate(wishes) if isinstance(wish, _Wish) and wish.model is model}
            found = _found(model.reader, {place: wish.asked for place, wish in mine.items()})
            answers |= {place: one for place, one in found.items() if isinstance(one, Exception)}
            sought = {place: one for place, one in found.items() if isinstance(one, list)}
            try:
                for place, readings in self._read(model, mine, sought).items():
                    answers[place] = _answer(mine[place], readings, jobs[place].lang)
            except Exception as error:
                answers |= dict.fromkeys(sought, error)
        return [answers[place] for place in range(len(jobs))]

    def _wish(self, job: Job) -> _Wish | Exception:
        try:
            wish = asked(job.content_type, job.body, job.query)
            return _Wish(wish, self._shelf.find(wish.model))
        except Exception as error:  # it is the answer to this job
            return error

    def _read(
        self, model: Offered, wishes: Mapping[int, _Wish], found: Mapping[int, Sought]
    ) -> dict[int, list[Reading]]:
        """All digits of all jobs in one batch."""
        seen = {place: to_be_read(one) for place, one in found.items()}
        images = [image for some in seen.values() for image in some]
        self._metrics.digits(model.name, len(images))
        given = model.reader.probabilities(np.stack(images)) if images else np.empty((0, 0), np.float32)
        readings, done = {}, 0
        for place, some in seen.items():
            part = given[done : done + len(some)]
            readings[place] = model.reader.told(found[place], part, wishes[place].asked.min_confidence)
            done += len(some)
        return readings


def _found(reader: Reader, wishes: Mapping[int, Asked]) -> dict[int, Sought | Exception]:
    """The digits of every picture. Those that are as the model reads them are known in one go: it is as long as one."""
    own = [
        picture
        for wish in wishes.values()
        if isinstance(wish.pictures, list)
        for picture in wish.pictures
        if isinstance(picture, np.ndarray) and picture.shape == reader.input_shape
    ]
    fit = fit_as_they_are(np.stack(own)) if own else ()
    as_they_are = {id(picture) for picture, fits in zip(own, fit, strict=True) if fits}
    found: dict[int, Sought | Exception] = {}
    for place, wish in wishes.items():
        try:
            if isinstance(wish.pictures, np.ndarray):
                found[place] = reader.find(wish.pictures, several=wish.several)
            else:
                found[place] = [_sought(reader, one, wish.several, id(one) in as_they_are) for one in wish.pictures]
        except Exception as error:
            found[place] = error
    return found


def _sought(reader: Reader, picture: Pixels | BruitError, several: bool, as_it_is: bool) -> list[Found] | BruitError:
    if isinstance(picture, BruitError):
        return picture
    return [Found(picture)] if as_it_is else reader.find(picture, several=several)[0]


def _answer(wish: _Wish, readings: list[Reading], lang: str) -> Answer:
    classes = wish.model.reader.classes
    told = [_told(reading, classes, wish.asked.top_k, lang) for reading in readings]
    for name, one in zip(wish.asked.names or (), told, strict=False):
        one["file"] = name
    body = json.dumps({"model": wish.model.name, "readings": told}, separators=(",", ":"))
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
