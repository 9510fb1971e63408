"""Differences of two products that lose their digits, and what they are."""

from dataclasses import dataclass
from typing import TypeAlias, final

from graphc.ir.arithmetic import Cast, Mul, Spread, Sum
from graphc.ir.leaves import SizeOf
from graphc.ir.node import Node
from graphc.ops.powers import Square
from graphc.passes.terms import Atom, Combination, OnePlus, Term, ratio, scaled
from graphc.sizes import product

__all__ = ["Centred", "Covariance", "Hyperbolic", "Joint", "joined"]


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


Joint: TypeAlias = Hyperbolic | Centred | Covariance


def joined(a: Term, b: Term) -> Joint | None:
    """What the sum of two terms is, if it may lose its digits as it stands."""
    if a.coefficient * b.coefficient > 0:
        return None
    if a.exponent or b.exponent:
        return _hyperbolic(a, b) or _hyperbolic(b, a)
    return _centred(a, b) or _centred(b, a) or _covariance(a, b) or _covariance(b, a)


def _hyperbolic(a: Term, b: Term) -> Hyperbolic | None:
    """a = k e^d / (1 + e^d) and b = -k / (1 + e^d), or a = k e^u and b = -k e^-u."""
    if a.coefficient != -b.coefficient or a.atoms != b.atoms:
        return None
    for atom, power in a.atoms.items():
        if isinstance(atom, OnePlus) and power < 0:
            found = ratio(a, b)
            if found.exponent == atom.exponent:
                left = ratio(b, Term(-1.0, {}, {atom: -1}))
                return Hyperbolic(left, scaled(atom.exponent, 0.5), bounded=True)
    if a.exponent == scaled(b.exponent, -1):
        return Hyperbolic(Term(2 * a.coefficient, {}, a.atoms), a.exponent, bounded=False)
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


_ROUNDING = 1e-6  # of numbers such as 1 / n in float32
