"""The report of what CUDA kernels take: a line for each kernel, then the extremes."""

from pathlib import Path

import pytest

import graphc as gx
from benchmarks.cuda_resources import MODELS, Row, main, report, rows_of
from graphc.backends.cuda.nvrtc import Resources
from tests.backends.cuda.compiled import NEEDS_NVRTC


def test_extremes_stand_behind_the_kernels() -> None:
    rows = [
        Row("small", "kernel_0", "sm_80", Resources(registers=20, stack=8, spilled=0, shared=0)),
        Row("large", "kernel_3", "sm_90", Resources(registers=90, stack=0, spilled=0, shared=512)),
    ]
    lines = report(rows).splitlines()
    assert lines[2].split() == ["large", "kernel_3", "sm_90", "90", "512", "0", "0"]
    assert lines[3:] == [
        "most registers: 90, large, kernel_3, sm_90",
        "most shared: 512, large, kernel_3, sm_90",
        "most local: 8, small, kernel_0, sm_80",
        "most spilled: 0",
    ]


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
    assert printed.endswith("most spilled: 0\n")
