"""Differences of two products that lose their digits, and what they are."""

from typing import TypeAlias, final

from graphc.dataclass import dataclass
from graphc.ir.arithmetic import Cast, Div, Mul, Neg, Spread, Squeeze, Sum
from graphc.ir.kinds import Scatter
from graphc.ir.leaves import SizeOf, uniform
from graphc.ir.node import Node
from graphc.ops.placement import Pad
from graphc.ops.powers import Square
from graphc.passes.labels import factors, label_of
from graphc.passes.terms import Atom, Combination, OnePlus, Powers, Term, added, ratio, scaled
from graphc.sizes import product

__all__ = ["Centred", "Covariance", "Hyperbolic", "Joint", "Labelled", "joined"]


@final
@dataclass(frozen=True)
class Hyperbolic:
    """factor sinh(u), of factor (e^u - e^-u) / 2; or, `bounded`, factor tanh(u)."""

    factor: Term
    exponent: Combination
    bounded: bool


@final
@dataclass(frozen=True)
class Centred:
    """factor (x - mean(x)), of factor x - factor sum(x) / n."""

    factor: Term
    x: Node
    mean: Spread


@final
@dataclass(frozen=True)
class Covariance:
    """factor Σ (x - mean(x)) (y - mean(y)), repeated by `repeat`, of factor Σ x y - factor Σ x Σ y / n."""

    factor: Term
    x: Node
    y: Node
    total: Sum
    repeat: Spread | None


@final
@dataclass(frozen=True)
class Labelled:
    """factor (1 - share) at one place of each row, factor -share elsewhere, of a softmax.

    Of k y - factor share, where k y is 0 but where the label x is not, along `axis`, and factor there.
    """

    factor: Term
    x: Node
    axis: int
    total: Powers


Joint: TypeAlias = Hyperbolic | Centred | Covariance | Labelled


def joined(a: Term, b: Term, labels: bool) -> Joint | None:
    """What the sum of two terms is, if it may lose its digits as it stands.  `labels`: whether there may be any."""
    labelled = _labelled(a, b) or _labelled(b, a) if labels and (a.exponent or b.exponent) else None
    if labelled is not None or a.coefficient * b.coefficient > 0:
        return labelled
    if a.exponent or b.exponent:
        return _hyperbolic(a, b) or _hyperbolic(b, a)
    return _centred(a, b) or _centred(b, a) or _covariance(a, b) or _covariance(b, a)


def _hyperbolic(a: Term, b: Term) -> Hyperbolic | None:
    """a = k e^d / (1 + e^d) and b = -k / (1 + e^d), or a = k e^u and b = -k e^-u; both times powers of cosh."""
    if a.coefficient != -b.coefficient or a.atoms != b.atoms:
        return None
    for atom, power in a.atoms.items():
        if isinstance(atom, OnePlus) and power < 0:
            found = ratio(a, b)
            if found.exponent == atom.exponent:
                left = ratio(b, Term(-1.0, {}, {atom: -1}))
                return Hyperbolic(left, scaled(atom.exponent, 0.5), bounded=True)
    middle = scaled(added(a.exponent, b.exponent, 1), 0.5)
    lean = middle
    for atom, power in a.atoms.items():
        if isinstance(atom, OnePlus) and power > 0:  # 1 + e^d = e^(d/2) 2 cosh(d/2)
            lean = added(lean, atom.exponent, power / 2)
    if not lean:
        u = scaled(added(a.exponent, b.exponent, -1), 0.5)
        return Hyperbolic(Term(2 * a.coefficient, middle, a.atoms), u, bounded=False)
    return None


def _centred(a: Term, b: Term) -> Centred | None:
    """a = k x and b = -k sum(x) / n."""
    for total, power in b.atoms.items():
        if power != 1 or not isinstance(total, Node) or not isinstance(total.op, Spread):
            continue
        (summed,) = total.inputs
        if not isinstance(summed.op, Sum) or summed.op.axes != total.op.axes:
            continue
        (x,) = summed.inputs
        if a.atoms.get(x) == 1 and x.shape == total.shape and _is_mean(ratio(b, a), {total: 1, x: -1}, x, summed.op):
            return Centred(ratio(a, Term(1.0, {}, {x: 1})), x, total.op)
    return None


def _is_mean(found: Term, atoms: dict[Atom, int], x: Node, op: Sum) -> bool:
    """Whether what a term has besides `atoms` is -1 / n, for the number of elements of x that are summed."""
    n = product(x.shape[axis] for axis in op.axes)
    rest = ratio(found, Term(1.0, {}, atoms))
    if isinstance(n, int):
        return n > 0 and not rest.atoms and abs(rest.coefficient * n + 1) < _ROUNDING
    if rest.coefficient != -1 or len(rest.atoms) != 1:
        return False
    ((size, power),) = rest.atoms.items()
    while isinstance(size, Node) and isinstance(size.op, Spread | Cast):
        (size,) = size.inputs
    return power == -1 and isinstance(size, Node) and isinstance(size.op, SizeOf) and size.op.size == n


