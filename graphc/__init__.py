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
    "acos": "graphc.ops.trigonometry:acos",
    "acosh": "graphc.ops.trigonometry:acosh",
    "add": "graphc.ir.operands:add",
    "all": "graphc.ops.reduction:all",
    "angle": "graphc.ops.trigonometry:angle",
    "any": "graphc.ops.reduction:any",
    "argmax": "graphc.ops.extremes:argmax",
    "argmin": "graphc.ops.extremes:argmin",
    "argsort": "graphc.ops.sorting:argsort",
    "ArgumentError": "graphc.errors:ArgumentError",
    "asin": "graphc.ops.trigonometry:asin",
    "asinh": "graphc.ops.trigonometry:asinh",
    "astype": "graphc.ops.elementwise:astype",
    "atan": "graphc.ops.trigonometry:atan",
    "atan2": "graphc.ops.trigonometry:atan2",
    "atanh": "graphc.ops.trigonometry:atanh",
    "average": "graphc.ops.differences:average",
    "avg_pool": "graphc.ops.pooling:avg_pool",
    "bitwise_and": "graphc.ops.bits:bitwise_and",
    "bitwise_not": "graphc.ops.bits:bitwise_not",
    "bitwise_or": "graphc.ops.bits:bitwise_or",
    "bitwise_xor": "graphc.ops.bits:bitwise_xor",
    "broadcast_to": "graphc.ops.movement:broadcast_to",
    "cbrt": "graphc.ops.powers:cbrt",
    "ceil": "graphc.ops.piecewise:ceil",
    "cholesky": "graphc.ops.cholesky:cholesky",
    "clip": "graphc.ops.piecewise:clip",
    "compile": "graphc.driver:compile",
    "CompiledFunction": "graphc.function:CompiledFunction",
    "complex": "graphc.ir.complex:complex",
    "concat": "graphc.ops.movement:concat",
    "conj": "graphc.ir.complex:conj",
    "constant": "graphc.ir.declare:constant",
    "conv1d": "graphc.ops.convolution:conv1d",
    "conv2d": "graphc.ops.convolution:conv2d",
    "conv3d": "graphc.ops.convolution:conv3d",
    "copysign": "graphc.ops.piecewise:copysign",
    "cos": "graphc.ops.trigonometry:cos",
    "cosh": "graphc.ops.trigonometry:cosh",
    "count_nonzero": "graphc.ops.reduction:count_nonzero",
    "cummax": "graphc.ops.running_extremes:cummax",
    "cummin": "graphc.ops.running_extremes:cummin",
    "cumprod": "graphc.ops.running:cumprod",
    "cumsum": "graphc.ops.running:cumsum",
    "custom_vjp": "graphc.ops.custom:custom_vjp",
    "degrees": "graphc.ops.trigonometry:degrees",
    "diagonal": "graphc.ops.diagonal:diagonal",
    "diff": "graphc.ops.differences:diff",
    "digamma": "graphc.ops.special:digamma",
    "divide": "graphc.ir.operands:div",
    "DTypeError": "graphc.errors:DTypeError",
    "einsum": "graphc.ops.einsum:einsum",
    "embedding": "graphc.ops.indexing:embedding",
    "equal": "graphc.ops.logic:equal",
    "erf": "graphc.ops.elementwise:erf",
    "erfc": "graphc.ops.elementwise:erfc",
    "erfinv": "graphc.ops.elementwise:erfinv",
    "evaluate": "graphc.driver:evaluate",
    "exp": "graphc.ops.elementwise:exp",
    "exp2": "graphc.ops.elementwise:exp2",
    "expand_dims": "graphc.ops.movement:expand_dims",
    "expm1": "graphc.ops.elementwise:expm1",
    "flip": "graphc.ops.movement:flip",
    "floor": "graphc.ops.piecewise:floor",
    "floordiv": "graphc.ops.piecewise:floordiv",
    "fmod": "graphc.ops.piecewise:fmod",
    "gelu": "graphc.ops.elementwise:gelu",
    "grad": "graphc.ops.derivatives:grad",
    "Graph": "graphc.ir.graph:Graph",
    "GraphError": "graphc.errors:GraphError",
    "greater": "graphc.ops.logic:greater",
    "greater_equal": "graphc.ops.logic:greater_equal",
    "heaviside": "graphc.ops.piecewise:heaviside",
    "hessian": "graphc.ops.derivatives:hessian",
    "hvp": "graphc.ops.derivatives:hvp",
    "hypot": "graphc.ops.powers:hypot",
    "imag": "graphc.ir.complex:imag",
    "IndexRangeError": "graphc.errors:IndexRangeError",
    "inner": "graphc.ops.products:inner",
    "input": "graphc.ir.declare:input",
    "iota": "graphc.ops.creation:iota",
    "isfinite": "graphc.ops.logic:isfinite",
    "isinf": "graphc.ops.logic:isinf",
    "isnan": "graphc.ops.logic:isnan",
    "jacobian": "graphc.ops.derivatives:jacobian",
    "jvp": "graphc.ops.derivatives:jvp",
    "left_shift": "graphc.ops.bits:left_shift",
    "lerp": "graphc.ops.elementwise:lerp",
    "less": "graphc.ops.logic:less",
    "less_equal": "graphc.ops.logic:less_equal",
    "lgamma": "graphc.ops.special:lgamma",
    "linalg": "graphc.linalg",
    "log": "graphc.ops.elementwise:log",
    "log10": "graphc.ops.elementwise:log10",
    "log1p": "graphc.ops.elementwise:log1p",
    "log2": "graphc.ops.elementwise:log2",
    "log_sigmoid": "graphc.ops.elementwise:log_sigmoid",
    "log_softmax": "graphc.ops.statistics:log_softmax",
    "logaddexp": "graphc.ops.special:logaddexp",
    "logaddexp2": "graphc.ops.special:logaddexp2",
    "logcumsumexp": "graphc.ops.running:logcumsumexp",
    "logical_and": "graphc.ops.logic:logical_and",
    "logical_not": "graphc.ops.logic:logical_not",
    "logical_or": "graphc.ops.logic:logical_or",
    "logical_xor": "graphc.ops.logic:logical_xor",
    "logsumexp": "graphc.ops.statistics:logsumexp",
    "matmul": "graphc.ops.products:matmul",
    "matrix_transpose": "graphc.ops.movement:matrix_transpose",
    "max": "graphc.ops.extremes:max",
    "max_pool": "graphc.ops.pooling:max_pool",
    "max_with_index": "graphc.ops.extremes:max_with_index",
    "maximum": "graphc.ops.piecewise:maximum",
    "mean": "graphc.ops.statistics:mean",
    "median": "graphc.ops.quantiles:median",
    "min": "graphc.ops.extremes:min",
    "min_with_index": "graphc.ops.extremes:min_with_index",
    "minimum": "graphc.ops.piecewise:minimum",
    "moveaxis": "graphc.ops.movement:moveaxis",
    "multiply": "graphc.ir.operands:mul",
    "nan_to_num": "graphc.ops.piecewise:nan_to_num",
    "nanmax": "graphc.ops.nan_reductions:nanmax",
    "nanmean": "graphc.ops.nan_reductions:nanmean",
    "nanmedian": "graphc.ops.quantiles:nanmedian",
    "nanmin": "graphc.ops.nan_reductions:nanmin",
    "nanprod": "graphc.ops.nan_reductions:nanprod",
    "nanquantile": "graphc.ops.quantiles:nanquantile",
    "nanstd": "graphc.ops.nan_reductions:nanstd",
    "nansum": "graphc.ops.nan_reductions:nansum",
    "nanvar": "graphc.ops.nan_reductions:nanvar",
    "negative": "graphc.ir.operands:neg",
    "nn": "graphc.nn",
    "Node": "graphc.ir.node:Node",
    "not_equal": "graphc.ops.logic:not_equal",
    "one_hot": "graphc.ops.indexing:one_hot",
    "op": "graphc.ops.formula:op",
    "optim": "graphc.optim",
    "outer": "graphc.ops.products:outer",
    "pad": "graphc.ops.movement:pad",
    "param": "graphc.ir.declare:param",
    "parameters": "graphc.ir.declare:parameters",
    "percentile": "graphc.ops.quantiles:percentile",
    "polygamma": "graphc.ops.special:polygamma",
    "power": "graphc.ops.powers:power",
    "prod": "graphc.ops.reduction:prod",
    "ptp": "graphc.ops.differences:ptp",
    "quantile": "graphc.ops.quantiles:quantile",
    "radians": "graphc.ops.trigonometry:radians",
    "ravel": "graphc.ops.movement:ravel",
    "real": "graphc.ir.complex:real",
    "reciprocal": "graphc.ops.powers:reciprocal",
    "relu": "graphc.ops.piecewise:relu",
    "remainder": "graphc.ops.piecewise:remainder",
    "repeat": "graphc.ops.movement:repeat",
    "replace": "graphc.ir.declare:replace",
    "reshape": "graphc.ops.movement:reshape",
    "right_shift": "graphc.ops.bits:right_shift",
    "roll": "graphc.ops.movement:roll",
    "round": "graphc.ops.piecewise:round",
    "rsqrt": "graphc.ops.powers:rsqrt",
    "scatter_add": "graphc.ops.indexing:scatter_add",
    "scope": "graphc.origin:scope",
    "ShapeError": "graphc.errors:ShapeError",
    "show": "graphc.inspection.show:show",
    "sigmoid": "graphc.ops.elementwise:sigmoid",
    "sign": "graphc.ops.piecewise:sign",
    "silu": "graphc.ops.elementwise:silu",
    "sin": "graphc.ops.trigonometry:sin",
    "sinc": "graphc.ops.trigonometry:sinc",
    "sinh": "graphc.ops.trigonometry:sinh",
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
    "tan": "graphc.ops.trigonometry:tan",
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
    "trapezoid": "graphc.ops.differences:trapezoid",
    "triangular_solve": "graphc.ops.cholesky:triangular_solve",
    "tril": "graphc.ops.creation:tril",
    "triu": "graphc.ops.creation:triu",
    "trunc": "graphc.ops.piecewise:trunc",
    "UnconnectedError": "graphc.errors:UnconnectedError",
    "unstack": "graphc.ops.movement:unstack",
    "UnsupportedError": "graphc.errors:UnsupportedError",
    "value_and_grad": "graphc.ops.derivatives:value_and_grad",
    "var": "graphc.ops.statistics:var",
    "variables": "graphc.ir.declare:variables",
    "vdot": "graphc.ops.products:vdot",
    "vecdot": "graphc.ops.products:vecdot",
    "vjp": "graphc.ops.derivatives:vjp",
    "where": "graphc.ir.operands:where",
    "with_update": "graphc.ir.declare:with_update",
    "xlog1py": "graphc.ops.special:xlog1py",
    "xlogy": "graphc.ops.special:xlogy",
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
