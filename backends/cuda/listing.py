"""The text of a program: what it is about, what kernels share, and the kernels."""

from collections.abc import Iterator, Sequence

from graphc.backends.cuda.host import Choose, HostStep, Launch, Multiply, Repeat, Require
from graphc.backends.cuda.module import Module
from graphc.backends.cuda.prelude import TYPES, pieces_text
from graphc.backends.cuda.quoting import comments
from graphc.kernel.naming import names
from graphc.kernel.plan import Plan
from graphc.printable import counted, printable
from graphc.types import short_name

__all__ = ["listing", "memory_lines"]

SHOWN = 16  # buffers of a kind that the first lines name


def listing(module: Module, memory: Sequence[str] = ()) -> str:
    """The whole `.cu` text; `memory` is what its first lines say of the memory plan."""
    functions = [_steps(module, entry.name) + text for entry, text in zip(module.entries, module.texts, strict=True)]
    head = comments([*_header(module), *memory])
    parts = [head, TYPES, pieces_text(module.pieces), *module.functions, *functions]
    return "\n".join(part for part in parts if part)


def memory_lines(module: Module, plan: Plan | None) -> Iterator[str]:
    """The arena, and what takes most of it: where each lies, and the steps between which it lives."""
    if plan is None:
        yield "memory: an arena whose bytes follow from the sizes"
        return
    values = zip(module.symbols.values(), plan.sizes, strict=True)
    where = ", ".join([f"{name} = {value:,}" for name, value in values][:SHOWN])
    yield f"memory: an arena of {plan.bytes:,} bytes" + (f", where {where}" if where and plan.places else "")
    largest = sorted(plan.places, key=lambda place: -place.bytes)
    shown, others = largest[:SHOWN], largest[SHOWN:]
    width = max((len(f"{number:,}") for place in shown for number in (place.offset, place.bytes)), default=0)
    for place in sorted(shown, key=lambda place: (place.first, place.offset)):
        steps = f"step {place.first}" if place.first == place.last else f"steps {place.first} to {place.last}"
        yield f"  {place.bytes:>{width},} bytes at {place.offset:>{width},} in {steps}: {printable(place.name, 40)}"
    if others:
        yield f"  and {len(others)} more, of {sum(place.bytes for place in others):,} bytes"


def _steps(module: Module, name: str) -> str:
    """The steps of the program that launch a function, as they are counted in the memory plan."""
    steps = [*map(str, module.launched[name])]
    more = [f"and {len(steps) - SHOWN} more"] if len(steps) > SHOWN else []
    return comments([f"{'step' if len(steps) == 1 else 'steps'} {', '.join((*steps[:SHOWN], *more))}"])


def _header(module: Module) -> Iterator[str]:
    program = module.program
    named = names(program)
    launches = counted(_launches((*module.compute, *module.commit)), "launch", "launches")
    functions = counted(len(module.entries), "function")
    yield f"{program.contents}, in {functions}, {launches}; written for compute capability 8.0 and above"
    if program.symbols:
        yield "sizes: " + ", ".join(f"{module.symbols[name]} = {printable(name, 40)}" for name in program.symbols)
    for title, buffers in (
        ("inputs", program.inputs),
        ("variables", program.variables),
        ("constants", program.constants),
        ("outputs", program.outputs),
        ("temporaries", program.temporaries),
    ):
        shown = [
            f"{named[x]} {short_name(x.dtype)}[{','.join(map(str, x.shape))}]" if x in named else short_name(x.dtype)
            for x in buffers[:SHOWN]
        ]
        more = [f"and {len(buffers) - SHOWN} more"] if len(buffers) > SHOWN else []
        if shown:
            yield f"{title}: " + ", ".join([*shown, *more])


def _launches(steps: Sequence[HostStep]) -> int:
    """How many launches there are, those inside loops and branches once.  Recursion is over their depth."""
    count = 0
    for step in steps:
        match step:
            case Launch() | Multiply():
                count += 1
            case Require(search=search):
                count += len(search)
            case Choose(parts=parts):
                count += sum(map(_launches, parts))
            case Repeat(condition=condition, steps=inside):
                count += _launches(condition) + _launches(inside)
    return count
