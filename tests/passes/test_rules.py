"""Every rule as the identity it states: it applies to its left side, and the right side has the same value.

The left side is made of the pattern, or stands in the table where the pattern does not say all.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import graphc as gx
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Where, ones_like
from graphc.ir.graph import Graph, topological
from graphc.ir.kinds import Product, Reduction, Scatter
from graphc.ir.leaves import ConstantValue, full, size_node
from graphc.ir.node import Node, Op
from graphc.kernel.arrays import Array
from graphc.passes.matching import Form, Hole, Pattern
from graphc.passes.pipeline import Log
from graphc.passes.rewrite import Rewrite, Rule
from graphc.passes.rules.stability import STABILITY
from graphc.passes.standard import ALL_RULES, rules
from graphc.types import BOOL, DTYPES, is_complex, is_floating, is_integer, real_of
from tests.passes.rule_cases import LEFT

OTHERS = [rule for rule in ALL_RULES if rule not in STABILITY]  # whose two sides differ, see test_stability_rules

DTYPES_TRIED = [
    *("bool", "int8", "int64", "uint8", "float16", "bfloat16", "float32", "float64", "complex64", "complex128")
]
NUMBERS = (3, 2, 0.75, -2, -5, 5, -1, 0, 255, True, False)  # for constants of patterns
MANY = 300  # elements of an operand of a pattern


@dataclass(frozen=True)
class Example:
    """A left side over inputs of a dtype, which stands so far down in the table, and what is said of it there."""

    rule: Rule
    inputs: tuple[Node, ...]
    node: Node
    finite: bool = False
    hides_nan: bool = False
    numbers: tuple[float, ...] = ()
    number: int = 0


class UnfitError(Exception):
    """A pattern has no meaning for a dtype."""


@dataclass
class Instance:
    """A pattern as nodes: its holes filled with inputs, and with numbers in turn."""

    dtype: str
    numbers: Sequence[float]
    filled: dict[Hole, Node]

    def of(self, pattern: Pattern, kind: str = "") -> Node:
        """The node of a pattern, of another kind of dtype than the rest where one is asked for."""
        match pattern:
            case Hole():
                if pattern not in self.filled:
                    self.filled[pattern] = self.filling(pattern, kind or pattern.kinds)
                return self.filled[pattern]
            case Form():
                assert pattern.operands is not None, pattern
                kinds = ["b", "", ""] if pattern.of is Where else [""] * len(pattern.operands)
                return apply(pattern.of(), *[self.of(*part) for part in zip(pattern.operands, kinds, strict=True)])
        number = pattern.number  # type: ignore[attr-defined]
        dtype = DTYPES["bool" if isinstance(number, bool) else self.dtype]
        return full((MANY,), number, dtype)

    def filling(self, hole: Hole, kinds: str) -> Node:
        """An input, or a number, or an op of one operand."""
        dtype = "bool" if kinds == "b" else self.dtype
        if kinds and DTYPES[dtype].kind.replace("V", "f") not in kinds:
            raise UnfitError
        if isinstance(hole.of, tuple):
            raise UnfitError
        if hole.of is ConstantValue:
            number = self.numbers[sum(isinstance(node.op, ConstantValue) for node in self.filled.values())]
            node = full((MANY,), number, DTYPES[dtype])
        else:
            node = gx.input(f"{self.dtype} {self.numbers} {len(self.filled)}", (MANY,), dtype)
            if hole.of is not Op:
                node = apply(hole.of(), node)
        if hole.only is not None and not hole.only(node):
            raise UnfitError
        return node


def of_pattern(rule: Rule, dtype: str) -> Iterator[Example]:
    """The left side of a rule, made of its pattern."""
    count = len({hole for hole in holes(rule.left) if hole.of is ConstantValue})
    fitting = [n for n in NUMBERS if np.asarray(n).astype(DTYPES[dtype]) == n] if dtype != "bool" else [True, False]
    numbers = fitting[: 6 if count > 1 else None]
    for chosen in product(numbers, repeat=count):
        with suppress(gx.DTypeError, UnfitError):
            node = Instance(dtype, chosen, {}).of(rule.left)
            leaves = [x for x in topological([node]) if not x.inputs and not isinstance(x.op, ConstantValue)]
            if dtype in {"bool", *(x.dtype.name for x in (node, *leaves))}:
                yield Example(rule, tuple(leaves), node, numbers=chosen)


def holes(pattern: Pattern) -> Iterator[Hole]:
    """The holes of a pattern."""
    match pattern:
        case Hole():
            yield pattern
        case Form(operands=operands):
            for part in operands or ():
                yield from holes(part)


def of_table(rule: Rule, dtype: str) -> Iterator[Example]:
    """The left sides of a rule that stand in the table."""
    for n, case in enumerate(LEFT[rule.name]):
        if DTYPES[dtype].kind.replace("V", "f") in case.kinds:
            x, y = (gx.input(f"{dtype} {n} {name}", (6,), dtype) for name in "xy")
            inputs = x, y, gx.input(f"{dtype} {n} places", (6, 1), "int64")
            with suppress(gx.DTypeError):
                yield Example(rule, inputs, case.left(*inputs), case.finite, case.hides_nan, number=n)


def rewritten(rule: Rule, inputs: Sequence[Node], node: Node) -> tuple[Node, int]:
    """What a rule alone makes of a graph, and how often it applied."""
    log = Log()
    graph = Rewrite((rule,)).run(Graph(tuple(inputs), (node,)), log)
    assert {note.what for note in log.notes} <= {rule.name}
    return graph.outputs[0], len(log.notes)


def examples(rule: Rule, dtype: str) -> list[Example]:
    """The left sides for a dtype to which a rule applies: of a pattern, with some numbers; of the table, to most."""
    found = of_table(rule, dtype) if rule.name in LEFT else of_pattern(rule, dtype)
    return [example for example in found if rewritten(rule, example.inputs, example.node)[1]]


def test_the_table_holds_rules_that_there_are() -> None:
    assert len({rule.name for rule in ALL_RULES}) == len(ALL_RULES)
    assert set(LEFT) <= {rule.name for rule in OTHERS}


@pytest.mark.parametrize("rule", OTHERS, ids=lambda rule: rule.name)
def test_both_sides_of_a_rule_have_one_type_and_value(rule: Rule) -> None:
    found = [example for dtype in DTYPES_TRIED for example in examples(rule, dtype)]
    assert {example.number for example in found} == set(range(len(LEFT.get(rule.name, [()]))))
    rights: list[Node] = []
    for example in found:
        right, _ = rewritten(rule, example.inputs, example.node)
        assert right.type == example.node.type
        assert rewritten(rule, example.inputs, right) == (right, 0)
        rights.append(right)
    inputs = list(dict.fromkeys(x for example in found for x in example.inputs))
    lefts = [example.node for example in found]
    f = gx.compile(inputs, [lefts, rights], level=0)
    is_finite = any(example.finite for example in found)
    is_tame = is_finite or any(map(adds_up, lefts)) or (not rule.exact and rule.name in LEFT)
    for seed in range(12 if rule.name in LEFT else 1):
        arrays = {x: values(x, seed, n, rule.exact, is_tame, is_finite) for n, x in enumerate(inputs)}
        with np.errstate(all="ignore"):
            expected, actual = f(*arrays.values())
        for example, one, other in zip(found, actual, expected, strict=True):
            moves_products = is_complex(other.dtype) and "f(" in rule.name  # NumPy rounds them by where they lie
            if (rule.exact and not moves_products) or is_integer(other.dtype) or other.dtype == bool:
                assert bits(one) == bits(other), (example.node.inputs[0].dtype, seed)
            else:
                given = [arrays[x] for x in example.inputs]
                assert_close(example, one, other, wide(example, given), is_tame)


def adds_up(node: Node) -> bool:
    """Whether a node is a sum or a product of many."""
    return any(isinstance(x.op, Reduction | Product | Scatter) for x in topological([node]))


def values(x: Node, seed: int, number: int, exact: bool, is_tame: bool, finite: bool) -> Array:
    """An array for an input: special values, limits and others; no very large and very small ones for sums."""
    rng = np.random.default_rng([seed, number, zlib.crc32(str(x.dtype).encode())])
    if str(x.name).endswith("places"):
        return rng.integers(-5, 5, x.shape)
    has_wider = x.dtype.name not in ("float64", "complex64", "complex128")  # to say what is right where it vanishes
    return special(x.dtype.name, tuple(map(int, x.shape)), rng, is_tame or not (exact or has_wider), finite)


def special(dtype: str, shape: tuple[int, ...], rng: np.random.Generator, is_tame: bool, finite: bool) -> Array:
    kind = DTYPES[dtype]
    if is_complex(kind):
        parts = (special(real_of(kind).name, shape, rng, is_tame, finite) for _ in range(2))
        real, imag = parts
        found = real.astype(kind)
        found.imag = imag
        return found
    if kind == BOOL:
        return rng.random(shape) < 0.5
    if not is_floating(kind):
        limits = np.iinfo(kind)
        return rng.choice(np.array([0, 1, 2, 3, 100, limits.min, limits.max], kind), shape)
    floats = ml_dtypes.finfo(kind)  # type: ignore[no-untyped-call]
    chosen = [0.0, -0.0, 1.0, 2.0, 3.0, -1.0]
    if not finite:
        chosen += [np.inf, -np.inf, np.nan]
    if not is_tame:
        tiny, large = float(floats.smallest_subnormal), float(floats.max)
        chosen += [tiny, -tiny, float(floats.smallest_normal), large, -large]
        chosen += [large * 0.7, 1e-3, 300.0] if dtype != "float64" else []
    return rng.choice(np.array([*chosen, *rng.standard_normal(len(chosen))]), shape).astype(kind)


def wide(example: Example, arrays: Sequence[Array]) -> Array | None:
    """The left side in float64, where it is made of a pattern of narrower floats."""
    dtype = example.node.dtype.name
    if example.rule.name in LEFT or dtype not in ("float16", "bfloat16", "float32"):
        return None
    node = Instance("float64", example.numbers, {}).of(example.rule.left)
    leaves = [x for x in topological([node]) if not x.inputs and not isinstance(x.op, ConstantValue)]
    with np.errstate(all="ignore"):
        found: Array = gx.compile(leaves, node, level=0)(
            *[a.astype(x.dtype) for a, x in zip(arrays, leaves, strict=True)]
        )
        return found.astype(DTYPES[dtype]).astype("float64")


def bits(array: Array) -> list[bytes]:
    """The bits of all elements, of a nan only that it is one."""
    return [b"nan" if element != element else element.tobytes() for element in np.asarray(array).reshape(-1)]


def assert_close(example: Example, found: Array, expected: Array, wider: Array | None, is_tame: bool) -> None:
    """Equal up to rounding; or to what the left side would be if nothing overflowed or vanished on the way."""
    eps = float(ml_dtypes.finfo(real_of(expected.dtype)).eps)  # type: ignore[no-untyped-call]
    tiny = float(ml_dtypes.finfo(real_of(expected.dtype)).smallest_subnormal)  # type: ignore[no-untyped-call]
    calculated = np.complex128 if is_complex(expected.dtype) else np.float64
    one, other = np.asarray(found).astype(calculated), np.asarray(expected).astype(calculated)
    floor = 64 * eps if is_tame else 2 * tiny

    def agree(other: Array) -> Array:
        with np.errstate(all="ignore"):
            close = np.abs(one - other) <= 8 * eps * np.abs(other) + floor
        agreed: Array = (one == other) | (np.isnan(one) & np.isnan(other)) | close
        return agreed

    good = agree(other)
    if wider is not None:
        good |= agree(wider)
    if example.hides_nan or is_complex(expected.dtype):  # a part of which may be nan beside one that is infinite
        good |= ~np.isfinite(other)
    assert good.all(), (one[~good][:5], other[~good][:5])


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


@pytest.mark.parametrize("factor", [0.5, -0.25, 1 / 3])
def test_a_factor_below_1_stays_inside_so_that_no_sum_overflows(factor: float) -> None:
    x, y = gx.input("x", (2, 64)), gx.input("y", (64,))
    rows, ones = np.full((2, 64), 1e37, "float32"), np.ones(64, "float32")
    for result in ((x * factor) @ y, y @ (x * factor).T, gx.sum(x * factor, 1)):
        found = gx.compile([x, y], result)(rows, ones)
        np.testing.assert_allclose(found, factor * 64e37, rtol=1e-6)


@pytest.mark.parametrize("factor", [1.5, -8.0])
def test_a_factor_above_1_is_taken_out_of_a_product(factor: float) -> None:
    x, y = gx.input("x", (2, 64)), gx.input("y", (64,))
    f = gx.compile([x, y], (x * factor) @ y)
    assert "(x * c) @ y = (x @ y) * c" in [note.what for note in f.trace["rewrite"].notes]
