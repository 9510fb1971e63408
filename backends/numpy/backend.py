"""The NumPy backend: text by `emit`, functions by compiling the text."""

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
        """Compile the text.  A debugger can step through it: it asks the loader for its lines."""
        namespace: dict[str, Any] = {"__name__": name, "__loader__": _Lines(artifact)}  # Any: what the text defines
        before = 0
        for piece in artifact.pieces:  # one by one: a tree of all would take several times the memory, and the time
            exec(_further_down(compile(piece, name, "exec"), before), namespace)
            before += piece.count("\n")
        return Loaded(namespace["prepare"])


class _Lines:
    """What tracebacks and debuggers ask for the text behind a function, as for that of a module in an archive."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    def get_source(self, name: str) -> str:
        """The whole text."""
        return self.artifact.source


def _further_down(code: CodeType, lines: int) -> CodeType:
    """The same code, and that of the functions in it, at the lines where it stands in the whole text."""
    constants = tuple([_further_down(x, lines) if isinstance(x, CodeType) else x for x in code.co_consts])
    return code.replace(co_firstlineno=code.co_firstlineno + lines, co_consts=constants)
