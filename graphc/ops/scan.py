"""Loops as users write them: scan, while_loop, fori_loop."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from graphc.errors import ArgumentError, ShapeError
from graphc.ir.apply import apply, locate
from graphc.ir.arithmetic import spread
from graphc.ir.given import a_flag, a_function, a_whole_number, is_whole
from graphc.ir.leaves import items
from graphc.ir.node import Like, Node
from graphc.ir.operands import add, as_node, cast
from graphc.ops.bodies import Inner, made_inside, refuse_updates, stand_in, strong
from graphc.ops.body_results import a_pair, next_carries, nodes_like
from graphc.ops.checkpointing import Checkpoint, in_segments, segment_of
from graphc.ops.creation import iota
from graphc.ops.logic import less
from graphc.ops.loop import Loop
from graphc.origin import here
from graphc.printable import described
from graphc.sizes import Expression, Size, equal, maximum
from graphc.structure import Structure, leaves, paths, rebuild
from graphc.types import BOOL, INT64, TensorType, is_integer

__all__ = ["fori_loop", "scan", "while_loop"]


def scan(
    body: Callable[[Structure, Structure], tuple[Structure, Structure]],
    carries: Structure,
    sequences: Structure = None,
    length: "Size | None" = None,
    reverse: bool = False,
    checkpoint: Checkpoint = None,
) -> tuple[Structure, Structure]:
    """A loop over the rows of sequences: `body(carry, x) -> (next carry, output)`, for each row x in turn.

    body       called once, with nodes that stand for one step; what it uses from around it is shared by all steps
    carries    a node, or a structure of nodes: the carry before the first step
    sequences  a node of shape [length, ...], or a structure of these, or None: then x is None
    length     how many steps to make; may be a size; needed only without sequences
    reverse    from the last row to the first; row t of an output still belongs to row t of the sequences
    checkpoint what the derivative keeps: None, what it reads of each step; a number of steps, or "sqrt" for about the
               square root of the length: the carries between segments of so many steps, each of which it makes again

    Gives the carry after the last step, and the outputs with a leading axis of `length`.  It is one node, and what
    is computed does not depend on how often.  Derivatives of every order are loops again; the reverse one is
    over what the steps have kept:

        last, states = gx.scan(lambda h, x: 2 * (gx.tanh(x @ u + h @ w),), h0, xs)

    Raises ArgumentError where the body gives no pair, or a carry of another form; DTypeError and ShapeError where it
    changes the dtype or shape of a carry, or where sequences differ in length.
    """
    a_function("scan", "the body", body)
    reverse = a_flag("scan", "reverse", reverse)
    first = _started(carries)
    given = [as_node(leaf) for leaf in leaves(sequences)]
    steps = _length(given, length)
    rows = [stand_in(f"row of {_called(path)}", TensorType(x.shape[1:], x.dtype), "scan")
            for (path, _), x in zip(paths(sequences, "sequences"), given, strict=True)]  # fmt: skip
    carried = _carried("scan", carries, first)
    own = [*carried, *rows]
    with made_inside() as made:
        carry, output = a_pair("scan", body(rebuild(carries, carried), rebuild(sequences, rows)))
        after = next_carries("scan", carries, first, carried, carry)
        outputs = [strong(as_node(leaf)) for leaf in leaves(output)]
    refuse_updates("scan", made, "carry the value, and set the variable to the last one")
    inner = Inner.of_steps([*after, *outputs], made, own)
    row_places = {row: place for place, row in enumerate(rows)}
    differing = {*inner.nodes, *carried}
    stacked = [y for y in dict.fromkeys(outputs) if y in differing]
    stacked_places = {y: len(first) + place for place, y in enumerate(stacked)}
    inner = replace(inner, outputs=[*after, *stacked])
    loop = Loop((inner.closed(inner.shared, "scan"),), len(first), len(given), steps, reverse)
    operands = [*first, *given, *inner.shared]
    segment = segment_of(checkpoint, steps)
    results: Sequence[Node] = ()
    if inner.outputs:
        results = items(apply(loop, *operands)) if segment is None else in_segments(loop, operands, segment)
    found: list[Node] = []
    for y in outputs:
        if y in row_places:
            found.append(given[row_places[y]])
        elif y in stacked_places:
            found.append(results[stacked_places[y]])
        else:
            found.append(spread(y, (steps, *y.shape), (0,)))
    return rebuild(carries, results[: len(first)]), rebuild(output, found)


def while_loop(
    cond: Callable[[Structure], Like],
    body: Callable[[Structure], Structure],
    state: Structure,
    max_steps: "Size | None" = None,
) -> Structure:
    """`body(state)`, again and again, while `cond(state)` holds.

    cond, body  called once each, with nodes that stand for the state; what they use from around them is shared
    state       a node, or a structure of nodes: the state before the first step
    max_steps   how many steps there may be: one more is an error, when called.  Reverse mode needs it, and keeps
                the states of the steps that are made

    Gives the state for which `cond` does not hold.

        root = gx.while_loop(lambda x: gx.abs(x * x - a) > 1e-6, lambda x: 0.5 * (x + a / x), a, max_steps=50)

    Raises ArgumentError where the body gives a state of another form, or the condition no number of bool; DTypeError
    and ShapeError where the body changes the dtype or shape of the state; when called, StepLimitError.
    """
    a_function("while_loop", "the condition", cond)
    a_function("while_loop", "the body", body)
    first = _started(state)
    if not first:
        raise ArgumentError("while_loop: there is no state", hint="while_loop(cond, body, state)")
    most = None if max_steps is None else _steps("while_loop", "max_steps", max_steps)
    carried = _carried("while_loop", state, first)
    with made_inside() as made:
        (holds,) = nodes_like(carried[0], cond(rebuild(state, carried)), "while_loop: what the condition gives")
        result = body(rebuild(state, carried))
        after = next_carries("while_loop", state, first, carried, result)
    refuse_updates("while_loop", made, "carry the value, and set the variable to the last one")
    if holds.shape != () or holds.dtype != BOOL:
        problem = f"while_loop: the condition is {holds.type}, not one bool"
        raise locate(ArgumentError(problem, hint="a comparison of numbers, or gx.any(...)"), here(), (holds,))
    step, condition = (Inner.of_steps(ys, made, carried) for ys in (after, [holds]))
    shared = dict.fromkeys([*step.shared, *condition.shared])
    bodies = step.closed(shared, "while_loop"), condition.closed(shared, "while_loop")
    loop = Loop(bodies, len(first), 0, most)
    return rebuild(state, items(apply(loop, *first, *shared))[: len(first)])


def fori_loop(lower: Like, upper: Like, body: Callable[[Node, Structure], Structure], state: Structure) -> Structure:
    """`state = body(i, state)` for i = lower, lower + 1 ... upper - 1: a loop of a given number of steps.

    lower, upper  whole numbers or sizes; or nodes of one whole number: then reverse mode does not go through it.
                  No step is made where `upper` is not above `lower`
    body          called once, with nodes that stand for one step

    Gives the last state.  Raises what `scan` and `while_loop` raise.
    """
    a_function("fori_loop", "the body", body)
    if not isinstance(lower, Node) and not isinstance(upper, Node):
        start, stop = _steps("fori_loop", "lower", lower, least=None), _steps("fori_loop", "upper", upper, least=None)
        numbers = add(iota(maximum(stop - start, 0)), as_node(start))
        last, _ = scan(lambda held, row: (body(row["i"], held), None), state, {"i": numbers})
        return last
    ends = [cast(_whole(end), INT64) for end in (lower, upper)]
    last = while_loop(
        lambda held: less(held["i"], ends[1]),
        lambda held: {"i": add(held["i"], 1), "state": body(held["i"], held["state"])},
        {"i": ends[0], "state": state},
    )
    return last["state"]


def _whole(end: Like) -> Node:
    node = as_node(end)
    if node.shape != () or not is_integer(node.dtype):
        raise locate(ArgumentError(f"fori_loop: a bound is {node.type}, not one whole number"), here(), (node,))
    return node


# What a loop is given.


def _started(carries: Structure) -> list[Node]:
    """The carries before the first step."""
    return [strong(as_node(leaf)) for leaf in leaves(carries)]


def _called(path: str) -> str:
    return path.removeprefix("sequences").lstrip(".") or "x"


def _carried(what: str, carries: Structure, first: Sequence[Node]) -> list[Node]:
    """What stands for the carries of one step."""
    named = [path or "the carry" for path, _ in paths(carries)]
    return [stand_in(name, x.tensor, what) for name, x in zip(named, first, strict=True)]


def _length(given: Sequence[Node], length: "Size | None") -> Size:
    """How many steps there are."""
    steps = None if length is None else _steps("scan", "length", length)
    for x in given:
        if x.ndim == 0:
            hint = "each node of a list is a sequence by itself; gx.stack(list) makes one of all"
            raise locate(ShapeError(f"scan: a sequence is {x.type}, which has no rows", hint=hint), here(), (x,))
        if steps is None:
            steps = x.shape[0]
        elif equal(steps, x.shape[0]) is False:
            problem = f"scan: a sequence has {x.shape[0]} rows, and there are {steps} steps"
            raise locate(ShapeError(problem), here(), [given[0], x] if x is not given[0] else [x])
    if steps is None:
        raise ArgumentError("scan: neither sequences nor a length", hint="gx.scan(body, carries, length=10)")
    return steps


def _steps(what: str, name: str, value: Any, least: int | None = 0) -> Size:
    """A number of steps: a whole number or a size."""
    if is_whole(value):
        return a_whole_number(what, name, value) if least is None else a_whole_number(what, name, value, least=least)
    if not isinstance(value, Expression):
        raise ArgumentError(f"{what}: {name} is a whole number or a size, not {described(value)}")
    return value
