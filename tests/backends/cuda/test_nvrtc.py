"""What NVRTC says of the kernels: no warnings, and no registers that spill, for two architectures."""

import operator
from collections.abc import Sequence

import numpy as np
import pytest

import graphc as gx
from graphc.driver import compile
from graphc.errors import GraphError
from graphc.ir.declare import input
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.types import is_floating
from tests.backends.cuda.compiled import NEEDS_NVRTC, for_cuda, require_clean
from tests.case import Case
from tests.cases import CASES
from tests.random_graphs import random_graph
from tests.test_cases import BOTH, nodes_for, results, slopes_of
from tests.thirty_models import MODELS

pytestmark = NEEDS_NVRTC

SLOPES = [pair for pair in BOTH if pair[0].order]


def some(count: int, step: int) -> list[object]:
    """Places: one of so many in the default tier, all in the full one."""
    return [pytest.param(place, marks=() if place % step == 0 else pytest.mark.full) for place in range(count)]


def written(nodes: Sequence[Node], outputs: Sequence[Node]) -> str:
    """The text of a program."""
    return compile(list(nodes), list(outputs), backend="cuda").source


@pytest.mark.parametrize("place", some(len(CASES), 80))
def test_rows_of_the_table_compile_without_warnings(place: int) -> None:
    nodes = nodes_for(CASES[place].arrays("float32"))
    require_clean(written(nodes, results(CASES[place], nodes)))


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "complex64"])
@pytest.mark.parametrize("place", range(0, len(CASES), 8))
def test_rows_of_other_floats_compile_without_warnings(place: int, dtype: str) -> None:
    case = CASES[place]
    if dtype != "complex64" or case.complex:
        nodes = nodes_for(case.arrays(dtype))
        require_clean(written(nodes, results(case, nodes)))


def of_integers(case: Case, dtype: str) -> str | None:
    """The text of a row whose floats are of another dtype; None where the op has no meaning for these."""
    arrays = case.arrays("float64")
    nodes = [input(f"x{n}", x.shape, dtype if is_floating(x.dtype) else x.dtype) for n, x in enumerate(arrays)]
    try:
        outputs = results(case, nodes)
    except GraphError:
        return None
    return written(nodes, outputs)


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_rows_of_integers_compile_without_warnings(dtype: str) -> None:
    sources = [source for case in CASES[::8] if (source := of_integers(case, dtype)) is not None]
    assert len(sources) > 20
    for source in dict.fromkeys(sources):
        require_clean(source)


ENDS = pytest.mark.parametrize(
    "dtype", ["uint8", "uint64", *(pytest.param(name, marks=pytest.mark.full) for name in ("bool", "uint32", "int64"))]
)


@ENDS
def test_operators_with_numbers_at_the_ends_compile_without_warnings(dtype: str) -> None:
    x = input("x", (64,), dtype)
    ends = [0, 1] if x.dtype.kind == "b" else [0, 1, np.iinfo(x.dtype).max]
    numbers = [constant_array(np.array(end, x.dtype)) for end in ends]
    signs = [*(getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne", "and_", "or_", "xor"))]
    if x.dtype.kind != "b":
        signs += [getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift")]
    outputs = [y for sign in signs for number in numbers for y in (sign(x, number), sign(number, x))]
    require_clean(written([x], outputs), ["sm_80"])


@pytest.mark.full
@pytest.mark.parametrize("place", range(0, len(SLOPES), 16))
def test_derivatives_compile_without_warnings(place: int) -> None:
    case, dtype = SLOPES[place]
    made = slopes_of(case, case.arrays(dtype))
    require_clean(written(made.nodes, made.derivatives))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 300))])
def test_random_graphs_with_gradients_compile_without_warnings(seed: int) -> None:
    require_clean(random_graph(seed).compile(backend="cuda").source)


@pytest.mark.full
@pytest.mark.parametrize("name", MODELS)
def test_models_compile_without_warnings(name: str) -> None:
    require_clean(for_cuda(MODELS[name]()).artifact.source)


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "extent", [8192, *(pytest.param(n, marks=pytest.mark.full) for n in (2048, 4096, 7168, 16384))]
)
def test_long_rows_of_wide_elements_stay_in_registers(extent: int, dtype: str) -> None:
    x, g = (gx.input(name, ("n", extent), dtype) for name in "xg")
    gain, bias = (gx.input(name, (extent,), dtype) for name in ("gain", "bias"))
    shifted = x - gx.mean(x, 1, keepdims=True)
    y = shifted / gx.sqrt(gx.mean(shifted * shifted, 1, keepdims=True) + 1e-5) * gain + bias
    f = gx.compile([x, g, gain, bias], [y, *gx.vjp(y, [x, gain, bias], g)], backend="cuda")
    require_clean(f.source)
