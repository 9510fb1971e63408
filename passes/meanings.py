"""What arithmetic makes of forms: products, sums, powers of e and roots."""

from collections.abc import Sequence

from graphc.ir.arithmetic import Add, Cast, Compare, Div, Neg, Spread, Sub, Sum, Where
from graphc.ir.node import Node
from graphc.ops.elementwise import Log, Sigmoid
from graphc.ops.extremes import Max, Min
from graphc.ops.logic import Not
from graphc.ops.piecewise import Abs
from graphc.ops.powers import Sqrt
from graphc.ops.trigonometry import Cosh
from graphc.passes.forms import Form, Forms, is_length_test, is_shifted, negated, side, sides
from graphc.passes.joint import joined
from graphc.passes.terms import (
    Atom,
    Bell,
    Combination,
    Mask,
    OnePlus,
    Powers,
    Term,
    added,
    as_form,
    exponents,
    mentions,
    number,
    one,
    parted,
    ratio,
    scaled,
    times,
)

__all__ = [
    "choice",
    "cosine",
    "logarithm",
    "negative",
    "power",
    "product",
    "root",
    "share",
    "sine",
    "softplus",
    "softplus_of_power",
    "square",
    "sum_of_two",
]


_MOST_SIDES = 4


def negative(forms: Forms, node: Node) -> Form | None:
    """-x."""
    (x,) = node.inputs
    log = times(number(1.0), forms.logs[x], -1) if x in forms.logs else None
    if log is not None:
        forms.logs[node] = log
    return None if forms.is_plain(x) else negated(forms.of(x))


def power(forms: Forms, node: Node) -> Form:
    """e^x."""
    (x,) = node.inputs
    return (forms.logs.get(x) or Term(1.0, forms.combination(x), {}),)


def share(forms: Forms, node: Node) -> Form | None:
    """sigmoid(x) = e^x / (1 + e^x)."""
    d = forms.combination(node.inputs[0])
    return as_form(times(Term(1.0, d, {}), forms.one_plus(d), -1))


def cosine(forms: Forms, node: Node) -> Form | None:
    """cosh(x) = (e^x + e^-x) / 2."""
    u = forms.combination(node.inputs[0])
    return as_form(times(Term(0.5, scaled(u, -1), {}), forms.one_plus(scaled(u, 2)), 1))


def sine(forms: Forms, node: Node) -> Form:
    """sinh(x) = (e^x - e^-x) / 2."""
    u = forms.combination(node.inputs[0])
    return Term(0.5, u, {}), Term(-0.5, scaled(u, -1), {})


def logarithm(forms: Forms, node: Node) -> Form | None:
    """log(x): written as a sum, if x is a product with powers of e."""
    (x,) = node.inputs
    form = forms.forms.get(x, ())
    if len(form) != 1 or isinstance(x.op, Cosh):  # of which a rule knows
        return None
    term = forms.without_shifts(form[0])
    if term.exponent or any(isinstance(atom, OnePlus | Powers) for atom in term.atoms):
        if isinstance(node.op, Log) and _is_positive(form[0]):
            forms.logs[node] = form[0]
        forms.better.add(node)
        return (one(node),)
    return None


def _is_positive(term: Term) -> bool:
    """Whether a term is made of powers of e and sums of them alone."""
    return term.coefficient > 0 and all(isinstance(atom, OnePlus | Powers) for atom in term.atoms)


def softplus(forms: Forms, node: Node) -> None:
    """log(1 + e^x)."""
    _note_softplus(forms, node, forms.combination(node.inputs[0]))


def softplus_of_power(forms: Forms, node: Node) -> None:
    """log(1 + y), where y is a power of e."""
    form = forms.forms.get(node.inputs[0], ())
    if len(form) == 1 and form[0].exponent and form[0] == Term(1.0, form[0].exponent, {}):
        _note_softplus(forms, node, form[0].exponent)


def _note_softplus(forms: Forms, node: Node, d: Combination) -> None:
    forms.logs[node] = one(forms.pair(d))


# Products.


def product(forms: Forms, node: Node) -> Form | None:
    """x y, or x / y."""
    left, right = node.inputs
    is_quotient = isinstance(node.op, Div)
    if forms.is_plain(left) and forms.is_plain(right):
        if is_quotient or (left not in forms.weighed and right not in forms.weighed):
            return None
        for factor in (left, right):
            if isinstance(factor.op, Spread):
                forms.look(factor)
    x, y = forms.of(left), forms.of(right)
    if not is_quotient and len(y) != 1:
        left, right, x, y = right, left, y, x
    if len(y) != 1 or (not x and y[0].atoms and not (is_quotient and _is_count(right))):
        return None
    sign = -1 if is_quotient else 1
    if not y[0].atoms and not y[0].exponent and x:
        return _each_times(x, y[0], sign)
    before = forms.danger(x) + (forms.danger_below(y[0]) if is_quotient else forms.danger(y))
    may_be_better = len(x) < 2 or ((before or forms.has_pairs) and _may_be_better(forms, x, y[0]))
    found = _each_times(x, y[0], sign) if may_be_better else None
    if found is not None:
        if not x or (before and forms.danger(found) < before):
            forms.better.add(node)
            return found
        if len(found) == 1 or all(map(_is_share, found)):
            return found
    return None if len(x) < 2 or forms.is_plain(right) else as_form(times(one(left), y[0], sign))


