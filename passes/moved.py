"""What movements make of forms, and sums and scatters, which are their adjoints.

Moving the elements of a product moves those of its factors.  An adjoint L of a movement M leaves outside what is moved:
L(M(v) u) = v L(u).  So what is the same for all of a row comes out of a sum over it, and meets what it cancels with.
"""

from collections.abc import Mapping, Sequence

from graphc.ir.arithmetic import Add, Div, Mul, Spread, Squeeze, Sum, spread
from graphc.ir.kinds import Lookup, Scatter
from graphc.ir.leaves import uniform
from graphc.ir.node import Node, Op
from graphc.kernel.monoids import Monoid
from graphc.ops.elementwise import Exp
from graphc.ops.placement import Pad, Pick, Slice, Transpose
from graphc.ops.powers import Sqrt
from graphc.passes.forms import Form, Forms, is_shifted
from graphc.passes.terms import (
    Atom,
    Combination,
    Mask,
    Move,
    OnePlus,
    Parts,
    Powers,
    ShareOfMany,
    Term,
    as_form,
    number,
    one,
    parted,
    times,
)

__all__ = ["moved", "padded", "scattered", "total"]


def moved(forms: Forms, node: Node) -> Form | None:
    """The elements of a form elsewhere."""
    x = node.inputs[0]
    form = forms.of(x)
    move = node.op, node.inputs[1] if isinstance(node.op, Lookup) else None
    if x in forms.logs:
        product = _term_moved(forms, forms.logs[x], move)
        if product is not None:
            forms.logs[node] = product
    if len(form) == 1 and form[0] == one(x) and x not in forms.rows and not isinstance(x.op, Sum):
        return None
    found: list[Term] = []
    for term in form:
        whole = _term_moved(forms, term, move)
        if whole is None:
            return None
        found.append(whole)
    return tuple(found)


def _term_moved(forms: Forms, term: Term, move: Move) -> Term | None:
    whole: Term | None = Term(term.coefficient, _combination_moved(forms, term.exponent, move), {})
    for atom, power in term.atoms.items():
        part = _atom_moved(forms, atom, move)
        for _ in range(abs(power)):
            whole = None if whole is None else times(whole, part, 1 if power > 0 else -1)
    return whole


def _combination_moved(forms: Forms, combination: Combination, move: Move) -> Combination:
    return {_node_moved(forms, node, move): coefficient for node, coefficient in combination.items()}


def _node_moved(forms: Forms, node: Node, move: Move) -> Node:
    op, index = move
    if isinstance(op, Squeeze) and isinstance(node.op, Spread) and node.op.axes == op.axes:
        return node.inputs[0]
    if _turns_back(op, node.op):
        return node.inputs[0]
    if isinstance(op, Spread):
        if isinstance(node.op, Squeeze) and node.op.axes == op.axes and node.inputs[0].shape == op.shape:
            return node.inputs[0]
        if isinstance(node.op, Pick) and node.op.axes == op.axes:
            return forms.made(_thin(op, node.op), node.inputs[0])
        if isinstance(node.op, Spread):
            whole = spread(node, op.shape, op.axes)
            return forms.made(whole.op, *whole.inputs)
    return forms.made(op, node) if index is None else forms.made(op, node, index)


def _atom_moved(forms: Forms, atom: Atom, move: Move) -> Term:
    match atom:
        case OnePlus(exponent=d):
            return forms.one_plus(_combination_moved(forms, d, move))
        case Powers(exponent=u, op=op, moves=moves):
            return one(_powers(forms, u, op, _after(moves, move)))
        case Mask(condition=condition):
            return one(Mask(_node_moved(forms, condition, move)))
    found = _node_moved(forms, atom, move)
    if atom in forms.rows:
        _measure(forms, found, atom)
    return one(found)


