"""A compiled function in a few lines: what it takes, gives and sets, and what it costs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from graphc.inspection.escaping import quoted
from graphc.inspection.wording import type_text
from graphc.ir.graph import Graph
from graphc.ir.leaves import SizeOf
from graphc.ir.node import Node
from graphc.kernel.program import Program
from graphc.kernel.steps import buffers_of
from graphc.sizes import estimate, symbol, symbols_of

__all__ = ["Compiled", "summary_text", "usual_sizes"]

_NAMED = 8  # inputs, outputs or variables


@runtime_checkable
class Compiled(Protocol):
    """What `gx.compile` gives."""

    @property
    def graph(self) -> Graph: ...
    @property
    def program(self) -> Program: ...
    @property
    def backend_name(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    def memory(self, **sizes: int) -> object: ...


def summary_text(function: Compiled) -> str:
    """What a function takes, gives and sets, its steps, its memory, and what made it, one thing a line.

    The memory is that of the hints of open sizes, or of 64 for a size without one.
    """
    return "\n".join(f"{what:<12}{text}" for what, text in _rows(function) if text)


def _rows(function: Compiled) -> Iterator[tuple[str, str]]:
    graph, program = function.graph, function.program
    yield "inputs", _listed([_typed(node) for node in graph.inputs])
    yield "outputs", _listed([type_text(node) for node in graph.outputs])
    yield "variables", _listed([_typed(node) for node in graph.variables])
    yield "sets", _listed([quoted(node.name or "", 24) for node in graph.updates])
    yield "steps", program.contents
    sizes = usual_sizes(graph, program)
    extents = [extent for step in program.steps for buffer in buffers_of(step) for extent in buffer.shape]
    if all(estimate(extent) >= 0 for extent in extents):
        usual = ", ".join(f"{quoted(name, 24)} = {size}" for name, size in sizes.items())
        first, *others = str(function.memory(**sizes)).splitlines()
        yield "memory", first
        yield from (("", line) for line in (*others, *([f"where {usual}"] if usual else [])))
    yield "compiled", f"in {1000 * function.seconds:,.1f} ms for {function.backend_name}"


def _typed(node: Node) -> str:
    return f"{quoted(node.name or '', 24)} {type_text(node)}"


def _listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - _NAMED} more"] if len(texts) > _NAMED else []
    return ", ".join((*texts[:_NAMED], *more))


def usual_sizes(graph: Graph, program: Program) -> Mapping[str, int]:
    """For each open size its hint, or what an estimate takes it for without one."""
    sizes = [node.op.size for node in graph.nodes if isinstance(node.op, SizeOf)]
    sizes += [extent for node in graph.inputs for extent in node.shape]
    hints = {found.name: found.hint for size in sizes for found in symbols_of(size)}
    return {name: estimate(symbol(name, hints.get(name))) for name in program.symbols}