def _each_times(x: Form, y: Term, sign: int) -> Form | None:
    """The terms of a form, each times another."""
    found: list[Term] = []
    for term in x:
        part = times(term, y, sign)
        if part is None:
            return None
        found.append(part)
    return tuple(found)


def _may_be_better(forms: Forms, x: Form, y: Term) -> bool:
    """Whether a product with each of many terms may be better than one with their sum.

    Terms that stay in range, and have nothing to do with y, are no better for being multiplied one by one.
    """
    if forms.has_pairs and (all(map(_is_share, x)) or any(isinstance(atom, OnePlus) for atom in y.atoms)):
        return True
    if not y.exponent and all(isinstance(atom, Node) for atom in y.atoms):
        return False
    if forms.danger(x) or any(atom in forms.bounds or isinstance(atom, Mask) for atom in y.atoms):
        return True
    known = {node for exponent in exponents(y) for node in exponent}
    return is_shifted(y) or any(mentions(term, known) for term in x)


def square(forms: Forms, node: Node) -> Form | None:
    """x²."""
    (x,) = node.inputs
    form = forms.of(x)
    return as_form(times(form[0], form[0], 1) if len(form) == 1 else Term(1.0, {}, {x: 2}))


def _is_share(term: Term) -> bool:
    """Whether a term has 1 + e^d below its bar."""
    return any(isinstance(atom, OnePlus) and power < 0 for atom, power in term.atoms.items())


def _is_count(node: Node) -> bool:
    """Whether a node counts those that are equal to the largest of them: at least one."""
    if not isinstance(node.op, Sum) or not isinstance(node.inputs[0].op, Cast):
        return False
    (reach,) = node.inputs[0].inputs
    if not isinstance(reach.op, Not) or not isinstance(reach.inputs[0].op, Compare):
        return False
    x, extreme = reach.inputs[0].inputs
    found = extreme.inputs[0] if isinstance(extreme.op, Spread) else extreme
    return isinstance(found.op, Max | Min) and found.inputs[0] is x and found.op.axes == node.op.axes


# Lengths.


def root(forms: Forms, node: Node) -> Form | None:
    """√x: of a square |x|; of a sum of squares a length; of what is repeated the root, repeated."""
    (x,) = node.inputs
    match x.op:
        case Spread():
            inner = forms.made(node.op, x.inputs[0])
            if forms.is_plain(inner):
                return None
            forms.better.add(node)
            return forms.of(forms.made(x.op, inner))
        case Sum():
            found = side(forms, x)
            if found is None:
                return None
            forms.rows[node] = found
            forms.better.add(node)
            return (one(node),)
        case Where() if is_length_test(forms, x.inputs[0]) and x.inputs[0].inputs[0] is x.inputs[1]:
            condition, total, other = x.inputs
            forms.better |= {node, condition}
            return (one(forms.made(Where(), condition, forms.made(Sqrt(), total), other)),)
    found_sides = _all_sides(forms, x)
    if not found_sides:
        return None
    length = node
    if len(found_sides) == 1:
        length = forms.made(Abs(), *found_sides)
        forms.forms[length] = (one(length),)
    forms.bounds[length] = found_sides
    forms.better.add(node)
    return (one(length),)


def _all_sides(forms: Forms, x: Node) -> list[Node]:
    """x, y ... of x² + y² + ..., or nothing."""
    found: list[Node] = []
    pending = [x]
    while pending:
        part = pending.pop()
        if isinstance(part.op, Add) and len(found) + len(pending) < _MOST_SIDES:
            pending += reversed(part.inputs)
            continue
        some = sides(forms.of(part))
        if not some:
            return []
        found += some
    return found


def choice(forms: Forms, node: Node) -> Form | None:
    """0 or 0; or what there is for rows of some length, and 0 for others: a length is 0 where it is."""
    condition, taken, other = node.inputs
    if not forms.of(taken) and not forms.of(other):
        forms.better.add(node)
        return ()
    form = forms.of(taken)
    if forms.is_plain(taken) or len(form) != 1 or forms.of(other) or not is_length_test(forms, condition):
        return None
    forms.better.add(condition)
    length = forms.made(Sqrt(), condition.inputs[0])
    found: dict[Atom, int] = {Mask(condition): 1}
    for atom, power in form[0].atoms.items():
        chosen = atom.inputs if isinstance(atom, Node) and isinstance(atom.op, Where) else ()
        same = length if chosen and chosen[0] is condition and chosen[1] is length else atom
        found[same] = found.get(same, 0) + power
    if found == {Mask(condition): 1, length: 1}:
        forms.better.add(node)
        found = {length: 1}
    return (form[0]._replace(atoms=found),)


