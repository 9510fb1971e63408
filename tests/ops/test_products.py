"""How products are built, what their adjoints are, and what does not fit."""

import math
from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc import sizes
from graphc.autodiff.reverse import placeholder, pull_back
from graphc.errors import ArgumentError, ShapeError
from graphc.ir.graph import topological
from graphc.ir.kinds import Product
from graphc.ir.leaves import constant_array
from graphc.ir.node import Node
from graphc.ops.contraction import Contraction
from graphc.ops.contraction_path import cheapest_path
from graphc.ops.convolution import conv2d
from graphc.ops.einsum import einsum
from graphc.ops.products import matmul, outer, tensordot
from graphc.sizes import Size
from graphc.types import TensorType

n, k = sizes.symbol("n"), sizes.symbol("k")


def array(*shape: Size, dtype: str = "float32") -> Node:
    """An input."""
    return placeholder(TensorType(shape, np.dtype(dtype)))


def products(*roots: Node) -> list[str]:
    """The contractions that the roots need, as printed."""
    return [node.op.text() for node in topological(roots) if isinstance(node.op, Product)]


def slopes(y: Node, *wrt: Node) -> list[Node]:
    """The gradient of the sum of squares."""
    found = pull_back([y], [y], wrt)
    return [g for g in found if g is not None]


def test_the_gradient_of_a_matmul_is_two_matmuls() -> None:
    x, w = array(n, 4), array(4, 5)
    assert products(*slopes(x @ w, x, w)) == ["matmul[ij,jk->ik]", "matmul[ij,kj->ik]", "matmul[ij,ik->jk]"]


def test_a_gradient_has_the_shape_of_its_operand() -> None:
    x, w = array(n, 3, 7, 8), array(4, 3, 2, 3)
    y = conv2d(x, w, stride=2, padding=1)
    assert y.shape == (n, 4, 4, 4)
    assert [g.shape for g in slopes(y, x, w)] == [x.shape, w.shape]


def test_both_gradients_of_a_convolution_are_contractions() -> None:
    x, w = array(n, 3, 7, 8), array(4, 3, 2, 3)
    found = slopes(conv2d(x, w, stride=2), x, w)
    assert products(*found) == [
        "conv2d[ij(2k+l)(2m+n),ojln->iokm]",
        "conv2d[ijkl,jmno->im(2k+n)(2l+o)]",
        "conv2d[ij(2k+l)(2m+n),iokm->ojln]",
    ]


def test_an_outer_product_sums_nothing_and_is_no_contraction() -> None:
    assert products(outer(array(3), array(4))) == []


def test_the_gradient_of_a_row_times_a_matrix_multiplies_elements() -> None:
    x, w = array(4), array(4, 5)
    (found,) = slopes(x @ w, w)
    assert products(found) == ["matmul[i,ij->j]"]


def test_contractions_under_other_names_are_equal() -> None:
    x, w = array(3, 4), array(4, 5)
    assert matmul(x, w).op == tensordot(x, w, 1).op == einsum("ij,jk->ik", x, w).op


def test_einsum_contracts_the_smallest_pair_first() -> None:
    a, b, c = array(100, 2), array(2, 100), array(100, 1)
    assert products(einsum("ij,jk,kl->il", a, b, c)) == ["einsum[ij,jk->ik]", "einsum[ij,jk->ik]"]
    inner = [node for node in topological([einsum("ij,jk,kl->il", a, b, c)]) if isinstance(node.op, Contraction)]
    assert inner[0].shape == (2, 1)


def _products(path: Sequence[tuple[int, ...]], terms: Sequence[str], out: str, extents: Mapping[str, int]) -> int:
    """How many products of elements the contractions of a path take, where each is of two operands or of one."""
    left, total = [set(term) for term in terms], 0
    for places in path:
        taken = set().union(*(left[place] for place in places))
        left = [labels for place, labels in enumerate(left) if place not in places]
        total += math.prod(extents[label] for label in taken) if len(places) > 1 else 0
        left.append(taken & set(out).union(*left))
    return total


@pytest.mark.parametrize("count", range(3, 9))
def test_einsum_takes_no_more_products_than_numpy(count: int) -> None:
    rng = np.random.default_rng(count)
    for _ in range(8):
        letters = ascii_lowercase[: count + 1]
        extents = {letter: int(rng.choice([2, 3, 7, 20])) for letter in letters}
        terms = [letters[i : i + 2] + ("z" if rng.random() < 0.4 else "") for i in range(count)]
        extents["z"], out = 5, letters[0] + letters[-1]
        if sum("z" in term for term in terms) == 1:
            out += "z"
        operands = [np.broadcast_to(np.zeros(()), [extents[letter] for letter in term]) for term in terms]
        text = f"{','.join(terms)}->{out}"
        ours = _products(cheapest_path([set(term) for term in terms], set(out), extents), terms, out, extents)
        assert ours <= _products(np.einsum_path(text, *operands, optimize="optimal")[0][1:], terms, out, extents)
        assert ours <= _products(np.einsum_path(text, *operands, optimize="greedy")[0][1:], terms, out, extents)


