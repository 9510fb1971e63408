"""What holds of every form between two passes is asked for, and each mistake is found and named."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.buffer import Buffer
from graphc.kernel.program import Program
from graphc.origin import Origin
from graphc.passes.pipeline import Log, Pass, Record, Trace
from graphc.passes.soundness import require_apart, require_provenance, require_sound
from graphc.passes.throughout import bodies_of
from graphc.passes.units import Partition
from graphc.types import TensorType
from graphc.verification.verification import Verification
from tests.kernel.building import copied, given, output, program_of, temporary


@dataclass(frozen=True)
class Wrong(Pass[Graph, Graph]):
    """A pass that forgets what an op gives."""

    name: ClassVar[str] = "wrong"

    def run(self, form: Graph, log: Log) -> Graph:
        def forget(node: Node) -> Node:
            wrong = TensorType((7,), np.dtype("float32"))
            return Node(node.op, node.inputs, wrong, node.origin) if node.inputs else node

        return form.map(forget)


def test_a_pass_that_breaks_a_type_is_named() -> None:
    x = gx.input("x", (3,))
    graph = Graph((x,), (gx.exp(x),))
    trace = Trace()
    Verification(graph).watch(trace)
    with pytest.raises(gx.VerificationError, match=r"the pass 'wrong' gives a graph that makes no sense") as caught:
        trace.apply(Wrong(), graph)
    assert "its op infers" in str(caught.value)
    assert "graph = Graph((x,), (gx.exp(x),))" in str(caught.value)


def wrong(form: object) -> str:
    """What is wrong with a form."""
    with pytest.raises(AssertionError) as caught:
        require_sound(form)
    return str(caught.value)


def test_a_part_has_the_type_that_the_whole_gives_it() -> None:
    x = gx.input("x", (3, 2))
    value, _ = gx.max_with_index(x, 0)
    narrow = Node(value.op, value.inputs, TensorType((2,), np.dtype("float64")), value.origin)
    assert "that part of" in wrong(Graph((x,), (narrow,)))


def test_a_node_that_reads_itself_is_found() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    z = gx.tanh(y)
    object.__setattr__(y, "inputs", (z,))
    assert "which reads it" in wrong(Graph((x,), (z,)))


def test_a_node_that_leads_to_no_line_of_a_user_is_found() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    nowhere = Node(y.op, y.inputs, y.type, Origin("<graphc>", 0, ""))
    assert "leads to <graphc>:0" in wrong(Graph((x,), (nowhere,)))
    ours = Node(y.op, y.inputs, y.type, Origin(str(require_sound.__code__.co_filename), 3, "run"))
    assert "soundness.py:3" in wrong(Graph((x,), (ours,)))


def test_a_body_that_reads_what_is_around_it_is_found() -> None:
    x, h = gx.input("x", (4, 3)), gx.input("h", (3,))
    last, _ = gx.scan(lambda h, row: (h + row, h), h, x)
    graph = Graph((x, h), (last,))
    require_sound(graph)
    (body,) = bodies_of(graph)
    (loop,) = last.inputs
    around = Graph(body.inputs, tuple(gx.exp(h) for _ in body.outputs))
    open_loop = Node(loop.op.with_bodies([around]), loop.inputs, loop.type, loop.origin)
    taken = Node(last.op, (open_loop,), last.type, last.origin)
    assert "a body reads <input 'h'" in wrong(Graph((x, h), (taken,)))


def partition() -> Partition:
    """Three units: what is summed, twice, and a product of both."""
    x = gx.input("x", (3, 3))
    found = gx.compile([x], gx.exp(x @ x) @ gx.tanh(x @ x)).trace["fuse"].after
    assert isinstance(found, Partition)
    assert len(found.units) > 2
    require_sound(found)
    return found


def test_a_unit_before_one_that_it_reads_is_found() -> None:
    form = partition()
    assert "and reads what unit" in wrong(replace(form, units=form.units[::-1]))


def test_a_node_in_two_units_is_found() -> None:
    form = partition()
    assert "is in the units 0 and 1" in wrong(replace(form, units=(form.units[0], *form.units)))


# Provenance.


def record_of(before: Graph, after: Graph, name: str = "share") -> Record:
    """A pass from one graph to the other."""
    return Record(name, before, after, 0.0, ())


def unprovenanced(before: Graph, after: Graph) -> str:
    """What of its provenance a pass lost."""
    with pytest.raises(AssertionError) as caught:
        require_provenance(record_of(before, after))
    return str(caught.value)


def test_an_output_that_forgets_a_line_is_found() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    minus = gx.negative(-y)
    assert "does not lead to" in unprovenanced(Graph((x,), (minus,)), Graph((x,), (y,)))
    require_provenance(record_of(Graph((x,), (gx.negative(-x),)), Graph((x,), (x,))))  # inputs stand for themselves


def test_a_shared_node_that_forgets_its_double_is_found() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    one = gx.sin(y)
    two = gx.sin(y)
    before = Graph((x,), (gx.cos(one) + gx.cos(two),))
    (total,) = before.outputs
    first, _ = total.inputs
    after = Graph((x,), (Node(total.op, (first, first), total.type, total.origin),))
    assert "nothing leads to" in unprovenanced(before, after)
    require_provenance(record_of(before, after, "trim loops"))  # which leaves out what nothing needs


def test_a_rule_of_a_derivative_that_is_forgotten_is_found() -> None:
    x = gx.input("x")
    slope = gx.grad(gx.sin(gx.exp(x)), x)
    plain = Node(slope.op, slope.inputs, slope.type, slope.origin._replace(derived_from=()))
    assert "by grad of " in unprovenanced(Graph((x,), (slope,)), Graph((x,), (plain,)))


def test_a_line_that_nothing_led_to_is_found() -> None:
    x = gx.input("x")
    y = gx.exp(x)
    other = gx.exp(x)
    found = unprovenanced(Graph((x,), (gx.sin(y),)), Graph((x,), (Node(y.op, (other,), y.type, y.origin),)))
    assert "does not lead to" in found or "which nothing led to" in found


# Lifetimes.

X, Y = given(0, 8), output(0, 8)
S, T = temporary(8), temporary(8)


def chain() -> Program:
    """x -> s -> t -> y: s and t meet in the second step."""
    return program_of((copied(X, S), copied(S, T), copied(T, Y)), [X], [Y])


@pytest.mark.parametrize("offsets", [{S: 0, T: 0}, {S: 0, T: 28}, {S: 16, T: 0}])
def test_temporaries_that_live_together_in_the_same_bytes_are_found(offsets: Mapping[Buffer, int]) -> None:
    with pytest.raises(AssertionError, match="two temporaries share bytes"):
        require_apart(chain(), offsets, {})


def test_temporaries_side_by_side_or_one_after_the_other_pass() -> None:
    require_apart(chain(), {S: 0, T: 32}, {})
    u = temporary(8)
    later = program_of((copied(X, S), copied(S, T), copied(T, u), copied(u, Y)), [X], [Y])
    require_apart(later, {S: 0, T: 32, u: 0}, {})


def test_what_is_read_past_a_step_need_not_wait_for_it() -> None:
    x = gx.input("x", (3,))
    column = gx.abs(x)[..., None]  # an output is this column; the sine is computed of the row
    sine = gx.custom_vjp(gx.sin, lambda y, c, x: c * gx.cos(x))(column)
    gx.compile([x], [gx.abs(sine), column], verify=True)
