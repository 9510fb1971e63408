"""The NumPy backend: text by `emit`, functions by compiling the text."""

import linecache
import weakref
from types import CodeType
from typing import Any, ClassVar, final

from graphc.backends.backend import Artifact, Backend, Loaded
from graphc.backends.numpy.emit import emit
from graphc.backends.numpy.tables import TARGET
from graphc.kernel.program import Program
from graphc.kernel.target import Target

__all__ = ["NumpyBackend"]


@final
class NumpyBackend(Backend):
    """Readable Python source over views, ufuncs and np.matmul."""

    name: ClassVar[str] = "numpy"
    target: ClassVar[Target] = TARGET

    def emit(self, program: Program) -> Artifact:
        return emit(program)

    def load(self, artifact: Artifact, name: str) -> Loaded:
        """Compile the text.  A debugger can step through it: `linecache` knows its lines as long as it lives."""
        linecache.cache[name] = (len(artifact.source), None, artifact.source.splitlines(keepends=True), name)
        weakref.finalize(artifact, linecache.cache.pop, name, None)
        namespace: dict[str, Any] = {"__name__": name}  # Any: what generated source defines
        before = 0
        for piece in artifact.pieces:  # one by one: a tree of all would take several times the memory, and the time
            exec(_further_down(compile(piece, name, "exec"), before), namespace)
            before += piece.count("\n")
        return Loaded(namespace["prepare"])


def _further_down(code: CodeType, lines: int) -> CodeType:
    """The same code, and that of the functions in it, at the lines where it stands in the whole text."""
    constants = tuple([_further_down(x, lines) if isinstance(x, CodeType) else x for x in code.co_consts])
    return code.replace(co_firstlineno=code.co_firstlineno + lines, co_consts=constants)
