"""The benchmark of GPUs: what it asks for, how it counts and ends, and its sides, on a device that is emulated."""

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
import pytest

from benchmarks import gpu
from benchmarks.measure.gpu_peaks import PER_CYCLE, peak
from benchmarks.measure.limited import ends_within
from benchmarks.workloads import products
from graphc.backends.cuda.backend import CudaBackend
from graphc.backends.cuda.emulation.emulator import Emulator
from graphc.backends.cuda.multiplication import Matrices, Multiplication, Multiplier
from tests.backends.cuda.emulated import NEEDS_COMPILER
from tests.case import Array

LIMITS = gpu.Limits(1e9, lambda dtype: 1e12 if dtype == "float32" else None)


@dataclass
class ByNumPy(Multiplier, Multiplication):
    """A library for a device whose memory is that of the host."""

    matrices: Matrices | None = None

    @property
    def version(self) -> str:
        return "1"

    @property
    def kept(self) -> bytes:
        return b""

    def planned(self, matrices: Matrices) -> Multiplication:
        return ByNumPy(matrices)

    def again(self, matrices: Matrices, kept: bytes) -> Multiplication:
        return ByNumPy(matrices)

    def run(self, left: int, right: int, out: int) -> None:
        asked = self.matrices
        assert asked is not None
        assert asked.are_turned == (False, False)

        def columns(address: int, across: int, leading: int) -> Array:
            """A matrix that lies by columns, turned."""
            room = (ctypes.c_float * (across * leading)).from_address(address)
            return np.ctypeslib.as_array(room).reshape(across, leading)

        x = columns(left, asked.sums, asked.leading[0])[:, : asked.rows]
        w = columns(right, asked.columns, asked.leading[1])[:, : asked.sums]
        columns(out, asked.columns, asked.leading[2])[:, : asked.rows] = w @ x


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """What graphc's side runs on, for an instant."""
    found = Emulator(apart=False)
    monkeypatch.setattr("graphc.driver.BACKENDS", {"cuda": lambda _: CudaBackend(found)})
    monkeypatch.setattr(gpu, "SAMPLE", 0.0)
    return found


@NEEDS_COMPILER
def test_calls_on_a_gpu_are_measured(device: Emulator) -> None:
    for work in (products.adam("adam", 33), products.mlp_step("mlp", (6, 5, 4), 3)):
        row = gpu.measured(work, device, {"slow": {"adam": lambda _: tuple}})
        assert row.seconds.keys() == ({"graphc", "slow"} if work.name == "adam" else {"graphc"})
        assert gpu.line_of(row, LIMITS).startswith(f"| {work.name} |")


@NEEDS_COMPILER
def test_a_product_is_told_beside_the_library_and_the_peak(device: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Emulator, "multiplier", ByNumPy())
    peers, _ = gpu.tables(device)
    row = gpu.measured(products.gemm("gemm", 5, 7, 6), device, {"cuBLASLt": peers["cuBLASLt"]})
    assert not row.notes, "the results are the same"
    line = gpu.line_of(row, LIMITS)
    assert "% of the peak, " in line
    assert "% of cuBLASLt |" in line


@NEEDS_COMPILER
def test_no_side_of_others_begins_when_the_time_is_over(device: Emulator) -> None:
    row = gpu.measured(products.adam("adam", 33), device, {"slow": {"adam": lambda _: tuple}}, perf_counter())
    assert row.seconds.keys() == {"graphc"}
    assert row.notes == ["slow: left out: the time is over"]


def test_what_is_asked_for_is_told_by_parts_of_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.asked_for([]) == list(gpu.NAMES)
    gpu.main(["--list", "Adam", "cross-entropy"])
    said = capsys.readouterr().out.splitlines()
    assert said == ["cross-entropy and gradient 4096x32000", "Adam of 10^8 parameters"]


def test_each_subject_of_the_benchmark_has_a_row() -> None:
    for subject in (
        "gelu",
        "softmax and gradient",
        "layer norm and gradients",
        "cross-entropy",
        "Adam",
        "matrix product 4096",
        "bfloat16",
        "bias, relu",
        "attention",
        "step of an mlp",
        "step of a transformer",
    ):
        assert gpu.asked_for([subject]), subject


def test_unless_it_is_told_otherwise_all_ends_within_ten_minutes() -> None:
    assert 60 * gpu.MINUTES + gpu.GRACE < 600


def test_a_program_ends_in_time_with_all_that_it_began(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import pathlib, time\nwhile True: pathlib.Path({str(alive)!r}).write_text('x'); time.sleep(0.01)"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    start = perf_counter()
    assert not ends_within(1.5, [sys.executable, "-c", parent])
    assert perf_counter() - start < 10
    assert alive.exists()
    alive.unlink()
    sleep(0.1)
    assert not alive.exists()
    assert ends_within(30, [sys.executable, "-c", ""])


def test_the_measuring_is_ended_in_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[float, list[str]]] = []

    def ended(seconds: float, command: list[str]) -> bool:
        asked.append((seconds, command))
        return False

    monkeypatch.setattr(gpu, "ends_within", ended)
    gpu.main(["--minutes", "2", "gelu"])
    ((seconds, command),) = asked
    assert seconds == 120 + gpu.GRACE
    assert command[-4:] == ["--here", "--minutes", "2", "gelu"]
    assert "the time is over" in capsys.readouterr().out


def device_of(capability: tuple[int, int], processors: int, kilohertz: int) -> Callable[[str], int]:
    """The attributes of a device."""
    major, minor = capability
    known = {"MULTIPROCESSOR_COUNT": processors, "CLOCK_RATE": kilohertz}
    known |= {"COMPUTE_CAPABILITY_MAJOR": major, "COMPUTE_CAPABILITY_MINOR": minor}
    return known.__getitem__


def test_peaks_are_those_that_the_maker_tells() -> None:
    a100, h100 = device_of((8, 0), 108, 1_410_000), device_of((9, 0), 132, 1_980_000)
    assert peak("float32", a100) == pytest.approx(19.5e12, rel=0.01)
    assert peak("bfloat16", a100) == pytest.approx(312e12, rel=0.01)
    assert peak("float32", h100) == pytest.approx(66.9e12, rel=0.01)
    assert peak("float64", h100) is None
    assert peak("float32", device_of((7, 5), 40, 1_590_000)) is None
    assert all(own["float32"] < own["bfloat16"] for own in PER_CYCLE.values())


def test_calls_on_a_gpu_are_waited_for_at_the_end_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "SAMPLE", 1e-3)
    calls, waited = count(1), list[int]()
    gpu.timed(lambda: next(calls), lambda last: waited.append(int(str(last))))
    assert len(waited) == 2 + gpu.SAMPLES
    assert waited[:2] == [3, 4]
    assert waited[-1] == next(calls) - 1, "the last call is waited for"
    assert waited[-1] - waited[-2] > 1
