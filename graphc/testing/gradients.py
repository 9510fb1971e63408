"""Derivatives against differences, and reverse mode against forward mode."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from graphc.autodiff.forward import push_forward
from graphc.autodiff.reverse import pull_back
from graphc.dataclass import dataclass
from graphc.driver import compile
from graphc.errors import ArgumentError, DTypeError
from graphc.ir.arithmetic import ones_like, sum_over
from graphc.ir.complex import real
from graphc.ir.declare import input, replace
from graphc.ir.given import a_function, a_number, a_whole_number, several
from graphc.ir.graph import topological
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node, made_at
from graphc.ir.operands import add_up, mul
from graphc.ir.values import as_numbers, converted
from graphc.origin import here, place_of
from graphc.printable import a_thing
from graphc.structure import Structure, leaves
from graphc.types import DTYPES, DType, TensorType, is_complex, is_differentiable

__all__ = ["check_gradients"]

Array = npt.NDArray[Any]  # Any: floats that move, and integers that stay
Values: TypeAlias = Mapping[Node, npt.ArrayLike] | Sequence[npt.ArrayLike]

STEP = 1e-3  # of differences; in float64 they are then exact to some 1e-12 of the value
DIFFERENCES = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}  # Fornberg, Math. Comp. 51, 1988

FLOAT64, COMPLEX128 = DTYPES["float64"], DTYPES["complex128"]


def check_gradients(
    outputs: Structure | Callable[..., Structure],
    values: Values,
    *,
    order: int = 2,
    rtol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Assert that the derivatives of `outputs` are right at `values`, up to `order`.

    outputs   nodes, with `values` {input or variable: array}; or a function of nodes, with one array for each
    values    floats are float64 and complex numbers complex128, and move; integers and bools stay

    Derivative k is compared with differences of derivative k - 1, each along one random direction, and the
    reverse mode with the forward mode.  Choose `values` away from kinks by more than 0.01.  An AssertionError
    says which order differs by how much, and the first operation whose derivative does.
    """
    order = a_whole_number("check_gradients", "the order", order, least=1)
    rtol = a_number("check_gradients", "rtol", rtol)
    if not rtol > 0:
        raise ArgumentError(f"check_gradients: rtol is above 0, not {rtol}")
    seed = a_whole_number("check_gradients", "the seed", seed, least=0)
    point, results = _prepared(outputs, values)
    rng = np.random.default_rng(seed)
    lines = point.lines(order, rng)
    derivatives = [point.weighted(results, rng)]
    for line in lines:
        derivatives.append(line.slope(derivatives[-1]))
    forward = [line.tangent(y) for line, y in zip(lines, derivatives, strict=False)]
    exact = point.values(derivatives + forward)
    for k, line in enumerate(lines, start=1):
        reverse, pushed, difference = exact[k], exact[order + k], line.differences(derivatives[k - 1 : k])[0]
        bound = rtol * max(abs(reverse), abs(exact[k - 1]), 1.0)
        if not abs(reverse - difference) <= bound:  # nan is as wrong as a large difference
            said = f"derivative {k}: reverse mode gives {reverse:.9g}, differences give {difference:.9g}"
            raise AssertionError("\n".join((said, *line.first_wrong(derivatives[k - 1], rtol, rng))))
        if not abs(reverse - pushed) <= bound:
            said = f"derivative {k}: reverse mode gives {reverse:.9g}, forward mode gives {pushed:.9g}"
            raise AssertionError(said)


def _prepared(outputs: Structure | Callable[..., Structure], values: Values) -> tuple["_Point", list[Node]]:
    """The inputs with their arrays, and the outputs that are floats."""
    if isinstance(values, Mapping):
        for node in values:
            if not isinstance(node, Node):
                raise ArgumentError(f"check_gradients: {a_thing(node)} is no input")
            if is_differentiable(node.dtype) and node.dtype != _widest(node.dtype):
                raise DTypeError(
                    f"check_gradients: differences need {_widest(node.dtype)}, and {node.name!r} is {node.dtype}",
                    hint="a function of nodes is given float64 inputs: check_gradients(lambda x: ..., [array])",
                ).located((*place_of(here()), *made_at("input", node)))
        point = _Point([], [])
        new = {
            node: point.add(node.tensor, converted(value, node.dtype, f"the value of {node.name!r}"))
            for node, value in values.items()
        }
        built = replace(outputs, new)
    else:
        a_function("check_gradients", "what is checked, without inputs by name,", outputs)
        given = several("check_gradients", "values", values)
        arrays = [as_numbers(value, f"value {n}") for n, value in enumerate(given)]
        arrays = [a.astype(_widest(a.dtype)) if is_differentiable(a.dtype) else a for a in arrays]
        point = _Point([], [])
        nodes = [point.add(TensorType(a.shape, a.dtype), a) for a in arrays]
        built = outputs(*nodes)
    for y in leaves(built):
        if not isinstance(y, Node):
            raise ArgumentError(f"check_gradients: an output is {a_thing(y)}, not a node")
    results = [y for y in leaves(built) if is_differentiable(y.dtype)]
    if not results or not any(is_differentiable(x.dtype) for x in point.inputs):
        raise ArgumentError("check_gradients: no output or no input is a float")
    return point, results