def _measure(forms: Forms, length: Node, row: Node) -> None:
    """Note of the length of a row, repeated along it, that no element is longer; elsewhere, whose length it is."""
    side = forms.rows[row]
    forms.forms[length] = (one(length),)
    if isinstance(length.op, Spread) and length.inputs[0] is row and isinstance(row.op, Sqrt):
        summed = row.inputs[0].op
        if isinstance(summed, Sum) and (length.op.axes, length.shape) == (summed.axes, side.shape):
            forms.bounds[length] = [side]
            return
    forms.rows[length] = side


def _powers(forms: Forms, exponent: Combination, op: Op, moves: tuple[Move, ...]) -> Powers:
    """A sum of powers, and beside what it is a total."""
    moves = _along_first(moves, op, exponent)
    shown: Combination = {}
    for place, move in enumerate(moves):
        if place:
            shown = _combination_moved(forms, shown, move)
        elif _is_along(move[0], op, exponent):
            shown = exponent
    return Powers(exponent, op, moves, shown, frozenset(exponent.items()))


def _after(moves: tuple[Move, ...], move: Move) -> tuple[Move, ...]:
    """Moves, and one more: a repetition that is dropped again is none, nor an axis that comes back."""
    if (
        moves
        and isinstance(move[0], Squeeze)
        and isinstance(moves[-1][0], Spread)
        and moves[-1][0].axes == move[0].axes
    ):
        return moves[:-1]
    if moves and (_adds_again(move[0], moves[-1][0]) or _turns_back(move[0], moves[-1][0])):
        return moves[:-1]
    if moves and isinstance(move[0], Spread) and isinstance(moves[-1][0], Pick) and moves[-1][0].axes == move[0].axes:
        return (*moves[:-1], (_thin(move[0], moves[-1][0]), None))
    return (*moves, move)


def _adds_again(op: Op, before: Op) -> bool:
    """Whether axes of one element that were dropped come back."""
    if not isinstance(op, Spread) or not isinstance(before, Squeeze) or op.axes != before.axes:
        return False
    return all(op.shape[axis] == 1 for axis in op.axes)


def _turns_back(op: Op, before: Op) -> bool:
    """Whether a transpose undoes another."""
    return isinstance(op, Transpose) and isinstance(before, Transpose) and op.permutation == before.inverse


def _along_first(moves: tuple[Move, ...], op: Op, exponent: Combination) -> tuple[Move, ...]:
    """A repetition of a sum along another axis, as one along that it was taken over, and a transpose."""
    if not moves or not isinstance(moves[0][0], Spread) or not exponent:
        return moves
    assert isinstance(op, Sum)
    repeat, shape = moves[0][0], next(iter(exponent)).shape
    if len(op.axes) != 1 or len(repeat.axes) != 1 or len(repeat.shape) != len(shape) or repeat.axes == op.axes:
        return moves
    order = [axis for axis in range(len(shape)) if axis not in op.axes]
    order.insert(repeat.axes[0], op.axes[0])
    if repeat.shape != tuple([shape[axis] for axis in order]):
        return moves
    return ((Spread(shape, op.axes), None), (Transpose(tuple(order)), None), *moves[1:])


def _thin(repeat: Spread, pick: Pick) -> Slice:
    """What reads a place along axes that stay, of extent 1."""
    places = dict(zip(pick.axes, pick.places, strict=True))
    rank = len(repeat.shape)
    return Slice(tuple([places.get(axis, 0) for axis in range(rank)]), (1,) * rank, repeat.shape)


def _is_along(move: Op, op: Op, exponent: Combination) -> bool:
    """Whether a sum is repeated along the axes that it was taken over."""
    assert isinstance(op, Sum)
    return isinstance(move, Spread) and move.axes == op.axes and all(node.shape == move.shape for node in exponent)


# Sums.


