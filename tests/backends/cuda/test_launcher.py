"""`save_source` writes a program: on this CPU, with the emulation in place of CUDA, it prints what NumPy computes."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda.emulation.emulator import FOLDER, compile_watched, text_for_host
from tests.backends.cuda.emulated import NEEDS_COMPILER, near
from tests.case import Array


def built(folder: Path) -> Path:
    """The launcher of a folder, built for this CPU."""
    source = folder / "model.cu"
    host = folder / "host"
    host.mkdir()
    (host / "model.cu").write_text('#include "shim.h"\n' + text_for_host(source.read_text()), encoding="utf-8")
    shutil.copy(folder / "model_main.cu", host / "main.cpp")
    compile_watched(host, "-I", str(FOLDER / "runtime"), "-o", "../program", "main.cpp")
    return folder / "program"


def printed(folder: Path, arrays: list[Array], *sizes: int) -> subprocess.CompletedProcess[str]:
    """What the launcher says for these inputs."""
    for number, array in enumerate(arrays):
        np.save(folder / f"x{number}.npy", array)
    given = [f"x{number}.npy" for number in range(len(arrays))]
    command = [str(built(folder)), *given, *map(str, sizes)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def model() -> tuple[list[gx.Node], list[gx.Node]]:
    """A product, a loop and an index."""
    rng = np.random.default_rng(0)
    x, i = gx.input("x", ("n", 6)), gx.input("i", ("n",), "int64")
    w = gx.param("w", rng.standard_normal((6, 4)).astype(np.float32))
    y = gx.softmax(gx.tanh(x @ w))
    sums, _ = gx.scan(lambda total, row: (total + row, total), gx.zeros((4,)), y)
    return [x, i], [gx.take(y, i, axis=0), sums, gx.astype(y, "bfloat16")]


@NEEDS_COMPILER
def test_the_launcher_prints_what_numpy_computes(tmp_path: Path) -> None:
    inputs, outputs = model()
    arrays = [np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32), np.array([0, 4, 2, 2, 1])]
    gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / "model.cu")
    said = printed(tmp_path, arrays)
    assert said.returncode == 0, said.stderr
    expected = gx.compile(inputs, outputs, backend="numpy")(*arrays)
    for line, exact in zip(said.stdout.splitlines(), expected, strict=True):
        near(np.array(line.split()[1:], np.float64).astype(exact.dtype), exact.reshape(-1))


@NEEDS_COMPILER
def test_the_launcher_tells_an_index_out_of_range(tmp_path: Path) -> None:
    inputs, outputs = model()
    gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / "model.cu")
    said = printed(tmp_path, [np.zeros((3, 6), np.float32), np.array([0, 9, 1])])
    assert said.returncode == 1
    assert "take: index out of range" in said.stderr


@NEEDS_COMPILER
def test_the_launcher_refuses_what_a_call_would_refuse(tmp_path: Path) -> None:
    x, y, s = gx.input("x", ('n"\\', 2)), gx.input("y", ("größe", 2)), gx.param("s", np.float32(3))
    gx.compile([x, y], x * s + y, backend="cuda").save_source(tmp_path / "model.cu")
    program, one = built(tmp_path), np.ones((4, 2), np.float32)

    def said(second: Array) -> str:
        for name, array in (("x.npy", one), ("y.npy", second)):
            np.save(tmp_path / name, array)
        run = subprocess.run([program, "x.npy", "y.npy"], cwd=tmp_path, capture_output=True, text=True, check=False)
        return run.stdout if run.returncode == 0 else run.stderr

    assert said(one).split() == ["y0", *["4"] * 8]
    assert "add: extents differ along axis 0" in said(one[:3])
    assert '(tmp_path / "model.cu")' in said(one[:3])  # the line of the user, as it is
    assert "y.npy is of another dtype than <f4" in said(one.astype("float64"))
    assert "y.npy is of another dtype than <f4" in said(one.astype(">f4"))
    assert "y.npy is not in C order" in said(np.asfortranarray(one))


@pytest.mark.full
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_the_launcher_builds_with_nvcc(tmp_path: Path) -> None:
    inputs, outputs = model()
    gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / "model.cu")
    flags = ["-std=c++17", "--fmad=false", "-arch=sm_80", "-Werror", "all-warnings"]
    command = ["nvcc", *flags, "-o", "model", "model_main.cu"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[:3000]


@pytest.mark.full
@pytest.mark.skipif(shutil.which("nvcc") is None or shutil.which("cmake") is None, reason="no nvcc, or no cmake")
@pytest.mark.parametrize("stem", ["test", "größe"])
def test_cmake_builds_a_program_of_any_name(tmp_path: Path, stem: str) -> None:
    inputs, outputs = model()
    gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / f"{stem}.cu")
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"]):
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr[:3000]
    assert (tmp_path / "build" / stem).exists()


def test_a_name_that_is_no_name_of_a_program_is_refused(tmp_path: Path) -> None:
    inputs, outputs = model()
    with pytest.raises(gx.ArgumentError, match="cannot be the name of a program"):
        gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / "my model.cu")
