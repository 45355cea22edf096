"""`bruit serve` as a program: how it starts, what it says where it cannot, how it stops."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
import pytest
from pictures import png

from bruit.serving.models import SMALL_NAMES

PNG = {"content-type": "image/png"}


def refused(*arguments: str) -> str:
    """What is said after `bruit: ` by a server that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "bruit", "serve", *arguments], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line.removeprefix("bruit: ")


def test_a_port_that_is_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert refused("--port", str(port)) == f"port {port} is taken; choose another with --port, or 0 for any"


def test_another_address_without_a_token() -> None:
    assert refused("--host", "0.0.0.0").startswith("at 0.0.0.0 others can reach this server, so it needs a token")


def test_a_token_file_that_cannot_be_read(tmp_path) -> None:
    missing = tmp_path / "missing"
    assert refused("--token-file", str(missing)) == f"cannot read {missing}: No such file or directory"


def test_a_run_without_models(tmp_path) -> None:
    (tmp_path / "study.toml").touch()
    said = f"{tmp_path} has no finished model; go on with the study, or leave RUN out"
    assert refused(str(tmp_path), "--port", "0") == said


def test_what_is_no_run(tmp_path) -> None:
    assert str(tmp_path / "nothing") in refused(str(tmp_path / "nothing"), "--port", "0")


def test_what_is_not_installed_is_named() -> None:
    code = "import sys\nsys.modules['fastapi'] = None\nfrom bruit.cli import main\nmain(['serve', '--port', '0'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "pip install -e '.[serve]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_what_is_there_and_ends(serve, number: int) -> None:
    served = serve()
    held = socket.create_connection(("127.0.0.1", served.port), timeout=60)
    body = png(np.zeros((28, 28), np.uint8))
    head = f"POST /v1/read HTTP/1.1\r\nHost: {served.address}\r\nContent-Type: image/png\r\n"
    held.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
    time.sleep(1)
    threading.Timer(0.5, held.sendall, [body[20:]]).start()
    assert served.stop(number) == 0
    assert held.recv(65536).startswith(b"HTTP/1.1 200")
    held.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url, trust_env=False)


def test_the_networks_of_a_run_are_offered_with_its_report(serve, finished) -> None:
    served = serve(str(finished.run))
    assert served.models == ["robust", "cnn", "dnn", "knn", "logistic"]
    with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as client:
        offered = client.get("/v1/models").json()
        assert offered["report"] == "/report"
        assert [one["name"] for one in offered["models"] if one["winner"]] == [finished.results["winner"]]
        image = png(np.zeros((28, 28), np.uint8))
        for name in served.models:
            answer = client.post(f"/v1/read?model={name}", content=image, headers=PNG)
            assert (answer.status_code, answer.json()["model"]) == (200, name)
        report = client.get("/report")
        assert report.text == (finished.run / "report.html").read_text("utf-8")
        assert report.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_without_a_run_there_is_no_report(client, served) -> None:
    assert client.get("/v1/models").json()["report"] is None
    assert client.get("/report").status_code == 404
    assert served.models[0] == "robust"
    assert set(served.models) == {"robust", *SMALL_NAMES}


def test_memory_does_not_grow(serve) -> None:
    served = serve()
    body = png(np.zeros((300, 300), np.uint8))

    def resident() -> float:
        page = httpx.get(f"{served.url}metrics", trust_env=False, timeout=120).text
        (value,) = re.findall(r"^process_resident_memory_bytes (\S+)", page, re.MULTILINE)
        return float(value)

    with httpx.Client(base_url=served.url, timeout=120, trust_env=False) as client:
        for round_ in range(3):
            for path in ("/v1/read", "/v1/look?noise=fog&severity=3", "/nowhere"):
                for _ in range(40):
                    client.post(path, content=body, headers=PNG)
            if round_ == 0:
                before = resident()
    assert resident() < before + 20e6
