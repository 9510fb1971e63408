"""`graphc.dataclass` makes what the standard library's `dataclass` makes, later."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any

import pytest

from graphc.dataclass import dataclass

OPTIONS: list[dict[str, bool]] = [
    {"frozen": frozen, "eq": eq, "slots": slots, "kw_only": kw_only}
    for frozen in (False, True)
    for eq in (False, True)
    for slots in (False, True)
    for kw_only in (False, True)
]


def _classes(decorator: Any, options: dict[str, bool]) -> tuple[type, type]:
    """A class with all sorts of fields, and one that is made of it."""

    @decorator(**options)
    class Base:
        """A base."""

        x: int
        y: list[int] = field(default_factory=list)
        hidden: int = field(default=3, repr=False, compare=False)
        made: list[str] = field(init=False, default_factory=list)

    @decorator(**options)
    class Further(Base):
        """What has a base."""

        z: float = 0.5

        def __post_init__(self) -> None:
            self.made.append("post")

    return Base, Further


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_what_the_standard_library_makes(options: dict[str, bool]) -> None:
    for ours, theirs in zip(_classes(dataclass, options), _classes(dataclasses.dataclass, options), strict=True):
        assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
        assert [f.name for f in fields(ours)] == [f.name for f in fields(theirs)]
        assert _outcomes(ours) == _outcomes(theirs)


def _outcomes(of: Any) -> Sequence[object]:
    """What is seen of the values of a class."""
    found: list[object] = [_outcome(of), _outcome(lambda: of(x=1, w=2))]
    for given in ({"x": 1}, {"x": 2, "y": [5]}, {"x": 2, "hidden": 4}):
        found += _seen(of, of(**given), of(**given))
    return found


def _seen(of: Any, one: Any, same: Any) -> Sequence[object]:
    return [
        repr(one),
        [getattr(one, f.name) for f in fields(of)],
        one == same,
        one == of(x=2, hidden=5),
        one == 1,
        hasattr(one, "__dict__"),
        _outcome(lambda: hash(one)),
        _outcome(lambda: replace(one, hidden=9)),
        _outcome(lambda: setattr(one, "x", 7)),
        _outcome(lambda: delattr(one, "y")),
    ]


def _outcome(act: Callable[[], object]) -> object:
    """How something ends: the kind of the error, or nothing."""
    try:
        act()
    except Exception as error:
        return type(error)
    return None


@dataclass(frozen=True, slots=True)
class Point:
    """For `pickle`, which asks for its name."""

    x: int
    y: int = 2


def test_slots_that_are_frozen_are_copied_and_pickled() -> None:
    p = Point(1)
    assert copy.copy(p) == copy.deepcopy(p) == pickle.loads(pickle.dumps(p)) == p
    assert hash(p) == hash((1, 2))
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        p.x = 3  # type: ignore[misc]


def test_what_a_class_writes_itself_stays() -> None:
    @dataclass(frozen=True)
    class Own:
        """Has methods of its own."""

        x: int

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    assert hash(Own(1)) == 7
    assert repr(Own(1)) == "own"
    assert Own(1) == Own(1)


def test_a_frozen_class_with_a_dict_may_have_a_base_with_slots() -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        """Has places."""

        x: int

    @dataclass(frozen=True)
    class Further(Base):
        """Has a dict as well."""

        y: int

    assert (Further(1, 2).x, Further(1, 2).y) == (1, 2)


def test_methods_are_written_once_for_all_threads() -> None:
    @dataclass(frozen=True)
    class Late:
        """Met by many threads at once."""

        x: int

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda x: hash(Late(x % 2)), range(200))) == {hash(Late(0)), hash(Late(1))}


def test_a_value_may_contain_itself() -> None:
    @dataclass
    class Ring:
        """Has a next."""

        next: object = None

    ring = Ring()
    ring.next = ring
    assert repr(ring).endswith("Ring(next=...)")
