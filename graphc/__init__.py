"""graphc: declare a computation, differentiate it as a graph, compile it, run it.

    import graphc as gx

    x = gx.input("x", ("batch", 3))
    w = gx.param("w", numpy.zeros(3, "float32"))
    y = gx.sum(gx.tanh(x @ w))
    f = gx.compile([x], {"y": y, "dw": gx.grad(y, w)})

Public names are those listed here; what is not listed may change.  Each is loaded when it is first used, so that
`import graphc` is quick.  `__init__.pyi` tells type checkers what they are.
"""

import sys
from importlib import import_module
from typing import Any

from graphc.display import Displayed
from graphc.ir.node import Node
from graphc.ops.operators import NodeOperators

__version__ = "0.1.0"

Node.operators = NodeOperators()  # the one place where nodes get their operators

#: public name -> the module that it is, or the module that defines it and its name there
_HOMES = {
    "abs": "graphc.ops.piecewise:abs",
    "adaptive_avg_pool": "graphc.ops.pooling:adaptive_avg_pool",
    "adaptive_max_pool": "graphc.ops.pooling:adaptive_max_pool",
    "add": "graphc.ir.operands:add",
    "all": "graphc.ops.reduction:all",
    "any": "graphc.ops.reduction:any",
    "arange": "graphc.ops.grids:arange",
    "argmax": "graphc.ops.extremes:argmax",
    "argmin": "graphc.ops.extremes:argmin",
    "argpartition": "graphc.ops.sorting:argpartition",
    "argsort": "graphc.ops.sorting:argsort",
    "ArgumentError": "graphc.errors:ArgumentError",
    "array_split": "graphc.ops.stacking:array_split",
    "astype": "graphc.ops.elementwise:astype",
    "at": "graphc.ops.assigning:at",
    "atleast_1d": "graphc.ops.stacking:atleast_1d",
    "atleast_2d": "graphc.ops.stacking:atleast_2d",
    "atleast_3d": "graphc.ops.stacking:atleast_3d",
    "avg_pool": "graphc.ops.pooling:avg_pool",
    "bincount": "graphc.ops.segments:bincount",
    "broadcast_to": "graphc.ops.movement:broadcast_to",
    "ceil": "graphc.ops.piecewise:ceil",
    "cholesky": "graphc.ops.cholesky:cholesky",
    "clip": "graphc.ops.piecewise:clip",
    "compile": "graphc.driver:compile",
    "CompiledFunction": "graphc.function:CompiledFunction",
    "concat": "graphc.ops.movement:concat",
    "constant": "graphc.ir.declare:constant",
    "conv1d": "graphc.ops.convolution:conv1d",
    "conv2d": "graphc.ops.convolution:conv2d",
    "conv3d": "graphc.ops.convolution:conv3d",
    "conv_transpose1d": "graphc.ops.transposed_convolution:conv_transpose1d",
    "conv_transpose2d": "graphc.ops.transposed_convolution:conv_transpose2d",
    "conv_transpose3d": "graphc.ops.transposed_convolution:conv_transpose3d",
    "cos": "graphc.ops.elementwise:cos",
    "count_nonzero": "graphc.ops.reduction:count_nonzero",
    "cumprod": "graphc.ops.running:cumprod",
    "cumsum": "graphc.ops.running:cumsum",
    "custom_vjp": "graphc.ops.custom:custom_vjp",
    "diag": "graphc.ops.diagonal:diag",
    "diagonal": "graphc.ops.diagonal:diagonal",
    "divide": "graphc.ir.operands:div",
    "dot": "graphc.ops.products:dot",
    "dstack": "graphc.ops.stacking:dstack",
    "DTypeError": "graphc.errors:DTypeError",
    "einsum": "graphc.ops.einsum:einsum",
    "embedding": "graphc.ops.indexing:embedding",
    "equal": "graphc.ops.logic:equal",
    "erf": "graphc.ops.elementwise:erf",
    "evaluate": "graphc.driver:evaluate",
    "exp": "graphc.ops.elementwise:exp",
    "exp2": "graphc.ops.elementwise:exp2",
    "expand_dims": "graphc.ops.movement:expand_dims",
    "expm1": "graphc.ops.elementwise:expm1",
    "eye": "graphc.ops.filling:eye",
    "flip": "graphc.ops.movement:flip",
    "floor": "graphc.ops.piecewise:floor",
    "floordiv": "graphc.ops.piecewise:floordiv",
    "fold": "graphc.ops.unfolding:fold",
    "full": "graphc.ops.filling:full",
    "full_like": "graphc.ops.filling:full_like",
    "gather_nd": "graphc.ops.points:gather_nd",
    "gelu": "graphc.ops.elementwise:gelu",
    "geomspace": "graphc.ops.grids:geomspace",
    "global_avg_pool": "graphc.ops.pooling:global_avg_pool",
    "global_max_pool": "graphc.ops.pooling:global_max_pool",
    "grad": "graphc.ops.derivatives:grad",
    "Graph": "graphc.ir.graph:Graph",
    "GraphError": "graphc.errors:GraphError",
    "greater": "graphc.ops.logic:greater",
    "greater_equal": "graphc.ops.logic:greater_equal",
    "hessian": "graphc.ops.derivatives:hessian",
    "hstack": "graphc.ops.stacking:hstack",
    "hvp": "graphc.ops.derivatives:hvp",
    "identity": "graphc.ops.filling:identity",
    "IndexRangeError": "graphc.errors:IndexRangeError",
    "indices": "graphc.ops.grids:indices",
    "inner": "graphc.ops.products:inner",
    "input": "graphc.ir.declare:input",
    "interpolate": "graphc.ops.interpolation:interpolate",
    "iota": "graphc.ops.creation:iota",
    "isfinite": "graphc.ops.logic:isfinite",
    "isinf": "graphc.ops.logic:isinf",
    "isnan": "graphc.ops.logic:isnan",
    "jacobian": "graphc.ops.derivatives:jacobian",
    "jvp": "graphc.ops.derivatives:jvp",
    "kron": "graphc.ops.products:kron",
    "less": "graphc.ops.logic:less",
    "less_equal": "graphc.ops.logic:less_equal",
    "linspace": "graphc.ops.grids:linspace",
    "log": "graphc.ops.elementwise:log",
    "log10": "graphc.ops.elementwise:log10",
    "log1p": "graphc.ops.elementwise:log1p",
    "log2": "graphc.ops.elementwise:log2",
    "log_sigmoid": "graphc.ops.elementwise:log_sigmoid",
    "log_softmax": "graphc.ops.statistics:log_softmax",
    "logical_and": "graphc.ops.logic:logical_and",
    "logical_not": "graphc.ops.logic:logical_not",
    "logical_or": "graphc.ops.logic:logical_or",
    "logical_xor": "graphc.ops.logic:logical_xor",
    "logspace": "graphc.ops.grids:logspace",
    "logsumexp": "graphc.ops.statistics:logsumexp",
    "lp_pool": "graphc.ops.pooling:lp_pool",
    "matmul": "graphc.ops.products:matmul",
    "matrix_transpose": "graphc.ops.movement:matrix_transpose",
    "max": "graphc.ops.extremes:max",
    "max_pool": "graphc.ops.pooling:max_pool",
    "max_with_index": "graphc.ops.extremes:max_with_index",
    "maximum": "graphc.ops.piecewise:maximum",
    "mean": "graphc.ops.statistics:mean",
    "meshgrid": "graphc.ops.grids:meshgrid",
    "min": "graphc.ops.extremes:min",
    "min_with_index": "graphc.ops.extremes:min_with_index",
    "minimum": "graphc.ops.piecewise:minimum",
    "moveaxis": "graphc.ops.movement:moveaxis",
    "multiply": "graphc.ir.operands:mul",
    "negative": "graphc.ir.operands:neg",
    "nn": "graphc.nn",
    "Node": "graphc.ir.node:Node",
    "nonzero": "graphc.ops.searching:nonzero",
    "not_equal": "graphc.ops.logic:not_equal",
    "one_hot": "graphc.ops.indexing:one_hot",
    "ones": "graphc.ops.filling:ones",
    "ones_like": "graphc.ops.filling:ones_like",
    "op": "graphc.ops.formula:op",
    "optim": "graphc.optim",
    "outer": "graphc.ops.products:outer",
    "pad": "graphc.ops.padding:pad",
    "param": "graphc.ir.declare:param",
    "parameters": "graphc.ir.declare:parameters",
    "partition": "graphc.ops.sorting:partition",
    "power": "graphc.ops.powers:power",
    "prod": "graphc.ops.reduction:prod",
    "ravel": "graphc.ops.movement:ravel",
    "reciprocal": "graphc.ops.powers:reciprocal",
    "relu": "graphc.ops.piecewise:relu",
    "remainder": "graphc.ops.piecewise:remainder",
    "repeat": "graphc.ops.movement:repeat",
    "replace": "graphc.ir.declare:replace",
    "reshape": "graphc.ops.movement:reshape",
    "roll": "graphc.ops.movement:roll",
    "rot90": "graphc.ops.movement:rot90",
    "round": "graphc.ops.piecewise:round",
    "rsqrt": "graphc.ops.powers:rsqrt",
    "scatter_add": "graphc.ops.indexing:scatter_add",
    "scatter_nd": "graphc.ops.points:scatter_nd",
    "scope": "graphc.origin:scope",
    "searchsorted": "graphc.ops.searching:searchsorted",
    "segment_max": "graphc.ops.segments:segment_max",
    "segment_mean": "graphc.ops.segments:segment_mean",
    "segment_min": "graphc.ops.segments:segment_min",
    "segment_sum": "graphc.ops.segments:segment_sum",
    "ShapeError": "graphc.errors:ShapeError",
    "show": "graphc.inspection.show:show",
    "sigmoid": "graphc.ops.elementwise:sigmoid",
    "sign": "graphc.ops.piecewise:sign",
    "silu": "graphc.ops.elementwise:silu",
    "sin": "graphc.ops.elementwise:sin",
    "size": "graphc.ir.declare:size",
    "softmax": "graphc.ops.statistics:softmax",
    "softplus": "graphc.ops.elementwise:softplus",
    "sort": "graphc.ops.sorting:sort",
    "split": "graphc.ops.movement:split",
    "sqrt": "graphc.ops.powers:sqrt",
    "square": "graphc.ops.powers:square",
    "squeeze": "graphc.ops.movement:squeeze",
    "stack": "graphc.ops.movement:stack",
    "state": "graphc.ir.declare:state",
    "std": "graphc.ops.statistics:std",
    "stop_gradient": "graphc.ops.elementwise:stop_gradient",
    "subtract": "graphc.ir.operands:sub",
    "sum": "graphc.ops.reduction:sum",
    "swapaxes": "graphc.ops.movement:swapaxes",
    "take": "graphc.ops.indexing:take",
    "take_along_axis": "graphc.ops.indexing:take_along_axis",
    "tan": "graphc.ops.elementwise:tan",
    "tanh": "graphc.ops.elementwise:tanh",
    "tensordot": "graphc.ops.products:tensordot",
    "testing": "graphc.testing",
    "tile": "graphc.ops.movement:tile",
    "to_dot": "graphc.inspection.dot:to_dot",
    "to_latex": "graphc.inspection.symbolic:to_latex",
    "to_networkx": "graphc.inspection.networks:to_networkx",
    "to_svg": "graphc.inspection.svg:to_svg",
    "to_sympy": "graphc.inspection.symbolic:to_sympy",
    "topk": "graphc.ops.sorting:topk",
    "trace": "graphc.ops.diagonal:trace",
    "transpose": "graphc.ops.movement:transpose",
    "tri": "graphc.ops.filling:tri",
    "triangular_solve": "graphc.ops.cholesky:triangular_solve",
    "tril": "graphc.ops.creation:tril",
    "triu": "graphc.ops.creation:triu",
    "UnconnectedError": "graphc.errors:UnconnectedError",
    "unfold": "graphc.ops.unfolding:unfold",
    "unique": "graphc.ops.searching:unique",
    "unique_counts": "graphc.ops.searching:unique_counts",
    "unique_inverse": "graphc.ops.searching:unique_inverse",
    "unstack": "graphc.ops.movement:unstack",
    "UnsupportedError": "graphc.errors:UnsupportedError",
    "value_and_grad": "graphc.ops.derivatives:value_and_grad",
    "var": "graphc.ops.statistics:var",
    "variables": "graphc.ir.declare:variables",
    "vdot": "graphc.ops.products:vdot",
    "vecdot": "graphc.ops.products:vecdot",
    "vjp": "graphc.ops.derivatives:vjp",
    "vstack": "graphc.ops.stacking:vstack",
    "where": "graphc.ir.operands:where",
    "windows": "graphc.ops.window:windows",
    "with_update": "graphc.ir.declare:with_update",
    "zeros": "graphc.ops.filling:zeros",
    "zeros_like": "graphc.ops.filling:zeros_like",
}

