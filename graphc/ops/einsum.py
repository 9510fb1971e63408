"""Sums of products in Einstein's notation."""

import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import Squeeze, sum_over
from graphc.ir.given import is_whole
from graphc.ir.node import Like, Node
from graphc.ir.operands import as_node, cast
from graphc.ops.axes import without
from graphc.ops.contraction import Labels, product
from graphc.ops.contraction_path import cheapest_path
from graphc.ops.diagonal import Diagonal
from graphc.ops.movement import transpose
from graphc.ops.placement import moved
from graphc.origin import here
from graphc.printable import counted, described
from graphc.sizes import Size, equal, estimate
from graphc.types import TensorType, accumulator, promote

__all__ = ["einsum"]

_SORTED_LETTERS = string.ascii_uppercase + string.ascii_lowercase


class _Operand(NamedTuple):
    """A node with a label for each axis."""

    node: Node
    labels: Labels


def einsum(subscripts: "str | Like", *operands: "Like | Sequence[object]", optimize: bool | str = True) -> Node:
    """Products of elements of all operands, summed over the letters that the result lacks.

    `einsum("bik,bkj->bij", x, y)` names the axes of every operand, and of the result after `->`; without it
    the result has, in alphabetical order, the letters that stand once.  A letter that stands twice in one
    operand is a diagonal; `...` stands for all other axes.  An extent of 1 meets any other.  Instead of letters every
    operand may be followed by the numbers of its axes, `einsum(x, [0, 1], y, [1, 2], [0, 2])`.

    Two operands are one contraction.  More are contracted in pairs, in the order with the fewest products of
    elements (hints stand for open sizes); beyond eight operands each pair is the best one at the time.  So NumPy's
    `optimize` changes nothing: True, False, "greedy" and "optimal" are taken, an order of one's own is not.

    x [b, i, k]   y [b, k, j]   ->   [b, i, j] for those subscripts

    dz = einsum(..., dx, y) + einsum(..., x, dy), and so for more operands.
    Raises ShapeError where a letter has two extents.
    """
    if not isinstance(optimize, bool):
        _asked(optimize)
    letters, xs = _lettered(subscripts, operands)
    nodes = [as_node(x) for x in xs]
    try:
        terms, out = _parsed(letters, nodes, repr if isinstance(subscripts, str) else _numbered)
        _agree(terms, nodes)
    except (ArgumentError, ShapeError) as error:
        raise locate(error, here(), nodes) from None
    common = nodes[0].tensor
    for node in nodes[1:]:
        weak = common.weak and node.tensor.weak
        common = TensorType((), promote(common, node.tensor), weak)
    wide = accumulator(common.dtype)
    ready = [_diagonals(_Operand(cast(node, wide), term)) for node, term in zip(nodes, terms, strict=True)]
    result = _contracted(_without_lone(_without_ones(ready, out), out), out)
    return cast(result, common.dtype)


def _asked(optimize: object) -> None:
    """Raise where NumPy's option asks for another order."""
    if not (isinstance(optimize, str) and optimize in ("greedy", "optimal")):
        problem = f"einsum: optimize is True, False, 'greedy' or 'optimal', not {described(optimize)}"
        raise locate(ArgumentError(problem, hint="one einsum of two operands after the other is any order"), here(), ())


def _lettered(subscripts: "str | Like", operands: "Sequence[Like | Sequence[object]]") -> "tuple[str, Sequence[Like]]":
    """Subscripts as letters, and the operands; from operands that alternate with numbers of axes, too."""
    if isinstance(subscripts, str):
        return subscripts, operands  # type: ignore[return-value]  # what is no operand, `as_node` refuses
    given = [subscripts, *operands]
    count = len(given) // 2
    if not all(isinstance(axes, list | tuple) for axes in [*given[1::2], *given[2 * count :]]):
        problem = f"einsum: subscripts are text such as 'ij,jk->ik', not {type(subscripts).__name__}"
        raise locate(ArgumentError(problem, hint="or einsum(x, [0, 1], y, [1, 2], [0, 2])"), here(), ())
    terms = ",".join(_sublist(axes) for axes in given[1 : 2 * count : 2])
    text = f"{terms}->{_sublist(given[-1])}" if len(given) % 2 else terms
    return text, given[: 2 * count : 2]  # type: ignore[return-value]


