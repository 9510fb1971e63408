"""Functions as users call them: arguments that do not fit the parameters are an error that says what would."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

from graphc.errors import ArgumentError
from graphc.origin import public_name
from graphc.printable import counted

__all__ = ["named", "offered", "public"]

F = TypeVar("F", bound=Callable[..., Any])  # Any: it stays the function that it is

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_NOT_PLACED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
_MARKS: Mapping[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}

#: what other libraries call an argument -> what it may be called here
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "a": ("x", "left"),
    "array": ("x", "value"),
    "axes": ("axis",),
    "axis": ("axes",),
    "b": ("right",),
    "ddof": ("correction",),
    "dim": ("axis", "axes"),
    "dims": ("axes", "axis"),
    "end": ("stop",),
    "indices": ("index",),
    "input": ("x", "left"),
    "keepdim": ("keepdims",),
    "kernel_size": ("window",),
    "learning_rate": ("rate",),
    "lr": ("rate",),
    "newshape": ("shape",),
    "num": ("count", "steps"),
    "num_classes": ("classes",),
    "other": ("right", "y"),
    "repeats": ("count",),
    "size": ("shape",),
    "unbiased": ("correction",),
    "weight": ("w", "weights"),
}


def public(function: F) -> F:
    """A function that users call.  It looks at no argument: what Python refuses is told as an error of graphc."""

    @wraps(function)
    def call(*given: Any, **by_name: Any) -> Any:
        try:
            return function(*given, **by_name)
        except TypeError as error:
            if error.__traceback__ and error.__traceback__.tb_next:  # the function began, and something in it raised
                raise
        raise _refusal(function, call.__name__, given, by_name)

    return cast(F, call)


def offered(module: str, found: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """What a public module has under these names, where its functions are as users call them."""
    return {name: named(module, name, found[name]) for name in names}


def named(module: str, name: str, value: object) -> object:
    """A function under the name by which users, `help` and `pickle` find it; anything else as it is."""
    if not isinstance(value, FunctionType):
        return value
    function = public(value)
    function.__module__, function.__qualname__, function.__name__ = module, name, name
    return function


def _refusal(
    function: Callable[..., Any], name: str, given: Sequence[object], by_name: Mapping[str, object]
) -> ArgumentError:
    """What does not fit: a keyword that is unknown, an argument given twice, one too many, one that is missing."""
    if "." in function.__qualname__ and given:
        owner, *given = given
        name = type(owner).__name__ if name in ("__init__", "__call__") else public_name(function.__qualname__)
        parameters = list(inspect.signature(function).parameters.values())[1:]
    else:
        parameters = list(inspect.signature(function).parameters.values())
    known = [parameter.name for parameter in parameters if parameter.kind in _BY_NAME]
    placed = [parameter.name for parameter in parameters if parameter.kind not in _NOT_PLACED]
    wanted = f"it takes {', '.join(_listed(parameters)) or 'nothing'}"
    for keyword in by_name:
        if keyword not in known:
            meant = [there for there in _ELSEWHERE.get(keyword, ()) if there in known]
            close = (*meant, *get_close_matches(keyword, known, 1))
            hint = f"{close[0]}=..." if close else None
            return ArgumentError(f"{name}: no argument is named {keyword!r}; {wanted}", hint=hint)
        if keyword in placed[: len(given)]:
            return ArgumentError(f"{name}: the argument {keyword!r} is given twice, by position and by name")
    if len(given) > len(placed):
        rest = known[len(placed) :]
        several = [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
        by_names = [f"{name}=... is given by name" for name in rest] + [f"{name} are given by name" for name in several]
        hint = by_names[0] if by_names else None
        return ArgumentError(f"{name}: {counted(len(given), 'argument')} by position; {wanted}", hint=hint)
    there = {*placed[: len(given)], *by_name}
    missing = [p.name for p in parameters if p.kind in _BY_NAME and p.default is p.empty and p.name not in there]
    return ArgumentError(f"{name}: the argument {missing[0]!r} is missing; {wanted}")


def _listed(parameters: Iterable[inspect.Parameter]) -> Iterable[str]:
    """The names of parameters; a `*` before those that are given by name only."""
    after_star = False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not after_star:
            yield "*"
        after_star = after_star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        mark = _MARKS.get(parameter.kind, "")
        yield mark + parameter.name
