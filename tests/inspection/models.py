"""Graphs to look at, made by the lines of a file called `model.py` that exists only in memory."""

import linecache
import sys
from collections.abc import Mapping
from textwrap import dedent
from types import FrameType

import numpy as np

from graphc.autodiff.reverse import pull_back
from graphc.ir.arithmetic import ones_like
from graphc.ir.graph import Graph
from graphc.ir.kinds import Leaf
from graphc.ir.leaves import Input, Variable
from graphc.ir.node import Node
from graphc.ir.operands import as_node, where
from graphc.ir.storage import Storage
from graphc.ops.branch import cond, switch
from graphc.ops.elementwise import exp, tanh
from graphc.ops.extremes import max_with_index
from graphc.ops.movement import stack
from graphc.ops.operators import NodeOperators
from graphc.ops.products import matmul
from graphc.ops.reduction import sum
from graphc.ops.scan import scan, while_loop
from graphc.ops.statistics import mean
from graphc.origin import here, scope
from graphc.sizes import symbol
from graphc.types import Shape, TensorType, as_dtype

assert isinstance(Node.operators, NodeOperators)


def input_node(name: str, shape: Shape = (), dtype: str = "float32") -> Node:
    """An input, made by the line that calls."""
    return _leaf(Input(name, TensorType(shape, as_dtype(dtype))), sys._getframe(1))


def parameter(name: str, value: object) -> Node:
    """A trainable variable, made by the line that calls."""
    return _leaf(Variable(name, Storage.of(name, value), trainable=True), sys._getframe(1))


def _leaf(op: Leaf, caller: FrameType) -> Node:
    origin = here()._replace(file=caller.f_code.co_filename, line=caller.f_lineno)
    return Node(op, (), op.infer(), origin)


def gradient(y: Node, wrt: Node) -> Node:
    """dy / dwrt of a scalar y."""
    (result,) = pull_back([y], [ones_like(y)], [wrt])
    assert result is not None
    return result


def model(source: str) -> dict[str, Node]:
    """The nodes that the lines of `source` make, by name.  Their origins are lines of `model.py`."""
    source = dedent(source).lstrip("\n")
    linecache.cache["model.py"] = (len(source), None, source.splitlines(keepends=True), "model.py")
    names: dict[str, object] = {"__name__": "model", **_WORDS}
    exec(compile(source, "model.py", "exec"), names)
    return {name: value for name, value in names.items() if isinstance(value, Node)}


_WORDS: Mapping[str, object] = {
    "np": np,
    "input": input_node,
    "param": parameter,
    "symbol": symbol,
    "scope": scope,
    "constant": as_node,
    "where": where,
    "stack": stack,
    "exp": exp,
    "tanh": tanh,
    "sum": sum,
    "mean": mean,
    "matmul": matmul,
    "max_with_index": max_with_index,
    "grad": gradient,
    "scan": scan,
    "while_loop": while_loop,
    "cond": cond,
    "switch": switch,
}

DECISIONS = """
h = input("h", (3,))
xs = input("xs", (symbol("time"), 3))
w = param("w", np.ones((3, 3), np.float32))
def step(state, x):
    new = cond(sum(x) > 0.0, lambda: tanh(matmul(state["h"], w)), lambda: state["h"])
    return {"h": new + x}, sum(new)
last, sums = scan(step, {"h": h}, xs)
y = last["h"]
root = while_loop(lambda r: r * r > 2.0, lambda r: 0.5 * (r + 2.0 / r), sum(y), max_steps=20)
"""

PERCEPTRON = """
x = input("x", (symbol("batch"), 3))
t = input("t", (symbol("batch"),))
with scope("layer"):
    w = param("w", np.ones(3, np.float32))
    y = tanh(sum(x * w, 1) - 0.5)
loss = mean((y - t) * (y - t))
g = grad(loss, w)
step = w - 0.1 * g
"""


def perceptron() -> Graph:
    """A scalar loss with one parameter, and its step of gradient descent."""
    nodes = model(PERCEPTRON)
    return Graph((nodes["x"], nodes["t"]), (nodes["loss"],), {nodes["w"]: nodes["step"]})
