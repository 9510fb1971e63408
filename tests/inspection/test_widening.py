"""A graph that a wider operand widens says which one."""

import pytest

from graphc.inspection.listing import listing_of
from graphc.inspection.text import graph_text
from graphc.inspection.widening import widenings
from tests.inspection.models import model


def test_parameter_that_widens_the_graph_is_named_once() -> None:
    nodes = model(
        """
        x = input("x", (3,))
        w = param("w", np.ones(3))
        y = x * w
        z = y + x
        """
    )
    notes = [line for line in graph_text(nodes["z"]).splitlines() if line.startswith("note")]
    assert notes == ["note: param w f64[3] (model.py:2) widens f32 to f64 at %3"]


def test_gradients_repeat_no_note() -> None:
    nodes = model("x = input('x')\nw = param('w', np.float64(1))\ny = tanh(x * w)\ng = grad(y, w)")
    assert graph_text([nodes["y"], nodes["g"]]).count("note") == 1


@pytest.mark.parametrize(
    "lines",
    [
        "y = input('x') * 2.0",
        "y = input('x') * param('w', 2.0)",
        "y = input('x').astype('float64') * 2.0",
        "y = input('x', (3,), 'int32') * input('y', (3,), 'float64')",
        "y = input('x', (), 'float64') * input('y', (), 'float64')",
    ],
)
def test_what_nobody_widened_has_no_note(lines: str) -> None:
    assert widenings(listing_of(model(lines)["y"]).nodes) == []


def test_value_keeps_the_cause_through_other_ops() -> None:
    nodes = model(
        """
        table = input("table", (3,), "float64")
        x = input("x", (3,))
        y = exp(tanh(table)) + x
        """
    )
    (widening,) = widenings(listing_of(nodes["y"]).nodes)
    assert widening.cause is nodes["table"]
    assert widening.node is nodes["y"]
