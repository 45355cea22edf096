"""Who is answered: the name that the server is called by, the page that asks, and the token. The threats are in
docs/security.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from bruit.errors import ConfigError
from bruit.serving.refusal import RequestError

# A secret that cannot be guessed has at least so many characters.
LEAST_TOKEN = 16
LOCAL = "localhost"


@dataclass(frozen=True)
class Rules:
    """What a request must be like to be answered.

    names      that the server may be called by, without port
    addresses  whether any address that is no name will do: whoever binds a name of his own to this server (DNS
               rebinding) does not call it by its address
    token      that requests must carry; None: none is needed
    open       the paths that hold nothing to protect, and need no token
    """

    names: frozenset[str]
    addresses: bool = False
    token: str | None = None
    open: frozenset[str] = frozenset()

    def examine(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise RequestError unless the request may be answered."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._is_ours(_without_port(host)):
            raise RequestError("this server is not called {host!r}", status=403, host=host[:80])
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower().partition("://")[2] != host:
            raise RequestError("pages of other origins are not answered", status=403)
        site = headers.get(b"sec-fetch-site", b"none")
        if site not in (b"same-origin", b"none") and (method != "GET" or headers.get(b"sec-fetch-mode") != b"navigate"):
            raise RequestError("pages of other origins are not answered", status=403)
        if self.token is not None and path not in self.open:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                raise RequestError("expected the token of this server, as Authorization: Bearer TOKEN", status=401)

    def _is_ours(self, name: str) -> bool:
        return name in self.names or (self.addresses and _is_address(name))


def rules_for(host: str, token: str | None, open_paths: frozenset[str]) -> Rules:
    """The rules of a server that listens at `host`. Raises ConfigError for another address than loopback without a
    token.
    """
    loopback = is_loopback(host)
    if not loopback and token is None:
        raise ConfigError(
            "at {host} others can reach this server, so it needs a token: --token-file FILE, or BRUIT_TOKEN in the "
            "environment",
            host=host,
        )
    own = frozenset({host.lower(), LOCAL, "127.0.0.1", "::1"})
    return Rules(own, not loopback, token, open_paths)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens at `host`."""
    return host.lower() == LOCAL or (_is_address(host) and ip_address(host).is_loopback)


def read_token(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """The token in `file`, or else in BRUIT_TOKEN; None where neither is given. Raises ConfigError for one that cannot
    be read, is short, or cannot stand in a header.
    """
    if file is not None:
        try:
            text, where = file.read_text("ascii"), str(file)
        except OSError as error:
            raise ConfigError("cannot read {path}: {error.strerror}", path=file, error=error) from error
        except UnicodeDecodeError:
            text, where = "", str(file)
    elif "BRUIT_TOKEN" in environment:
        text, where = environment["BRUIT_TOKEN"], "BRUIT_TOKEN"
    else:
        return None
    token = text.strip()
    if len(token) < LEAST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError(
            "expected in {where} a token of {least} letters and digits or more; `openssl rand -hex 32` makes one",
            where=where,
            least=LEAST_TOKEN,
        )
    return token


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
