"""What a program of a user compiles, and the first call of each function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import pytest

import graphc as gx
from graphc.structure import leaves
from tests.case import Array

__all__ = ["Seen", "first_calls"]


@final
@dataclass(eq=False)
class Seen:
    """A function with the arguments of its first call, the values of its variables before and after, and the outputs.

    `was_called` is false where there was no call, and the rest empty.
    """

    function: gx.CompiledFunction
    was_called: bool = False
    arguments: Sequence[object] = ()
    named: Mapping[str, object] = field(default_factory=dict)
    before: Sequence[Array] = ()
    outputs: Sequence[Array] = ()
    after: Sequence[Array] = ()


def first_calls(program: Callable[[], object], patch: pytest.MonkeyPatch) -> list[Seen]:
    """Run a program, and watch what it compiles by `gx.compile`, and calls."""
    seen: dict[gx.CompiledFunction, Seen] = {}
    compile, call = gx.compile, gx.CompiledFunction.__call__

    def compiled(*given: Any, **named: Any) -> gx.CompiledFunction:
        function = compile(*given, **named)
        seen[function] = Seen(function)
        return function

    def called(function: gx.CompiledFunction, /, *given: Any, **named: Any) -> Any:
        first = seen.get(function)
        if first is None or first.was_called:
            return call(function, *given, **named)
        first.was_called, first.arguments, first.named = True, _copied(given), dict(named)
        first.before = _values(function)
        result = call(function, *given, **named)
        first.outputs, first.after = _copied(leaves(result)), _values(function)
        return result

    patch.setattr(gx, "compile", compiled)
    patch.setattr(gx.CompiledFunction, "__call__", called)
    program()
    patch.undo()
    return list(seen.values())


def _copied(given: Sequence[Any]) -> list[Any]:
    return [np.array(each) if isinstance(each, np.ndarray | np.generic) else each for each in given]


def _values(function: gx.CompiledFunction) -> list[Array]:
    return [np.array(variable.value) for variable in function.variables]