def total(forms: Forms, node: Node) -> Form | None:
    """A sum of powers of e; or a sum, with what is the same for all of a row outside."""
    (x,) = node.inputs
    assert isinstance(node.op, Sum)
    if all(x.shape[axis] == 1 for axis in node.op.axes) and not any(map(is_shifted, forms.of(x))):
        return forms.of(forms.made(Squeeze(node.op.axes), x))
    if forms.is_plain(x):
        return (one(node),) if x in forms.weighed or any(part in forms.weighed for part in x.inputs) else None
    form = forms.of(x)
    if not form:
        forms.better.add(node)
        return ()
    if len(form) == 1 and form[0].exponent and not form[0].atoms and form[0].coefficient == 1:
        inside, outside = _split(form[0].exponent, node.op)
        return (Term(1.0, outside, {_powers(forms, inside, node.op, ()): 1}),) if inside else None
    ones = [_of_shares(forms, term, node.op) for term in form]
    if all(found is None for found in ones):
        return as_form(_outside(forms, form[0], node)) if len(form) == 1 else None
    parts: list[Term] = []
    for term, found in zip(form, ones, strict=True):
        part = found or _inside(forms, term, node.op, x)
        if part is None:
            return None
        same = next((place for place, other in enumerate(parts) if other.atoms == part.atoms), None)
        if same is None:
            parts.append(part)
            continue
        coefficient = parts[same].coefficient + part.coefficient
        parts[same : same + 1] = [part._replace(coefficient=coefficient)] if coefficient else []
    forms.better.add(node)
    return tuple(parts)


def _split(exponent: Combination, op: Op) -> tuple[Combination, Combination]:
    """What is summed over, and what is the same for all of a row, as it is without the repetition."""
    assert isinstance(op, Sum)
    inside: dict[Node, float] = {}
    outside: dict[Node, float] = {}
    for node, coefficient in exponent.items():
        if isinstance(node.op, Spread) and node.op.axes == op.axes:
            outside[node.inputs[0]] = coefficient
        else:
            inside[node] = coefficient
    return inside, outside


def _of_shares(forms: Forms, term: Term, op: Op) -> Term | None:
    """The sum of e^u / Σ e^u, times what is the same for all of a row, is that."""
    parts, left = parted(term, forms.bounds)
    if len(parts) != 1 or not isinstance(parts[0], ShareOfMany) or parts[0].power < 0 or left.exponent:
        return None
    whole = parts[0].total
    if whole.op != op or len(whole.moves) != 1:
        return None
    outside: dict[Atom, int] = {}
    for atom, power in left.atoms.items():
        if not isinstance(atom, Node) or atom.op != whole.moves[0][0]:
            return None
        outside[atom.inputs[0]] = power
    return Term(left.coefficient, {}, outside)


def _outside(forms: Forms, term: Term, node: Node) -> Term | None:
    """A sum, with powers of e and sums of them that are the same for all of a row outside; None without any."""
    op = node.op
    assert isinstance(op, Sum)
    shares, left = parted(term, forms.bounds)
    inside, outside = _split(left.exponent, op)
    kept: dict[Atom, int] = {}
    taken: dict[Atom, int] = {}
    for atom, power in left.atoms.items():
        repeats = _repeats(atom.moves, op, node.inputs[0]) if isinstance(atom, Powers) else 0
        if isinstance(atom, Powers) and repeats:
            taken[_powers(forms, atom.exponent, atom.op, atom.moves[:-repeats])] = power
        else:
            kept[atom] = power
    if inside or not (taken or outside):
        return None
    rest = _inside(forms, Term(term.coefficient, {}, kept), op, node.inputs[0], shares=shares)
    return None if rest is None else times(Term(1.0, outside, taken), rest, 1)


def _repeats(moves: tuple[Move, ...], op: Op, x: Node) -> int:
    """How many of the last movements repeat along the axes that `x` is then summed over: one, two with a transpose."""
    assert isinstance(op, Sum)
    *others, last = [move for move, _ in moves[-2:]] or [op]
    if isinstance(last, Spread):
        return int(last.axes == op.axes and last.shape == x.shape)
    if not isinstance(last, Transpose) or not others or not isinstance(others[0], Spread):
        return 0
    repeat, order = others[0], last.permutation
    kept = [axis for axis in order if axis not in repeat.axes]
    axes = tuple([place for place, axis in enumerate(order) if axis in repeat.axes])
    return 2 if kept == sorted(kept) and axes == op.axes else 0


