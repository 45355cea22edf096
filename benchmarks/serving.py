"""How fast `bruit serve` answers, against a bare FastAPI route and against the Reader itself.

    python benchmarks/serving.py [--seconds 5] [--rounds 3]

One image a request, 32 clients: requests/s, against a FastAPI route under the same uvicorn that receives the same body
and does nothing. 100 images a request (JSON), 4 clients: images/s, against Reader.read of the same arrays in a process
of its own. Servers take turns, clients run in this process; the medians of the rounds and their ratios are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

BARE = """
import sys, uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response
app = FastAPI()
@app.post("/v1/read")
async def read(request: Request):
    await request.body()
    return Response(b'{}', media_type="application/json")
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
READER = """
import json, sys, time
import numpy as np
from bruit.reading.reader import Reader
reader, images = Reader.load(), np.load(sys.argv[1])
reader.read(images)
count, began = 0, time.perf_counter()
while time.perf_counter() - began < float(sys.argv[2]):
    reader.read(images)
    count += len(images)
print(count / (time.perf_counter() - began))
"""
CLIENTS, MANY = 32, 100
PORTS = {"bruit": 8951, "bare": 8952}


async def requests_per_second(port: int, body: bytes, kind: str, clients: int, seconds: float) -> float:
    """Of clients that each send the next request when the last one is answered, on connections that stay open."""
    head = [
        "POST /v1/read HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
    ]
    message = "\r\n".join([*head, "", ""]).encode() + body
    done, end = 0, time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            writer.write(message)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer.decode())
            length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            done += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return done / (time.perf_counter() - began)


def wait_for(port: int) -> None:
    """Until something listens there."""
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing listens at port {port}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    from bruit.data.builtin import mnist

    images = mnist().train.images[:MANY]
    rows: dict[str, list[float]] = {
        name: [] for name in ("bruit, 1 image", "bare route", "bruit, 100 images", "Reader")
    }
    with tempfile.TemporaryDirectory() as folder:
        picture, stack = Path(folder, "one.png"), Path(folder, "images.npy")
        Image.fromarray(images[0]).save(picture)
        np.save(stack, images)
        one, many = picture.read_bytes(), json.dumps({"images": images.tolist()}).encode()
        servers = [
            subprocess.Popen([sys.executable, "-m", "bruit", "serve", "--port", str(PORTS["bruit"])],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
            subprocess.Popen([sys.executable, "-c", BARE, str(PORTS["bare"])]),
        ]  # fmt: skip
        try:
            for port in PORTS.values():
                wait_for(port)
            for _ in range(chosen.rounds):
                for name, port in (("bruit, 1 image", PORTS["bruit"]), ("bare route", PORTS["bare"])):
                    rate = requests_per_second(port, one, "image/png", CLIENTS, chosen.seconds)
                    rows[name].append(asyncio.run(rate))
                rate = requests_per_second(PORTS["bruit"], many, "application/json", 4, chosen.seconds)
                rows["bruit, 100 images"].append(MANY * asyncio.run(rate))
                code = [sys.executable, "-c", READER, str(stack), str(chosen.seconds)]
                rows["Reader"].append(float(subprocess.run(code, capture_output=True, text=True, check=True).stdout))
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    medians = {name: statistics.median(values) for name, values in rows.items()}
    for name, values in rows.items():
        print(f"{name:20} {medians[name]:8.0f} /s   {' '.join(f'{value:.0f}' for value in values)}")
    print(f"one image:  {medians['bruit, 1 image'] / medians['bare route']:.2f} of a bare route")
    print(f"100 images: {medians['bruit, 100 images'] / medians['Reader']:.2f} of Reader")


if __name__ == "__main__":
    main()
