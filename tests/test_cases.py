"""What holds for every op: values, types, derivatives of three orders, batches, sizes as symbols."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from graphc import sizes
from graphc.autodiff.batching import batched
from graphc.autodiff.forward import push_forward
from graphc.autodiff.reverse import pull_back
from graphc.driver import compile, evaluate
from graphc.ir.arithmetic import sum_over
from graphc.ir.complex import real
from graphc.ir.declare import input, replace
from graphc.ir.graph import topological
from graphc.ir.kinds import Elementwise, Leaf
from graphc.ir.leaves import ConstantValue, Input, Item, constant_array
from graphc.ir.node import Node, Op
from graphc.ir.operands import add_up, mul
from graphc.types import is_complex, is_differentiable, is_integer
from tests.case import Array, Case
from tests.cases import CASES
from tests.tolerance import assert_close

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

COMPLEX = [case for case in CASES if case.complex]
#: rows with the dtype of their operands
BOTH = [(case, "float64") for case in CASES] + [(case, "complex128") for case in COMPLEX]
WITH_SLOPES = pytest.mark.parametrize(("case", "dtype"), [pair for pair in BOTH if pair[0].order], ids=str)

FULL_DTYPES = [pytest.param(dtype, marks=pytest.mark.full) for dtype in ("float16", "bfloat16")]

STEP = 1e-3  # of differences; those of fourth order are then exact to some 1e-11 of the fifth derivative
DIFFERENCES = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}  # Fornberg, Math. Comp. 51, 1988


def nodes_for(arrays: Sequence[Array]) -> list[Node]:
    """An input for each array."""
    return [input(f"x{i}", array.shape, array.dtype) for i, array in enumerate(arrays)]


def sized_nodes_for(arrays: Sequence[Array]) -> list[Node]:
    """An input for each array, with a size for each extent: one for all that are equal."""
    return [
        input(f"x{i}", tuple(sizes.symbol(f"n{n}") for n in array.shape), array.dtype) for i, array in enumerate(arrays)
    ]


def results(case: Case, nodes: Sequence[Node]) -> list[Node]:
    """The nodes of a row."""
    built = case.build(*nodes)
    return [built] if isinstance(built, Node) else list(built)


def run(outputs: Sequence[Node], nodes: Sequence[Node], arrays: Sequence[Array]) -> list[Array]:
    """The values of `outputs` where `nodes` have the values of `arrays`."""
    return [np.asarray(y) for y in evaluate(list(outputs), dict(zip(nodes, arrays, strict=True)))]


def paired(nodes: Sequence[Node | None], arrays: Sequence[Array]) -> Node:
    """The sum of all products of nodes with arrays, of complex ones the real part; None counts as 0."""
    pairs = [(x, a) for x, a in zip(nodes, arrays, strict=True) if x is not None]
    terms = [real(sum_over(mul(x, constant_array(a)), tuple(range(x.ndim)))) for x, a in pairs]
    return add_up(terms) if terms else constant_array(np.zeros(()))


def directions(arrays: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    """A random array for each, complex for complex ones."""
    return [_direction(array, rng) for array in arrays]


def _direction(array: Array, rng: np.random.Generator) -> Array:
    direction = rng.standard_normal(array.shape)
    return direction + 1j * rng.standard_normal(array.shape) if is_complex(array.dtype) else direction


@EVERY
@pytest.mark.parametrize("dtype", ["float64", "float32", *FULL_DTYPES])
def test_value_and_type_are_those_of_numpy(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    outputs = results(case, nodes)
    found, expected = run(outputs, nodes, arrays), case.expected(arrays)
    for y, actual, exact in zip(outputs, found, expected, strict=True):
        assert (actual.shape, actual.dtype) == (y.shape, y.dtype)
        assert actual.shape == exact.shape
        assert_close(actual, exact, case.terms)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("case", COMPLEX, ids=lambda case: case.name)
def test_value_and_type_of_complex_operands(case: Case, dtype: str) -> None:
    test_value_and_type_are_those_of_numpy(case, dtype)


def is_function_of_a_float(case: Case) -> bool:
    """Whether element i of the result depends on element i of one operand, a float, and on nothing else."""
    arrays = case.arrays("float64")
    outputs = results(case, nodes_for(arrays))
    operands = [array.dtype.kind for array in arrays]
    within = (isinstance(node.op, Elementwise | Input | ConstantValue) for node in topological(outputs))
    ends = (isinstance(y.op, Elementwise) and not is_integer(y.dtype) for y in outputs)
    return operands == ["f"] and all(within) and all(ends)


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (2, 0)], ids=str)
@pytest.mark.parametrize("case", [c for c in CASES if is_function_of_a_float(c)], ids=lambda case: case.name)
def test_functions_of_a_float_hold_at_its_ends(case: Case, shape: tuple[int, ...]) -> None:
    array = np.resize(np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]), shape)
    nodes = nodes_for([array])
    (actual,) = run(results(case, nodes), nodes, [array])
    assert_close(actual, case.expected([array])[0])


@pytest.mark.parametrize("case", [c for c in CASES if c.symbolic], ids=lambda case: case.name)
def test_extents_may_be_sizes(case: Case) -> None:
    arrays = case.arrays("float64")
    nodes = sized_nodes_for(arrays)
    found, expected = run(results(case, nodes), nodes, arrays), case.expected(arrays)
    for actual, exact in zip(found, expected, strict=True):
        assert actual.shape == exact.shape
        assert_close(actual, exact, case.terms)


@dataclass(frozen=True)
class Slopes:
    """A number made of the results of a row, and its derivatives: each of the one before, along a random direction.

    along   the directions, in the operands at `places`
    """

    nodes: Sequence[Node]
    derivatives: Sequence[Node]
    along: Sequence[Sequence[Array]]
    places: Sequence[int]


def slopes_of(case: Case, arrays: Sequence[Array]) -> Slopes:
    """Derivatives of a row up to its order, at these operands."""
    rng = np.random.default_rng(1)
    nodes = nodes_for(arrays)
    places = [i for i, x in enumerate(nodes) if is_differentiable(x.dtype)]
    wrt = [nodes[i] for i in places]
    outputs = [y for y in results(case, nodes) if is_differentiable(y.dtype)]
    along = [directions([arrays[i] for i in places], rng) for _ in range(case.order)]
    derivatives = [paired(outputs, directions(case.expected(arrays)[: len(outputs)], rng))]
    for direction in along:
        last = derivatives[-1]
        slopes = pull_back([last], [constant_array(np.ones(()))], wrt)
        derivatives.append(paired(slopes, direction))
    return Slopes(nodes, derivatives, along, places)


@WITH_SLOPES
def test_each_derivative_is_the_slope_of_the_one_before(case: Case, dtype: str) -> None:
    arrays = case.arrays(dtype)
    made = slopes_of(case, arrays)
    along, places = made.along, made.places
    call = compile(list(made.nodes), list(made.derivatives), backend="numpy")
    exact = call(*arrays)
    for order, direction in enumerate(along, start=1):
        difference = 0.0
        for steps, weight in DIFFERENCES.items():
            moved = list(arrays)
            for i, part in zip(places, direction, strict=True):
                moved[i] = arrays[i] + steps * STEP * part
            difference += weight * float(call(*moved)[order - 1]) / STEP
        scale = max(abs(float(value)) for value in exact[order - 1 : order + 1])
        assert float(exact[order]) == pytest.approx(difference, rel=1e-6, abs=1e-6 * max(scale, 1.0))


@WITH_SLOPES
def test_reverse_and_forward_agree(case: Case, dtype: str) -> None:
    rng = np.random.default_rng(2)
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    places = [i for i, x in enumerate(nodes) if is_differentiable(x.dtype)]
    wrt, values = [nodes[i] for i in places], [arrays[i] for i in places]
    outputs = [y for y in results(case, nodes) if is_differentiable(y.dtype)]
    cotangents = directions(case.expected(arrays)[: len(outputs)], rng)
    tangents = directions(values, rng)
    pushed = push_forward(outputs, dict(zip(wrt, map(constant_array, tangents), strict=True)))
    forward = paired(pushed, cotangents)
    back = pull_back(outputs, [constant_array(c) for c in cotangents], wrt)
    reverse = paired(back, tangents)
    first, second = (float(value) for value in run([forward, reverse], nodes, arrays))
    assert first == pytest.approx(second, rel=1e-10, abs=1e-10)


@WITH_SLOPES
def test_forward_over_reverse_is_reverse_over_reverse(case: Case, dtype: str) -> None:
    rng = np.random.default_rng(3)
    arrays = case.arrays(dtype)
    nodes = nodes_for(arrays)
    places = [i for i, x in enumerate(nodes) if is_differentiable(x.dtype)]
    wrt, values = [nodes[i] for i in places], [arrays[i] for i in places]
    outputs = [y for y in results(case, nodes) if is_differentiable(y.dtype)]
    cotangents = [constant_array(c) for c in directions(case.expected(arrays)[: len(outputs)], rng)]
    slope = paired(pull_back(outputs, cotangents, wrt), directions(values, rng))
    tangents = directions(values, rng)
    pushed = push_forward([slope], dict(zip(wrt, map(constant_array, tangents), strict=True)))
    pulled = paired(pull_back([slope], [constant_array(np.ones(()))], wrt), tangents)
    first, second = run([paired(pushed, [np.ones(())]), pulled], nodes, arrays)
    assert float(first) == pytest.approx(float(second), rel=1e-9, abs=1e-9)


def walked(case: Case) -> dict[str, range]:
    """Which operands a batch may have: all, the first, or all others."""
    count = len(case.draws)
    ways = {"all": range(count), "first": range(1), "others": range(1, count)}
    return ways if count > 1 else {"all": range(count)}


BATCHES = [(case, dtype, way) for case, dtype in BOTH for way in walked(case)]


@pytest.mark.parametrize(("case", "dtype", "way"), BATCHES, ids=str)
def test_batch_is_a_loop(case: Case, dtype: str, way: str) -> None:
    samples = [case.arrays(dtype, seed) for seed in range(3)]
    nodes = nodes_for(samples[0])
    outputs = results(case, nodes)
    places = walked(case)[way]
    arrays = [np.stack([s[i] for s in samples]) if i in places else array for i, array in enumerate(samples[0])]
    wide = nodes_for(arrays)
    lifted = batched(outputs, {nodes[i]: wide[i] for i in places}, 3)
    shared = {x: y for i, (x, y) in enumerate(zip(nodes, wide, strict=True)) if i not in places}
    found = run(replace(lifted, shared), wide, arrays)
    for place, sample in enumerate(samples):
        expected = case.expected([sample[i] if i in places else array for i, array in enumerate(samples[0])])
        for actual, exact in zip(found, expected, strict=True):
            assert_close(actual[place], exact, case.terms)


def test_every_op_has_a_row() -> None:
    built = [results(case, nodes_for(case.arrays("float64"))) for case in CASES]
    built += [results(case, sized_nodes_for(case.arrays("float64"))) for case in CASES if case.symbolic]
    seen = {type(node.op) for outputs in built for node in topological(outputs)}
    every = _ops(Op)  # type: ignore[type-abstract]  # a class to look below, not to make ops of
    ours = {op for op in every if op.__module__.startswith("graphc.")}
    assert not {op.__name__ for op in ours - seen if op.__module__ != "graphc.ir.kinds"}


def _ops(kind: type[Op]) -> set[type[Op]]:
    """All classes of ops, less the kinds, and less inputs and variables."""
    if issubclass(kind, Leaf | Item):
        return set()
    below = {op for direct in kind.__subclasses__() for op in _ops(direct)}
    return below or {kind}
