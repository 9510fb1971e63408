"""`compile(verify=True)` names the pass after which something does not hold."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import graphc as gx
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.passes.pipeline import Log, Pass, Trace
from graphc.passes.soundness import require_sound
from graphc.types import TensorType
from tests.random_graphs import random_graph


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
    with pytest.raises(AssertionError, match=r"after the pass 'wrong': .* its op infers"):
        Trace(verify=require_sound).apply(Wrong(), Graph((x,), (gx.exp(x),)))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_form_of_a_random_graph_is_sound(seed: int, level: int) -> None:
    graph = random_graph(seed)
    gx.compile(graph.inputs, graph.outputs, updates=graph.updates, level=level, verify=True)
