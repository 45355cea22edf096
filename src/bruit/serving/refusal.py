"""What a request is refused with."""

from __future__ import annotations

import json
from typing import Any

from bruit.errors import BruitError
from bruit.serving.headers import DATA_POLICY
from bruit.serving.language import language_of
from bruit.serving.limits import MAX_BODY, RETRY_SECONDS


class RequestError(BruitError):
    """A request that is not answered, with the HTTP status that says so: `RequestError("…{n}…", status=413, n=n)`."""

    def __init__(self, template: str, /, *, status: int = 422, **values: Any) -> None:
        super().__init__(template, **values)
        self.status = status


def busy() -> RequestError:
    return RequestError("too many requests at once; try again in a moment", status=429)


def too_large() -> RequestError:
    return RequestError(
        "the request is too large; the limit is {limit} MB, send its images in several",
        status=413,
        limit=MAX_BODY // 2**20,
    )


def failed() -> RequestError:
    return RequestError("this server failed; its log says how", status=500)


def said(refused: RequestError, accepted: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of the answer to a request that accepts the languages `accepted`."""
    lang = language_of(accepted)
    headers = {"content-type": "application/json", "content-language": lang, "cache-control": "no-store"}
    headers["content-security-policy"] = DATA_POLICY
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    if refused.status == 429:
        headers["retry-after"] = str(RETRY_SECONDS)
    return headers, json.dumps({"error": refused.said(lang)}).encode()
