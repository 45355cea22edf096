"""One file from the web, over and over until it is whole: what broke off goes on where it stopped."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from bruit import __version__
from bruit.data.limits import refuse_bytes
from bruit.errors import DataError
from bruit.files import refuse_pipe, said_of, write_json
from bruit.locale import Sentence

# (bytes that are here, bytes that it will be; as many as there are where nobody says it).
Progress = Callable[[int, int], None]
SECONDS = 30.0  # without a byte
PAUSE = 1.0  # after an attempt that brought nothing
_ATTEMPTS = 5  # such in a row
_BLOCK = 2**18
_HERE = ("localhost", "127.0.0.1", "::1")
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


@dataclass(frozen=True)
class Transfer:
    """A downloader as pooch calls it: `transfer(url, output_file, pooch)`.

    part      where the bytes gather; it stays there when the transfer breaks off, and the next one goes on with it
    put_here  where somebody would put the file by hand, to be said where it cannot be reached
    size      bytes that it should have, if that is known
    verify    called with `part` once it is whole; raises where it is not the file that was meant
    """

    part: Path
    put_here: Path
    size: int | None
    verify: Callable[[Path], None]
    progress: Progress | None = None

    def __call__(self, url: str, output_file: str | Path, pooch: object = None) -> None:
        """Raises DataError, with `part` as far as it came; or RunError where it cannot be written."""
        refuse_insecure(url)
        left, most = _ATTEMPTS, self._bytes_here()
        while True:
            why: Exception | None = None
            try:
                if self._one_attempt(url):
                    break
            except urllib.error.HTTPError as error:
                error.close()
                raise DataError(
                    "{url} answered {code} ({reason}); look for the file at its source, and put it as {path}",
                    url=url,
                    code=error.code,
                    reason=error.reason,
                    path=self.put_here,
                ) from error
            except (OSError, HTTPException) as error:
                why = error
                if not most and not self._bytes_here():
                    raise self._unreachable(url, error) from error
            left = _ATTEMPTS if self._bytes_here() > most else left - 1
            most = max(most, self._bytes_here())
            if not left:
                raise DataError(
                    "{url} broke off ({strerror}) with {here:,} bytes, which are kept; run the same again to go on, or "
                    "download it on another machine and put it as {path}",
                    url=url,
                    strerror=_reason(why) if why else Sentence("it ends early"),
                    here=self._bytes_here(),
                    path=self.put_here,
                ) from why
            if left < _ATTEMPTS:
                time.sleep(PAUSE)
        try:
            self.verify(self.part)
        except DataError:
            self.part.unlink()
            raise
        finally:
            self._origin.unlink(missing_ok=True)
        os.replace(self.part, output_file)

    def _one_attempt(self, url: str) -> bool:
        """Whether the file is whole now. Raises OSError or HTTPException of the network."""
        here = self._bytes_here()
        origin = self._origin_of_part(url) if here else {}
        headers = {"User-Agent": f"bruit/{__version__}", "Accept-Encoding": "identity"}
        if here and (origin.get("validator") or origin.get("size")):
            headers["Range"] = f"bytes={here}-"
            if origin.get("validator"):
                headers["If-Range"] = str(origin["validator"])
        try:
            response = _open(urllib.request.Request(url, headers=headers))
        except urllib.error.HTTPError as error:
            if error.code != 416:  # nothing is left beyond what is here, or what is here is of another file
                raise
            error.close()
            if here == origin.get("size"):
                return True
            self._begin_again()
            return False
        with response:
            begins, size = _place(response)
            if begins != here or (here and origin.get("size") not in (None, size)):
                if begins:
                    self._begin_again()
                    return False
                here = 0
            self._refuse_size(url, size)
            write_json(self._origin, {"url": url, "validator": _validator(response), "size": size})
            return self._receive(response, url, here, size)

    def _receive(self, response: HTTPResponse, url: str, here: int, size: int | None) -> bool:
        with said_of(self.part):
            file = self.part.open("r+b" if here else "wb", buffering=0)  # so that closing it writes nothing
        with file:
            file.seek(here)
            while block := response.read(_BLOCK):
                left = memoryview(block)
                with said_of(self.part):
                    while left:
                        left = left[file.write(left) :]
                here += len(block)
                self._refuse_size(url, here)
                if self.progress is not None:
                    self.progress(here, size or here)
        return size is None or here == size

    def _refuse_size(self, url: str, received: int | None) -> None:
        if received is None:
            return
        if self.size is not None and received > self.size:
            self._begin_again()
            raise DataError(
                "{url} gives more than the {size:,} bytes that were published ({received:,}); look for the file at its "
                "source, and put it as {path}",
                url=url,
                size=self.size,
                received=received,
                path=self.put_here,
            )
        refuse_bytes(self.part, received)

    def _unreachable(self, url: str, error: Exception) -> DataError:
        return DataError(
            "cannot reach {host} ({strerror}); download {url} on another machine and put it as {path}",
            host=urllib.parse.urlsplit(url).netloc,
            strerror=_reason(error),
            url=url,
            path=self.put_here,
        )

    @property
    def _origin(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def _bytes_here(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _origin_of_part(self, url: str) -> dict[str, Any]:
        """What the bytes that are here are of; nothing if nobody knows."""
        with suppress(OSError, ValueError, RecursionError):
            refuse_pipe(self._origin)
            origin = json.loads(self._origin.read_bytes())
            if isinstance(origin, dict) and origin.get("url") == url and str(origin.get("validator")).isprintable():
                return origin
        return {}

    def _begin_again(self) -> None:
        self.part.unlink(missing_ok=True)
        self._origin.unlink(missing_ok=True)


def _reason(error: Exception) -> str | Sentence:
    """Why the network failed, in the system's words where it has some."""
    inner = getattr(error, "reason", error)
    if isinstance(inner, socket.gaierror):
        return Sentence("its name is not known here; is there a network?")
    if isinstance(inner, TimeoutError):
        return Sentence("no answer for {seconds:.0f} s", seconds=SECONDS)
    return str(getattr(inner, "strerror", None) or inner) or type(inner).__name__


def refuse_insecure(url: str) -> None:
    """Raise DataError for what is not https, but on this very machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise DataError("{url} is not https, and anybody on the way could change it; nothing was fetched", url=url)


class _OnlySecure(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        try:
            refuse_insecure(arguments[-1])
        except DataError:
            arguments[1].close()
            raise
        return super().redirect_request(*arguments)


def _open(request: urllib.request.Request) -> HTTPResponse:
    opener = urllib.request.build_opener(_OnlySecure)
    response: HTTPResponse = opener.open(request, timeout=SECONDS)
    return response


def _place(response: HTTPResponse) -> tuple[int, int | None]:
    """(where in the file the answer begins, bytes of the whole file)."""
    if response.status == 206:
        said = _RANGE.match(response.headers.get("Content-Range", ""))
        return (int(said[1]), int(said[2])) if said else (-1, None)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _validator(response: HTTPResponse) -> str | None:
    """What tells whether the file has changed since: a strong ETag, or the date."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")
