"""Loops, branches and mapped functions of random programs: lines that define a body, and one that calls it."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import indent
from typing import NamedTuple, TypeAlias

from graphc.ir.declare import input
from graphc.ir.node import Node
from graphc.testing.choices import Choices
from graphc.testing.draft import Draft
from graphc.testing.operands import Named, is_alike
from graphc.testing.templates import COMMON
from graphc.types import BOOL, INT64, TensorType, is_floating, name_of

__all__ = ["BODIES"]

_INSIDE = 4  # lines of a body
_SHARED = 3  # nodes from around a body that it may read

Maker: TypeAlias = Callable[[Draft, Choices, int], Named | None]


def _stand_in(name: str, type: TensorType) -> Named:
    return Named(name, input(name, type.shape, type.dtype))


def _grown(draft: Draft, parameters: Sequence[Named], choices: Choices, depth: int) -> Draft:
    """A body of some lines, among them loops where `depth` allows."""
    body = draft.inside(parameters, [choices.late(draft.pool) for _ in range(_SHARED)])
    for _ in range(1 + choices.number(_INSIDE)):
        if depth and choices.flag(0.2):
            choices.of([*BODIES.values()])(body, choices, depth - 1)
        else:
            body.grow(choices.of(COMMON), choices)
    draft.taken = body.taken
    return body


def _next(body: Draft, carry: Named, choices: Choices) -> str:
    """What a step makes of a carry: something bounded and of the same type, in which what the step made takes part."""
    floats = [x for x in body.pool if is_floating(x.node.dtype)]
    alike = [x for x in floats if is_alike(x.node, carry.node)]
    term = f"gx.tanh({choices.late(alike).name})" if choices.flag(0.7) else f"gx.mean(gx.tanh({floats[-1].name}))"
    function = choices.of(("", "gx.sin", "gx.tanh"))
    return f'gx.astype({function}(0.5 * {carry.name} + 0.3 * {term}), "{name_of(carry.node.dtype)}")'


def _defined(name: str, parameters: Sequence[Named], body: Draft, result: str) -> str:
    lines = [*(line.text for line in body.lines), f"return {result}"]
    return f"def {name}({', '.join(x.name for x in parameters)}):\n" + indent("\n".join(lines), "    ")


def _floats(draft: Draft, rank: int = 0) -> list[Named]:
    return [x for x in draft.pool if is_floating(x.node.dtype) and not x.node.tensor.weak and x.node.ndim >= rank]


def _row(x: Node, axis: int = 0) -> TensorType:
    shape = list(x.shape)
    del shape[axis]
    return TensorType(tuple(shape), x.dtype)


def _called(draft: Draft, defined: str, call: str, names: Sequence[str], choices: Choices) -> Named | None:
    """One of the results of a call of a body, both of which stand in the program from now on."""
    found = draft.run(f"{defined}\n{', '.join(names)} = {call}", names)
    if found is None:
        return None
    draft.pool += found
    return choices.of(found)


def _scan(draft: Draft, choices: Choices, depth: int) -> Named | None:
    sequences, starts = [x for x in draft.pool if x.node.ndim], _floats(draft)
    if not sequences or not starts:
        return None
    xs, start = choices.late(sequences), choices.late(starts)
    carry = _stand_in(draft.new_name("h"), start.node.tensor)
    row = _stand_in(draft.new_name("r"), _row(xs.node))
    body = _grown(draft, [row, carry], choices, depth)
    name = draft.new_name("step")
    defined = _defined(name, [carry, row], body, f"{_next(body, carry, choices)}, {choices.late(body.pool).name}")
    segment = choices.of(("", "", ", reverse=True", ", checkpoint=2", ', checkpoint="sqrt"'))
    call = f"gx.scan({name}, {start.name}, {xs.name}{segment})"
    return _called(draft, defined, call, [draft.new_name(), draft.new_name()], choices)


class _Counted(NamedTuple):
    """The body of a loop over a count and a state: where it starts, its parameters, what it computes, its name."""

    start: Named
    parameters: list[Named]
    body: Draft
    name: str


def _counted(draft: Draft, choices: Choices, depth: int) -> _Counted | None:
    starts = _floats(draft)
    if not starts:
        return None
    start = choices.late(starts)
    count = _stand_in(draft.new_name("k"), TensorType((), INT64))
    state = _stand_in(draft.new_name("s"), start.node.tensor)
    return _Counted(start, [count, state], _grown(draft, [count, state], choices, depth), draft.new_name("step"))


def _while(draft: Draft, choices: Choices, depth: int) -> Named | None:
    counted = _counted(draft, choices, depth)
    if counted is None:
        return None
    start, (count, state), body, name = counted
    defined = _defined(name, [count, state], body, f"{count.name} + 1, {_next(body, state, choices)}")
    limit = f"gx.where(gx.mean(gx.sin({start.name})) > 0, {choices.number(4)}, 2)"
    call = f"gx.while_loop(lambda s: s[0] < {limit}, lambda s: {name}(*s), (0, {start.name}), max_steps=4)"
    return _called(draft, defined, call, [draft.new_name(), draft.new_name()], choices)


def _fori(draft: Draft, choices: Choices, depth: int) -> Named | None:
    counted = _counted(draft, choices, depth)
    if counted is None:
        return None
    start, parameters, body, name = counted
    defined = _defined(name, parameters, body, _next(body, parameters[1], choices))
    return _called(
        draft, defined, f"gx.fori_loop(0, {choices.number(4)}, {name}, {start.name})", [draft.new_name()], choices
    )


def _branch(draft: Draft, choices: Choices, depth: int) -> Named | None:
    starts, tests = _floats(draft), [x for x in draft.pool if x.node.dtype == BOOL]
    if not starts:
        return None
    x = choices.late(starts)
    bodies, names = [], []
    for _ in range(2):
        state = _stand_in(draft.new_name("s"), x.node.tensor)
        body = _grown(draft, [state], choices, depth)
        names.append(draft.new_name("way"))
        bodies.append(_defined(names[-1], [state], body, _next(body, state, choices)))
    chosen = f"gx.any({choices.late(tests).name})" if tests else f"gx.mean(gx.sin(9 * {x.name})) > 0"
    if choices.flag():
        number = f'gx.astype({chosen}, "int64") + {choices.number(2)}'
        call = f"gx.switch({number}, [{names[0]}, lambda s: s, {names[1]}], {x.name})"
    else:
        call = f"gx.cond({chosen}, {names[0]}, {names[1]}, {x.name})"
    return _called(draft, "\n".join(bodies), call, [draft.new_name()], choices)


def _vmap(draft: Draft, choices: Choices, depth: int) -> Named | None:
    starts = [x for x in draft.pool if x.node.ndim]
    if not starts:
        return None
    x = choices.late(starts)
    axis = choices.number(x.node.ndim)
    row = _stand_in(draft.new_name("r"), _row(x.node, axis))
    body = _grown(draft, [row], choices, depth)
    name = draft.new_name("each")
    defined = _defined(name, [row], body, choices.late(body.pool).name)
    return _called(draft, defined, f"gx.vmap({name}, {axis})({x.name})", [draft.new_name()], choices)


def _checkpoint(draft: Draft, choices: Choices, depth: int) -> Named | None:
    starts = _floats(draft)
    if not starts:
        return None
    start = choices.late(starts)
    state = _stand_in(draft.new_name("s"), start.node.tensor)
    body = _grown(draft, [state], choices, depth)
    name = draft.new_name("region")
    defined = _defined(name, [state], body, f"{_next(body, state, choices)}, {choices.late(body.pool).name}")
    return _called(
        draft, defined, f"gx.checkpoint({name})({start.name})", [draft.new_name(), draft.new_name()], choices
    )


def _custom(draft: Draft, choices: Choices, depth: int) -> Named | None:
    rule = "gx.custom_vjp(gx.sin, lambda y, c, x: c * gx.cos(x))({float})"
    return draft.grow(rule, choices)


BODIES: Mapping[str, Maker] = {
    "scan": _scan,
    "while_loop": _while,
    "fori_loop": _fori,
    "branch": _branch,
    "vmap": _vmap,
    "checkpoint": _checkpoint,
    "custom_vjp": _custom,
}
