"""The report of what CUDA kernels take: a line for each kernel, then the extremes."""

from pathlib import Path

import pytest

import graphc as gx
from benchmarks.cuda_resources import MODELS, Row, main, report, rows_of
from benchmarks.measure.occupancy import occupancy
from graphc.backends.cuda.nvrtc import Resources
from tests.backends.cuda.compiled import NEEDS_NVRTC


def test_extremes_stand_behind_the_kernels() -> None:
    rows = [
        Row("small", "kernel_0", "sm_80", Resources(registers=20, stack=8, spilled=0, shared=0), 256),
        Row("large", "kernel_3", "sm_90", Resources(registers=90, stack=0, spilled=0, shared=512), 256),
    ]
    lines = report(rows).splitlines()
    assert lines[2].split() == ["large", "kernel_3", "sm_90", "90", "512", "0", "0", "25%"]
    assert lines[3:] == [
        "most registers: 90, large, kernel_3, sm_90",
        "most shared: 512, large, kernel_3, sm_90",
        "most local: 8, small, kernel_0, sm_80",
        "most spilled: 0",
        "least occupancy: 25%, large, kernel_3, sm_90",
    ]


@pytest.mark.parametrize(
    ("architecture", "registers", "shared", "threads", "part"),
    [
        ("sm_80", 32, 0, 256, 1),  # all warps
        ("sm_80", 33, 0, 256, 0.75),  # 48 warps have registers
        ("sm_80", 128, 0, 256, 0.25),
        ("sm_80", 255, 0, 1024, 0),  # no block fits
        ("sm_80", 32, 40 << 10, 256, 0.5),  # four blocks have shared memory: the fifth finds none for itself
        ("sm_90", 32, 40 << 10, 256, 0.625),
        ("sm_86", 16, 0, 32, 16 / 48),  # of the most blocks
    ],
)
def test_occupancy_is_what_registers_shared_memory_and_blocks_leave(
    architecture: str, registers: int, shared: int, threads: int, part: float
) -> None:
    used = Resources(registers=registers, stack=0, spilled=0, shared=shared)
    assert occupancy(architecture, used, threads) == part


def test_a_gpu_that_is_not_known_has_no_occupancy() -> None:
    row = Row("text", "kernel_0", "sm_999", Resources(registers=20, stack=0, spilled=0, shared=0), 256)
    assert row.occupancy is None
    assert report([row]).splitlines()[1].endswith("unknown")
    assert "least occupancy" not in report([row])


@NEEDS_NVRTC
def test_kernels_of_models_and_of_a_text_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, outputs = MODELS["softmax"]()
    f = gx.compile(inputs, outputs, backend="cuda")
    (row,) = rows_of({"softmax": f.source}, ["sm_90"])
    assert row.kernel == "kernel_0"
    assert 0 < row.used.registers <= 255
    assert row.used.spilled == 0
    f.save_source(tmp_path / "model.cu")
    main(["sm_80", str(tmp_path / "model.cu")])
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].split()[:3] == ["model.cu", "kernel_0", "sm_80"]
    assert "most spilled: 0\nleast occupancy: " in printed
