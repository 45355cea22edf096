"""Fetching from a server on this very machine, which cuts off, lies, and forgets."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import pytest

from bruit.data import cache, transfer
from bruit.data.public import PublicSet, Remote
from bruit.errors import DataError, RunError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@dataclass
class Server:
    """What it serves, and how badly.

    cuts     after how many bytes each answer breaks off, one after the other; then none does
    ranges   whether it goes on in the middle
    asked    (Range, If-Range) of every request
    """

    url: str = ""
    content: bytes = CONTENT
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: str | None = '"one"'
    status: int | None = None
    to: str | None = None
    length: bool = True
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((wanted, self.headers.get("If-Range")))
            if state.status:
                self.send_response(state.status)
                if state.to:
                    self.send_header("Location", state.to)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start, total = 0, len(state.content)
            same = self.headers.get("If-Range") in (None, state.etag)
            if wanted and state.ranges and same:
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                if start >= total:
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            if state.etag:
                self.send_header("ETag", state.etag)
            if state.length:
                self.send_header("Content-Length", str(total - start))
            self.end_headers()
            end = start + state.cuts.pop(0) if state.cuts else total
            self.wfile.write(state.content[start:end])

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}/set.bin"
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "*")
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRUIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "small" / "set.bin"


def small(server: Server, digest: str | None = DIGEST, size: int | None = len(CONTENT)) -> PublicSet:
    return PublicSet("small", "", "", None, (1, 1), (1, 1), (Remote(server.url, size, digest),))


def names(place: Path) -> set[str]:
    return {path.name for path in place.parent.iterdir()}


def test_a_file_is_fetched_once_and_then_found(server, place) -> None:
    said: list[tuple[int, int]] = []
    assert not cache.is_here(small(server))
    assert cache.fetch(small(server), progress=lambda done, total: said.append((done, total))) == [place]
    assert place.read_bytes() == CONTENT
    assert said[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    assert names(place) == {"set.bin", "set.bin.json"}
    cache.fetch(small(server))
    assert cache.found(small(server), small(server).files[0]) == place
    assert server.asked == [(None, None)]
    assert cache.is_here(small(server))
    cache.fetch(small(server), force=True)
    assert len(server.asked) == 2


def test_what_breaks_off_goes_on(server, place) -> None:
    server.cuts = [300_000, 1, 400_000]
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT
    assert server.asked == [
        (None, None),
        *((f"bytes={begin}-", '"one"') for begin in (300_000, 300_001, 700_001)),
    ]


def test_it_goes_on_in_another_process_later(server, place, refused) -> None:
    server.cuts = [300_000, 0, 0, 0, 0, 0]
    with pytest.raises(DataError, match=re.escape(f"{server.url} broke off (it ends early) with 300,000 bytes, which")):
        cache.fetch(small(server))
    assert names(place) == {".set.bin.part", ".set.bin.part.json"}
    del server.asked[:]
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT
    assert server.asked == [("bytes=300000-", '"one"')]


@pytest.mark.parametrize("ranges", [False, True])
def test_a_server_that_knows_no_ranges_or_has_another_file_by_now_starts_again(server, place, ranges) -> None:
    server.cuts, server.content = [300_000, 0, 0, 0, 0, 0], CONTENT[::-1]
    with pytest.raises(DataError, match="broke off"):
        cache.fetch(small(server))
    server.content, server.etag, server.ranges = CONTENT, '"two"', ranges
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT


def test_a_server_that_never_comes_to_the_end(server, place) -> None:
    server.ranges, server.cuts = False, [100_000, 300_000] * 20
    with pytest.raises(DataError, match=r"broke off \(it ends early\) with [13]00,000 bytes"):
        cache.fetch(small(server))
    assert len(server.asked) == 7


@pytest.mark.parametrize(
    "note", [b"", b"[]", b'{"url": "URL", "validator": "a\\nb", "size": 5}', b'{"url": "URL", "size": {}}']
)
def test_a_damaged_note_beside_a_part_costs_no_more_than_the_part(server, place, note) -> None:
    server.cuts = [300_000, 0, 0, 0, 0, 0]
    with pytest.raises(DataError, match="broke off"):
        cache.fetch(small(server))
    place.with_name(".set.bin.part.json").write_bytes(note.replace(b"URL", server.url.encode()))
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT


def test_without_a_tag_the_size_tells(server, place) -> None:
    server.etag, server.cuts = None, [300_000]
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT
    assert server.asked[1] == ("bytes=300000-", None)
    place.unlink()
    server.cuts, server.content = [300_000, 0, 0, 0, 0, 0], CONTENT[:-1]
    with pytest.raises(DataError, match="broke off"):
        cache.fetch(small(server))
    server.content = CONTENT
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT


def test_what_was_whole_when_it_was_stopped_is_not_asked_for_again(server, place) -> None:
    server.cuts = [300_000, 0, 0, 0, 0, 0]
    with pytest.raises(DataError, match="broke off"):
        cache.fetch(small(server))
    place.with_name(".set.bin.part").write_bytes(CONTENT)
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT


def test_a_file_of_no_known_length(server, place) -> None:
    server.length = False
    cache.fetch(small(server, size=None))
    assert place.read_bytes() == CONTENT


def test_another_file_than_the_published_one(server, place, refused) -> None:
    server.content = CONTENT[::-1]
    received = f"sha256:{hashlib.sha256(server.content).hexdigest()}"
    message = (
        f"{server.url} gave what was not published: expected {DIGEST}, received {received} (1,048,576 bytes); nothing "
        f"was kept: fetch it again, or put the published file as {place}"
    )
    with refused(DataError, message):
        cache.fetch(small(server))
    assert names(place) == set()


def test_a_good_file_stays_when_another_one_comes(server, place) -> None:
    cache.fetch(small(server))
    server.content = b"x" * len(CONTENT)
    with pytest.raises(DataError, match="gave what was not published"):
        cache.fetch(small(server), force=True)
    assert place.read_bytes() == CONTENT
    assert names(place) == {"set.bin", "set.bin.json"}


def test_more_than_was_published(server, place) -> None:
    with pytest.raises(DataError, match=r"gives more than the 1,000 bytes that were published \(1,048,576\)"):
        cache.fetch(small(server, size=1000))
    server.length = False
    with pytest.raises(DataError, match="gives more than the 1,000 bytes"):
        cache.fetch(small(server, size=1000))
    assert names(place) == set()


def test_a_file_that_is_not_there(server, place, refused) -> None:
    server.status = 404
    with refused(
        DataError, f"{server.url} answered 404 (Not Found); look for the file at its source, and put it as {place}"
    ):
        cache.fetch(small(server))


def test_no_network(server, place, refused) -> None:
    one = PublicSet("small", "", "", None, (1, 1), (1, 1), (Remote("http://127.0.0.1:1/set.bin"),))
    with refused(
        DataError,
        "cannot reach 127.0.0.1:1 (Connection refused); download http://127.0.0.1:1/set.bin on another machine and "
        f"put it as {place}",
    ):
        cache.fetch(one)


def test_a_host_that_nobody_knows_and_one_that_does_not_answer(monkeypatch, place) -> None:
    import socket

    one = PublicSet("small", "", "", None, (1, 1), (1, 1), (Remote("https://example.org/set.bin"),))
    for error, said in (
        (URLError(socket.gaierror(-2, "Name or service not known")), "its name is not known here; is there a network?"),
        (URLError(TimeoutError("timed out")), "no answer for 30 s"),
    ):

        def unreachable(request: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(transfer, "_open", unreachable)
        with pytest.raises(DataError, match=re.escape(f"cannot reach example.org ({said}); download https://")):
            cache.fetch(one)


@pytest.mark.parametrize("url", ["http://example.org/set.bin", "ftp://127.0.0.1/set.bin", "file:///etc/hostname"])
def test_only_https(refused, url) -> None:
    one = PublicSet("small", "", "", None, (1, 1), (1, 1), (Remote(url),))
    with refused(DataError, f"{url} is not https, and anybody on the way could change it; nothing was fetched"):
        cache.fetch(one)


def test_no_redirect_leads_out_of_https(server, place) -> None:
    server.status, server.to = 302, "http://example.org/set.bin"
    with pytest.raises(DataError, match=r"http://example.org/set.bin is not https"):
        cache.fetch(small(server))


def test_a_file_put_there_by_hand(server, place, refused) -> None:
    one = small(server)
    message = (
        f"small has not been fetched; run: bruit datasets fetch small, or download {server.url} on another machine and "
        f"put it as {place}"
    )
    with refused(DataError, message):
        cache.found(one, one.files[0])
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT[1:])
    received = f"sha256:{hashlib.sha256(CONTENT[1:]).hexdigest()}"
    message = (
        f"{place} is not what was published: expected {DIGEST}, received {received} (1,048,575 bytes); delete it, and "
        "fetch it again"
    )
    for call in (lambda: cache.found(one, one.files[0]), lambda: cache.fetch(one)):
        with refused(DataError, message):
            call()
    place.write_bytes(CONTENT)
    assert cache.found(one, one.files[0]) == place
    assert server.asked == []


def test_where_no_digest_was_published_that_of_the_first_file_is_kept(server, place) -> None:
    one = small(server, digest=None)
    cache.fetch(one)
    assert DIGEST in (place.parent / "set.bin.json").read_text()
    place.write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="is not what it was when it was first fetched: expected"):
        cache.found(one, one.files[0])
    server.content = CONTENT[::-1]
    with pytest.raises(DataError, match="is not what it was when it was first fetched: expected"):
        cache.fetch(one, force=True)
    server.content = CONTENT
    cache.fetch(one, force=True)
    assert cache.found(one, one.files[0]).read_bytes() == CONTENT


@pytest.mark.parametrize("note", [b"", b"[1]", b'{"digest": "crc:1"}', b'{"digest": 7, "stat": []}'])
def test_a_damaged_note_is_written_again(server, place, note) -> None:
    one = small(server, digest=None)
    cache.fetch(one)
    place.with_name("set.bin.json").write_bytes(note)
    assert cache.found(one, one.files[0]) == place
    assert DIGEST in place.with_name("set.bin.json").read_text()


def test_md5_where_that_is_what_was_published(server, place) -> None:
    cache.fetch(small(server, digest=f"md5:{hashlib.md5(CONTENT).hexdigest()}"))
    assert place.read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written(server, place, monkeypatch) -> None:
    monkeypatch.setenv("BRUIT_CACHE", "/dev/null/cache")
    with pytest.raises(RunError, match=r"cannot write /dev/null/cache/small/set\.bin: Not a directory"):
        cache.fetch(small(server))


def test_a_disk_that_is_full(server, place) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(RunError, match=r"cannot write .*/\.set\.bin\.part: File too large; free some space or"):
            cache.fetch(small(server))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    cache.fetch(small(server))
    assert place.read_bytes() == CONTENT
    assert server.asked[1][0] == "bytes=500000-"


def test_the_cache_is_the_systems_unless_somebody_names_one(monkeypatch) -> None:
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("BRUIT_CACHE")
    assert cache.root() == Path(pooch.os_cache("bruit"))
