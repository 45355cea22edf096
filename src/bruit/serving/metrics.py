"""What Prometheus is told at /metrics."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """Counters of one server.

    paths  that there are: whatever else is asked for is counted as one, so that nobody can make them grow
    """

    def __init__(self, paths: frozenset[str]) -> None:
        self.registry = CollectorRegistry()
        self._paths = paths
        ProcessCollector(registry=self.registry)
        self._requests = Counter("bruit_requests", "Requests answered.", ("path", "status"), registry=self.registry)
        self._seconds = Histogram(
            "bruit_request_seconds", "From the first byte to the answer.", ("path",), buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._images = Counter("bruit_images", "Images received.", registry=self.registry)
        self._digits = Counter("bruit_digits", "Digits read.", ("model",), registry=self.registry)
        self._batches = Histogram(
            "bruit_batch_requests", "Requests that were read together.", buckets=IMAGES, registry=self.registry
        )
        self._inside = Gauge("bruit_requests_inside", "Requests being answered.", registry=self.registry)
        # Looking up a label takes longer than counting.
        self._count = cache(lambda path, status: self._requests.labels(path, str(status)))
        self._timer = cache(lambda path: self._seconds.labels(path))

    def inside(self, count: Callable[[], int]) -> None:
        """`count` says how many requests are being answered, whenever somebody asks."""
        self._inside.set_function(count)

    def request(self, path: str, status: int, seconds: float, images: int) -> None:
        known = path if path in self._paths else "other"
        self._count(known, status).inc()
        self._timer(known).observe(seconds)
        if images:
            self._images.inc(images)

    def batch(self, requests: int) -> None:
        self._batches.observe(requests)

    def digits(self, model: str, count: int) -> None:
        self._digits.labels(model).inc(count)

    def page(self) -> bytes:
        return generate_latest(self.registry)
