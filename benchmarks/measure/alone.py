"""One side of a workload in a process of its own: `python -m benchmarks.measure.alone [side] [workload]`.

It prints the seconds to the first result, and by how many bytes the process grew.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.peers.sides import builder
from benchmarks.workloads.named import named

__all__ = ["Alone", "alone"]

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
CALLS = 5
AGAIN = 3  # processes that find the caches filled: the least of their times counts
LONG = 3.0  # seconds; what takes longer is not made so often
LIMIT = 600.0  # seconds


@dataclass(frozen=True)
class Alone:
    """What processes of their own tell of a side.

    first      seconds to the first result, with no cache on disk; imports, and making the arrays, do not count
    again      the same in another process, where the first one may have left caches
    resident   by how many bytes the memory of that process grew at most while it built and called: with what
               it compiles by and what it keeps, but without imports and the arrays of the workload; None
               where the system does not tell
    """

    first: float
    again: float
    resident: int | None


def alone(side: str, workload: str) -> Alone | str:
    """Of one side; or why there are no figures."""
    with TemporaryDirectory() as folder:
        environment = os.environ | caches(folder)
        first = _process(side, workload, environment)
        if isinstance(first, str):
            return first
        again: list[_Figures] = []
        while len(again) < AGAIN and sum(one.seconds for one in again) < LONG:
            found = _process(side, workload, environment)
            if isinstance(found, str):
                return found
            again.append(found)
    least = min(again, key=lambda one: one.seconds)
    return Alone(first.seconds, least.seconds, least.resident)


def caches(folder: str) -> Mapping[str, str]:
    """The variables by which each framework keeps its code in this folder; some keep none unless they are set.

    Python keeps its own, as it does of what is installed.
    """
    return {
        "PYTHONDONTWRITEBYTECODE": "",
        "GRAPHC_CACHE": f"{folder}/graphc",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch",
        "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "0",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor",
    }


@dataclass(frozen=True)
class _Figures:
    """What one process tells."""

    seconds: float
    resident: int | None


def _process(side: str, workload: str, environment: Mapping[str, str]) -> _Figures | str:
    command = [sys.executable, "-m", "benchmarks.measure.alone", side, workload]
    try:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"a process of its own takes more than {LIMIT:.0f} s"
    if ran.returncode:
        return f"a process of its own ends with {ran.returncode}: {ran.stderr.strip().rpartition(chr(10))[2]}"
    return _Figures(**json.loads(ran.stdout.splitlines()[-1]))


def main(side: str, workload: str) -> None:
    """Build, call, and print the figures."""
    work = named(workload)
    build = builder(side, work.kind)
    before = resident("VmRSS")
    resets = before is not None and os.access(RESET, os.W_OK)
    if resets:
        RESET.write_text("5", encoding="ascii")  # the peak of the process is what it holds now
    start = perf_counter()
    call = build(work)
    call()
    seconds = perf_counter() - start
    for _ in range(CALLS - 1):
        call()
    peak = resident("VmHWM")
    grown = peak - before if resets and peak is not None and before is not None else None
    print(json.dumps({"seconds": seconds, "resident": grown}))


def resident(field: str) -> int | None:
    """Bytes of this process that are in memory: `VmRSS` now, `VmHWM` at most."""
    text = STATUS.read_text(encoding="ascii") if STATUS.exists() else ""
    found = re.search(rf"^{field}:\s*(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


if __name__ == "__main__":
    main(*sys.argv[1:])
