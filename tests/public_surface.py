"""Every public function with arguments that are right."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

import graphc as gx
from tests.hostile_values import HOSTILE

__all__ = ["Call", "calls", "public_names"]

Arguments = Mapping[str, Any]  # Any: whatever a user gives


class Call(NamedTuple):
    """A function and arguments that it takes; those of `*name` are a tuple."""

    name: str
    function: Callable[..., Any]
    arguments: Arguments

    def made(self) -> object:
        """The result."""
        named = dict(self.arguments)
        listed = [value for name in [*named] if name.startswith("*") for value in named.pop(name)]
        first = [named.pop(name) for name in [*named] if listed and self._is_before(name)]
        return self.function(*first, *listed, **named)

    def _is_before(self, name: str) -> bool:
        return inspect.signature(self.function).parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD

    def spoilt(self) -> Iterator[tuple[str, str]]:
        """Each argument with the name of each hostile value."""
        return product(self.arguments, HOSTILE)

    def with_hostile(self, argument: str, what: str) -> "Call":
        """The same call with a hostile value in the place of an argument; of several, of the last."""
        value = HOSTILE[what]()
        if argument.startswith("*"):
            value = (*self.arguments[argument][:-1], value)
        return self._replace(arguments={**self.arguments, argument: value})


# Arguments by name, and where a function needs others.


def _param(*shape: int, dtype: str = "float32", name: str = "x") -> gx.Node:
    count = int(np.prod(shape))
    return gx.param(name, (np.arange(count).reshape(shape) / max(count, 1) * 0.5 + 0.25).astype(dtype))


def _square() -> gx.Node:
    return gx.param("a", (np.eye(4) * 2 + np.ones((4, 4)) * 0.25).astype("float32"))


def _whole(*values: int) -> gx.Node:
    return gx.state("whole", np.array(values, "int64"))


def _truths() -> gx.Node:
    return gx.state("truths", np.array([[True, False] * 2] * 4))


DEFAULT: Mapping[str, Callable[[], Any]] = {
    **dict.fromkeys(("x", "y", "left", "right", "logits", "targets", "predictions", "a", "b", "value"), _square),
    **dict.fromkeys(("start", "end", "weight", "real", "imag", "signed", "at_zero", "exponent"), _square),
    "axis": lambda: -1,
    "keepdims": lambda: False,
    "dtype": lambda: "float32",
    "reverse": lambda: False,
    "descending": lambda: False,
    "shape": lambda: (2, 8),
    "xs": lambda: [_square(), _square()],
    "n": lambda: 3,
    "m": lambda: 4,
    "k": lambda: 1,
    "kth": lambda: 1,
    "count": lambda: 2,
    "sections": lambda: 2,
    "num": lambda: 5,
    "endpoint": lambda: True,
    "window": lambda: 2,
    "stride": lambda: 1,
    "padding": lambda: 0,
    "dilation": lambda: 1,
    "groups": lambda: 1,
    "q": lambda: 0.5,
    "correction": lambda: 0,
    "unconnected": lambda: "raise",
    "name": lambda: "name",
    "hint": lambda: 64,
    "rank": lambda: 2,
    "first": lambda: 0,
    "second": lambda: 1,
    "source": lambda: 0,
    "destination": lambda: 1,
    "shift": lambda: 1,
    "steps": lambda: 10,
    "rate": lambda: 0.1,
    "factor": lambda: 0.5,
    "momentum": lambda: 0.9,
    "beta1": lambda: 0.9,
    "beta2": lambda: 0.99,
    "epsilon": lambda: 1e-8,
    "nesterov": lambda: True,
    "floor": lambda: 0.0,
    "rng": lambda: np.random.default_rng(0),
    "shown": _square,
    "arrays": lambda: [_square(), _square(), _square()],
    "params": lambda: {"w": _square()},
    "gradients": lambda: {"w": _square()},
    "limit": lambda: 1.0,
    "table": _square,
    "index": lambda: _whole(0, 2),
    "mode": lambda: "raise",
    "offset": lambda: 1,
    "axis1": lambda: 0,
    "axis2": lambda: 1,
    "side": lambda: "left",
    "lower": lambda: True,
    "transposed": lambda: False,
    "unit_diagonal": lambda: False,
    "rtol": lambda: None,
    "where": lambda: None,
    "initial": lambda: None,
    "weights": lambda: None,
    "size": lambda: 4,
    "fill_value": lambda: 0,
    "count_include_pad": lambda: True,
    "output_padding": lambda: 0,
    "prepend": lambda: None,
    "append": lambda: None,
    "base": lambda: 10.0,
    "bias": lambda: True,
    "low": lambda: -1.0,
    "high": lambda: 1.0,
    "nan": lambda: 0.0,
    "posinf": lambda: None,
    "neginf": lambda: None,
    "key": lambda: gx.random.key(0),
    "seed": lambda: 0,
    "p": lambda: None,
    "replace": lambda: True,
}


def _gradient_arguments(**more: Any) -> Arguments:
    w = gx.param("w", np.float32(2.0))
    return {"y": w * w, "wrt": w, **more}


def _bits(*names: str) -> Callable[[], Arguments]:
    return lambda: {name: _whole(1, 2, 3) for name in names}


def _images(rank: int) -> Callable[[], Arguments]:
    return lambda: {"x": _param(1, 2, *[4] * rank), "w": _param(3, 2, *[2] * rank, name="w")}


def _turned(rank: int) -> Callable[[], Arguments]:
    return lambda: {"x": _param(1, 2, *[4] * rank), "w": _param(2, 3, *[2] * rank, name="w")}


def _grid() -> Arguments:
    return {"x": _param(1, 2, 4, 4)}


def _compilation() -> Arguments:
    x = gx.input("x", (3,))
    w = gx.param("w", np.zeros(3, np.float32))
    return {"inputs": [x], "outputs": x + w, "updates": {w: x}, "backend": "numpy", "level": 2, "debug": False}


def _exchange() -> Arguments:
    x = gx.input("x", (3,))
    return {"outputs": gx.exp(x), "exchange": {x: gx.constant(np.ones(3, np.float32))}}


def _evaluation() -> Arguments:
    x = gx.input("x", (3,))
    return {"outputs": gx.exp(x), "inputs": {x: np.ones(3, np.float32)}}


def _checked() -> Arguments:
    x = gx.input("x", (3,), "float64")
    return {"outputs": gx.exp(x), "values": {x: np.ones(3)}, "order": 1, "rtol": 1e-6, "seed": 0}


# Bodies that take whatever a hostile call gives them: what they do with it is no fault of the loop.


def _scanned() -> Arguments:
    return {"body": lambda h, x: (h, x), "carries": {"h": _param(4)}, "sequences": _square(), "length": 4}


def _repeated() -> Arguments:
    return {"cond": lambda x: gx.constant(False), "body": lambda x: x, "state": gx.param("x", 1.0), "max_steps": 5}


def _counted() -> Arguments:
    return {"lower": 0, "upper": 3, "body": lambda i, x: x, "state": gx.param("x", 1.0)}


def _one_of_two() -> Arguments:
    then, else_ = (lambda x: x), (lambda x: x)
    return {"pred": gx.sum(_square()) > 0, "then": then, "else_": else_, "*operands": (_square(),)}


def _one_of_three() -> Arguments:
    branches = (lambda x: x), (lambda x: x), (lambda x: x)
    return {"index": gx.constant(1), "branches": branches, "*operands": (_square(),)}


GIVEN: Mapping[str, Callable[[], Arguments]] = {
    **{name: _bits("left", "right") for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: _bits("x", "count") for name in ("left_shift", "right_shift")},
    "bitwise_not": _bits("x"),
    **{f"logical_{what}": lambda: {"left": _truths(), "right": _truths()} for what in ("and", "or", "xor")},
    "logical_not": lambda: {"x": _truths()},
    "full": lambda: {"shape": (2, 8), "value": 1.0},
    "nonzero": lambda: {"x": _square(), "size": 4},
    **{name: lambda: {"value": np.ones(3)} for name in ("param", "state")},
    **{f"conv{rank}d": _images(rank) for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": _turned(rank) for rank in (1, 2, 3)},
    **dict.fromkeys(("avg_pool", "max_pool", "global_avg_pool", "global_max_pool", "unfold"), _grid),
    "lp_pool": lambda: {**_grid(), "p": 2},
    **{name: lambda: {**_grid(), "shape": 2} for name in ("adaptive_avg_pool", "adaptive_max_pool")},
    "interpolate": lambda: {**_grid(), "size": None, "scale": 2, "mode": "nearest", "align_corners": False},
    "fold": lambda: {"x": _param(1, 8, 9), "shape": (4, 4), "window": 2},
    "reshape": lambda: {"x": _square(), "shape": (2, 8)},
    "broadcast_to": lambda: {"x": _square(), "shape": (2, 4, 4)},
    "arange": lambda: {"start": 0, "stop": 4, "step": 1},
    **{name: lambda: {"start": 1.0, "stop": 4.0} for name in ("linspace", "logspace", "geomspace")},
    "bincount": lambda: {"x": _whole(0, 1, 1), "length": 4, "weights": _param(3)},
    "clip": dict,
    "compile": _compilation,
    "constant": lambda: {"value": [1.0, 2.0]},
    "scan": _scanned,
    "while_loop": _repeated,
    "fori_loop": _counted,
    "cond": _one_of_two,
    "switch": _one_of_three,
    "vmap": lambda: {"function": gx.exp, "in_axes": 0, "out_axes": 0},
    "custom_vjp": lambda: {"function": gx.exp, "rule": lambda y, c, x: (c,)},
    "checkpoint": lambda: {"function": gx.exp},
    "einsum": lambda: {"subscripts": "ij,jk->ik", "*operands": (_square(), _square())},
    "embedding": dict,
    "evaluate": _evaluation,
    "gather_nd": lambda: {"x": _square(), "index": gx.state("index", np.zeros((3, 2), "int64"))},
    **dict.fromkeys(("grad", "hessian", "jacobian", "value_and_grad"), _gradient_arguments),
    "hvp": lambda: _gradient_arguments(v=1.0),
    "jvp": lambda: _gradient_arguments(tangent=1.0),
    "vjp": lambda: _gradient_arguments(cotangent=1.0),
    "indices": lambda: {"dimensions": (2, 3), "dtype": "int64"},
    "input": lambda: {"name": "x", "shape": (2, 3), "dtype": "float32"},
    "iota": lambda: {"size": 4, "dtype": np.dtype("int64")},
    "meshgrid": lambda: {"*xs": (_param(3), _param(4)), "indexing": "xy"},
    "nn.Sequential": lambda: {"*stages": (gx.relu, gx.tanh)},
    "one_hot": lambda: {"index": _whole(0, 1), "classes": 3, "dtype": "float32"},
    "op": lambda: {"name": "twice", "formula": lambda x: x + x},
    "pad": lambda: {"x": _square(), "widths": 1, "value": 0, "mode": "constant"},
    "polygamma": lambda: {"order": 1, "x": _square()},
    "parameters": lambda: {"*roots": (_square(),)},
    "variables": lambda: {"*roots": (_square(),)},
    "percentile": lambda: {"q": 50},
    "replace": _exchange,
    "rot90": lambda: {"k": 1, "axes": (0, 1)},
    "scatter_add": lambda: {"updates": _param(2, 4), "axis": 0},
    "scatter_nd": lambda: {"index": gx.state("i", np.zeros((3, 1), "int64")), "updates": _param(3), "shape": (4,)},
    "searchsorted": lambda: {"x": _param(4), "values": 0.5},
    **{
        f"segment_{what}": lambda: {"x": _param(3, 2), "segment": _whole(0, 1, 1), "count": 2}
        for what in ("max", "mean", "min", "sum")
    },
    "take": lambda: {"axis": 0},
    "take_along_axis": lambda: {"index": gx.state("index", np.zeros((4, 1), "int64")), "axis": 1},
    "tensordot": lambda: {"axes": 1},
    "to_latex": lambda: {"node": gx.exp(gx.input("t"))},
    "to_sympy": lambda: {"node": gx.exp(gx.input("t"))},
    "transpose": lambda: {"axes": (1, 0)},
    "trapezoid": lambda: {"y": _square(), "x": None, "dx": 1.0},
    "squeeze": lambda: {"x": _param(4, 1), "axis": 1},
    "where": lambda: {"condition": _truths()},
    "windows": lambda: {"window": (2,)},
    **{name: lambda: {"size": 4} for name in ("unique", "unique_counts", "unique_inverse")},
    "with_update": lambda: {"y": _square(), "variable": gx.state("s", 0.0), "step": lambda old: old + 1},
    **{f"fft.{name}": lambda: {"n": 4} for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{f"fft.{name}": lambda: {"s": (4, 3), "axes": (0, 1)} for name in ("fft2", "ifft2", "rfft2", "irfft2")},
    **{f"fft.{name}": lambda: {"s": (4, 3), "axes": (0, 1)} for name in ("fftn", "ifftn", "rfftn", "irfftn")},
    "linalg.cond": lambda: {"p": None},
    "linalg.cross": lambda: {"left": _param(3), "right": _param(3)},
    "linalg.matrix_norm": lambda: {"ord": "fro"},
    "linalg.norm": lambda: {"ord": 2, "axis": -1},
    "linalg.qr": lambda: {"mode": "complete"},
    "linalg.svd": lambda: {"full_matrices": True},
    "linalg.tensorinv": lambda: {"ind": 1},
    "linalg.tensorsolve": lambda: {"b": _param(4), "axes": (0,)},
    "linalg.vector_norm": lambda: {"ord": 2},
    "linalg.tensordot": lambda: {"axes": 1},
    "nn.Linear": lambda: {"n": 3, "m": 2, "initial": gx.nn.glorot_uniform},
    "nn.mlp": lambda: {"widths": (3, 4, 2), "activation": gx.relu, "initial": gx.nn.he_uniform},
    "nn.softmax_cross_entropy": lambda: {"logits": _param(3, 4), "labels": _whole(0, 1, 2)},
    "optim.linear_warmup": lambda: {"steps": 5, "after": gx.optim.constant(0.1)},
    "random.bernoulli": lambda: {"p": 0.5, "shape": (2, 8)},
    "random.beta": lambda: {"a": 0.5, "b": 2.0, "shape": (2, 8)},
    "random.bits": lambda: {"dtype": "uint32"},
    "random.choice": lambda: {"axis": 0},
    "random.fold_in": lambda: {"data": 3},
    "random.gamma": lambda: {"alpha": 2.0, "shape": (2, 8)},
    "random.shuffle": lambda: {"axis": 0},
    "random.Stream": lambda: {"name": "keys", "seed": 0},
    "random.truncated_normal": lambda: {"lower": -1.0, "upper": 2.0, "shape": (2, 8)},
    "testing.check_gradients": _checked,
}


# What is not called by its name alone: methods, operators, and functions that functions return.


@cache
def _compiled() -> gx.CompiledFunction:
    x = gx.input("x", ("batch", 3))
    return gx.compile([x], gx.exp(x))


def _layer_call(x: object, train: object) -> object:
    return gx.nn.Linear(4, 2, rng=np.random.default_rng(0))(x, train=train)  # type: ignore[arg-type]


def _dropout_call(x: object, train: object) -> object:
    return gx.nn.Dropout(0.5)(x, train=train)  # type: ignore[arg-type]


def _optimiser_call(gradients: object) -> object:
    return gx.optim.Adam({"w": gx.param("w", np.zeros(3, np.float32))}, 0.1)(gradients)


def _optimiser_rate(rate: object) -> object:
    opt = gx.optim.SGD({"w": gx.param("w", np.zeros(3, np.float32))}, rate)  # type: ignore[arg-type]
    return opt({"w": np.ones(3, np.float32)})


def _schedule(make: Callable[..., Any]) -> Callable[..., object]:
    def scheduled(**options: object) -> object:
        return make(**options)(gx.constant(3))

    return scheduled


def _custom(x: object) -> object:
    return gx.custom_vjp(gx.exp, lambda y, c, x: (c,))(x)


def _checkpointed(x: object) -> object:
    return gx.checkpoint(gx.exp)(x)


def _mapped(x: object, in_axes: Any, out_axes: Any) -> object:
    return gx.vmap(gx.exp, in_axes, out_axes)(x)


def _custom_gradient(rule: Any, function: Any) -> object:
    w = gx.param("w", np.float32(1.0))
    return gx.grad(gx.custom_vjp(function, rule)(w), w)


def _formula_call(x: object, y: object) -> object:
    return gx.op("added", lambda x, y: x + y)(x, y)


def _compiled_call(x: object, out: object) -> object:
    return _compiled()(x, out=out)


def _compiled_named(x: object) -> object:
    return _compiled()(x=x)


def _memory(batch: Any) -> object:
    return _compiled().memory(batch=batch)


def _cost(batch: Any) -> object:
    return _compiled().cost(batch=batch)


def _set_value(value: Any) -> object:
    w = gx.param("w", np.zeros((4, 4), np.float32))
    w.value = value
    return w


def _scoped(name: Any) -> object:
    with gx.scope(name):
        return gx.constant(1)


def _getitem(index: Any) -> object:
    return gx.input("x", (4, 4))[index]


def _open_item(index: Any) -> object:
    return gx.input("x", ("n", 4))[index]


def _sliced(start: Any, stop: Any, step: Any) -> object:
    return gx.input("x", (4, 4))[start:stop:step]


def _changed(name: str) -> Callable[..., object]:
    def changed(index: Any, values: Any) -> object:
        return getattr(gx.at(_square())[index], name)(values)

    return changed


def _binary(name: str) -> Callable[..., object]:
    def applied(other: object) -> object:
        x = _square() if name not in _OF_BITS else gx.state("truths", np.ones((4, 4), "int64"))
        result = getattr(x, name)(other)
        if result is NotImplemented:
            raise TypeError(name)
        return result

    return applied


_OF_BITS = ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__")
_OPERATORS = (
    "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod", "pow",
    "rpow", "matmul", "rmatmul", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "lshift", "rshift",
)  # fmt: skip


def _others() -> Iterator[Call]:
    """Methods, operators and functions that functions return."""
    for name in _OPERATORS:
        whole = f"__{name}__" in _OF_BITS
        yield Call(f"Node.__{name}__", _binary(f"__{name}__"), {"other": 1 if whole else _square()})
    x = _square()
    yield Call("Node.astype", x.astype, {"dtype": "float64"})
    yield Call("Node.reshape", x.reshape, {"*shape": (2, 8)})
    yield Call("Node.sum", x.sum, {"axis": 0, "keepdims": False})
    yield Call("Node.mean", x.mean, {"axis": 0, "keepdims": False})
    yield Call("Node.value", _set_value, {"value": np.zeros((4, 4), np.float32)})
    yield Call("Node[]", _getitem, {"index": 0})
    yield Call("Node[] of an open extent", _open_item, {"index": 0})
    yield Call("Node[:]", _sliced, {"start": 0, "stop": 2, "step": 1})
    for name in ("set", "add", "multiply", "max", "min"):
        yield Call(f"at[].{name}", _changed(name), {"index": 0, "values": 1.0})
    yield Call("CompiledFunction()", _compiled_call, {"x": np.ones((2, 3), np.float32), "out": None})
    yield Call("CompiledFunction() by name", _compiled_named, {"x": np.ones((2, 3), np.float32)})
    yield Call("CompiledFunction.memory", _memory, {"batch": 4})
    yield Call("CompiledFunction.cost", _cost, {"batch": 4})
    yield Call("nn.Linear()", _layer_call, {"x": x, "train": None})
    yield Call("nn.Dropout()", _dropout_call, {"x": x, "train": gx.random.Stream("keys", 0)})
    yield Call("optim.Adam()", _optimiser_call, {"gradients": {"w": np.ones(3, np.float32)}})
    yield Call("optim.SGD with a rate", _optimiser_rate, {"rate": 0.1})
    yield Call("optim.constant()", _schedule(gx.optim.constant), {"rate": 0.1})
    yield Call("optim.cosine_decay()", _schedule(gx.optim.cosine_decay), {"rate": 0.1, "steps": 5, "floor": 0.0})
    for made in (gx.optim.exponential_decay, gx.optim.step_decay):
        yield Call(f"optim.{made.__name__}()", _schedule(made), {"rate": 0.1, "steps": 5, "factor": 0.5})
    after = gx.optim.constant(0.1)
    yield Call("optim.linear_warmup()", _schedule(gx.optim.linear_warmup), {"steps": 5, "after": after})
    yield Call("custom_vjp()", _custom, {"x": x})
    yield Call("checkpoint()", _checkpointed, {"x": x})
    yield Call("vmap()", _mapped, {"x": x, "in_axes": 0, "out_axes": 0})
    yield Call("custom_vjp() derived", _custom_gradient, {"rule": lambda y, c, x: (c,), "function": gx.exp})
    yield Call("op()", _formula_call, {"x": x, "y": 1.0})
    yield Call("scope", _scoped, {"name": "layer"})


#: classes that users name but do not make, errors, and types of arguments
NOT_CALLED = frozenset(
    {"CompiledFunction", "Graph", "Node", "scope", "nn.Layer", "nn.Initialiser", "optim.Optimiser", "optim.Schedule"}
)


def public_names() -> list[str]:
    """The names of all public functions, and of all classes that users make values of."""
    found = []
    for prefix, module in (("", gx), *((f"{name}.", getattr(gx, name)) for name in _MODULES)):
        for name in module.__all__:
            value = getattr(module, name)
            is_error = isinstance(value, type) and issubclass(value, BaseException)
            if callable(value) and not is_error and prefix + name not in NOT_CALLED:
                found.append(prefix + name)
    return sorted(found)


_MODULES = [name for name in gx.__all__ if inspect.ismodule(getattr(gx, name))]


def _arguments(name: str, function: Callable[..., Any]) -> Arguments:
    """Right arguments for all parameters that `GIVEN` or `DEFAULT` has a value for."""
    given = dict(GIVEN[name]()) if name in GIVEN else {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in given or f"*{parameter.name}" in given:
            continue
        default = parameter.default
        given[parameter.name] = DEFAULT[parameter.name]() if default is inspect.Parameter.empty else default
    return given


def calls() -> Iterator[Call]:
    """One call of each public function."""
    for name in public_names():
        function: Any = gx
        for part in name.split("."):
            function = getattr(function, part)
        yield Call(name, function, _arguments(name, function))
    yield from _others()