def test_einsum_of_many_operands_takes_no_time() -> None:
    letters = ascii_lowercase
    factors = [array(2, 2) for _ in range(20)]
    y = einsum(",".join(letters[i : i + 2] for i in range(20)) + f"->a{letters[20]}", *factors)
    assert len(products(y)) == 19


def test_a_symbol_is_never_repeated() -> None:
    with pytest.raises(ShapeError, match="inner extents differ, n \\+ 1 and n"):
        array(3, n + 1) @ array(n, 4)
    assert matmul(array(n, 3, 4), array(k, 4, 5)).shape == (n, 3, 5)  # whether n is k is checked at the call


def test_16_bits_are_added_in_float32() -> None:
    node = array(3, 4, dtype="float16") @ array(4, 5, dtype="float16")
    assert node.dtype == np.float16
    assert [x.dtype.name for x in topological([node]) if isinstance(x.op, Contraction)] == ["float32"]


@pytest.mark.parametrize(
    ("left", "right", "hint"),
    [
        ((3, 4), (5, 4), "transpose the right operand"),
        ((4, 3), (4, 5), "transpose the left operand"),
        ((4, 3), (5, 4), "exchange the operands"),
        ((4, 3), (5, 6), None),
        ((3,), (4, 5), None),
    ],
)
def test_matmul_says_what_would_fit(left: tuple[int, ...], right: tuple[int, ...], hint: str | None) -> None:
    with pytest.raises(ShapeError, match="matmul: inner extents differ") as caught:
        matmul(array(*left), array(*right))
    assert caught.value.hint == hint
    assert "test_products.py" in str(caught.value)


def test_matmul_names_batches_that_differ() -> None:
    with pytest.raises(ShapeError, match="matmul: batch extents differ, 2 and 3"):
        matmul(array(2, 3, 4), array(3, 4, 5))


def test_products_of_many_bools_are_whether_one_holds() -> None:
    x = gx.input("x", (1, 70_000), "bool")
    for y in (x @ x.T, gx.inner(x, x), gx.vdot(x, x), gx.einsum("ij,kj->ik", x, x)):
        assert y.dtype == "bool"
        assert gx.evaluate(y, {x: np.ones((1, 70_000), "bool")})
        assert not gx.evaluate(y, {x: np.zeros((1, 70_000), "bool")})
    nothing = gx.constant(np.ones((1, 0), "bool"))
    assert not gx.evaluate(nothing @ nothing.T)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "problem"),
    [
        ("ij,jk->ik", [(3, 4)], "names 2 operands, not 1"),
        ("ij,jk->ik", [(3, 4), (5, 6)], "the extents of 'j' differ, 4 and 5"),
        ("ij->ik", [(3, 4)], "'k' of the result is in no operand"),
        ("ij->ii", [(3, 4)], "a letter stands twice in the result"),
        ("ij->i", [(3, 4, 5)], "'ij' names 2 axes of an operand with 3"),
        ("...i->i", [(3, 4)], "lacks the axes of '...'"),
        ("i;j", [(3, 4)], "is not of the form"),
        ("i......j", [(3, 4)], "is not of the form"),
        ("ii->i", [(3, 4)], "the extents of 'i' differ, 3 and 4"),
    ],
)
def test_einsum_says_what_is_wrong(subscripts: str, shapes: list[tuple[int, ...]], problem: str) -> None:
    with pytest.raises((ArgumentError, ShapeError), match="einsum") as caught:
        einsum(subscripts, *(array(*shape) for shape in shapes))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("x", "w", "groups", "problem"),
    [
        ((1, 3, 8), (4, 3, 3, 3), 1, "the array has rank 3, not 4"),
        ((1, 3, 8, 8), (4, 3, 3), 1, "the kernel has rank 3, not 4"),
        ((1, 8, 8, 3), (4, 3, 3, 3), 1, "channels differ, 8 in the array and 3 in the kernel"),
        ((1, 4, 8, 8), (4, 4, 3, 3), 2, "4 in the array and 8 (4 in each of 2 groups) in the kernel"),
        ((1, 4, 8, 8), (3, 2, 3, 3), 2, "3 output channels do not fall into 2 groups"),
        ((1, 3, 8, 2), (4, 3, 3, 3), 1, "the window is larger than what it moves over, 3 and 2"),
    ],
)
def test_conv2d_says_what_is_wrong(x: tuple[int, ...], w: tuple[int, ...], groups: int, problem: str) -> None:
    with pytest.raises(ShapeError) as caught:
        conv2d(array(*x), array(*w), groups=groups)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"stride": 0}, {"stride": (1, 2, 3)}, {"dilation": "2"}, {"padding": "half"}, {"padding": (1, 2, 3)}],
    ids=str,
)
def test_conv2d_refuses_options_without_meaning(options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match="conv2d"):
        conv2d(array(1, 3, 8, 8), array(4, 3, 3, 3), **options)  # type: ignore[arg-type]


