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
    """A product, a loop, an index, and one that rows look at while they read it."""
    rng = np.random.default_rng(0)
    x, i = gx.input("x", ("n", 6)), gx.input("i", ("n",), "int64")
    w = gx.param("w", rng.standard_normal((6, 4)).astype(np.float32))
    y = gx.softmax(gx.tanh(x @ w))
    sums, _ = gx.scan(lambda total, row: (total + row, total), gx.zeros((4,)), y)
    loss = gx.nn.softmax_cross_entropy(x, gx.minimum(i, 5))
    return [x, i], [gx.take(y, i, axis=0), sums, gx.astype(y, "bfloat16"), loss]


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


def main_of(folder: Path, inputs: list[gx.Node], outputs: gx.Node | list[gx.Node]) -> str:
    """The text of the launcher, from where the program begins."""
    gx.compile(inputs, outputs, backend="cuda").save_source(folder / "model.cu")
    text = (folder / "model_main.cu").read_text()
    return text[text.index("static void compute()") : text.index("static void commit()")]


def test_the_launcher_records_a_scan_as_a_cuda_graph(tmp_path: Path) -> None:
    x = gx.input("x", ("n", 6))
    total, _ = gx.scan(lambda state, row: (gx.tanh(state + row), state), gx.zeros((6,)), x)
    lines = [line.strip() for line in main_of(tmp_path, [x], total).splitlines()]
    assert lines.count("record();") == lines.count("replay();") == 1
    assert lines.index("record();") < lines.index("for (;; ++made) {") < lines.index("replay();")


def test_the_launcher_records_what_lies_between_two_looks(tmp_path: Path) -> None:
    text = main_of(tmp_path, *model())
    assert text.count("record();") == text.count("replay();") >= 1
    between = text.split("record();")[1].split("replay();")[0]
    assert "fetched(" not in between
    assert "fetched(" in text  # whether an index is in range


def test_the_launcher_records_nothing_that_reads_back_or_is_one_launch(tmp_path: Path) -> None:
    x = gx.input("x", (6,))
    until = gx.while_loop(lambda y: gx.sum(y) < 100, lambda y: y * 2 + 1, x)
    assert "record();" not in main_of(tmp_path, [x], until)
    assert "record();" not in main_of(tmp_path, [x], gx.exp(x))


@NEEDS_COMPILER
def test_a_long_scan_is_recorded_in_parts(tmp_path: Path) -> None:
    x = gx.input("x", ("n", 3))
    total, rows = gx.scan(lambda state, row: (0.5 * state + row, state), gx.zeros((3,)), x)
    gx.compile([x], [total, rows], backend="cuda").save_source(tmp_path / "model.cu")
    main = tmp_path / "model_main.cu"
    main.write_text("#define MOST_RECORDED 7\n" + main.read_text())
    array = np.random.default_rng(2).standard_normal((50, 3)).astype(np.float32)
    said = printed(tmp_path, [array])
    assert said.returncode == 0, said.stderr
    for line, exact in zip(said.stdout.splitlines(), gx.compile([x], [total, rows])(array), strict=True):
        near(np.array(line.split()[1:], np.float32), exact.reshape(-1))


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
    run = subprocess.run([f"build/{stem}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "2 arguments are wanted: .npy files, then sizes\n")


def test_a_name_that_is_no_name_of_a_program_is_refused(tmp_path: Path) -> None:
    inputs, outputs = model()
    with pytest.raises(gx.ArgumentError, match="cannot be the name of a program"):
        gx.compile(inputs, outputs, backend="cuda").save_source(tmp_path / "my model.cu")
