"""Dataclasses whose methods are written when the first of them is needed.

`dataclasses.dataclass` writes and compiles up to six methods for a class, a quarter of a millisecond.  A first
compilation meets some 280 classes, and makes values of half of them.  Here a class costs 15 microseconds, and 40 more
once its first value is made; values themselves are made faster, as fields of frozen ones go to their places directly.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as declared
from reprlib import recursive_repr
from threading import RLock
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_WRITING = RLock()


class _Factory:
    """Stands in a signature for what is made anew each time."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _dataclass(
    given: type | None = None,
    /,
    *,
    frozen: bool = False,
    eq: bool = True,
    repr: bool = True,
    slots: bool = False,
    kw_only: bool = False,
) -> Any:  # Any: a class, or what makes one
    """What `dataclasses.dataclass` does with these options."""

    def of(given: type) -> type:
        own = vars(given)
        hashes = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
        if given.__doc__ is None:
            given.__doc__ = given.__name__  # else one is made of the signature, at ten times the cost
        made: type = declared(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(given)
        methods: dict[str, object] = {"__init__": _Unwritten(made, "__init__", frozen=frozen)}
        if eq:
            methods["__eq__"] = _Unwritten(made, "__eq__", frozen=frozen)
            if not hashes:
                methods["__hash__"] = _Unwritten(made, "__hash__", frozen=frozen) if frozen else None
        if repr:
            methods["__repr__"] = _shown
        if frozen:
            methods |= {"__setattr__": _set, "__delattr__": _delete}
        if frozen and slots:
            methods |= {"__getstate__": _state, "__setstate__": _restore}
        for name, method in methods.items():
            if name not in own or name == "__hash__":  # which Python sets to None where a class has an `__eq__`
                setattr(made, name, method)
        return made

    return of if given is None else of(given)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


class _Unwritten:
    """Stands for a method of a class until somebody looks it up, as Python does before it calls one."""

    __slots__ = ("_frozen", "_name", "_of")

    def __init__(self, of: type, name: str, *, frozen: bool) -> None:
        self._of, self._name, self._frozen = of, name, frozen

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # Any: of the signature of the method
        with _WRITING:
            if vars(self._of)[self._name] is self:  # and no other thread was here first
                setattr(self._of, self._name, self._written())
        return vars(self._of)[self._name].__get__(instance, owner)

    def _written(self) -> Callable[..., object]:
        names: dict[str, Any] = {"__name__": self._of.__module__}  # whose frame a call of it is
        exec(_TEXTS[self._name](self._of, names, self._frozen), names)
        method: Callable[..., object] = names[self._name]
        method.__qualname__ = f"{self._of.__qualname__}.{self._name}"
        if self._name == "__init__":
            method.__annotations__ = {field.name: field.type for field in fields(self._of) if field.init}
            method.__annotations__["return"] = None
        return method


def _init(of: type, names: dict[str, Any], frozen: bool) -> str:
    """`def __init__(self, x, y=0): ...`; what it reads of defaults and places is put into `names`."""
    found = fields(of)
    places = _places(of) if frozen else {}
    plain = [_parameter(field, names) for field in found if field.init and not field.kw_only]
    named = [_parameter(field, names) for field in found if field.init and field.kw_only]
    lines = ["    __held = self.__dict__"] if frozen and any(field.name not in places for field in found) else []
    for field in found:
        value = _initial(field, names)
        if value is None:
            continue
        if not frozen:
            lines.append(f"    self.{field.name} = {value}")
        elif field.name in places:
            names[f"__set_{field.name}"] = places[field.name].__set__
            lines.append(f"    __set_{field.name}(self, {value})")
        else:
            lines.append(f"    __held[{field.name!r}] = {value}")
    if hasattr(of, "__post_init__"):
        lines.append("    self.__post_init__()")
    parameters = ", ".join(["self", *plain, *(["*", *named] if named else [])])
    return "\n".join([f"def __init__({parameters}):", *(lines or ["    pass"])])


def _parameter(field: "Field[Any]", names: dict[str, Any]) -> str:
    """`x`, or `x=default_x`."""
    if field.default is not MISSING:
        names[f"__default_{field.name}"] = field.default
    elif field.default_factory is not MISSING:
        names[f"__default_{field.name}"] = _FACTORY
    else:
        return field.name
    return f"{field.name}=__default_{field.name}"


def _initial(field: "Field[Any]", names: dict[str, Any]) -> str | None:
    """What a field is set to at first: None where nothing sets it."""
    if field.default_factory is not MISSING:
        names[f"__new_{field.name}"] = field.default_factory
        made = f"__new_{field.name}()"
        return f"{made} if {field.name} is __default_{field.name} else {field.name}" if field.init else made
    if field.init:
        return field.name
    if field.default is MISSING:
        return None
    names[f"__default_{field.name}"] = field.default
    return f"__default_{field.name}"


def _places(of: type) -> Mapping[str, MemberDescriptorType]:
    """The slots of a class and of its bases."""
    return {
        name: place
        for base in reversed(of.__mro__)
        if "__slots__" in vars(base)
        for name, place in vars(base).items()
        if isinstance(place, MemberDescriptorType)
    }


def _compared(of: type, whose: str) -> str:
    """`(x.a, x.b,)`: what two values are compared by."""
    return "(" + "".join(f"{whose}.{field.name}, " for field in fields(of) if field.compare) + ")"


def _eq(of: type, names: dict[str, Any], frozen: bool) -> str:
    pair = f"{_compared(of, 'self')} == {_compared(of, 'other')}"
    return f"def __eq__(self, other): return {pair} if other.__class__ is self.__class__ else NotImplemented"


def _hash(of: type, names: dict[str, Any], frozen: bool) -> str:
    return f"def __hash__(self): return hash({_compared(of, 'self')})"


_TEXTS: Mapping[str, Callable[[type, dict[str, Any], bool], str]] = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
}


# Methods that are the same for all classes.


@recursive_repr()
def _shown(self: Any) -> str:  # Any: of a dataclass
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{type(self).__qualname__}({shown})"


def _set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:  # Any: of a dataclass
    return [getattr(self, field.name) for field in fields(self)]


def _restore(self: Any, state: list[object]) -> None:  # Any: of a dataclass
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
