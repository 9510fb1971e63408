"""Forms as nodes again: every product as factors that are never above 1, and what is left."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import assert_never, final

import ml_dtypes

from graphc.dataclass import dataclass
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Compare, Div, Mul, Neg, Spread, Sub, Sum, Where, spread
from graphc.ir.graph import rebuilt
from graphc.ir.leaves import full, size_node, uniform
from graphc.ir.node import Node, Op
from graphc.ir.operands import div
from graphc.kernel.scalar import Fn
from graphc.ops.elementwise import Exp, Log, Log2, Log10, Sigmoid, Softplus, Tanh
from graphc.ops.extremes import UpperBound
from graphc.ops.logic import And
from graphc.ops.piecewise import Abs, clip
from graphc.ops.powers import Hypot, Sqrt, Square
from graphc.ops.trigonometry import Cosh, Sinh
from graphc.passes.forms import Form, Forms
from graphc.passes.joint import Centred, Covariance, Hyperbolic, Joint, Labelled, joined
from graphc.passes.labels import where_labelled
from graphc.passes.terms import (
    Atom,
    Bell,
    Combination,
    Mask,
    Move,
    OnePlus,
    Part,
    Powers,
    Share,
    ShareOfMany,
    Term,
    added,
    parted,
    scaled,
)
from graphc.sizes import product

__all__ = ["Writer"]

#: log(x) times what gives another logarithm
_BASES: Mapping[type[Op], float] = {Log: 1.0, Log2: 1 / math.log(2), Log10: 1 / math.log(10)}


@final
@dataclass
class Writer:
    """Makes nodes of forms.  `new` has the node of the new graph for each of the old one; equal ones are made once."""

    forms: Forms
    new: dict[Node, Node] = field(default_factory=dict)
    replaced: dict[Node, Node] = field(default_factory=dict)  # old nodes that got another form -> what they were
    _known: dict[tuple[Op, tuple[Node, ...]], Node] = field(default_factory=dict)
    _shares: dict[tuple[object, Op], tuple[Node, Node]] = field(default_factory=dict)

    def shared(self, node: Node) -> Node:
        """The one node of the new graph that computes what `node` does; those of the old one may stay."""
        known = self._nodes()
        found = known.setdefault((node.op, node.inputs), node)
        return found if found.type is node.type or found.type == node.type else node

    def apply(self, op: Op, *inputs: Node) -> Node:
        """A node of the new graph."""
        known = self._nodes()
        found = known.get((op, inputs))
        if found is None:
            found = known[op, inputs] = apply(op, *inputs)
        return found

    def _nodes(self) -> dict[tuple[Op, tuple[Node, ...]], Node]:
        """Nodes of the new graph, and of the old one, by what they compute."""
        if not self._known:
            self._known.update(self.forms.graph.computing)
        return self._known

    def node(self, old: Node) -> Node:
        """A node of the old graph, or one that was made beside it, a few ops from those of it, in the new graph."""
        found = self.new.get(old)
        if found is None:
            new = self.new
            candidate = rebuilt(old, [new[x] if x in new else self.node(x) for x in old.inputs])
            if candidate is not old:
                candidate = self.shared(candidate)
            better = self._better(old) if old in self.forms.better else None
            if better is None or better is candidate or better.type != candidate.type:
                found = candidate
            else:
                found, self.replaced[old] = better, candidate
            self.new[old] = found
        return found

    def _better(self, old: Node) -> Node | None:
        """What computes a node and keeps its digits, where the node as it is may not."""
        forms = self.forms
        if isinstance(old.op, Compare):
            length = self.node(forms.made(Sqrt(), old.inputs[0]))
            return self.apply(old.op, length, self.node(old.inputs[1]))
        if isinstance(old.op, Log | Log2 | Log10):
            log = self.log(forms.of(old.inputs[0]), old)
            base = _BASES[type(old.op)]
            return log if log is None or base == 1 else self._times(log, base)
        if old in forms.logs:
            return self.log((forms.logs[old],), old)
        if old in forms.rows:
            assert isinstance(old.inputs[0].op, Sum)
            return self.length_of_rows(forms.rows[old], old.inputs[0].op)
        if isinstance(old.op, Sqrt) and old in forms.bounds:
            return self.length(forms.bounds[old])
        return self.form(forms.of(old), old)

    # Sums.

    def form(self, form: Form, like: Node) -> Node:
        """A form as a node of the type of `like`."""
        terms = list(form)
        found: list[tuple[Node, bool]] = []
        while terms:
            first = terms.pop(0)
            joint = None
            for place, other in enumerate(terms):
                joint = joined(first, other, self.forms.labels)
                if joint is not None:
                    del terms[place]
                    found.append((self._joint(joint, like), False))
                    break
            if joint is None:
                negative = first.coefficient < 0
                found.append((self._term(first._replace(coefficient=abs(first.coefficient)), like), negative))
        found.sort(key=lambda part: part[1])  # what is added first
        if not found:
            return self.shared(full(like.shape, 0, like.dtype))
        (total, negative), *rest = found
        if negative:
            total = self.apply(Neg(), total)
        for part, negative in rest:
            total = self.apply(Sub() if negative else Add(), total, part)
        return total

    def _joint(self, joint: Joint, like: Node) -> Node:
        match joint:
            case Hyperbolic(factor=factor, exponent=u, bounded=bounded):
                found = self.apply(Tanh() if bounded else Sinh(), self._sum(u))
            case Centred(factor=factor, x=x, mean=mean):
                found = self._centred(self.node(x), mean.axes)
            case Covariance(factor=factor, x=x, y=y, total=total, repeat=repeat):
                from_mean = self._centred(self.node(x), total.axes)
                if x is y:
                    found = self.apply(Square(), from_mean)
                else:
                    found = self.apply(Mul(), from_mean, self._centred(self.node(y), total.axes))
                found = self.apply(total, found)
                if repeat is not None:
                    found = self.apply(repeat, found)
            case Labelled(factor=factor, x=x, axis=axis, total=total):
                found = self._less_share(x, axis, total)
            case _:
                assert_never(joint)
        scale = self._term(factor, like)
        return found if uniform(scale) == 1 else self.apply(Mul(), scale, found)

    def _less_share(self, x: Node, axis: int, total: Powers) -> Node:
        """1 - share where x is not 0, else -share: the first is what the others share."""
        power, below = self._shifted_powers(total)
        assert isinstance(total.op, Sum)
        label = self.shared(where_labelled(x, axis, [self.node(y) for y in x.inputs]))
        others = self.apply(Where(), label, self.shared(full(power.shape, 0, power.dtype)), power)
        rest = self.apply(below.op, self.apply(total.op, others))
        return self.apply(Div(), self.apply(Where(), label, rest, self.apply(Neg(), others)), below)

    def _centred(self, x: Node, axes: tuple[int, ...]) -> Node:
        """x less its mean; and what is left less its own, which is the error of the first: a mean is rounded."""
        n = size_node(product(x.shape[axis] for axis in axes))
        for _ in range(2):
            mean = self.shared(div(self.apply(Sum(axes), x), n))
            x = self.apply(Sub(), x, self.shared(spread(mean, x.shape, axes)))
        return x

    # Products.

    def _term(self, term: Term, like: Node) -> Node:
        masks = [atom.condition for atom in term.atoms if isinstance(atom, Mask)]
        if not masks:
            return self._unmasked(term, like)
        atoms: dict[Atom, int] = {atom: n for atom, n in term.atoms.items() if not isinstance(atom, Mask)}
        found = self._unmasked(term._replace(atoms=atoms), like)
        for mask in masks:
            found = self.apply(Where(), self.node(mask), found, self.shared(full(found.shape, 0, found.dtype)))
        return found

    def _unmasked(self, term: Term, like: Node) -> Node:
        parts, left = parted(term, self.forms.bounds)
        above: list[Node] = []
        below: list[Node] = []
        exponent = self._of_new(left.exponent)
        for atom, power in left.atoms.items():
            if isinstance(atom, Powers) and left.exponent:
                factor, largest = self._total_and_largest(atom)
                exponent = added(exponent, {largest: 1.0}, power)
            else:
                factor = self._atom(atom)
            (above if power > 0 else below).extend([factor] * abs(power))
        for part in parts:
            match part:
                case Bell(exponent=u, power=power):
                    (below if power > 0 else above).append(self.apply(Cosh(), self._sum(u)))
                case Part():
                    above.append(self._part(part))
                case _:
                    (above if part.power > 0 else below).append(self._part(part))
        if exponent:
            above.append(self.apply(Exp(), self._added_up(exponent)))
        found = self._product(above) if above else None
        coefficient = abs(left.coefficient)
        if found is None or coefficient != 1:
            number = self.shared(full(like.shape, coefficient, like.dtype))
            found = number if found is None else self.apply(Mul(), found, number)
        for factor in below:
            found = self.apply(Div(), found, factor)
        return found if left.coefficient >= 0 else self.apply(Neg(), found)

    def _product(self, factors: Sequence[Node]) -> Node:
        found = factors[0]
        for factor in factors[1:]:
            found = self.apply(Mul(), found, factor)
        return found

    def _times(self, x: Node, number: float) -> Node:
        return x if number == 1 else self.apply(Mul(), x, self.shared(full(x.shape, number, x.dtype)))

    def _plus(self, x: Node, number: float) -> Node:
        return self.apply(Add(), x, self.shared(full(x.shape, number, x.dtype)))

    def _atom(self, atom: Atom) -> Node:
        match atom:
            case OnePlus(exponent=d):
                power = self.apply(Exp(), self._sum(d))
                return self.apply(Add(), self.shared(full(power.shape, 1, power.dtype)), power)
            case Powers(exponent=u, op=op, moves=moves):
                return self._moved(self.apply(op, self.apply(Exp(), self._sum(u))), moves)
            case Mask():
                raise AssertionError("a mask is no factor")
        return self.node(atom)

    def _part(self, part: Share | ShareOfMany | Part) -> Node:
        match part:
            case Share(exponent=d):
                return self.apply(Sigmoid(), self._sum(d))
            case ShareOfMany(total=total):
                power, below = self._shifted_powers(total)
                return self._moved(self.apply(Div(), power, below), total.moves[1:])
            case Part(x=x, length=length):
                return self.apply(Div(), self.node(x), self.node(length))
        assert_never(part)

    def _shifted(self, total: Powers) -> Node:
        """u less its largest: the largest power is 1, so nothing overflows.  Shares do not depend on it."""
        u = self._sum(total.exponent)
        assert isinstance(total.op, Sum)
        largest = self.apply(UpperBound(total.op.axes), u)
        return self.apply(Sub(), u, self.apply(Spread(u.shape, total.op.axes), largest))

    def _shifted_powers(self, total: Powers) -> tuple[Node, Node]:
        """e^(u - max u) and the sum of these, repeated: whatever moves the total."""
        found = self._shares.get((total.key, total.op))
        if found is None:
            power = self.apply(Exp(), self._shifted(total))
            assert isinstance(total.op, Sum)
            below = self.apply(Spread(power.shape, total.op.axes), self.apply(total.op, power))
            found = self._shares[total.key, total.op] = power, below
        return found

    def _moved(self, x: Node, moves: Sequence[Move]) -> Node:
        for op, index in moves:
            x = self.apply(op, x) if index is None else self.apply(op, x, self.node(index))
        return x

    def _total_and_largest(self, total: Powers) -> tuple[Node, Node]:
        """Σ e^(u - max u), which beside another power of e keeps that in range, and max u."""
        assert isinstance(total.op, Sum)
        largest = self.apply(UpperBound(total.op.axes), self._sum(total.exponent))
        powers = self.apply(total.op, self.apply(Exp(), self._shifted(total)))
        return self._moved(powers, total.moves), self._moved(largest, total.moves)

    def _of_new(self, combination: Combination) -> Combination:
        """A combination of nodes of the new graph."""
        found: Combination = {}
        for node, coefficient in combination.items():
            found = added(found, {self.node(node): coefficient}, 1)
        return found

    def _sum(self, combination: Combination) -> Node:
        """A combination as a node."""
        return self._added_up(self._of_new(combination))

    def _added_up(self, combination: Combination) -> Node:
        """A combination of nodes of the new graph as a node: what is added first."""
        found: Node | None = None
        for node, coefficient in sorted(combination.items(), key=lambda part: part[1] < 0):
            x = self._times(node, abs(coefficient))
            if found is None:
                found = x if coefficient > 0 else self.apply(Neg(), x)
            else:
                found = self.apply(Add() if coefficient > 0 else Sub(), found, x)
        assert found is not None, "an exponent of nothing"
        return found

    # Logarithms and lengths.

    def log(self, form: Form, node: Node) -> Node | None:
        """The logarithm of a product as a sum; None for what is none, or has neither a power of e nor a sum of them."""
        if len(form) != 1 or any(isinstance(atom, Mask) for atom in form[0].atoms):
            return None
        parts, left = parted(form[0], self.forms.bounds)
        found = [self._log_of(part) for part in parts if not isinstance(part, Part)]
        rest = dict(left.atoms)
        for part in parts:
            if isinstance(part, Part):
                rest[part.x] = rest.get(part.x, 0) + 1
                rest[part.length] = rest.get(part.length, 0) - 1
        for atom, power in left.atoms.items():
            if isinstance(atom, OnePlus | Powers):
                del rest[atom]
                found.append(self._times(self._log_of_total(atom), power))
        if left.exponent:
            found.append(self._sum(left.exponent))
        if not found or (left.coefficient <= 0 and not rest):
            return None
        if rest or left.coefficient != 1:
            found.insert(0, self.apply(Log(), self._term(Term(left.coefficient, {}, rest), node)))
        total = found[0]
        for log in found[1:]:
            total = self.apply(Add(), total, log)
        return total

    def _log_of(self, part: Share | Bell | ShareOfMany) -> Node:
        match part:
            case Share(exponent=d, power=power):
                log = self.apply(Softplus(), self._sum(scaled(d, -1)))  # which is -log(sigmoid(d))
                return log if power < 0 else self.apply(Neg(), log)
            case Bell(exponent=u, power=power):
                x = self._sum(u)
                log = self._plus(self.apply(Softplus(), self._sum(scaled(u, 2))), -math.log(2))  # x + log(cosh(x))
                return self.apply(Sub(), *((x, log) if power > 0 else (log, x)))
            case ShareOfMany(total=total, power=power):
                _, below = self._shifted_powers(total)
                log = self.apply(below.op, self.apply(Log(), *below.inputs))
                x = self._shifted(total)
                return self._moved(self.apply(Sub(), *((x, log) if power > 0 else (log, x))), total.moves[1:])
        assert_never(part)

    def _log_of_total(self, atom: OnePlus | Powers) -> Node:
        """log(1 + e^d), or log Σ e^u less a largest number that is finite: inf - inf would be nan."""
        match atom:
            case OnePlus(exponent=d):
                return self.apply(Softplus(), self._sum(d))
            case Powers(exponent=exponent, op=op, moves=moves):
                u = self._sum(exponent)
                assert isinstance(op, Sum)
                largest = self.apply(UpperBound(op.axes), u)
                limits = ml_dtypes.finfo(u.dtype)  # type: ignore[no-untyped-call]
                shift = self.shared(clip(largest, float(limits.min), float(limits.max)))
                power = self.apply(Exp(), self.apply(Sub(), u, self.apply(Spread(u.shape, op.axes), shift)))
                log = self.apply(Add(), self.apply(Log(), self.apply(op, power)), largest)
                return self._moved(log, moves)
        assert_never(atom)

    def length(self, sides: Sequence[Node]) -> Node:
        """√(x² + y² + ...), where no square leaves the range of floats."""
        first, *others = [self.node(side) for side in sides]
        if not others:
            return self.apply(Abs(), first)
        for other in others:
            first = self.apply(Hypot(), first, other)
        return first

    def length_of_rows(self, side: Node, op: Sum) -> Node:
        """√Σ x² of rows, divided by their largest |x| first: 1 where that is 0 or no number."""
        x = self.node(side)
        largest = self.apply(UpperBound(op.axes), self.apply(Abs(), x))
        zero, top = (full(largest.shape, number, largest.dtype) for number in (0, float("inf")))
        is_scale = self.apply(
            And(), self.apply(Compare(Fn.GT), largest, zero), self.apply(Compare(Fn.LT), largest, top)
        )
        scale = self.apply(Where(), is_scale, largest, self.shared(full(largest.shape, 1, largest.dtype)))
        small = self.apply(Div(), x, self.apply(Spread(x.shape, op.axes), scale))
        return self.apply(Mul(), scale, self.apply(Sqrt(), self.apply(op, self.apply(Square(), small))))
