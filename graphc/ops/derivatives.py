"""Derivatives as users ask for them: results are nodes, in the form of what they are taken with respect to."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from graphc.autodiff.batching import batched
from graphc.autodiff.forward import push_forward
from graphc.autodiff.reverse import placeholder, pull_back
from graphc.errors import ArgumentError, DTypeError, ShapeError, UnconnectedError
from graphc.ir.apply import locate
from graphc.ir.arithmetic import ones_like, zeros_like
from graphc.ir.given import a_choice
from graphc.ir.graph import topological
from graphc.ir.node import Like, Node, made_at
from graphc.ir.operands import as_node, cast, where
from graphc.ops.creation import iota
from graphc.ops.movement import expand_dims, reshape
from graphc.origin import called, derived, here, place_of
from graphc.printable import a_thing, tuple_text
from graphc.structure import Structure, aligned, leaves, rebuild
from graphc.types import is_complex, is_differentiable

__all__ = ["Unconnected", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Unconnected: TypeAlias = Literal["raise", "zero"]


def _checked(what: str, y: object, wrt: Structure) -> list[Node]:
    """The nodes of `wrt`, all of them floats or complex."""
    if not isinstance(y, Node):
        raise locate(ArgumentError(f"{what}: the result is {a_thing(y)}, not a node", hint=_hint(y)), here(), ())
    nodes = leaves(wrt)
    if not nodes:
        raise locate(ArgumentError(f"{what}: nothing to differentiate with respect to"), here(), ())
    for node in nodes:
        if not isinstance(node, Node):
            raise locate(ArgumentError(f"{what}: wrt holds {a_thing(node)}, not a node"), here(), ())
        if not is_differentiable(node.dtype):
            raise locate(
                DTypeError(f"{what}: {node.dtype} has no derivative", hint="declare it as a float"),
                here(),
                (node,),
            )
    if not is_differentiable(y.dtype):
        raise locate(DTypeError(f"{what}: the result is {y.dtype}, which has no derivative"), here(), (y,))
    return nodes


def _hint(y: object) -> str | None:
    """What to give instead of something that is no node."""
    if isinstance(y, list | tuple | Mapping):
        return "one result at a time; add them up where the gradient of all is meant"
    return "derivatives are taken of nodes: y = function(x), then gx.grad(y, x)" if callable(y) else None


def _require_real(what: str, y: Node) -> None:
    """Raise where the result is complex: such a result has two gradients."""
    if is_complex(y.dtype):
        hint = "gx.real(y), gx.imag(y) or gx.abs(y); or gx.vjp with a complex cotangent"
        raise locate(DTypeError(f"{what}: the result is {y.dtype}, not real", hint=hint), here(), (y,))


def _like(wrt: Structure, tangent: Structure) -> list[Like]:
    """The leaves of `tangent` in the order of `wrt`."""
    try:
        return aligned(wrt, tangent, "jvp: the tangent")
    except ArgumentError as error:
        raise error from None


def _results(what: str, y: Structure) -> list[Node]:
    """The results that are differentiated: one or more."""
    found: list[Node] = leaves(y)
    if not found:
        raise ArgumentError(f"{what}: there is no result to differentiate")
    return found


def _connected(
    what: str, results: Sequence[Node], nodes: Sequence[Node], found: Sequence[Node | None], unconnected: str
) -> list[Node]:
    a_choice(what, "unconnected", unconnected, ("raise", "zero"), *results)
    result = []
    for node, part in zip(nodes, found, strict=True):
        if part is None and unconnected == "raise":
            reason = (
                "depends on it only through steps that have no derivative"
                if node in set(topological(results))
                else "does not depend on it"
            )
            raise UnconnectedError(
                f"{what}: no derivative with respect to {node.name or node.op.name!r}: the result {reason}",
                hint='unconnected="zero" takes it as zero',
            ).located((*place_of(here()), *made_at("result", results[0]), *made_at("wrt", node)), called())
        result.append(zeros_like(node) if part is None else part)
    return result


def grad(y: Node, wrt: Structure, *, unconnected: Unconnected = "raise") -> Structure:
    """The gradient of a scalar: a node of the type of each node of `wrt`, in the form of `wrt`.

    y [] -> like wrt.  With respect to a complex z = u + iv it is dy/du - i dy/dv: see docs/derivatives.md.

    Raises ShapeError for a `y` that is no scalar, DTypeError for integers and a complex `y`, UnconnectedError where
    `y` does not depend on a node (or `unconnected="zero"`: zeros).
    """
    nodes = _checked("grad", y, wrt)
    if y.shape != ():
        raise locate(
            ShapeError(
                f"grad: the result has shape {tuple_text(y.shape)}, not ()",
                hint="sum it, or use gx.jacobian",
            ),
            here(),
            (y,),
        )
    _require_real("grad", y)
    found = pull_back([y], [ones_like(y)], nodes)
    return rebuild(wrt, _connected("grad", [y], nodes, found, unconnected))


def value_and_grad(y: Node, wrt: Structure, *, unconnected: Unconnected = "raise") -> tuple[Node, Structure]:
    """(y, its gradient): what most training steps return."""
    return y, grad(y, wrt, unconnected=unconnected)


def vjp(y: Structure, wrt: Structure, cotangent: Structure, *, unconnected: Unconnected = "raise") -> Structure:
    """cotangent^T (dy / dwrt): the reverse mode.  `cotangent` is in the form of `y`, the result in that of `wrt`.

    Of several results the sum, as reverse mode gives it in one pass.
    """
    outputs = _results("vjp", y)
    nodes = [node for output in outputs for node in _checked("vjp", output, wrt)][: len(leaves(wrt))]
    given = [
        cast(as_node(c), x.dtype) for c, x in zip(aligned(y, cotangent, "vjp: the cotangent"), outputs, strict=True)
    ]
    for c, x in zip(given, outputs, strict=True):
        if c.shape != x.shape:
            raise locate(ShapeError("vjp: the cotangent has another shape than the result"), here(), (x, c))
    return rebuild(wrt, _connected("vjp", outputs, nodes, pull_back(outputs, given, nodes), unconnected))


def jvp(y: Structure, wrt: Structure, tangent: Structure) -> Structure:
    """(dy / dwrt) tangent: the forward mode.  `tangent` has the form of `wrt`, the result that of `y`."""
    outputs = leaves(y)
    nodes = _checked("jvp", outputs[0] if outputs else None, wrt)
    given = [cast(as_node(t), x.dtype) for t, x in zip(_like(wrt, tangent), nodes, strict=True)]
    for t, x in zip(given, nodes, strict=True):
        if t.shape != x.shape:
            raise locate(ShapeError("jvp: a tangent has another shape than what it belongs to"), here(), (x, t))
    found = push_forward(outputs, dict(zip(nodes, given, strict=True)))
    return rebuild(y, [zeros_like(node) if t is None else t for node, t in zip(outputs, found, strict=True)])


def jacobian(y: Structure, wrt: Structure, *, unconnected: Unconnected = "raise") -> Structure:
    """dy_i / dx_j for all i, j: shape y.shape + x.shape for each x of `wrt`.

    One reverse pass, batched over the elements of `y`.  For several results, in their form, the Jacobian of each.
    """
    return rebuild(y, [_jacobian(node, wrt, unconnected) for node in _results("jacobian", y)])


def _jacobian(y: Node, wrt: Structure, unconnected: Unconnected) -> Structure:
    nodes = _checked("jacobian", y, wrt)
    _require_real("jacobian", y)
    seed = placeholder(y.tensor)
    rows = _connected("jacobian", [y], nodes, pull_back([y], [seed], nodes), unconnected)
    count = y.tensor.size
    because = f"jacobian of {y.op.name}"
    with derived(because, y):
        number = iota(count)
        unit = where(expand_dims(number, 1) == number, cast(as_node(1.0), y.dtype), cast(as_node(0.0), y.dtype))
        units = reshape(unit, (count, *y.shape))
    lifted = batched(rows, {seed: units}, count)
    with derived(because, y):
        return rebuild(wrt, [reshape(row, (*y.shape, *x.shape)) for row, x in zip(lifted, nodes, strict=True)])


def hessian(y: Node, wrt: Structure, *, unconnected: Unconnected = "raise") -> Structure:
    """d^2 y / dx_i dx_j of a scalar.

    For one node [..] a node [.., ..]; for a structure, in its form, structures: block (a, b) has shape
    a.shape + b.shape.
    """
    nodes = _checked("hessian", y, wrt)
    first = leaves(grad(y, wrt, unconnected=unconnected))
    return rebuild(wrt, [rebuild(wrt, leaves(jacobian(g, nodes, unconnected="zero"))) for g in first])


def hvp(y: Node, wrt: Structure, v: Structure) -> Structure:
    """The Hessian of a scalar times `v`, without the Hessian: the tangent of the gradient along `v`.

    Costs about as much as two gradients.  Pearlmutter: Fast Exact Multiplication by the Hessian, 1994.
    """
    gradient = grad(y, wrt)
    return jvp(gradient, wrt, v)
