"""The paths of the server, and what answers at each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from bruit import __version__
from bruit.errors import BruitError
from bruit.locale import LANGUAGES
from bruit.noise.registry import find
from bruit.serving import look
from bruit.serving.asked import asked, whole
from bruit.serving.batches import Batches
from bruit.serving.guard import IMAGES, App, Guard
from bruit.serving.headers import DATA_POLICY
from bruit.serving.language import language_of
from bruit.serving.limits import MAX_FIELDS, MAX_LOOKS, MAX_SHOWN
from bruit.serving.metrics import TEXT, Metrics
from bruit.serving.models import Shelf
from bruit.serving.pages import FILES, Page, index_pages, report_page, static_pages
from bruit.serving.reading import AT_ONCE, Answer, Desk, Job
from bruit.serving.refusal import RequestError, busy, failed, said
from bruit.serving.security import Rules
from bruit.serving.words import noises, words

Handler = Callable[[Request], Awaitable[Response]]
# Those of them hold nothing that a token protects: without them a page could not ask for it.
OPEN = frozenset({"/", "/healthz", "/v1/words", *FILES})
PATHS = OPEN | {"/v1/read", "/v1/models", "/v1/noises", "/v1/look", "/v1/curve", "/metrics", "/report"}
NO_STORE = {"cache-control": "no-store", "content-security-policy": DATA_POLICY}
LARGEST_SEED = 2**31


class Server:
    """What answers requests, with the models of `shelf`; `guarded` is the application for an ASGI server."""

    def __init__(self, shelf: Shelf, rules: Rules) -> None:
        self._shelf = shelf
        for one in shelf:  # what a model does once, at its first image, nobody is to wait for
            one.reader.probabilities(np.zeros((1, *one.reader.input_shape), np.uint8))
        self._metrics = Metrics(PATHS)
        self._desk: Batches[Job, Answer] = Batches(Desk(shelf, self._metrics).answer, AT_ONCE)
        # Looks and curves take long, and no reading is to wait for them.
        self._looks = ThreadPoolExecutor(1)
        self._looking = 0
        self._words = {lang: _json(words(lang)) for lang in LANGUAGES}
        self._noises = {lang: _json(noises(lang)) for lang in LANGUAGES}
        self._index = index_pages()
        self.guarded: App = Guard(self._application(), rules, self._metrics)

    def close(self) -> None:
        self._desk.close()
        self._looks.shutdown(wait=True, cancel_futures=True)

    def _application(self) -> FastAPI:
        # What it would say of itself is in web/openapi.json; its own pages load scripts from elsewhere.
        api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        handlers: dict[str, tuple[str, Handler]] = {
            "/v1/read": ("POST", self._read),
            "/v1/look": ("POST", self._look),
            "/v1/curve": ("POST", self._curve),
            "/v1/models": ("GET", self._models),
            "/v1/noises": ("GET", self._in_language(self._noises)),
            "/v1/words": ("GET", self._in_language(self._words)),
            "/healthz": ("GET", _always(_json({"status": "ok", "version": __version__}))),
            "/metrics": ("GET", self._prometheus),
            "/": ("GET", self._home),
            **{path: ("GET", _always_page(page)) for path, page in static_pages().items()},
        }
        if self._shelf.report is not None:
            handlers["/report"] = ("GET", _always_page(report_page(self._shelf.report)))
        for path, (method, handler) in handlers.items():
            methods = ["GET", "HEAD"] if method == "GET" else [method]
            api.add_api_route(path, handler, methods=methods, response_model=None)
        api.add_exception_handler(HTTPException, _no_such_path)
        api.add_exception_handler(BruitError, _wrong)
        api.add_exception_handler(Exception, _broken)
        return api

    async def _read(self, request: Request) -> Response:
        job = Job(
            request.headers.get("content-type", ""),
            await request.body(),
            request.scope["query_string"],
            _language(request),
        )
        answer = await self._desk.answer(job)
        request.scope[IMAGES] = answer.images
        return _as_json(answer.body)

    async def _look(self, request: Request) -> Response:
        query = _query(request, "noise", "severity", "seed")
        noise = _noise(query)
        severity = whole(query, "severity", 0, look.MOST_SEVERE, 0)
        seed = whole(query, "seed", 0, LARGEST_SEED, 0)
        return await self._looked(request, lambda picture: look.look(self._shelf, picture, noise, severity, seed))

    async def _curve(self, request: Request) -> Response:
        query = _query(request, "noise", "digit", "label", "draws")
        noise = _noise(query)
        if noise is None:
            raise RequestError("expected the name of a noise; GET /v1/noises lists them")
        digit = whole(query, "digit", 0, MAX_SHOWN, 0)
        draws = whole(query, "draws", 1, look.MOST_DRAWS, 20)
        label = query.get("label")
        return await self._looked(request, lambda picture: look.curve(self._shelf, picture, digit, label, noise, draws))

    async def _looked(self, request: Request, work: Callable[[Any], dict[str, Any]]) -> Response:
        """The answer of `work` to the one picture of a request."""
        content_type, body, lang = request.headers.get("content-type", ""), await request.body(), _language(request)

        def answer() -> bytes:
            pictures = asked(content_type, body, b"").pictures
            if len(pictures) != 1 or isinstance(pictures[0], BruitError):
                raise RequestError("expected one picture, received {n}", n=len(pictures))
            return _json(_in_words(work(pictures[0]), lang))

        if self._looking >= MAX_LOOKS:
            raise busy()
        self._looking += 1
        request.scope[IMAGES] = 1
        try:
            return _as_json(await asyncio.get_running_loop().run_in_executor(self._looks, answer))
        finally:
            self._looking -= 1

    async def _models(self, request: Request) -> Response:
        report = "/report" if self._shelf.report is not None else None
        return _as_json(_json({"models": [one.described() for one in self._shelf], "report": report}))

    async def _prometheus(self, request: Request) -> Response:
        return Response(self._metrics.page(), headers={**NO_STORE, "content-type": TEXT})

    async def _home(self, request: Request) -> Response:
        return _of_page(self._index[_language(request)])

    def _in_language(self, answers: dict[str, bytes]) -> Handler:
        async def answer(request: Request) -> Response:
            return _as_json(answers[_language(request)])

        return answer


def _language(request: Request) -> str:
    """That of ?lang=, or else the one that the browser prefers."""
    query = request.scope["query_string"]
    if b"lang=" in query:
        named = dict(parse_qsl(query.decode("latin-1"))).get("lang")
        if named in LANGUAGES:
            return str(named)
    return language_of(request.headers.get("accept-language", ""))


def _query(request: Request, *known: str) -> dict[str, str]:
    """The options of a request. Raises RequestError for one that is not `known`."""
    options = dict(parse_qsl(request.scope["query_string"].decode("latin-1"))[:MAX_FIELDS])
    unknown = next((name for name in options if name not in (*known, "lang")), None)
    if unknown is not None:
        raise RequestError("there is no option {name}; there are {known}", name=unknown[:40], known=", ".join(known))
    return options


def _noise(query: dict[str, str]) -> str | None:
    name = query.get("noise")
    return None if name is None else find(name[:80]).name


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _in_words(value: Any, lang: str) -> Any:
    """Sentences within `value` in the language."""
    if isinstance(value, dict):
        return {key: _in_words(one, lang) for key, one in value.items()}
    if isinstance(value, list):
        return [_in_words(one, lang) for one in value]
    return value.said(lang) if hasattr(value, "said") else value


def _as_json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers=NO_STORE)


def _of_page(page: Page) -> Response:
    return Response(page.body, headers=page.headers)


def _always(body: bytes) -> Handler:
    async def answer(request: Request) -> Response:
        return _as_json(body)

    return answer


def _always_page(page: Page) -> Handler:
    async def answer(request: Request) -> Response:
        return _of_page(page)

    return answer


async def _no_such_path(request: Request, error: Exception) -> Response:
    """404 and 405 of the application itself."""
    path = request.scope["path"][:80]
    if isinstance(error, HTTPException) and error.status_code == 405:
        return _refusal(request, RequestError("{path} is not asked that way; see /docs", status=405, path=path))
    return _refusal(request, RequestError("there is nothing at {path}; see /docs", status=404, path=path))


async def _wrong(request: Request, error: Exception) -> Response:
    return _refusal(request, error if isinstance(error, RequestError) else RequestError("{error}", error=error))


async def _broken(request: Request, error: Exception) -> Response:
    """What must not happen; the guard logs it."""
    return _refusal(request, failed())


def _refusal(request: Request, refused: RequestError) -> Response:
    headers, body = said(refused, request.headers.get("accept-language", ""))
    return Response(body, refused.status, headers)
