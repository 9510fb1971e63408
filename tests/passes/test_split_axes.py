"""Places that users divide, as far as they are none of a reshape: nothing is taken for granted about them."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

import graphc as gx
from graphc.backends.llvm.backend import LlvmBackend
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.scalar import Call, Fn
from graphc.kernel.steps import Kernel
from graphc.passes.pipeline import Trace
from graphc.passes.standard import improve, standard
from graphc.sizes import Size
from graphc.verification.programs import Executable
from tests.passes.one_kernel import FREE

COUNT = 4095
HASH, MORE = 6364136223846793005, 1442695040888963407

#: what follows from the numbers from 0 on, in int64, which wraps
PLACES: dict[str, Callable[[Any], Any]] = {
    "a negative divisor": lambda a: a // -4,
    "a remainder of a negative one": lambda a: a % -4,
    "sums by a negative one": lambda a: (a * 2 + 1) // -8,
    "two divisors": lambda a: a // 2 // -2,
    "a product that wraps": lambda a: a * HASH + MORE,
    "a quotient of what wraps": lambda a: (a * 2**62) // 2**61,
    "a remainder of what wraps": lambda a: (a * 2**62 + 7) % 12,
}


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize("place", list(PLACES))
def test_places_that_users_compute_are_those_of_numpy(place: str, backend: Literal["llvm", "numpy"]) -> None:
    x, build = gx.input("x", (COUNT,)), PLACES[place]
    rows: npt.NDArray[np.float32] = np.arange(COUNT, dtype="float32") * np.float32(1.5)
    with np.errstate(over="ignore"):
        expected = rows[build(np.arange(COUNT)) % COUNT] * 2
    for level in (1, 2):
        f = gx.compile(x, gx.take(x, build(gx.arange(COUNT)), mode="wrap") * 2, level=level, backend=backend)
        np.testing.assert_array_equal(f(rows), expected)


@pytest.mark.parametrize("width", [3, 4, 6])
@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_windows_of_an_open_width_are_reshaped(width: int, stride: int, backend: Literal["llvm", "numpy"]) -> None:
    m = gx.size("m", hint=6)
    x, z = gx.input("x", (64,)), gx.input("z", (m,))
    w: Node = gx.windows(x, (m,), stride=stride)
    f = gx.compile([x, z], gx.sin(gx.reshape(w, (w.shape[0] * m,))) * 2 + gx.sum(z), backend=backend)
    numbers = np.arange(64, dtype="float32")
    seen = np.lib.stride_tricks.sliding_window_view(numbers, width)[::stride]
    np.testing.assert_allclose(f(numbers, np.ones(width, "float32")), np.sin(seen.ravel()) * 2 + width, rtol=1e-5)


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_elements_that_meet_at_a_known_place_are_all_added(backend: Literal["llvm", "numpy"]) -> None:
    x = gx.input("x", ("n", 3))
    f = gx.compile(x, gx.segment_sum(gx.sin(x), gx.zeros((x.shape[0],), "int64"), 2), backend=backend)
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(f(rows), [np.sin(rows).sum(0), np.zeros(3)], rtol=1e-5)


def test_what_a_quotient_is_at_most_saves_dividing_by_more() -> None:
    """Of 18 = 6 * 3 rows each third begins where one of 30 ends: (10 * row + less than 10) // 30 is no division."""
    x = gx.input("x", (6, 30, 8))
    y = gx.exp(gx.transpose(gx.flip(x, 1).reshape(18, 8, 10), (1, 0, 2)))
    graph = Graph((x,), (y,))
    (kernel,) = improve(graph, standard(graph, FREE, 1), Trace()).program.steps
    assert isinstance(kernel, Kernel)
    lets = [let for stage in kernel.stages for let in stage.lets]
    assert sum(isinstance(let, Call) and let.fn in (Fn.FLOORDIV, Fn.MOD) for let in lets) == 1
    array = np.random.default_rng(0).standard_normal((6, 30, 8)).astype("float32")
    np.testing.assert_array_equal(gx.compile(x, y)(array), gx.compile(x, y, level=0)(array))


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("divided", [lambda k, n: gx.floordiv(k * n, n), gx.remainder])
def test_a_value_that_is_divided_by_a_size_is_0_where_that_is(
    divided: Callable[[gx.Node, Size], gx.Node], n: int
) -> None:
    rows = gx.size("n")
    x, z = gx.input("x", (4, 6), "int64"), gx.input("z", (rows,))
    cut = gx.pad(x * 2, ((1, 0), (0, 1))).reshape(7, 5)
    y = (cut + divided(gx.arange(35).reshape(7, 5), rows)).T
    graph = Graph((x, z), (y,))
    lowered = improve(graph, standard(graph, FREE, 1), Trace())
    arrays: list[npt.NDArray[Any]] = [np.arange(24).reshape(4, 6), np.zeros(n, np.float32)]
    (found,) = Executable.of(lowered, LlvmBackend()).run(arrays, [], {"n": n}).outputs
    np.testing.assert_array_equal(found, gx.compile([x, z], y, level=0)(*arrays))
