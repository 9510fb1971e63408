"""How many threads this process should use: what the user says, or the CPUs it may run on and their quota."""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from graphc.errors import ArgumentError

__all__ = ["at_most", "cpus", "threads_wanted"]

PROCESS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def threads_wanted(environment: Mapping[str, str] | None = None) -> int:
    """$GRAPHC_THREADS, or $OMP_NUM_THREADS, or one for each CPU."""
    environment = os.environ if environment is None else environment
    said = environment.get("GRAPHC_THREADS", "").strip()
    if said:
        if not (said.isascii() and said.isdecimal() and int(said) > 0):
            raise ArgumentError(f"GRAPHC_THREADS is {said!r}", hint="a number of threads, from 1 on")
        return int(said)
    first = environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # the others are for nested regions
    return int(first) if first.isascii() and first.isdecimal() and int(first) > 0 else cpus()


def at_most(threads: int | None) -> int:
    """How many threads work at once where so many may: None for as many as are wanted."""
    wanted = threads_wanted()
    return wanted if threads is None else min(threads, wanted)


def cpus() -> int:
    """The CPUs that this process may run on, or fewer where a group of processes has a quota of time."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quota = min(quotas(PROCESS, GROUPS), default=math.inf)
    return allowed if quota == math.inf else max(1, min(allowed, math.ceil(quota)))


def quotas(process: Path, groups: Path) -> Iterator[float]:
    """The CPUs' worth of time that each group around this process may take, of both versions of Linux's groups."""
    for line in _lines(process):
        _, controllers, path = line.split(":", 2)
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            inside = Path(*parts[:depth])
            if not controllers:  # version 2: "max 100000" or "150000 100000"
                yield from _quota(_lines(groups / inside / "cpu.max"))
            elif "cpu" in controllers.split(","):  # version 1: -1 is no quota
                folder = groups / controllers / inside
                yield from _quota(
                    [" ".join(_lines(folder / "cpu.cfs_quota_us") + _lines(folder / "cpu.cfs_period_us"))]
                )


def _quota(lines: list[str]) -> Iterator[float]:
    for line in lines:
        match line.split():
            case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
                yield int(quota) / int(period)
            case _:
                pass


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another system, or no group
        return []
