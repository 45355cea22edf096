"""How much memory `bruit check`, `evaluate` and `convert` take on more and more images, made of those of MNIST.

    python benchmarks/flat_memory.py --gigabytes 1 5 20 --commands check evaluate --folder /tmp

Every command runs in a process of its own. Its peak is that of RssAnon, which the kernel cannot take back, looked at
ten times a second; the pages of files that are mapped, which it can, are told apart. Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bruit.data.builtin import mnist
from bruit.data.dataset import Dataset

BRUIT = [sys.executable, "-m", "bruit"]


def mixed(source: Dataset, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n images, each made of two of MNIST that are laid over each other, so that no two are alike; and labels."""
    one, other = np.random.default_rng(seed).integers(0, len(source), (2, n))
    return np.maximum(source.images[one], source.images[other] // 2), source.labels[one]


def write_split(folder: Path, split: str, source: Dataset, n: int, dtype: str) -> None:
    """n images and labels as two .npy files, written block by block."""
    made = np.lib.format.open_memmap(folder / f"{split}_images.npy", "w+", dtype, (n, 28, 28))
    labels = np.empty(n, np.int64)
    for number, start in enumerate(range(0, n, 50_000)):
        part = slice(start, min(n, start + 50_000))
        images, labels[part] = mixed(source, part.stop - start, 2 * number + (split == "test"))
        made[part] = images if dtype == "uint8" else images / np.float32(255)
    made.flush()
    np.save(folder / f"{split}_labels.npy", labels)


def measured(command: list[str]) -> dict[str, Any]:
    """Seconds, and the peaks of a command's memory in MB."""
    start, anonymous, of_files = time.perf_counter(), 0, 0
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                anonymous = max(anonymous, int(lines["RssAnon"].split()[0]))
                of_files = max(of_files, int(lines["RssFile"].split()[0]))
            except (OSError, KeyError):
                pass  # it has just ended
            time.sleep(0.1)
        assert process.stderr is not None
        said = process.stderr.read()
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: {said}")
        out.seek(0)
        answer = out.read()
    seconds = time.perf_counter() - start
    return {
        "seconds": round(seconds, 1),
        "anonymous_mb": round(anonymous / 1000),
        "mapped_mb": round(of_files / 1000),
        "said": said.strip().splitlines(),
        "codes": [one["code"] for one in json.loads(answer).get("findings", [])] if answer.startswith("{") else [],
    }


def swap_splits(data: Path) -> None:
    """Most images become test images, which are all that evaluate looks at."""
    for kind in ("images", "labels"):
        one, other, aside = (data / f"{name}_{kind}.npy" for name in ("train", "test", "aside"))
        one.rename(aside)
        other.rename(one)
        aside.rename(other)


def small_model(name: str, folder: Path) -> Path:
    """A model that was trained on 2,000 images."""
    few = folder / "few"
    few.mkdir()
    write_split(few, "train", mnist().train, 2000, "uint8")
    write_split(few, "test", mnist().test, 500, "uint8")
    command = [*BRUIT, "train", name, str(few), "--out", str(folder / "model")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "model"


def run(gigabytes: float, args: argparse.Namespace) -> None:
    """All commands on so many images, the files of which are gone afterwards."""
    n = int(gigabytes * 1e9 / 784)
    free = shutil.disk_usage(args.folder or tempfile.gettempdir()).free
    needed = gigabytes * 1e9 * (5 if args.dtype == "float32" else 1) * (2 if "convert" in args.commands else 1)
    if needed > 0.9 * free:
        raise SystemExit(f"{needed / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free")
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="flat-memory-") as temporary:
        folder = Path(temporary)
        data = folder / "data"
        data.mkdir()
        write_split(data, "train", mnist().train, n - n // 10, args.dtype)
        write_split(data, "test", mnist().test, n // 10, args.dtype)
        for command in sorted(args.commands, key="check convert evaluate".index):
            images = n
            if command == "evaluate":
                swap_splits(data)
                images = n - n // 10
                arguments = [str(small_model(args.model, folder)), str(data)]
            else:
                arguments = [str(data), *([str(folder / "out")] if command == "convert" else [])]
            result = measured([*BRUIT, command, *arguments, "--json"])
            print(json.dumps({"command": command, "dtype": args.dtype, "images": images} | result), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", nargs="+", type=float, default=[1, 5, 20], help="sizes of the images, as uint8")
    parser.add_argument("--commands", nargs="+", default=["check"], choices=["check", "evaluate", "convert"])
    parser.add_argument("--model", default="logistic", help="what evaluate tries, trained on 2,000 images beforehand")
    parser.add_argument("--dtype", default="uint8", choices=["uint8", "float32"])
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    args = parser.parse_args()
    for gigabytes in args.gigabytes:
        run(gigabytes, args)


if __name__ == "__main__":
    main()
