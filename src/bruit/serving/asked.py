"""What a request asks for: its pictures and its options, out of whichever form it came in."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from bruit.errors import BruitError, DataError
from bruit.locale import printable
from bruit.serving.limits import MAX_FIELD, MAX_FIELDS, MAX_IMAGES
from bruit.serving.pictures import Pixels, from_json, opened, refuse_all_pixels, refuse_images
from bruit.serving.refusal import RequestError, too_large

# What may stand in a query, in a form, or beside "images" in JSON.
OPTIONS = ("model", "min_confidence", "top_k", "several")
YES_OR_NO = {"true": True, "1": True, "false": False, "0": False}
# It tells of damaged forms, which the client is told of.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


@dataclass(frozen=True, eq=False)
class Asked:
    """pictures  each (H, W) uint8, or why it cannot be read; or all of them as (N, H, W)
    names     what their files are called; None where they have no names
    """

    pictures: list[Pixels | BruitError] | Pixels
    names: tuple[str, ...] | None = None
    model: str | None = None
    min_confidence: float = 0.0
    top_k: int = 0
    several: bool = True


def asked(content_type: str, body: bytes, query: bytes) -> Asked:
    """Raises RequestError for a request that says nothing that can be answered, or too much."""
    kind, _, parameters = content_type.partition(";")
    options = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)[:MAX_FIELDS])
    kind = kind.strip().lower()
    if kind == "application/json":
        pictures, more = _json(body)
        return _with_options(pictures, None, options | more)
    if kind == "multipart/form-data":
        files, fields = _form(parameters, body)
        return _with_options([_opened(file) for _, file in files], tuple(name for name, _ in files), options | fields)
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise RequestError(
            "expected a picture (image/png and the like), a form with files (multipart/form-data) or application/json, "
            "received {kind}",
            status=415,
            kind=kind[:80] or "nothing",
        )
    return _with_options([_opened(body)], None, options)


def number(options: Mapping[str, Any], name: str, low: float, high: float, otherwise: float) -> float:
    """The option as a number of `low` to `high`. Raises RequestError."""
    value = options.get(name, otherwise)
    try:
        given = float(value) if not isinstance(value, bool) else np.nan
    except (TypeError, ValueError, OverflowError):
        given = np.nan
    if not low <= given <= high:
        raise RequestError(
            "expected {name} as a number of {low:g} to {high:g}, received {value}",
            name=name,
            low=low,
            high=high,
            value=printable(value, 40),
        )
    return given


def whole(options: Mapping[str, Any], name: str, low: int, high: int, otherwise: int) -> int:
    """The same of whole numbers."""
    given = number(options, name, low, high, otherwise)
    if given != int(given):
        raise RequestError(
            "expected {name} as a whole number, received {value}", name=name, value=printable(options[name], 40)
        )
    return int(given)


def _with_options(
    pictures: list[Pixels | BruitError] | Pixels, names: tuple[str, ...] | None, options: dict[str, Any]
) -> Asked:
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise RequestError(
            "there is no option {name}; there are {known}", name=printable(unknown, 40), known=", ".join(OPTIONS)
        )
    several = options.get("several", True)
    several = several if isinstance(several, bool) else YES_OR_NO.get(str(several).lower())
    if several is None:
        raise RequestError(
            "expected several as true or false, received {value}", value=printable(options["several"], 40)
        )
    model = options.get("model")
    if isinstance(pictures, list):
        _refuse_none(pictures)
    return Asked(
        pictures,
        names,
        None if model is None else str(model)[:MAX_FIELD],
        number(options, "min_confidence", 0, 1, 0),
        whole(options, "top_k", 0, MAX_IMAGES, 0),
        several,
    )


def _refuse_none(pictures: list[Pixels | BruitError]) -> None:
    """A request of which no picture can be opened has none to read."""
    if not pictures:
        raise RequestError("there is no picture in the request")
    refuse_images(len(pictures))
    refuse_all_pixels(sum(picture.size for picture in pictures if isinstance(picture, np.ndarray)))
    if all(isinstance(picture, BruitError) for picture in pictures):
        error = pictures[0]
        assert isinstance(error, BruitError)
        raise error


def _opened(file: bytes) -> Pixels | BruitError:
    if not file:
        raise RequestError("there is no picture in the request")
    try:
        return opened(file)
    except DataError as error:
        return error


def _json(body: bytes) -> tuple[list[Pixels | BruitError] | Pixels, dict[str, Any]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or "images" not in value:
        raise RequestError(
            'expected JSON as {{"images": [[…], …]}}, with the pixels as numbers; received {what}',
            status=400,
            what=printable(body[:40].decode("utf-8", "replace"), 40),
        )
    pictures: Any = from_json(value.pop("images"))
    return pictures, value


def _form(parameters: str, body: bytes) -> tuple[list[tuple[str, bytes]], dict[str, str]]:
    """(name, content) of every file, and the other fields."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser, parse_options_header

    files: list[tuple[str, bytes]] = []
    fields: dict[str, str] = {}

    def on_file(file: Any) -> None:
        refuse_images(len(files) + 1)
        content = file.file_object
        content.seek(0)
        name = (file.file_name or b"").decode("utf-8", "replace")
        files.append((printable(name, 200), content.read()))

    def on_field(field: Any) -> None:
        if len(fields) >= MAX_FIELDS:
            raise too_large()
        fields[(field.field_name or b"").decode("utf-8", "replace")[:MAX_FIELD]] = (field.value or b"").decode(
            "utf-8", "replace"
        )

    _, options = parse_options_header("multipart/form-data;" + parameters)
    boundary = options.get(b"boundary", b"")
    limits = {"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_FIELD_SIZE": MAX_FIELD}  # files stay in memory
    try:
        parser = FormParser("multipart/form-data", on_field, on_file, boundary=boundary, config=limits)
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise RequestError("the form is damaged ({error})", status=400, error=printable(error, 120)) from None
    return files, fields
