"""A page and an HTTP interface for those who want digits read."""

from __future__ import annotations

from pathlib import Path

import click

from bruit.cli.language import say
from bruit.cli.options import FOLDER, Whole, command, json_option, print_json


@command()
@click.argument("run", required=False, type=FOLDER)
@click.option("--port", default=8000, show_default=True, type=Whole(0, 65535), help="Port, or 0 for one that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; another than this one needs a token.")
@click.option("--token-file", type=FOLDER, metavar="FILE", help="What requests must carry.  [default: BRUIT_TOKEN]")
@json_option
def serve(run: Path | None, port: int, host: str, token_file: Path | None, as_json: bool) -> None:
    """Serve a page to draw digits on, and an HTTP interface.

    The page shows what noise does to a digit, and what each network then believes; /docs describes the interface. RUN
    adds the networks of a study, and its report. Only this machine is answered unless --host says otherwise
    (docs/security.md). A line of JSON for each request goes to standard error. It needs pip install -e '.[serve]'.

    \b
    Examples:
      bruit serve
      bruit serve RUN --port 8080
      bruit serve --host 0.0.0.0 --token-file token.txt
    """
    from bruit.serving.server import serve as listen

    def ready(url: str, models: list[str]) -> None:
        if as_json:
            print_json({"url": url, "models": models})
        else:
            say("{url} reads with {models}; Ctrl-C stops it", url=url, models=", ".join(models))

    listen(run, host=host, port=port, token_file=token_file, on_ready=ready)
