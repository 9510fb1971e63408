"""The text of a program: what it is about, what kernels share, and the kernels."""

from collections.abc import Iterator

from graphc.backends.cuda.module import Module
from graphc.backends.cuda.prelude import TYPES, pieces_text
from graphc.backends.cuda.quoting import comments
from graphc.kernel.naming import names
from graphc.printable import printable
from graphc.types import short_name

__all__ = ["listing"]

SHOWN = 16  # buffers of a kind that the first lines name


def listing(module: Module) -> str:
    """The whole `.cu` text."""
    parts = [comments(_header(module)), TYPES, pieces_text(module.pieces), *module.functions, *module.texts]
    return "\n".join(part for part in parts if part)


def _header(module: Module) -> Iterator[str]:
    program = module.program
    named = names(program)
    yield f"{program.contents}, in {len(module.entries)} functions; written for compute capability 8.0 and above"
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
