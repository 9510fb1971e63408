"""What is put together in parts, and then moved or put together again, is put where it goes at once."""

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.scalar import Fn
from graphc.kernel.steps import Kernel
from graphc.kernel.target import Target
from graphc.passes import forwarding, repeats
from graphc.passes.forwarding import forwarded
from graphc.passes.pairs import STAGES, Both
from graphc.passes.stages import points, wholes
from tests.passes.one_kernel import BACKENDS, Backend, calls, kernels, same

MOVES: Mapping[str, Callable[[gx.Node], gx.Node]] = {
    "exp": gx.exp,
    "times two": lambda x: x * 2,
    "turned": lambda x: x.T,
    "flat": lambda x: x.reshape(-1),
    "cut": lambda x: x[1:],
    "each second": lambda x: x[..., ::2],
    "padded": lambda x: gx.pad(x, [(1, 2)] * x.ndim),
    "twice": lambda x: gx.concat([x, x], 0),
    "joined": lambda x: gx.concat([x, gx.exp(x)], -1),
    "stacked": lambda x: gx.stack([x, x * 2], -1),
    "tiled": lambda x: gx.tile(x, (2,) * x.ndim),
    "rows repeated": lambda x: gx.repeat(x, 3, 0),
    "repeated": lambda x: gx.repeat(x, 3, -1),
    "flipped": lambda x: gx.flip(x, -1),
    "rolled": lambda x: gx.roll(x, 1, -1),
    "spread": lambda x: gx.broadcast_to(x, (3, *x.shape)),
}


@pytest.mark.parametrize("first", MOVES)
def test_two_moves_are_one_kernel(first: str) -> None:
    for backend, second in product(BACKENDS, MOVES):
        x = gx.input("x", (6, 10))
        f = same([x], [MOVES[second](MOVES[first](x))], backend)
        most = 2 if backend == "numpy" else 1  # what is repeated may be dear there: each step of a division is a call
        assert len(kernels(f)) <= most, (backend, second)


def test_slices_take_only_what_they_show() -> None:
    x = gx.input("x", (9, 4))
    shown = gx.concat([gx.exp(x), gx.tanh(x), x], 0)[4:12:3]  # rows 4 and 7 of the first part, 1 of the second
    f = same([x], [shown], "llvm")
    (kernel,) = kernels(f)
    assert sum(points(stage) for stage in wholes(kernel)) == 3 * 4
    assert not f.program.temporaries


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_dear_is_computed_once(backend: Backend) -> None:
    x = gx.input("x", (300, 400))
    dear = gx.lgamma(gx.abs(x))
    f = gx.compile([x], [gx.concat([dear, gx.flip(dear, 0)], 1)], backend=backend)
    assert calls(f, Fn.LGAMMA) == 1


def test_what_is_cheap_is_computed_again() -> None:
    x = gx.input("x", (300, 400))
    doubled = x * 2
    f = same([x], [gx.concat([doubled, gx.flip(doubled, 0)], 1)], "llvm")
    assert len(kernels(f)) == 1


def test_a_variable_is_read_before_it_is_set() -> None:
    w = gx.param("w", np.arange(6, dtype="float32"))
    for backend in BACKENDS:
        w.value = start = np.arange(6, dtype="float32")
        f = gx.compile([], [], updates={w: gx.roll(gx.pad(w[1:-1], 1), 2, 0)}, backend=backend)
        f()
        assert np.array_equal(w.value, np.roll(np.pad(start[1:-1], 1), 2))


def test_two_arrays_of_one_kernel_are_put_together_at_once() -> None:
    x = gx.input("x", (5, 6))
    e = gx.exp(x)
    f = same([x], [gx.pad(gx.stack([gx.tanh(e), gx.sin(e)], 1), 1)], "llvm")
    assert len(kernels(f)) == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_numbers_that_wrap_around_wrap_in_slices_too(backend: Backend, step: int) -> None:
    x = gx.input("x", (8,), "int64")
    far = gx.arange(8, dtype="int64") * 2**61  # whose step times that of the slice is beyond 64 bits
    f = same([x], [gx.pad(gx.concat([x, far, far + 3 * 2**60], 0)[1::step], 1)], backend)
    assert len(kernels(f)) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_single_elements_among_rows_have_no_axes(backend: Backend) -> None:
    x = gx.input("x", (6, 1))
    total = gx.sum(x, 0, keepdims=True)
    same([x], [gx.at(total)[0].add(1)], backend)
    whole = gx.input("i", (1,), "int64")
    f = gx.compile([x, whole], gx.concat([gx.concat([gx.take(x[2:3], whole, 1), x], 0), x * 2], 0), backend=backend)
    assert f(np.ones((6, 1), "float32"), np.zeros(1, "int64")).shape == (13, 1)


def test_many_parts_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def spied(maker: Kernel, reader: Kernel, target: Target) -> Both | None:
        tried.append(len(reader.stages))
        return forwarded(maker, reader, target)

    for module in (forwarding, repeats):
        monkeypatch.setattr(module, "forwarded", spied)
    x = gx.input("x", (100, 5))
    gx.compile(x, gx.pad(gx.stack([gx.exp(x[i]) * i for i in range(100)], 1), 1))
    assert all(stages <= STAGES for stages in tried)


def test_it_is_noted() -> None:
    x = gx.input("x", (6, 5))
    f = gx.compile(x, gx.pad(gx.pad(gx.exp(x), 1), 2))
    assert [note.what for note in f.trace["forward"].notes] == ["stored where it is moved to"]
