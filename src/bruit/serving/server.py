"""From a run to a server that listens, until it is told to stop."""

from __future__ import annotations

import errno
import logging
import os
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

from bruit.errors import ConfigError
from bruit.serving import log
from bruit.serving.limits import IDLE_SECONDS, MAX_CONNECTIONS, STOP_SECONDS
from bruit.serving.models import open_shelf
from bruit.serving.security import read_token, rules_for


def serve(
    run: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token_file: Path | None = None,
    on_ready: Callable[[str, list[str]], None] = lambda url, models: None,
) -> None:
    """Answer requests until the process is told to stop, and then finish those that are there.

    on_ready  is called with the address and the names of the models once requests are answered

    Raises ConfigError for an address that cannot be listened at, or one that others reach and no token; RunError and
    ModelError for a run that has no models.
    """
    try:
        import uvicorn

        from bruit.serving.app import OPEN, Server
        from bruit.serving.patience import Patient
    except ImportError as error:
        raise ConfigError(
            "{error}; install what serving needs, in the folder of bruit: pip install -e '.[serve]'", error=error
        ) from error
    rules = rules_for(host, read_token(token_file, os.environ), OPEN)
    with _listening(host, port) as listener:
        warnings.simplefilter("ignore")  # Pillow warns of what is refused anyway, and of harmless metadata
        shelf = open_shelf(run)
        server = Server(shelf, rules)
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [log.Lines()], False
        config = uvicorn.Config(
            server.guarded,
            http=Patient,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        on_ready(address(listener), [one.name for one in shelf])
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:  # it finishes what is there, and then hands the signal on; this is how a server ends
            pass
        finally:
            server.close()


def address(listener: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _listening(host: str, port: int) -> socket.socket:
    """A socket that connections already wait at. Raises ConfigError."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError("there is no address {host} ({error})", host=host, error=error) from error
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError("port {port} is taken; choose another with --port, or 0 for any", port=port) from error
        raise ConfigError(
            "cannot listen at {host}:{port}: {error.strerror}", host=host, port=port, error=error
        ) from error
    return listener