def _covariance(a: Term, b: Term) -> Covariance | None:
    """a = k Σ x y and b = -k Σ x Σ y / n."""
    for whole, power in a.atoms.items():
        if power != 1 or not isinstance(whole, Node):
            continue
        repeat = whole.op if isinstance(whole.op, Spread) else None
        total = whole.inputs[0] if repeat is not None else whole
        if not isinstance(total.op, Sum):
            continue
        inside = total.inputs[0]
        if not isinstance(inside.op, Mul | Square):
            continue
        x, y = inside.inputs if isinstance(inside.op, Mul) else (*inside.inputs, *inside.inputs)
        sums: list[Node] = []
        for atom, times in b.atoms.items():
            if times > 0 and isinstance(atom, Node) and atom is not whole:
                sums += [atom] * times
        bare = [s.inputs[0] if repeat is not None and s.op == repeat else s for s in sums]
        of = [s.inputs[0] for s in bare if isinstance(s.op, Sum) and s.op == total.op]
        if len(sums) == len(of) == 2 and set(of) == {x, y}:  # lists would compare nodes, and nodes have no truth value
            atoms: dict[Atom, int] = {whole: -1}
            for s in sums:
                atoms[s] = atoms.get(s, 0) + 1
            if _is_mean(ratio(b, a), atoms, inside, total.op):
                return Covariance(ratio(a, Term(1.0, {}, {whole: 1})), x, y, total.op, repeat)
    return None


def _labelled(a: Term, b: Term) -> Labelled | None:
    """a = k x and b = -k Σ x e^u / Σ e^u, where x is 0 but at one place; or b has what is there for Σ x."""
    for whole, power in b.atoms.items():
        if power != -1 or not isinstance(whole, Powers) or not whole.shown or len(whole.moves) != 1:
            continue
        assert isinstance(whole.op, Sum)
        if len(whole.op.axes) != 1:
            continue
        if not _is_sum(b.exponent, whole.shown, a.exponent):
            continue
        for x in a.atoms:
            label = label_of(x, whole.op.axes[0]) if isinstance(x, Node) else None
            share = Term(1.0, whole.shown, {whole: -1})
            if label is not None and isinstance(x, Node) and _is_less_sum(ratio(ratio(b, a), share), x, whole):
                return Labelled(ratio(b, share._replace(coefficient=-1.0)), label, whole.op.axes[0], whole)
    return None


def _is_sum(total: Combination, x: Combination, y: Combination) -> bool:
    """Whether a combination is the sum of two."""
    for node, coefficient in y.items():
        if total.get(node, 0.0) != x.get(node, 0.0) + coefficient:
            return False
    return total == (added(x, y, 1) if y else x)


def _is_less_sum(found: Term, x: Node, whole: Powers) -> bool:
    """Whether `found` is -Σ x, repeated, by x, which is 0 but at one place; or by x and other factors, with their Σ."""
    above = [atom for atom, power in found.atoms.items() if power == 1]
    if len(above) > 1:
        return False
    number, at = _stripped(x.inputs[-1] if isinstance(x.op, Scatter | Pad) else x)
    if not above:
        number *= 1.0 if isinstance(at.op, Cast) else _number_of(at)
        return found.atoms == {x: -1} and _is_near(found.coefficient, -number)
    (total,) = above
    if not isinstance(total, Node) or not isinstance(total.op, Spread):
        return False
    (row,) = total.inputs
    if total.op == whole.moves[0][0] and row.op == whole.op:
        number, inside = _stripped(row.inputs[0])
        parts = [x] if inside is x else factors(inside)
        wanted: dict[Atom, int] = {total: 1}
        for part in parts:
            wanted[part] = wanted.get(part, 0) - 1
        return x in wanted and found.coefficient * number == -1 and found.atoms == wanted
    if row.ndim and total.op != whole.moves[0][0]:
        return False
    other, base = _stripped(row)
    return base is at and found.atoms == {total: 1, x: -1} and _is_near(found.coefficient * other, -number)


def _stripped(node: Node) -> tuple[float, Node]:
    """A number, and what a node is that times, but for axes of extent 1; a scalar that is repeated is the scalar."""
    number = 1.0
    while True:
        match node.op:
            case Neg():
                number = -number
            case Mul() if _number_of(node.inputs[0]):
                number *= _number_of(node.inputs[0])
                node = node.inputs[1]
                continue
            case Mul() | Div() if _number_of(node.inputs[1]):
                other = _number_of(node.inputs[1])
                number = number * other if isinstance(node.op, Mul) else number / other
            case Spread(shape=shape, axes=axes) if not node.inputs[0].ndim or all(shape[axis] == 1 for axis in axes):
                pass
            case Squeeze():
                pass
            case _:
                return number, node
        node = node.inputs[0]


def _number_of(node: Node) -> float:
    """The number that fills a constant; 0 for none."""
    value = uniform(node)
    return float(value) if isinstance(value, int | float) else 0.0


def _is_near(x: float, y: float) -> bool:
    return abs(x - y) < _ROUNDING * abs(y)


_ROUNDING = 1e-6  # of numbers such as 1 / n in float32