def _inside(forms: Forms, term: Term, op: Op, like: Node, *others: Node, shares: Parts = ()) -> Term | None:
    """An adjoint of what is left of a term, or None if powers of e are.  `like` has the type of what it is given."""
    rest = None if term.exponent else _written(forms, term.atoms, shares, like)
    return None if rest is None else Term(term.coefficient, {}, {forms.made(op, *others, rest): 1})


def _written(forms: Forms, atoms: Mapping[Atom, int], shares: Parts, like: Node) -> Node | None:
    """A product of nodes and of shares of many, as a node; of none 1."""
    above: list[Node] = []
    below: list[Node] = []
    for atom, power in atoms.items():
        if not isinstance(atom, Node):
            return None
        (above if power > 0 else below).extend([atom] * abs(power))
    for share in shares:
        if not isinstance(share, ShareOfMany) or share.power < 0:
            return None
        if not all(isinstance(move, Transpose) for move, _ in share.total.moves[1:]):
            return None
        above.append(_share_of_many(forms, share.total))
    found = above.pop(0) if above else forms.full(like, 1.0)
    for factor in above:
        found = forms.made(Mul(), found, factor)
    for factor in below:
        found = forms.made(Div(), found, factor)
    return found


def _share_of_many(forms: Forms, whole: Powers) -> Node:
    """e^u / Σ e^u, as a node."""
    found = forms.shares.get(whole)
    if found is not None:
        return found
    for node, coefficient in whole.exponent.items():
        x = node if coefficient == 1 else forms.made(Mul(), node, forms.full(node, coefficient))
        found = x if found is None else forms.made(Add(), found, x)
    assert found is not None, whole
    power = forms.made(Exp(), found)
    found = forms.made(Div(), power, forms.made(whole.moves[0][0], forms.made(whole.op, power)))
    for move, _ in whole.moves[1:]:
        found = forms.made(move, found)
    forms.shares[whole] = found
    return found


# Scatters.


def scattered(forms: Forms, node: Node) -> Form | None:
    """What is added into zeros at places that data know."""
    assert isinstance(node.op, Scatter)
    zeros, index, update = node.inputs
    if node.op.monoid is not Monoid.SUM or uniform(zeros) != 0:
        return None
    return _put(forms, node, update, index, (zeros, index))


def padded(forms: Forms, node: Node) -> Form | None:
    """What lies in zeros."""
    assert isinstance(node.op, Pad)
    return None if node.op.value else _put(forms, node, node.inputs[0], None, ())


def _put(forms: Forms, node: Node, update: Node, index: Node | None, before: Sequence[Node]) -> Form | None:
    """Factors that were read at the places that are written to go outside."""
    form = forms.of(update)
    if forms.is_plain(update) or len(form) != 1:
        return None
    (term,) = form
    outside: dict[Node, float] = {}
    for x, coefficient in term.exponent.items():
        if not _at_same_places(x.op, node.op) or any(other is not index for other in x.inputs[1:]):
            return None
        outside[x.inputs[0]] = coefficient
    kept: dict[Atom, int] = {}
    taken: dict[Atom, int] = {}
    for atom, power in term.atoms.items():
        if isinstance(atom, Node):
            kept[atom] = power
        elif isinstance(atom, Powers) and atom.moves and _at_same_places(atom.moves[-1][0], node.op):
            if atom.moves[-1][1] is not index:
                return None
            taken[_powers(forms, atom.exponent, atom.op, atom.moves[:-1])] = power
        else:
            return None
    if not taken and not outside:
        return None
    rest = _inside(forms, number(1.0)._replace(atoms=kept), node.op, update, *before)
    return None if rest is None else as_form(times(Term(term.coefficient, outside, taken), rest, 1))


def _at_same_places(x: Op, y: Op) -> bool:
    """Whether one op reads what the other, its adjoint, writes to."""
    match x, y:
        case Lookup(), Scatter():
            return (x.axis, x.leading, x.paired) == (y.axis, y.leading, y.paired)
        case Slice(), Pad():
            return (x.starts, x.steps) == (y.starts, y.steps)
    return False
