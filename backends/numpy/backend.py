"""The NumPy backend: text by `emit`, functions by compiling the text."""

import linecache
import weakref
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
        exec(compile(artifact.source, name, "exec"), namespace)
        return Loaded(namespace["prepare"])