@dataclass(frozen=True, eq=False)
class _Point:
    """Inputs and an array for each.  Weights and directions are inputs too, so that their shapes may be sizes."""

    inputs: list[Node]
    arrays: list[Array]

    def add(self, type: TensorType, array: Array) -> Node:
        """A further input."""
        self.inputs.append(input(f"x{len(self.inputs)}", type.shape, type.dtype))
        self.arrays.append(array)
        return self.inputs[-1]

    def values(self, nodes: Sequence[Node]) -> list[float]:
        """The values of scalars here."""
        return [float(value) for value in compile(self.inputs, list(nodes))(*self.arrays)]

    def weighted(self, nodes: Sequence[Node], rng: np.random.Generator) -> Node:
        """The sum of all elements, each times a random number, in float64."""
        arrays = compile(self.inputs, list(nodes))(*self.arrays)
        pairs = zip(nodes, arrays, strict=True)
        return _paired({self.add(_wide(y), _random(np.asarray(a), rng)): y for y, a in pairs})

    def lines(self, count: int, rng: np.random.Generator) -> list["_Line"]:
        """Lines through here in random directions."""
        moving = [(n, x) for n, x in enumerate(self.inputs) if is_differentiable(x.dtype)]
        drawn = [{n: _random(self.arrays[n], rng) for n, _ in moving} for _ in range(count)]
        return [_Line(self, d, {x: self.add(_wide(x), d[n]) for n, x in moving}) for d in drawn]


@dataclass(frozen=True, eq=False)
class _Line:
    """A point and a direction: an array for each input that moves, by number, and the node that holds it."""

    point: _Point
    arrays: Mapping[int, Array]
    nodes: Mapping[Node, Node]

    def slope(self, y: Node) -> Node:
        """The derivative of a scalar along the line, by reverse mode."""
        found = pull_back([y], [ones_like(y)], list(self.nodes))
        return _paired({d: g for g, d in zip(found, self.nodes.values(), strict=True) if g is not None})

    def tangent(self, y: Node) -> Node:
        """The same by forward mode."""
        (found,) = push_forward([y], self.nodes)
        return _zero() if found is None else found

    def differences(self, nodes: Sequence[Node]) -> list[float]:
        """The derivatives of scalars along the line, by differences."""
        function = compile(self.point.inputs, list(nodes))
        total = np.zeros(len(nodes))
        for steps, weight in DIFFERENCES.items():
            moved = list(self.point.arrays)
            for n, direction in self.arrays.items():
                moved[n] = moved[n] + steps * STEP * direction
            total += weight / STEP * np.array(function(*moved), FLOAT64)
        return [float(value) for value in total]

    def first_wrong(self, y: Node, rtol: float, rng: np.random.Generator) -> tuple[str, ...]:
        """The first node of the graph of `y`, operands first, whose derivative along the line is wrong."""
        order = topological([y])
        nodes = [x for x in order if isinstance(x.type, TensorType) and is_differentiable(x.dtype)]
        scalars = [self.point.weighted([node], rng) for node in nodes]
        exact = self.point.values(scalars + [self.slope(scalar) for scalar in scalars])
        for n, (node, difference) in enumerate(zip(nodes, self.differences(scalars), strict=True)):
            value, reverse = exact[n], exact[len(nodes) + n]
            if not abs(reverse - difference) <= rtol * max(abs(reverse), abs(value), 1.0):
                first = f"  the first that is wrong: {node.op.text()}, {reverse:.9g} and {difference:.9g}"
                return (first, *made_at("result", node))
        return ()


def _widest(dtype: DType) -> DType:
    """float64, or complex128 of complex numbers."""
    return COMPLEX128 if is_complex(dtype) else FLOAT64


def _wide(x: Node) -> TensorType:
    """The type of `x`, in float64 or complex128."""
    return TensorType(x.shape, _widest(x.dtype))


def _random(like: Array, rng: np.random.Generator) -> Array:
    """Normal numbers in the shape of an array, complex where it is."""
    drawn = rng.standard_normal(like.shape)
    return drawn + 1j * rng.standard_normal(like.shape) if is_complex(like.dtype) else drawn


def _zero() -> Node:
    return constant_array(np.zeros(()))


def _paired(pairs: Mapping[Node, Node]) -> Node:
    """The sum of all products of the elements of each node and the one beside it; of complex ones the real part."""
    terms = [real(sum_over(mul(a, b), tuple(range(a.ndim)))) for a, b in pairs.items()]
    return add_up(terms) if terms else _zero()
