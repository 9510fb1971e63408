"""Programs that several processes keep in one folder, where some are killed and files are damaged; other machines."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.backends.llvm.machine import host, restricted
from graphc.backends.llvm.objects import kept_object
from graphc.cache import standard
from graphc.driver import compile
from graphc.kept import Kept

# One of several processes: compiles some of the same few programs, prints what they give, and damages files.
USER = """
import sys
from pathlib import Path
from random import Random

import numpy as np
import graphc as gx
from graphc.kept import Kept

folder, chance, turns = Path(sys.argv[1]), Random(sys.argv[2]), int(sys.argv[3])
rows = np.linspace(-1, 1, 60, dtype=np.float32).reshape(15, 4)
found, get = [], Kept.get


def noted(kept):
    runnable = get(kept)
    found.append(runnable is not None)
    return runnable


Kept.get = noted


def trained(number, backend="llvm"):
    start = np.linspace(-1, 1, 4 * number + 8, dtype=np.float32).reshape(4, -1)
    x, w = gx.input("x", ("n", 4)), gx.param("w", start)
    loss = gx.sum(gx.square(gx.softmax(gx.tanh(x @ w) * number, 1)))
    f = gx.compile([x], loss, updates={w: w - 0.1 * gx.grad(loss, w)}, backend=backend)
    return np.array([f(rows), f(rows[:7]), f(rows), *w.value.ravel()])


def damage():
    files = sorted(folder.glob("*.object"))
    if not files:
        return
    try:
        with chance.choice(files).open("r+b") as file:
            place = chance.randrange(file.seek(0, 2))
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1 << chance.randrange(8)]))
    except (OSError, ValueError, IndexError):  # removed meanwhile, or empty
        pass


for turn in range(turns):
    number = chance.randrange(5) if turn else 0
    print(number, trained(number).tobytes().hex(), flush=True)
    if chance.random() < 0.3:
        damage()
print("found", sum(found))
"""


def user(script: Path, folder: Path, seed: object, turns: int, cache: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(script), str(folder), str(seed), str(turns)]
    environment = {**os.environ, "GRAPHC_CACHE": cache}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def lines(file: IO[str] | None) -> IO[str]:
    assert file is not None
    return file


def stress(tmp_path: Path, processes: int, turns: int, killed: int) -> tuple[dict[str, set[str]], int]:
    """What each program gave in all processes, and how often one was found.  Some are killed in their second turn."""
    script, folder = tmp_path / "user.py", tmp_path / "kept"
    script.write_text(USER)
    users = [user(script, folder, seed, turns, str(folder)) for seed in range(processes)]
    gave: dict[str, set[str]] = defaultdict(set)
    found = 0
    for one in users[:killed]:
        name, result = lines(one.stdout).readline().split()
        gave[name].add(result)
        one.kill()
        one.communicate()
    for one in users[killed:]:
        printed, problem = one.communicate()
        assert one.returncode == 0, problem
        *results, (_, times) = [line.split() for line in printed.splitlines()]
        found += int(times)
        for name, result in results:
            gave[name].add(result)
    return gave, found


def require_right(gave: dict[str, set[str]]) -> None:
    """Each gave the same bits everywhere, those that are compiled where nothing is kept."""
    names: dict[str, Any] = {"__name__": "user"}
    kept = Kept.get
    argv, sys.argv = sys.argv, ["user", ".", "0", "0"]
    try:
        exec(USER, names)
    finally:
        sys.argv, Kept.get = argv, kept  # type: ignore[method-assign]  # the program notes what it finds
    for name, results in gave.items():
        (result,) = results
        assert result == names["trained"](int(name)).tobytes().hex(), name
        near = names["trained"](int(name), "numpy")
        assert np.frombuffer(bytes.fromhex(result), near.dtype) == pytest.approx(near, rel=1e-4, abs=1e-6)


def test_processes_compile_with_one_folder_and_some_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    gave, found = stress(tmp_path, processes=4, turns=8, killed=2)
    require_right(gave)
    assert len(gave) > 2
    assert found > 0


@pytest.mark.full
def test_many_processes_compile_with_one_folder_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", "off")
    gave, found = stress(tmp_path, processes=32, turns=40, killed=12)
    require_right(gave)
    assert len(gave) == 5
    assert found > 0


@pytest.mark.skipif(restricted(16) == host(), reason="hosts whose vectors can be narrower")
@pytest.mark.parametrize("first", [host, lambda: restricted(16)], ids=["more", "fewer"])
def test_a_machine_of_other_features_is_given_no_code(
    first: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path))
    machines = [host(), restricted(16)] if first is host else [restricted(16), host()]
    x = gx.input("x", ("n", 4))
    y = gx.softmax(gx.exp(x), 1)
    found, get = [], Kept.get

    def noted(kept: Kept) -> Any:
        runnable = get(kept)
        found.append(runnable is not None)
        return runnable

    monkeypatch.setattr(Kept, "get", noted)
    rows = np.linspace(-1, 1, 68, dtype=np.float32).reshape(17, 4)
    exact = np.exp(np.exp(rows)) / np.exp(np.exp(rows)).sum(1, keepdims=True)
    for machine in (*machines, *machines):
        backends = {"llvm": lambda threads, machine=machine: LlvmBackend(machine, threads)}
        monkeypatch.setattr("graphc.driver.BACKENDS", backends)
        assert compile([x], y, backend="llvm")(rows) == pytest.approx(exact, rel=1e-5)
    assert found == [False, False, True, True]


@pytest.mark.skipif(restricted(16) == host(), reason="hosts whose vectors can be narrower")
def test_the_object_of_one_text_is_another_for_a_machine_of_fewer_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHC_CACHE", str(tmp_path))
    assert standard().folder == tmp_path
    text = """
define void @twice(ptr %x) {
  %a = load <16 x float>, ptr %x, align 4
  %b = fadd <16 x float> %a, %a
  store <16 x float> %b, ptr %x, align 4
  ret void
}
"""
    wide, narrow = kept_object(text, host()), kept_object(text, restricted(16))
    assert wide != narrow
    assert len(list(tmp_path.iterdir())) == 2
    assert (kept_object(text, host()), kept_object(text, restricted(16))) == (wide, narrow)
