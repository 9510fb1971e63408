"""Every rule as the identity it states: it applies to its left side, and the right side has the same value."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import ml_dtypes
import numpy as np
import pytest

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Spread, Squeeze, Sum, ones_like, zeros_like
from graphc.ir.graph import Graph
from graphc.ir.leaves import full, size_node
from graphc.kernel.arrays import Array
from graphc.ops.indexing import ScatterAdd
from graphc.ops.placement import Pad
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite, Rule
from graphc.passes.rules.stability import STABILITY
from graphc.passes.standard import ALL_RULES, rules
from graphc.types import DTYPES, as_summed, is_complex, is_floating, is_integer, real_of

Left: TypeAlias = Callable[..., gx.Node]  # of x [6], y [6] and the indices i [6, 1] in one row of 5

FLOATS = ["float16", "bfloat16", "float32", "float64"]
NUMBERS = [*FLOATS, "int8", "int64", "uint8"]


def spread(x: gx.Node, extent: int = 5) -> gx.Node:
    """x [6] -> [6, 5], each element in a row of its own."""
    return apply(Spread((6, extent), (1,)), x)


def padded(x: gx.Node, start: int, extent: int) -> gx.Node:
    """x [6] -> [extent], from `start` on; else 0."""
    return apply(Pad((start,), (1,), (extent,), 0), x)


def zeros(x: gx.Node, *shape: int) -> gx.Node:
    return full(shape, 0, x.dtype)


#: the left side of each rule
LEFT: dict[str, Sequence[Left]] = {
    "-(-x) = x": [lambda x, y, i: gx.negative(gx.negative(x))],
    "x * 1 = x": [lambda x, y, i: x * ones_like(x), lambda x, y, i: ones_like(x) * x],
    "x * -1 = -x": [lambda x, y, i: x * full(x.shape, -1, x.dtype), lambda x, y, i: full(x.shape, -1, x.dtype) * x],
    "x + -y = x - y": [lambda x, y, i: x + -y, lambda x, y, i: -y + x],
    "x / 1 = x": [lambda x, y, i: x / ones_like(x)],
    "z * 1 = z": [lambda x, y, i: x * ones_like(x), lambda x, y, i: ones_like(x) * x],
    "z / 1 = z": [lambda x, y, i: x / ones_like(x)],
    "stop_gradient(x) = x": [lambda x, y, i: gx.stop_gradient(x)],
    "where(c, x, x) = x": [lambda x, y, i: gx.where(y > 0, x, x)],
    "x + 0 = x": [lambda x, y, i: x + zeros_like(x), lambda x, y, i: zeros_like(x) + x],
    "x - 0 = x": [lambda x, y, i: x - zeros_like(x)],
    "pad(x) + pad(y) = concat(x, y)": [
        lambda x, y, i: padded(x, 0, 12) + padded(y, 6, 12),
        lambda x, y, i: padded(x, 6, 18) + (padded(y, 12, 18) + padded(x, 0, 18)),
    ],
    "squeeze(spread(x)) = x": [lambda x, y, i: apply(Squeeze((1,)), spread(x, 1))],
    "sum(spread(x, 1)) = x": [lambda x, y, i: apply(Sum((1,)), spread(x, 1))],
    "sum over axes of extent 1 = squeeze": [lambda x, y, i: apply(Sum((1,)), x.reshape(6, 1) * y.reshape(6, 1))],
    "f(spread(x)) = spread(f(x))": [
        lambda x, y, i: spread(x) + spread(y),
        lambda x, y, i: spread(x) * 3,
        lambda x, y, i: gx.where(spread(x) < spread(y), spread(x), spread(y)),
    ],
    "f(x)[i] = f(x[i])": [
        lambda x, y, i: gx.take_along_axis(gx.flip(spread(x), 0) * gx.flip(spread(y), 1), i, 1),
        lambda x, y, i: gx.take_along_axis(gx.maximum(spread(x), 2), i, 1),
    ],
    "spread(x)[i] = x": [lambda x, y, i: gx.take_along_axis(spread(x), i, 1)],
    "-scatter(0, i, u) = scatter(0, i, -u)": [
        lambda x, y, i: gx.negative(apply(ScatterAdd(0), zeros(x, 9), i[:, 0], x)),
    ],
    "sum(scatter(0, i, u)) = sum(u)": [
lambda x, y, i: apply(Sum((1,)), apply(ScatterAdd(1, paired=True), zeros(x, 6, 5), i, x.reshape(6, 1)))
    ],
    "y + scatter(0, i, u) = scatter(y, i, u)": [
        lambda x, y, i: y + apply(ScatterAdd(0), zeros(x, 6), i[:, 0], x),
        lambda x, y, i: apply(ScatterAdd(0), zeros(x, 6), i[:, 0], x) + y,
    ],
}  # fmt: skip


def operands(dtype: str) -> list[gx.Node]:
    return [gx.input("x", (6,), dtype), gx.input("y", (6,), dtype), gx.input("i", (6, 1), "int64")]


def has_meaning(left: Left, dtype: str) -> bool:
    """Whether a left side may be written for a dtype."""
    with suppress(gx.DTypeError):
        left(*operands(dtype))
        return True
    return False


OTHERS = [rule for rule in ALL_RULES if rule not in STABILITY]  # whose two sides differ, see test_stability_rules

CASES = [
    pytest.param(rule, left, dtype, id=f"{rule.name} {dtype} {number}")
    for rule in OTHERS
    for number, left in enumerate(LEFT[rule.name])
    for dtype in (*NUMBERS, "complex64", "complex128")
    if has_meaning(left, dtype)
    if "complex" in dtype or not rule.name.startswith("z ")
    if "complex" not in dtype or rule.name not in ("x * 1 = x", "x * -1 = -x", "x / 1 = x")
    if (rule.name, dtype) != ("x * -1 = -x", "uint8")  # which has no -1
    if rule.left.of is not Sum or as_summed(DTYPES[dtype]) == DTYPES[dtype]  # else no sum is its operand
]


def hostile(dtype: str, seed: int) -> Array:
    """Six values: special ones, limits and others."""
    rng = np.random.default_rng(seed)
    kind = DTYPES[dtype]
    if is_complex(kind):
        parts = real_of(kind).name
        pairs = zip(hostile(parts, seed), hostile(parts, seed + 100), strict=True)
        return np.array([complex(*pair) for pair in pairs], kind)
    if not is_floating(kind):
        limits = np.iinfo(kind)
        return rng.choice(np.array([0, 1, 2, 100, limits.min, limits.max], kind), 6)
    floats = ml_dtypes.finfo(kind)  # type: ignore[no-untyped-call]
    tiny = float(floats.smallest_subnormal)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, tiny, -tiny, float(floats.max), 1.0, *rng.standard_normal(9)]
    return rng.choice(special, 6).astype(kind)


def values_of(dtype: str, seed: int) -> list[Array]:
    places = np.random.default_rng(seed).integers(-5, 5, (6, 1))
    return [hostile(dtype, seed), hostile(dtype, seed + 1), places]


def rewritten(rule: Rule, inputs: Sequence[gx.Node], node: gx.Node) -> tuple[gx.Node, int]:
    """What a rule alone makes of a graph, and how often it applied."""
    log = Log()
    graph = Rewrite((rule,)).run(Graph(tuple(inputs), (node,)), log)
    assert {note.what for note in log.notes} <= {rule.name}
    return graph.outputs[0], len(log.notes)


def bits(array: Array) -> list[bytes]:
    """The bits of all elements, of a nan only that it is one."""
    return [b"nan" if element != element else element.tobytes() for element in array.reshape(-1)]


def assert_equal_but_for_rounding(found: Array, expected: Array) -> None:
    """Equal up to rounding; where something overflows on the way, one may be finite where the other is not."""
    eps = float(ml_dtypes.finfo(real_of(expected.dtype)).eps)  # type: ignore[no-untyped-call]
    wide = np.complex128 if is_complex(expected.dtype) else np.float64
    one, other = found.astype(wide), expected.astype(wide)
    both = np.isfinite(one) & np.isfinite(other)
    if not is_complex(expected.dtype):  # a part of which may be nan beside one that is infinite
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    np.testing.assert_allclose(one[both], other[both], rtol=8 * eps, atol=0)


def test_every_rule_has_a_left_side_here() -> None:
    assert {rule.name for rule in OTHERS} == set(LEFT)


@pytest.mark.parametrize(("rule", "left", "dtype"), CASES)
def test_rule_applies_to_its_left_side_and_keeps_the_type(rule: Rule, left: Left, dtype: str) -> None:
    inputs = operands(dtype)
    node = left(*inputs)
    right, applied = rewritten(rule, inputs, node)
    assert applied
    assert right.type == node.type
    again, more = rewritten(rule, inputs, right)
    assert (again, more) == (right, 0)


@pytest.mark.parametrize(("rule", "left", "dtype"), CASES)
def test_both_sides_of_a_rule_have_the_same_value(rule: Rule, left: Left, dtype: str) -> None:
    inputs = operands(dtype)
    node = left(*inputs)
    f = gx.compile(inputs, [node, rewritten(rule, inputs, node)[0]], level=0)
    for seed in range(40):
        expected, found = f(*values_of(dtype, seed))
        moves_products = is_complex(DTYPES[dtype]) and rule.name.startswith("f(")  # NumPy rounds them by where they lie
        if (rule.exact and not moves_products) or is_integer(DTYPES[dtype]):
            assert bits(found) == bits(expected), seed
        else:
            assert_equal_but_for_rounding(found, expected)


def test_an_exact_rule_says_nothing_and_another_says_what_it_is_good_for() -> None:
    for rule in ALL_RULES:
        assert rule.exact == (not rule.because), rule.name
    assert all(rule.exact for rule in rules(1))
    assert rules(2) == ALL_RULES


def test_spreading_later_keeps_a_weak_number_weak() -> None:
    k = size_node(gx.size("k"))
    node = gx.broadcast_to(k, (3,)) * 2
    assert node.tensor.weak
    rule = next(rule for rule in ALL_RULES if rule.name.startswith("f(spread"))
    right, applied = rewritten(rule, [], node)
    assert applied == 1
    assert right.tensor.weak
    x = gx.input("x", (3,), "float32")
    for level in (0, 1, 2):
        y = gx.compile([gx.size("k"), x], x * node, level=level)(3, np.ones(3, np.float32))
        assert (y.dtype, y.tolist()) == (np.float32, [6, 6, 6])


def test_picking_earlier_keeps_a_weak_number_weak() -> None:
    k, i = size_node(gx.size("k")), gx.input("i", (3, 1), "int64")
    node = gx.take_along_axis(gx.flip(gx.broadcast_to(k, (3, 4))) * 2, i, 1)
    rule = next(rule for rule in ALL_RULES if rule.name == "f(x)[i] = f(x[i])")
    right, applied = rewritten(rule, [i], node)
    assert applied == 1
    assert right.type == node.type
    assert right.inputs[1].tensor.weak


@pytest.mark.parametrize("level", [1, 2])
def test_a_rule_that_would_change_how_a_size_is_written_does_not_apply(level: int) -> None:
    n, m = gx.input("n", ("n",)), gx.input("m", ("m",))
    y = gx.compile([n, m], ones_like(m) * n, level=level)
    assert y(np.ones(2, np.float32), np.zeros(2, np.float32)).tolist() == [1, 1]
    assert y.graph.outputs[0].shape == m.shape