def _sublist(axes: object) -> str:
    """Numbers of axes as letters, which sort as they do."""
    letters = []
    for axis in axes if isinstance(axes, list | tuple) else ():
        if axis is not ... and not (is_whole(axis) and 0 <= axis < len(_SORTED_LETTERS)):
            problem = f"einsum: an axis is a number from 0 to {len(_SORTED_LETTERS) - 1}, or ..., not {described(axis)}"
            raise locate(ArgumentError(problem), here(), ())
        letters.append("..." if axis is ... else _SORTED_LETTERS[axis])
    return "".join(letters)


def _numbered(text: str) -> str:
    """The axes of one operand as they were given by numbers, of which `_sublist` made letters."""
    dots = text.find("...")
    parts = [str(_SORTED_LETTERS.index(letter)) for letter in text if letter != "."]
    return f"[{', '.join(parts if dots < 0 else [*parts[:dots], '...', *parts[dots:]])}]"


def _parsed(subscripts: str, nodes: Sequence[Node], shown: Callable[[str], str]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand, and of the result.  Axes of `...` are labelled from the last: ...1, ...2

    `shown` writes the axes of an operand as the user wrote them.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(nodes) or not nodes:
        named = counted(len(texts), "operand")
        raise ArgumentError(f"einsum: {subscripts!r} names {named}, not {len(nodes)}")
    terms, most = [], 0
    for text, node in zip(texts, nodes, strict=True):
        open_axes = node.ndim - len(_letters(text, subscripts))
        if open_axes < 0 or (open_axes > 0 and "..." not in text):
            named = counted(node.ndim - open_axes, "axis", "axes")
            raise ShapeError(f"einsum: {shown(text)} names {named} of an operand with {node.ndim}")
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
            if n == 1 or m == 1:  # which is repeated
                extents[label] = m if n == 1 else n
            elif label in string.ascii_letters and equal(n, m) is False:
                raise ShapeError(f"einsum: the extents of {label!r} differ, {n} and {m}")


def _diagonals(operand: _Operand) -> _Operand:
    """The operand with every label once."""
    node, labels = operand
    for label in [label for label, count in Counter(labels).items() for _ in range(count - 1)]:
        first = labels.index(label)
        second = labels.index(label, first + 1)
        node = apply(Diagonal(first, second), node)  # where the extents differ, this raises
        labels = [*(other for axis, other in enumerate(labels) if axis not in (first, second)), label]
    return _Operand(node, labels)


def _without_ones(operands: Sequence[_Operand], out: Labels) -> list[_Operand]:
    """The operands without axes of extent 1 that meet another extent, and are summed: the other's sum is the whole."""
    longer = {label for node, labels in operands for label, n in zip(labels, node.shape, strict=True) if n != 1}
    kept = []
    for node, labels in operands:
        extents = enumerate(zip(labels, node.shape, strict=True))
        ones = [axis for axis, (label, n) in extents if n == 1 and label in longer and label not in out]
        kept.append(_Operand(moved(Squeeze(tuple(ones)), node), without(ones, labels)))
    return kept


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
    extents: dict[str, int] = {}
    for node, labels in operands:
        for label, n in zip(labels, node.shape, strict=True):
            extents[label] = max(extents.get(label, 1), estimate(n))
    for pair in cheapest_path([set(labels) for _, labels in operands], set(out), extents):
        x, y = (operands[place] for place in pair)
        others = [operand for place, operand in enumerate(operands) if place not in pair]
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
