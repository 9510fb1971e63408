"""Derivatives of random programs: lines that take them, in every mode and to the second order."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from graphc.testing.choices import Choices
from graphc.testing.draft import Draft
from graphc.testing.operands import Named
from graphc.types import is_complex, is_differentiable

__all__ = ["Derived", "derived"]


class Derived(NamedTuple):
    """Further inputs, further outputs, and those of them that are one number computed in several ways."""

    inputs: Sequence[Named] = ()
    outputs: Sequence[Named] = ()
    equal: Sequence[Named] = ()


class Family(Protocol):
    """Takes a loss, what it is made of, and what to derive by."""

    def __call__(self, draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived: ...


def derived(draft: Draft, choices: Choices, given: Sequence[Named], outputs: Sequence[Named]) -> Derived:
    """Derivatives of some outputs by inputs and variables; nothing where there are none."""
    family = choices.of(_FAMILIES)
    ys = [y for y in outputs if is_differentiable(y.node.dtype) and not y.node.tensor.weak][:3]
    xs = [x for x in given if is_differentiable(x.node.dtype)]
    xs = xs[: 1 + choices.number(len(xs))] if xs else []
    return family(draft, ys, xs) if xs and ys else Derived()


def _run(draft: Draft, letter: str, count: int, right: str) -> list[Named]:
    """The results of a line that gives a list; none where graphc refuses it."""
    names = [draft.new_name(letter) for _ in range(count)]
    return draft.run(f"{', '.join(names)}, = {right}", names) or []


def _listed(nodes: Sequence[Named]) -> str:
    return f"[{', '.join(x.name for x in nodes)}]"


def _summed(nodes: Sequence[Named]) -> str:
    """A scalar in which all nodes take part, bounded where they are."""
    return " + ".join(f"gx.mean(gx.tanh({_real(y)}))" for y in nodes)


def _real(y: Named) -> str:
    return f"(gx.real({y.name}) + 0.5 * gx.imag({y.name}))" if is_complex(y.node.dtype) else y.name


def _inputs_like(draft: Draft, nodes: Sequence[Named], letter: str) -> list[Named]:
    """Inputs of the types of nodes."""
    found: list[Named] = []
    for x in nodes:
        name = draft.new_name(letter)
        found += draft.run(f'{name} = gx.input("{name}", {x.name}.shape, {x.name}.dtype)', [name]) or []
    return found


def _paired(draft: Draft, left: Sequence[Named], right: Sequence[Named]) -> list[Named]:
    """Σ left · right, in float64; of complex numbers the real part."""
    terms = [
        f'gx.sum(gx.real(gx.astype({a.name}, "complex128") * {b.name}))'
        if is_complex(a.node.dtype)
        else f'gx.sum(gx.astype({a.name}, "float64") * gx.astype({b.name}, "float64"))'
        for a, b in zip(left, right, strict=True)
    ]
    return _run(draft, "p", 1, f"({' + '.join(terms)},)")


def _nothing(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    return Derived()


def _gradient(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    loss = _run(draft, "l", 1, f"({_summed(ys)},)")
    found = _run(draft, "g", len(xs), f'gx.grad({loss[0].name}, {_listed(xs)}, unconnected="zero")') if loss else []
    draft.pool += found
    return Derived((), [*loss, *found])


def _second(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    first = _gradient(draft, ys, xs).outputs[1:]
    loss = _run(draft, "l", 1, f"({_summed(first)},)") if first else []
    found = _run(draft, "g", len(xs), f'gx.grad({loss[0].name}, {_listed(xs)}, unconnected="zero")') if loss else []
    return Derived((), [*loss, *found])


def _forward(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    tangents = _inputs_like(draft, xs, "t")
    return Derived(tangents, _run(draft, "d", len(ys), f"gx.jvp({_listed(ys)}, {_listed(xs)}, {_listed(tangents)})"))


def _pairing(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    """<c, J t> and <J^T c, t>: forward mode and reverse mode have one Jacobian."""
    tangents, cotangents = _inputs_like(draft, xs, "t"), _inputs_like(draft, ys, "c")
    pushed = _run(draft, "d", len(ys), f"gx.jvp({_listed(ys)}, {_listed(xs)}, {_listed(tangents)})")
    reverse = f'gx.vjp({_listed(ys)}, {_listed(xs)}, {_listed(cotangents)}, unconnected="zero")'
    pulled = _run(draft, "g", len(xs), reverse)
    if not pushed or not pulled or len(cotangents) < len(ys):
        return Derived()
    pairs = [*_paired(draft, cotangents, pushed), *_paired(draft, tangents, pulled)]
    return Derived([*tangents, *cotangents], pairs, pairs if len(pairs) == 2 else ())


def _curvature(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    """Products with the Hessian: forward over reverse, and reverse over reverse."""
    first = _gradient(draft, ys, xs).outputs
    if len(first) <= 1 or any(is_complex(x.node.dtype) for x in xs):
        return Derived((), first)
    tangents = _inputs_like(draft, xs, "t")
    forward = _run(draft, "d", len(xs), f"gx.hvp({first[0].name}, {_listed(xs)}, {_listed(tangents)})")
    slope = _paired(draft, tangents, first[1:])
    over = _run(draft, "g", len(xs), f'gx.grad({slope[0].name}, {_listed(xs)}, unconnected="zero")') if slope else []
    if not forward or not over:
        return Derived((), first)
    others = _inputs_like(draft, xs, "c")
    pairs = [*_paired(draft, others, forward), *_paired(draft, others, over)]
    return Derived([*tangents, *others], [*pairs, *forward], pairs if len(pairs) == 2 else ())


def _jacobian(draft: Draft, ys: Sequence[Named], xs: Sequence[Named]) -> Derived:
    if any(not isinstance(extent, int) for node in (ys[0], xs[0]) for extent in node.node.shape):
        return _gradient(draft, ys, xs)
    return Derived((), _run(draft, "j", 1, f'(gx.jacobian({ys[0].name}, {xs[0].name}, unconnected="zero"),)'))


#: the first is the plainest
_FAMILIES: Sequence[Family] = (
    *(_nothing, _gradient, _pairing, _forward, _second, _curvature, _jacobian),
    *(_nothing, _gradient, _pairing, _pairing),
)