__all__ = [*_HOMES]

# What other libraries call what has another name here.
_ELSEWHERE = {
    "Variable": "param", "array": "constant", "asarray": "constant", "cat": "concat", "clamp": "clip",
    "concatenate": "concat", "cross_entropy": "nn.softmax_cross_entropy", "dot": "matmul or inner", "fmod": "remainder",
    "function": "compile", "gather": "take_along_axis", "gradients": "grad", "jit": "compile", "matrix": "input",
    "mm": "matmul", "mod": "remainder", "norm": "sqrt(sum(square(x)))", "permute": "transpose", "placeholder": "input",
    "pow": "power", "scalar": "input", "shared": "param", "tensor": "constant", "unsqueeze": "expand_dims",
    "vector": "input",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """The public name, which from now on is an ordinary attribute."""
    if name not in _HOMES:
        hint = f"; it has {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
        problem = f"module {__name__!r} has no attribute {name!r}{hint}"
        raise AttributeError(problem, name=name, obj=sys.modules[__name__])  # Python suggests a similar one
    module, _, attribute = _HOMES[name].partition(":")
    found = import_module(module)
    value = globals()[name] = getattr(found, attribute) if attribute else found
    return value


def _view(shown: object) -> str:
    """What a notebook shows of it."""
    show: Any = __getattr__("show")  # Any: an attribute of this module
    html: str = show(shown)._repr_html_()
    return html


Displayed._view = _view  # the one place where what is shown gets its view


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
