"""graphc: declare a computation, differentiate it as a graph, compile it, run it.

    import graphc as gx

    x = gx.input("x", ("batch", 3))
    w = gx.param("w", numpy.zeros(3, "float32"))
    y = gx.sum(gx.tanh(x @ w))
    f = gx.compile([x], {"y": y, "dw": gx.grad(y, w)})

Public names are those listed here; what is not listed may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphc.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    IndexRangeError,
    ShapeError,
    UnconnectedError,
    UnsupportedError,
)
from graphc.ir.declare import (
    constant,
    input,
    param,
    parameters,
    replace,
    size,
    state,
    variables,
    with_update,
)
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.operands import add, where
from graphc.ir.operands import div as divide
from graphc.ir.operands import mul as multiply
from graphc.ir.operands import neg as negative
from graphc.ir.operands import sub as subtract
from graphc.ops.cholesky import cholesky, triangular_solve
from graphc.ops.convolution import conv1d, conv2d, conv3d
from graphc.ops.creation import iota, tril, triu
from graphc.ops.custom import custom_vjp
from graphc.ops.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from graphc.ops.diagonal import diagonal, trace
from graphc.ops.einsum import einsum
from graphc.ops.elementwise import (
    astype,
    cos,
    erf,
    exp,
    exp2,
    expm1,
    gelu,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    sigmoid,
    silu,
    sin,
    softplus,
    stop_gradient,
    tan,
    tanh,
)
from graphc.ops.extremes import argmax, argmin, max, max_with_index, min, min_with_index
from graphc.ops.indexing import embedding, one_hot, scatter_add, take, take_along_axis
from graphc.ops.logic import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from graphc.ops.movement import (
    broadcast_to,
    concat,
    expand_dims,
    flip,
    matrix_transpose,
    moveaxis,
    pad,
    ravel,
    repeat,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
    unstack,
)
from graphc.ops.operators import NodeOperators
from graphc.ops.piecewise import (
    abs,
    ceil,
    clip,
    floor,
    floordiv,
    maximum,
    minimum,
    relu,
    remainder,
    round,
    sign,
)
from graphc.ops.pooling import avg_pool, max_pool
from graphc.ops.powers import power, reciprocal, rsqrt, sqrt, square
from graphc.ops.products import inner, matmul, outer, tensordot, vdot, vecdot
from graphc.ops.reduction import all, any, count_nonzero, prod, sum
from graphc.ops.running import cumprod, cumsum
from graphc.ops.sorting import argsort, sort, topk
from graphc.ops.statistics import log_softmax, logsumexp, mean, softmax, std, var
from graphc.origin import scope

if TYPE_CHECKING:
    from graphc import nn, optim, testing
    from graphc.driver import compile, evaluate
    from graphc.function import CompiledFunction
    from graphc.inspection.dot import to_dot
    from graphc.inspection.networks import to_networkx
    from graphc.inspection.show import show
    from graphc.inspection.svg import to_svg
    from graphc.inspection.symbolic import to_latex, to_sympy
    from graphc.ops.formula import op

__version__ = "0.1.0"

Node.operators = NodeOperators()  # the one place where nodes get their operators

# What declaring a graph does not need is loaded when it is first used.
_LATER = {
    "CompiledFunction": ("graphc.function", "CompiledFunction"),
    "compile": ("graphc.driver", "compile"),
    "evaluate": ("graphc.driver", "evaluate"),
    "nn": ("graphc.nn", ""),
    "op": ("graphc.ops.formula", "op"),
    "optim": ("graphc.optim", ""),
    "show": ("graphc.inspection.show", "show"),
    "testing": ("graphc.testing", ""),
    "to_dot": ("graphc.inspection.dot", "to_dot"),
    "to_latex": ("graphc.inspection.symbolic", "to_latex"),
    "to_networkx": ("graphc.inspection.networks", "to_networkx"),
    "to_svg": ("graphc.inspection.svg", "to_svg"),
    "to_sympy": ("graphc.inspection.symbolic", "to_sympy"),
}


def __getattr__(name: str) -> Any:  # Any: a module has attributes of every type
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LATER[name]
    found = import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


__all__ = [
    "abs",
    "add",
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "ArgumentError",
    "astype",
    "avg_pool",
    "broadcast_to",
    "ceil",
    "cholesky",
    "clip",
    "compile",
    "CompiledFunction",
    "concat",
    "constant",
    "conv1d",
    "conv2d",
    "conv3d",
    "cos",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "custom_vjp",
    "diagonal",
    "divide",
    "DTypeError",
    "einsum",
    "embedding",
    "equal",
    "erf",
    "evaluate",
    "exp",
    "exp2",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "floordiv",
    "gelu",
    "grad",
    "Graph",
    "GraphError",
    "greater",
    "greater_equal",
    "hessian",
    "hvp",
    "IndexRangeError",
    "inner",
    "input",
    "iota",
    "isfinite",
    "isinf",
    "isnan",
    "jacobian",
    "jvp",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "matmul",
    "matrix_transpose",
    "max",
    "max_pool",
    "max_with_index",
    "maximum",
    "mean",
    "min",
    "min_with_index",
    "minimum",
    "moveaxis",
    "multiply",
    "negative",
    "nn",
    "Node",
    "not_equal",
    "one_hot",
    "op",
    "optim",
    "outer",
    "pad",
    "param",
    "parameters",
    "power",
    "prod",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat",
    "replace",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scatter_add",
    "scope",
    "ShapeError",
    "show",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "size",
    "softmax",
    "softplus",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "state",
    "std",
    "stop_gradient",
    "subtract",
    "sum",
    "swapaxes",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensordot",
    "testing",
    "tile",
    "to_dot",
    "to_latex",
    "to_networkx",
    "to_svg",
    "to_sympy",
    "topk",
    "trace",
    "transpose",
    "triangular_solve",
    "tril",
    "triu",
    "UnconnectedError",
    "unstack",
    "UnsupportedError",
    "value_and_grad",
    "var",
    "variables",
    "vdot",
    "vecdot",
    "vjp",
    "where",
    "with_update",
]
