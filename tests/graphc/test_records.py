"""Values as flat records, and back."""

import json
import math
from typing import Any

import pytest

import graphc as gx
from graphc.expressions import Symbol
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.room import Room
from graphc.records import Unrecordable, Writer, read
from graphc.sizes import minimum
from graphc.types import BFLOAT16, FLOAT32

N = gx.size("n", hint=5)


def again(*values: Any) -> list[Any]:
    """What is read of what is written of values."""
    writer = Writer()
    parts = [writer.part(value) for value in values]
    return read(*json.loads(json.dumps([writer.records, parts])))


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 1, -1, -2, 10**30, "", "tuple", "-1", 1.5, -0.0, math.inf, 1 + 2j, (), (1, True, 1.0),
        [(), []], {"a": 1, (2, 3): None}, FLOAT32, BFLOAT16, Role.LOCAL, N * N // 3 + minimum(N, 7), Room(N, None),
    ],
    ids=repr,
)  # fmt: skip
def test_a_value_comes_back(value: Any) -> None:
    (found,) = again(value)
    assert repr(found) == repr(value)
    assert found == value


def test_nan_and_the_hint_of_a_size_come_back() -> None:
    found, size = again(math.nan, N)
    assert math.isnan(found)
    ((((symbol, _),), _),) = size.terms
    assert (symbol, symbol.hint) == (Symbol("n"), 5)


def test_what_is_known_by_identity_stays_one() -> None:
    a, b = Buffer(Role.TEMPORARY, FLOAT32, (3,)), Buffer(Role.TEMPORARY, FLOAT32, (3,))
    found = again((a, b, a), {a: 1, b: 2}, Buffer(Role.TEMPORARY, FLOAT32, (3, 1), base=a))
    (first, second, third), numbers, view = found
    assert first is third is view.base
    assert first is not second
    assert numbers == {first: 1, second: 2}


def test_equal_values_have_one_record() -> None:
    writer = Writer()
    assert writer.part((1, "x")) == writer.part((1, "x"))
    assert len({writer.part(value) for value in ((1,), (True,), (1.0,), ("1",), [1])}) == 5


@pytest.mark.parametrize(
    "value", [len, lambda: 0, object(), int, {"f": print}, b"", {1, 2}], ids=lambda x: type(x).__name__
)
def test_there_are_no_records_of_some(value: object) -> None:
    with pytest.raises(Unrecordable):
        Writer().part(value)


@pytest.mark.parametrize(
    "kind",
    [
        "os:system",
        "subprocess:Popen",
        "graphc.cache:standard",
        "graphc.records:os.system",
        "graphc.driver:Any",
        "x",
        "",
    ],
)
def test_nothing_else_is_made(kind: str) -> None:
    with pytest.raises(ValueError, match="no records"):
        read([[kind, "true"]], [[0]])
