"""Who is answered, how much is taken, and what a browser is told: the rules of docs/security.md."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import png
from PIL import Image

from bruit.errors import ConfigError
from bruit.serving import limits
from bruit.serving.refusal import RequestError
from bruit.serving.security import is_loopback, read_token, rules_for

PNG = {"content-type": "image/png"}
TOKEN = "0123456789abcdef0123456789abcdef"
PROTECTED = ("/v1/models", "/v1/noises", "/metrics")
OPEN = ("/", "/healthz", "/v1/words", "/app.js", "/docs", "/openapi.json")


def sent(address: str, message: bytes, seconds: float = 60) -> bytes:
    """What comes back for these bytes until the server closes the connection, or is silent."""
    host, _, port = address.rpartition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(message)
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            pass
    return answer


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("{address}", True),
        ("localhost:{port}", True),
        ("LOCALHOST", True),
        ("[::1]:{port}", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:{port}", False),
        ("localhost.evil.example", False),
        ("192.168.0.1:{port}", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_its_own_names_are_answered(client, served, host: str, answered: bool) -> None:
    answer = client.get("/healthz", headers={"host": host.format(address=served.address, port=served.port)})
    assert answer.status_code == (200 if answered else 403)
    assert answered or answer.json()["error"].startswith("this server is not called")


@pytest.mark.parametrize(
    ("headers", "answered"),
    [
        ({"origin": "http://{address}"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://localhost:{port}"}, False),
        ({"origin": "http://127.0.0.1:1"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
    ],
)
def test_pages_of_other_origins_are_not_answered(client, served, headers: dict, answered: bool) -> None:
    told = {name: text.format(address=served.address, port=served.port) for name, text in headers.items()}
    assert client.get("/v1/models", headers=told).status_code == (200 if answered else 403)
    if headers.get("sec-fetch-mode") == "navigate":
        assert client.post("/v1/read", headers={**told, **PNG}, content=b"x").status_code == 403


@pytest.mark.parametrize("path", ["/", "/app.js", "/docs", "/v1/models", "/metrics", "/nowhere"])
def test_what_a_browser_is_told(client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] in ("no-cache", "no-store")
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/%2e%2e/etc/passwd", "/web/app.js", "/style.css/", "//etc"]
)
def test_no_path_comes_from_a_request(served, path: str) -> None:
    answer = sent(
        served.address, f"GET {path} HTTP/1.1\r\nHost: {served.address}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 404")


def test_too_much_is_refused_before_it_is_received(served) -> None:
    for announced in (str(limits.MAX_BODY + 1), "9" * 30):
        head = f"POST /v1/read HTTP/1.1\r\nHost: {served.address}\r\nContent-Length: {announced}\r\n\r\n"
        assert sent(served.address, head.encode()).partition(b"\r\n")[0] in (
            b"HTTP/1.1 413 ",
            b"HTTP/1.1 413 Content Too Large",
            b"HTTP/1.1 413 Request Entity Too Large",
            b"HTTP/1.1 400 Bad Request",
        )


def test_too_much_is_refused_while_it_is_received(client) -> None:
    answer = client.post("/v1/read", content=(b"0" * 2**20 for _ in range(17)), headers=PNG)
    assert answer.status_code == 413
    assert "the limit is 16 MB" in answer.json()["error"]


def bomb(side: int) -> bytes:
    """A small file of many pixels."""
    file = BytesIO()
    Image.new("1", (side, side)).save(file, "PNG", optimize=True)
    return file.getvalue()


def test_pictures_of_too_many_pixels_are_refused(client) -> None:
    large = bomb(3200)
    assert len(large) < 10_000
    answer = client.post("/v1/read", content=large, headers=PNG)
    assert (answer.status_code, "3,200 × 3,200 pixels" in answer.json()["error"]) == (413, True)
    several = [("file", ("a.png", bomb(3000))) for _ in range(3)]
    answer = client.post("/v1/read", files=several)
    assert (answer.status_code, "pixels in one request" in answer.json()["error"]) == (413, True)


def test_slow_clients_are_not_waited_for(served) -> None:
    """One sends its body slowly, and is told so; one does not even say what it wants."""

    def waited(message: bytes) -> tuple[bytes, float]:
        began = time.monotonic()
        answer = sent(served.address, message, limits.BODY_SECONDS + 30)
        return answer, time.monotonic() - began

    body = f"POST /v1/read HTTP/1.1\r\nHost: {served.address}\r\nContent-Length: 10\r\n\r\n123".encode()
    with ThreadPoolExecutor(2) as pool:
        (told, body_seconds), (silence, head_seconds) = pool.map(waited, (body, b"GET / HTTP/1.1\r\nHost:"))
    assert told.startswith(b"HTTP/1.1 408")
    assert b"was not whole" in told
    assert body_seconds >= limits.BODY_SECONDS - 1
    assert silence == b""
    assert limits.HEAD_SECONDS - 1 <= head_seconds < limits.BODY_SECONDS + 25


def test_a_token_is_needed_where_there_is_one(serve, token_file) -> None:
    import httpx

    served = serve("--token-file", str(token_file))
    with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as client:
        for path in OPEN:
            assert client.get(path).status_code == 200, path
        for path in PROTECTED:
            refused = client.get(path)
            assert refused.status_code == 401, path
            assert refused.headers["www-authenticate"] == "Bearer"
            for wrong in (f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer é".encode()):
                assert client.get(path, headers={"authorization": wrong}).status_code == 401
            assert client.get(path, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.post("/v1/read", content=b"x", headers=PNG).status_code == 401
    assert TOKEN not in str(served.lines)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False),
     ("192.168.0.7", False), ("machine.example", False)],
)  # fmt: skip
def test_other_addresses_need_a_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    if loopback:
        assert rules_for(host, None, frozenset()).token is None
    else:
        with pytest.raises(ConfigError, match="needs a token"):
            rules_for(host, None, frozenset())
        assert rules_for(host, TOKEN, frozenset()).token == TOKEN


def test_elsewhere_it_is_called_by_its_address_or_the_name_it_was_given() -> None:
    rules = rules_for("machine.example", TOKEN, frozenset())
    for host in (b"machine.example:8000", b"192.168.0.7:8000", b"[fe80::1]:8000", b"localhost:8000"):
        rules.examine("GET", "/", {b"host": host, b"authorization": f"Bearer {TOKEN}".encode()})
    with pytest.raises(RequestError, match="is not called"):
        rules.examine("GET", "/", {b"host": b"evil.example", b"authorization": f"Bearer {TOKEN}".encode()})


def test_a_token_that_cannot_be_used_is_refused(tmp_path, refused) -> None:
    file = tmp_path / "token"
    with refused(ConfigError, f"cannot read {file}: No such file or directory"):
        read_token(file, {})
    for content in (b"short", b"", b"0123456789 0123456789", "é".encode() * 20):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="a token of 16 letters and digits or more"):
            read_token(file, {})
    file.write_text(f" {TOKEN}\n", "utf-8")
    assert read_token(file, {"BRUIT_TOKEN": "another"}) == TOKEN
    assert read_token(None, {"BRUIT_TOKEN": TOKEN}) == TOKEN
    assert read_token(None, {}) is None


KINDS = (
    *("image/png", "image/x", "application/json", "multipart/form-data; boundary=x", "application/octet-stream", ""),
    *("multipart/form-data", "text/html", 'multipart/form-data; boundary="', "application/json; charset=utf-16"),
)
OPTIONS = ("model", "min_confidence", "top_k", "several", "noise", "severity", "seed", "digit", "draws", "lang")
NUMBERS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)
FORM = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
SMALL = png(np.zeros((3, 3), np.uint8))


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(("/v1/read", "/v1/look", "/v1/curve")),
    st.sampled_from(KINDS),
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(st.sampled_from(("images", "model", "top_k", "several", "x")), NUMBERS),
        st.binary(max_size=30).map(lambda cut: SMALL[:40] + cut + SMALL[40:]),
        st.binary(max_size=80).map(lambda part: FORM + part + b"\r\n--x--\r\n"),
    ),
    st.dictionaries(
        st.sampled_from(
            ("model", "min_confidence", "top_k", "several", "noise", "severity", "seed", "digit", "draws", "lang")
        ),
        st.one_of(st.text(max_size=8), st.sampled_from(("1", "robust", "fog", "-1", "1e999", "nan", "stripe"))),
        max_size=3,
    ),
)
def test_whatever_is_sent_the_server_does_not_fail(client, path: str, kind: str, body: object, query: dict) -> None:
    if isinstance(body, bytes):
        answer = client.post(path, content=body, params=query, headers={"content-type": kind})
    else:
        from json import dumps

        answer = client.post(path, content=dumps(body), params=query, headers={"content-type": kind})
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert set(answer.json()) == {"error"}
        assert "Traceback" not in answer.text
