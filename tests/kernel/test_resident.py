"""Values of variables that leave and come back."""

import numpy as np
import pytest

from graphc.kernel.resident import Copy, Resident
from tests.case import Array


class Elsewhere(Copy):
    def fetch(self, into: Array) -> None:
        into.fill(7)


def test_a_value_that_leaves_is_fetched_once() -> None:
    moves: list[int] = []
    one = Resident(np.zeros(3), moves.append)
    one.leave(Elsewhere())
    one.leave(Elsewhere())
    assert one.is_away
    one.fetch()
    one.fetch()
    assert (moves, one.is_away, one.array.tolist()) == ([1, -1], False, [7, 7, 7])


def test_a_value_whose_leaving_is_interrupted_is_where_it_was() -> None:
    def interrupted(by: int) -> None:
        raise KeyboardInterrupt

    one = Resident(np.zeros(3), interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.leave(Elsewhere())
    assert not one.is_away
