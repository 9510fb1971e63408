"""Sums of products in Einstein's notation."""

import string
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import sum_over
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.contraction import Labels, product
from graphc.ops.diagonal import diagonal
from graphc.ops.movement import transpose
from graphc.origin import here
from graphc.sizes import Size, equal, estimate
from graphc.sizes import product as multiplied
from graphc.types import TensorType, accumulator, promote

__all__ = ["einsum"]


class _Operand(NamedTuple):
    """A node with a label for each axis."""

    node: Node
    labels: Labels


def einsum(subscripts: str, *operands: Like) -> Node:
    """Products of elements of all operands, summed over the letters that the result lacks.

    `einsum("bik,bkj->bij", x, y)` names the axes of every operand, and of the result after `->`; without it
    the result has, in alphabetical order, the letters that stand once.  A letter that stands twice in one
    operand is a diagonal; `...` stands for all other axes, which broadcast.  Two operands are one contraction;
    more are contracted in pairs, each time the pair that shrinks the sum of sizes most (hints stand for open
    sizes).
    """
    nodes = [as_node(x) for x in operands]
    try:
        terms, out = _parsed(subscripts, nodes)
        _agree(terms, nodes)
    except (ArgumentError, ShapeError) as error:
        raise locate(error, here(), nodes) from None
    common = nodes[0].tensor
    for node in nodes[1:]:
        weak = common.weak and node.tensor.weak
        common = TensorType((), promote(common, node.tensor), weak)
    wide = accumulator(common.dtype)
    ready = [_diagonals(_Operand(cast(node, wide), term)) for node, term in zip(nodes, terms, strict=True)]
    result = _contracted(_without_lone(ready, out), out)
    return cast(result, common.dtype)


def _parsed(subscripts: str, nodes: Sequence[Node]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand, and of the result.  Axes of `...` are labelled from the last: ...1, ...2"""
    if not isinstance(subscripts, str):
        raise ArgumentError(f"einsum: subscripts are text such as 'ij,jk->ik', not {type(subscripts).__name__}")
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(nodes) or not nodes:
        raise ArgumentError(f"einsum: {subscripts!r} names {len(texts)} operands, and {len(nodes)} are given")
    terms, most = [], 0
    for text, node in zip(texts, nodes, strict=True):
        open_axes = node.ndim - len(_letters(text, subscripts))
        if open_axes < 0 or (open_axes > 0 and "..." not in text):
            raise ShapeError(f"einsum: {text!r} names {node.ndim - open_axes} axes of an operand with {node.ndim}")
        most = max(most, open_axes)
        terms.append(_labels(text, open_axes))
    counts = Counter(label for term in terms for label in term)
    if arrow:
        letters = _letters(right, subscripts)
        unknown = [letter for letter in letters if letter not in counts]
        if unknown or len(set(letters)) < len(letters):
            what = (
                f"{unknown[0]!r} of the result is in no operand" if unknown else "a letter stands twice in the result"
            )
            raise ArgumentError(f"einsum: {what}, in {subscripts!r}")
        if most and "..." not in right:
            raise ArgumentError(f"einsum: the result of {subscripts!r} lacks the axes of '...'", hint="'...->...'")
        return terms, _labels(right, most)
    once = sorted(label for label, count in counts.items() if count == 1 and label in string.ascii_letters)
    return terms, [*_labels("...", most), *once]


def _letters(text: str, subscripts: str) -> str:
    letters = text.replace("...", "", 1)
    if not all(letter in string.ascii_letters for letter in letters):
        raise ArgumentError(f"einsum: {subscripts!r} is not of the form 'ij,jk->ik'")
    return letters


def _labels(text: str, open_axes: int) -> list[str]:
    before, _, after = text.partition("...")
    return [*before, *(f"...{axis}" for axis in range(open_axes, 0, -1)), *after]


def _agree(terms: Sequence[Labels], nodes: Sequence[Node]) -> None:
    """Raise where a letter has two extents."""
    extents: dict[str, Size] = {}
    for term, node in zip(terms, nodes, strict=True):
        for label, m in zip(term, node.shape, strict=True):
            n = extents.setdefault(label, m)
            if label in string.ascii_letters and equal(n, m) is False:
                raise ShapeError(f"einsum: the extents of {label!r} differ, {n} and {m}")


def _diagonals(operand: _Operand) -> _Operand:
    """The operand with every label once."""
    node, labels = operand
    for label in [label for label, count in Counter(labels).items() for _ in range(count - 1)]:
        first = labels.index(label)
        second = labels.index(label, first + 1)
        node = diagonal(node, first, second)
        labels = [*(other for axis, other in enumerate(labels) if axis not in (first, second)), label]
    return _Operand(node, labels)


def _without_lone(operands: Sequence[_Operand], out: Labels) -> list[_Operand]:
    """The operands, summed over labels that stand neither in another nor in the result."""
    counts = Counter(label for operand in operands for label in operand.labels)
    kept = []
    for node, labels in operands:
        lone = [axis for axis, label in enumerate(labels) if counts[label] == 1 and label not in out]
        summed = cast(sum_over(node, lone), node.dtype)  # sums of integers are wider
        kept.append(_Operand(summed, [label for axis, label in enumerate(labels) if axis not in lone]))
    return kept


def _contracted(operands: list[_Operand], out: Labels) -> Node:
    """One node of all operands: pair after pair."""
    while len(operands) > 1:
        first, second = min(combinations(range(len(operands)), 2), key=lambda pair: _growth(operands, pair, out))
        x, y = operands[first], operands[second]
        others = [operand for place, operand in enumerate(operands) if place not in (first, second)]
        labels = _kept(x, y, others, out) if others else out
        operands = [
            *others,
            _Operand(product("einsum", x.node, y.node, (x.labels, y.labels, labels)), labels),
        ]
    node, labels = operands[0]
    order = [labels.index(label) for label in out]
    return node if order == sorted(order) else transpose(node, order)


def _kept(x: _Operand, y: _Operand, others: Sequence[_Operand], out: Labels) -> list[str]:
    """The labels of the product of two operands: of both, of the first, of the second, where still needed."""
    needed = {*out, *(label for operand in others for label in operand.labels)}
    shared = [label for label in x.labels if label in y.labels]
    own = [label for label in (*x.labels, *y.labels) if label not in shared]
    return [label for label in (*shared, *own) if label in needed]


def _growth(operands: Sequence[_Operand], pair: tuple[int, int], out: Labels) -> int:
    """By how many elements the product of a pair exceeds the two."""
    x, y = (operands[place] for place in pair)
    others = [operand for place, operand in enumerate(operands) if place not in pair]
    extents = dict(zip((*y.labels, *x.labels), (*y.node.shape, *x.node.shape), strict=True))
    result = estimate(multiplied(extents[label] for label in _kept(x, y, others, out)))
    return result - estimate(x.node.size) - estimate(y.node.size)
