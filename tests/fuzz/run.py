"""`make fuzz`: many inputs for every reader of foreign bytes, each in a process of its own, and a table of them all.

Inputs that broke a rule are left in fuzz-broken/, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "BRUIT_MAX_BYTES": "1M", "BRUIT_MAX_PIXELS": "1M"}

from fuzzer import MEMORY, REPORT_MEMORY, REPORT_SECONDS, SECONDS, Tried, fuzz
from targets import all_targets

BROKEN = Path("fuzz-broken")
# Above the bound that is measured: this much address space is all that a reader gets at once.
ROOM = 2**30


def one(name: str, n: int, seed: int) -> Tried:
    """One reader's share, in this process alone."""
    target = next(target for target in all_targets() if target.name == name)
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.RLIM_INFINITY))
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        return fuzz(target, Path(folder, "read"), n, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="readers whose names hold this")
    asked = parser.parse_args()
    targets = [target for target in all_targets() if asked.only in target.name]
    share = asked.inputs / sum(1 / target.cost for target in targets)
    start = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(maxtasksperchild=1) as pool:
        waiting = [pool.apply_async(one, (target.name, int(share / target.cost) + 1, asked.seed)) for target in targets]
        rows = [job.get() for job in waiting]
    print(
        f"{'reader':38}{'inputs':>9}{'read':>9}{'outcomes':>10}{'lines':>7}{'slowest':>10}{'memory':>10}{'growth':>10}"
    )
    for row in rows:
        print(
            f"{row.name:38}{row.inputs:9,}{row.read:9,}{len(row.outcomes):10}{row.lines:7}{1000 * row.slowest:7.0f} ms"
            f"{row.memory / 2**20:6.0f} MiB{row.growth / 2**20:6.0f} MiB"
        )
    n = sum(row.inputs for row in rows)
    print(f"{'all':38}{n:9,}{sum(row.read for row in rows):9,}  in {time.perf_counter() - start:.0f} s; ", end="")
    bounds = f"{SECONDS:.0f} s and {MEMORY >> 20} MiB (a report {REPORT_SECONDS:.0f} s and {REPORT_MEMORY >> 20} MiB)"
    print(f"bounds: {bounds}, nothing executed")
    shutil.rmtree(BROKEN, ignore_errors=True)
    for row in rows:
        for what, content in row.broken:
            BROKEN.mkdir(exist_ok=True)
            path = BROKEN / hashlib.sha256(content).hexdigest()[:12]
            path.write_bytes(content)
            print(f"{row.name}: {what[:300]} ({path})")
    return int(any(row.broken for row in rows))


if __name__ == "__main__":
    sys.exit(main())