def test_padding_may_be_same_for_open_sizes() -> None:
    x, w = array(1, 3, n, 8), array(4, 3, 3, 3)
    assert conv2d(x, w, padding="same").shape == (1, 4, n, 8)
    assert conv2d(constant_array(np.zeros((1, 3, 7, 8))), w, padding="same", stride=2).shape == (1, 4, 4, 4)


def test_a_product_keeps_the_hints_of_its_own_sizes() -> None:
    def rows(hint: int) -> Size:
        return matmul(array(sizes.symbol("n", hint), 3), array(3, 4)).shape[0]

    assert [sizes.symbols_of(rows(hint))[0].hint for hint in (7, 512)] == [7, 512]


@pytest.mark.parametrize("optimize", [True, False, "greedy", "optimal"])
def test_einsum_takes_numpys_ways_to_optimise(optimize: bool | str) -> None:
    x = array(2, 2)
    assert einsum("ij,jk,kl", x, x, x, optimize=optimize).shape == (2, 2)


@pytest.mark.parametrize("optimize", ["auto", 1, None, ["einsum_path", (0, 1)], ("greedy", 100)])
def test_einsum_takes_no_path(optimize: Any) -> None:
    with pytest.raises(ArgumentError, match="einsum: optimize is True, False, 'greedy' or 'optimal'"):
        einsum("ij,jk", array(2, 2), array(2, 2), optimize=optimize)


def _subscripts(rng: np.random.Generator) -> tuple[str, list[list[int]]]:
    """Subscripts of one to three operands, with all that NumPy's notation has, and shapes that may fit."""
    extents = {"a": 2, "b": 3, "A": 4, "Z": 2, "z": 3}
    texts, shapes = [], []
    for _ in range(rng.integers(1, 4)):
        letters = [str(letter) for letter in rng.choice([*extents], rng.integers(0, 4))]
        shape = [extents[letter] for letter in letters]
        if rng.random() < 0.4:
            place, rank = int(rng.integers(0, len(letters) + 1)), int(rng.integers(0, 3))
            letters.insert(place, "...")
            shape[place:place] = [n if rng.random() < 0.7 else 1 for n in (5, 2)[2 - rank :]]
        texts.append("".join(letters))
        shapes.append(shape)
    text = ",".join(texts)
    if rng.random() < 0.6:
        known = sorted(set(text) & set(extents))
        result = [str(letter) for letter in rng.permutation(known)[: rng.integers(0, len(known) + 1)]]
        text += f"->{'...' if '...' in text else ''}{''.join(result)}"
    return text.replace(",", " , ") if rng.random() < 0.3 else text, shapes


def test_einsum_reads_subscripts_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        text, shapes = _subscripts(rng)
        dtype = rng.choice(["float64", "bool"], p=[0.7, 0.3])
        xs = [rng.integers(0 if dtype == "bool" else -3, 2, shape).astype(dtype) for shape in shapes]
        try:
            expected = np.einsum(text, *xs)
        except ValueError:
            with pytest.raises((ArgumentError, ShapeError)):
                einsum(text, *xs)
        else:
            found = gx.evaluate(einsum(text, *xs))
            np.testing.assert_array_equal(found, expected, err_msg=text, strict=True)


@pytest.mark.parametrize("build", [lambda x: matmul(x, gx.ones((1,))), lambda x: gx.vecdot(x, gx.ones((2, 1)))])
def test_an_open_inner_extent_that_meets_1_is_1_when_called(build: Callable[[Node], Node]) -> None:
    x = gx.input("x", (2, "n"))
    f = gx.compile([x], build(x))
    np.testing.assert_array_equal(f(np.ones((2, 1), np.float32)), [1, 1])
    with pytest.raises(ShapeError, match="inner extents differ, n = 3 and 1"):
        f(np.ones((2, 3), np.float32))
