"""The gate before the application: who is answered, how much is received, and a line and a count for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from bruit.serving import log
from bruit.serving.headers import HEADERS
from bruit.serving.limits import BODY_SECONDS, MAX_BODIES, MAX_BODY, MAX_REQUESTS
from bruit.serving.metrics import Metrics
from bruit.serving.refusal import RequestError, busy, failed, said, too_large
from bruit.serving.security import Rules

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# What nginx calls a client that did not wait for its answer.
GONE = 499
# Where the application leaves how many images a request held.
IMAGES = "bruit.images"


class GoneError(Exception):
    """The client left before its request was whole."""


class Guard:
    """An ASGI application around `app`, which is handed requests that are whole and may be answered.

    Everything is answered, in the worst case with an error as JSON in the language of the request.
    """

    def __init__(self, app: App, rules: Rules, metrics: Metrics) -> None:
        self._app, self._rules, self._metrics = app, rules, metrics
        self._inside = 0
        self._bytes = 0
        metrics.inside(lambda: self._inside)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(scope["type"])
        began, method, path = perf_counter(), scope["method"], scope["path"]
        headers = dict(scope["headers"])
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        self._inside += 1
        held = 0
        try:
            if self._inside > MAX_REQUESTS:
                raise busy()
            self._rules.examine(method, path, headers)
            if method == "POST":
                held = self._room_for(headers)
                receive = _again(await self._body(receive, held), receive)
            await self._app(scope, receive, answer)
        except RequestError as refused:
            await _refuse(answer, refused, headers)
        except GoneError:
            status = GONE
        except Exception as error:
            log.failure(path, error)
            if not status:
                await _refuse(answer, failed(), headers)
        finally:
            self._inside -= 1
            self._bytes -= held
            seconds, images = perf_counter() - began, scope.get(IMAGES, 0)
            self._metrics.request(path, status, seconds, images)
            log.request(method, path, status, seconds, images)

    def _room_for(self, headers: dict[bytes, bytes]) -> int:
        """Take room for the body that is announced; one that is not may be as large as any."""
        announced = headers.get(b"content-length", b"")
        size = int(announced) if announced.isdigit() and len(announced) < 16 else MAX_BODY
        if size > MAX_BODY or len(announced) >= 16:
            raise too_large()
        if self._bytes + size > MAX_BODIES:
            raise busy()
        self._bytes += size
        return size

    async def _body(self, receive: Receive, at_most: int) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise GoneError
                    part = message.get("body", b"")
                    size += len(part)
                    if size > at_most:
                        raise too_large()
                    parts.append(part)
                    if not message.get("more_body"):
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            raise RequestError(
                "the request was not whole after {seconds} s", status=408, seconds=BODY_SECONDS
            ) from None


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` of a request whose body has been received."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(send: Send, refused: RequestError, headers: dict[bytes, bytes]) -> None:
    head, body = said(refused, headers.get(b"accept-language", b"").decode("latin-1"))
    if refused.status in (408, 413):  # what else would come is not read
        head["connection"] = "close"
    raw = [(name.encode(), value.encode()) for name, value in head.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
