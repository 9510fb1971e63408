"""What is read at several points for each element is computed there, once, where that pays."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.scalar import Fn
from graphc.kernel.steps import Kernel, Loop
from tests.passes.one_kernel import BACKENDS, Backend, calls, kernels, same

SEVERAL: dict[str, Callable[[gx.Node], gx.Node]] = {
    "tile": lambda x: gx.tile(gx.exp(x), (2, 3)),
    "repeat": lambda x: gx.repeat(gx.exp(x), 2, 1),
    "broadcast": lambda x: gx.broadcast_to(gx.exp(x), (3, *x.shape)) * gx.input("y", (3, 1, 1)),
    "a column beside rows": lambda x: x * gx.exp(x[:, :1]),
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("backend", BACKENDS)
def test_each_element_is_computed_once_in_one_kernel(name: str, backend: Backend) -> None:
    x = gx.input("x", (70, 40))
    y = SEVERAL[name](x)
    f = same([node for node in gx.Graph((), (y,)).nodes if node.name in ("x", "y")], [y], backend)
    assert len(kernels(f)) == calls(f, Fn.EXP) == 1
    assert not f.program.temporaries


def test_an_image_grows_in_one_native_kernel() -> None:
    x = gx.input("x", (70, 40))
    f = same([x], [gx.repeat(gx.repeat(gx.exp(x), 2, 0), 2, 1)], "llvm")
    assert len(kernels(f)) == calls(f, Fn.EXP) == 1


def test_native_kernels_write_few_repeats_out_and_walk_long_ones_as_rows() -> None:
    x = gx.input("x", (70, 40))
    (few,), (long,) = (kernels(gx.compile(x, SEVERAL[name](x))) for name in ("tile", "a column beside rows"))
    assert [len(stage.effects) for stage in few.stages] == [6]
    assert [len(stage.inner) for stage in long.stages] == [0, 1]


@pytest.mark.parametrize("of", [lambda x: x + gx.exp(x[0]), lambda x: gx.repeat(gx.tanh(x), 7, 1)])
def test_native_kernels_stay_two_where_lanes_would_lie_apart(of: Callable[[gx.Node], gx.Node]) -> None:
    x = gx.input("x", (700, 400))
    assert [len(kernels(same([x], [of(x)], backend))) for backend in BACKENDS] == [1, 2]


def test_what_others_read_is_kept() -> None:
    x = gx.input("x", (6, 5))
    e = gx.exp(x)
    f = same([x], [gx.tile(e, (2, 1)), gx.cumsum(e, 0)], "llvm")
    assert calls(f, Fn.EXP) == 1
    assert len(kernels(f)) == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_read_under_another_shape_too_is_kept(backend: Backend) -> None:
    x = gx.input("x", (8, 8))
    dear = gx.lgamma(gx.abs(x))
    f = same([x], [dear[:, :, None] + dear.reshape(64)], backend)
    assert calls(f, Fn.LGAMMA) == 1
    assert len(kernels(f)) == 2


def test_nothing_waits_that_would_keep_more_bytes_alive() -> None:
    x = gx.input("x", (40, 40))
    running = gx.cumsum(x, 1)  # 40 times as large as what is computed of it
    y = gx.tile(gx.exp(running[:, -1]), (2,))
    f = same([x], [y], "llvm")
    assert len(kernels(f)) == 3


def test_variables_are_read_before_they_are_set() -> None:
    w = gx.param("w", np.arange(6, dtype="float32").reshape(2, 3))
    twice = gx.tile(gx.exp(w), (2, 1))
    v = gx.state("v", np.zeros((4, 3), "float32"))
    for backend in BACKENDS:
        w.value = start = np.arange(6, dtype="float32").reshape(2, 3)
        f = gx.compile([], [], updates={w: w * 2, v: twice}, backend=backend)
        f()
        assert np.array_equal(w.value, start * 2)
        np.testing.assert_allclose(v.value, np.tile(np.exp(start), (2, 1)), rtol=1e-6)


def test_bodies_of_loops_are_seen_through() -> None:
    x = gx.input("x", (4, 3))

    def body(carry: gx.Node, _: gx.Node | None) -> tuple[gx.Node, None]:
        return gx.tile(gx.exp(carry[:2] * -1), (2, 1)) * 0.5, None

    last, _ = gx.scan(body, x, None, length=3)
    assert isinstance(last, gx.Node)
    f = same([x], [last], "llvm")
    (loop,) = (step for step in f.program.steps if isinstance(step, Loop))
    assert sum(isinstance(step, Kernel) for step in loop.steps) == 1


def test_it_is_noted() -> None:
    x = gx.input("x", (6, 5))
    f = gx.compile(x, gx.tile(gx.exp(x), (2, 1)))
    assert [note.what for note in f.trace["repeats"].notes] == ["computed where it is repeated"]