# Sums of two.


def sum_of_two(forms: Forms, node: Node) -> Form | None:
    """x + y, or x - y."""
    left, right = node.inputs
    if (left in forms.logs or right in forms.logs) and _is_log_of_share(forms, node):
        return (one(node),)
    if forms.is_plain(left) and forms.is_plain(right):
        return None
    x, y = forms.of(left), forms.of(right)
    if isinstance(node.op, Sub):
        y = negated(y)
    if not x or not y:
        forms.better.add(node)
        return x or y
    if len(x) == 1 and len(y) == 1 and x[0].exponent != y[0].exponent:
        (a,), (b,) = x, y
        if a.coefficient == b.coefficient and a.atoms == b.atoms:
            base, other = (b, a) if a.exponent else (a, b)
            return as_form(times(base, forms.one_plus(added(other.exponent, base.exponent, -1)), 1))
    terms = [*x]
    for term in y:
        if not _is_joined(forms, terms, term, node):
            return None
    if _has_new_joint(terms, x, y, forms.labels):
        forms.better.add(node)
    return tuple(terms)


def _is_log_of_share(forms: Forms, node: Node) -> bool:
    """Whether x ± log(y) is the logarithm of e^x by a sum with e^x in it, or of that by e^x: noted if so."""
    left, right = (forms.logs.get(x) or Term(1.0, forms.combination(x), {}) for x in node.inputs)
    if bool(left.atoms) == bool(right.atoms):
        return False
    found = times(left, right, -1 if isinstance(node.op, Sub) else 1)
    if found is None:
        return False
    parts, rest = parted(found, forms.bounds)
    if rest.atoms or any(isinstance(part, Bell) for part in parts):
        return False
    if len(rest.exponent) >= len(right.exponent if left.atoms else left.exponent):
        return False
    forms.logs[node] = found
    forms.better.add(node)
    return True


def _is_joined(forms: Forms, terms: list[Term], term: Term, node: Node) -> bool:
    """Put a term into a sum: beside the others, or into one of them.  False where something cancels."""
    again = True
    while again:
        again = False
        for place, other in enumerate(terms):
            if other.atoms == term.atoms and other.exponent == term.exponent:
                total = other.coefficient + term.coefficient
                terms[place] = other._replace(coefficient=total)
                return total != 0
            rest = _rest(other, term) if forms.has_pairs else None
            if rest is not None:
                if not _is_slope(forms, node):
                    forms.better.add(node)
                    forms.completed.update(x.inputs[0] if isinstance(x.op, Neg) else x for x in node.inputs)
                del terms[place]
                term, again = rest, True
                break
    terms.append(term)
    return True


def _rest(x: Term, y: Term) -> Term | None:
    """x + y, where one of them is a share of the other with the opposite sign: the other share of it."""
    for whole, part in ((x, y), (y, x)):
        for atom, power in part.atoms.items():
            if power < 0 and isinstance(atom, OnePlus):
                found = ratio(part, whole)
                if found.coefficient == -1 and found.atoms == {atom: -1}:
                    d = atom.exponent
                    if found.exponent == d:
                        return times(whole, one(atom), -1)
                    if not found.exponent:
                        return times(whole, Term(1.0, d, {atom: -1}), 1)
    return None


def _is_slope(forms: Forms, node: Node) -> bool:
    """Whether a node is the 1 - y of a slope y (1 - y), and no user wrote it besides, be it as -y + 1.

    Beside y it costs a subtraction, and another power of e if it is to keep its digits where y is almost 1.
    """
    if not isinstance(node.op, Sub) or not isinstance(node.inputs[1].op, Sigmoid):
        return False
    if node.inputs[1] in forms.completed:
        return False
    return all(origin.derived_from for origin in node.origin.behind())


def _has_new_joint(terms: Sequence[Term], x: Form, y: Form, labels: bool) -> bool:
    """Whether two terms lose their digits, and are not both of one operand."""
    if len(terms) == len(x) + len(y):
        return any(joined(a, b, labels) is not None for a in x for b in y)
    operands = {id(term): 1 for term in x}
    for term in y:
        operands[id(term)] = operands.get(id(term), 0) | 2
    for place, a in enumerate(terms):
        own = operands.get(id(a), 0)
        for b in terms[:place]:
            if not own & operands.get(id(b), 0) and joined(a, b, labels) is not None:
                return True
    return False
