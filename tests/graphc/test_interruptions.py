"""What interrupts a call in its own thread, as a signal handler, reads or is refused; it never waits for itself."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gx
from graphc.ir.storage import Guard


@pytest.mark.parametrize("outer", ["alone", "shared"])
@pytest.mark.parametrize("inner", ["alone", "shared"])
def test_only_a_read_within_a_read_goes_through(outer: str, inner: str) -> None:
    guard = Guard()
    enter: Callable[..., object] = getattr(guard, outer)
    if (outer, inner) == ("shared", "shared"):
        assert enter(guard.shared, lambda: 3) == 3
    else:
        with pytest.raises(gx.ArgumentError, match="in the same thread"):
            enter(getattr(guard, inner), lambda: 3)
    assert guard.alone(lambda: 1) + guard.shared(lambda: 2) == 3, "nothing stays locked"


def test_a_refused_interruption_changes_nothing() -> None:
    w = gx.param("w", np.zeros(2, np.float32))
    storage = w.op.stored  # type: ignore[attr-defined]
    with pytest.raises(gx.ArgumentError, match="act between calls") as caught:
        storage.guard.alone(storage.write, np.ones(2, np.float32))
    assert "test_interruptions.py" in str(caught.value)
    assert w.value.tolist() == [0, 0]
    w.value = np.ones(2, np.float32)
    assert w.value.tolist() == [1, 1]


def test_who_goes_on_with_a_joined_guard_finds_what_is_away() -> None:
    one, other = Guard(), Guard()

    class Watched(list[None]):
        def extend(self, given: object) -> None:
            assert other.joined is None, "who waits for it would go on and find nothing away"
            super().extend(given)  # type: ignore[arg-type]

    one.away, one.inside = Watched(), Watched()
    other.alone(other.moved, 1)
    assert Guard.join([one, other]) is one
    assert (len(one.away), other.root()) == (1, one)
