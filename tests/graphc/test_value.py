"""Values compare by their fields, do not change, and become dataclasses when the first one is made."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field
from importlib import import_module
from threading import Barrier
from typing import final

import pytest

from graphc.value import Value
from tests.repository.modules import source_modules


@final
class Point(Value):
    x: int
    y: int = 0
    label: str = field(compare=False, default="")


@final
class Pixel(Value):
    x: int
    y: int = 0


def test_equal_fields_equal_value() -> None:
    assert Point(1) == Point(1, 0, "a") == Point(x=1, y=0)
    assert hash(Point(1)) == hash(Point(1, label="a"))
    assert Point(1) != Point(2)


def test_values_of_two_classes_differ() -> None:
    assert Point(1, 2) != Pixel(1, 2)


def test_value_does_not_change() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point.x == 1


def test_field_without_default_is_asked_for() -> None:
    with pytest.raises(TypeError, match="required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_text_of_a_value_is_short() -> None:
    assert repr(Point(1, 2, "a")) == "Point(x=1, y=2, label='a')"
    assert len(repr(Point(1, 2, "a" * 1000))) == 200


def test_field_can_be_matched() -> None:
    match Pixel(1, 2):
        case Pixel(x, y=y):
            assert (x, y) == (1, 2)


def test_first_values_may_be_made_by_many_threads() -> None:
    threads = 8
    for _ in range(50):

        @final
        class Fresh(Value):
            x: int

        together = Barrier(threads)

        def made(start: Barrier = together, of: type[Fresh] = Fresh) -> tuple[Fresh, int]:
            start.wait()
            value = of(1)
            return value, hash(value)

        with ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(made) for _ in range(threads)]
            assert {future.result() for future in futures} == {(Fresh(1), hash(Fresh(1)))}


def test_class_that_nothing_extends_is_final() -> None:
    for name in source_modules():
        import_module(name)
    pending: list[type] = [Value]
    while pending:
        of = pending.pop()
        below: list[type] = of.__subclasses__()
        pending += below
        assert below or getattr(of, "__final__", False), f"{of} may be extended after its first value was made"
