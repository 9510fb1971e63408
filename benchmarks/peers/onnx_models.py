"""The inference workloads as ONNX models.  Imported only where `onnx` is installed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.workloads.plain import RATE
from benchmarks.workloads.rows import EPSILON
from benchmarks.workloads.workload import Array, Workload

__all__ = ["MODELS", "model"]

onnx: Any = import_module("onnx")  # Any: it need not be installed where types are checked
helper: Any = import_module("onnx.helper")
numpy_helper: Any = import_module("onnx.numpy_helper")

OPSET, IR = 20, 10  # versions: the first with Gelu, and one of its time


@dataclass
class Network:
    """The nodes and the constants of a model while it is put together; values are names."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def do(self, op: str, *operands: str | float, **options: Any) -> str:
        """The result of one operation; numbers are constants of float32."""
        names = [one if isinstance(one, str) else self.constant(np.float32(one)) for one in operands]
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [name], **options))
        return name

    def constant(self, value: Any) -> str:
        """An array that belongs to the model."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def model(work: Workload, results: Sequence[Array]) -> bytes:
    """The workload: x0, x1 ... are its inputs and y0, y1 ... its results, of these shapes."""
    net = Network()
    names = [f"x{k}" for k in range(len(work.arrays))]
    values = MODELS[work.kind](net, work, names)
    for k, value in enumerate(values):
        net.nodes.append(helper.make_node("Identity", [value], [f"y{k}"]))
    inputs = [_declared(name, array) for name, array in zip(names, work.arrays, strict=True)]
    outputs = [_declared(f"y{k}", array) for k, array in enumerate(results)]
    graph = helper.make_graph(net.nodes, "workload", inputs, outputs, net.constants)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    text: bytes = whole.SerializeToString()
    return text


def _declared(name: str, array: Array) -> Any:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _call(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    total = xs[0]
    for x in xs[1:]:
        total = net.do("Add", total, x)
    return [total]


def _gelu(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("Gelu", xs[0], approximate="tanh")]


def _black_scholes(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    spot, strike, years, volatility = xs
    do = net.do
    spread = do("Mul", volatility, do("Sqrt", years))
    drift = do("Add", do("Mul", do("Mul", volatility, volatility), 0.5), RATE)
    first = do("Div", do("Add", do("Log", do("Div", spot, strike)), do("Mul", drift, years)), spread)
    present = do("Mul", strike, do("Exp", do("Mul", years, -RATE)))

    def distribution(d: str) -> str:
        return do("Add", do("Mul", do("Erf", do("Mul", d, math.sqrt(0.5))), 0.5), 0.5)

    up, down = distribution(first), distribution(do("Sub", first, spread))
    value = do("Sub", do("Mul", spot, up), do("Mul", present, down))
    return [value, do("Add", do("Sub", value, spot), present)]


def _chain(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    a, b, c, d = xs
    do = net.do
    left = do("Mul", do("Tanh", do("Add", do("Mul", a, b), c)), do("Sigmoid", d))
    right = do("Div", do("Sqrt", do("Abs", do("Sub", a, c))), do("Add", do("Mul", d, d), 1.0))
    return [do("Add", left, right)]


def _softmax(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("Softmax", xs[0], axis=-1)]


def _logsumexp0(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("ReduceLogSumExp", xs[0], net.constant(np.array([0])), keepdims=0)]


def _columns(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("ReduceSum", xs[0], net.constant(np.array([0])), keepdims=0)]


def _layer_norm(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("LayerNormalization", *xs, axis=-1, epsilon=EPSILON)]


def _gemm_bias_relu(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("Relu", net.do("Gemm", *xs))]


def _attention(net: Network, work: Workload, xs: Sequence[str]) -> Sequence[str]:
    q, k, v = xs
    scale = work.arrays[0].shape[-1] ** -0.5
    scores = net.do("MatMul", net.do("Mul", q, scale), net.do("Transpose", k, perm=[0, 1, 3, 2]))
    return [net.do("MatMul", net.do("Softmax", scores, axis=-1), v)]


def _convolution(net: Network, _: Workload, xs: Sequence[str]) -> Sequence[str]:
    return [net.do("Conv", *xs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])]


def _vgg(net: Network, work: Workload, xs: Sequence[str]) -> Sequence[str]:
    (h,), left = xs, iter(zip(work.fixed[::2], work.fixed[1::2], strict=True))
    for stage in work.structure:
        for _ in stage:
            w, b = (net.constant(value) for value in next(left))
            h = net.do("Relu", net.do("Conv", h, w, b, kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        h = net.do("MaxPool", h, kernel_shape=[2, 2], strides=[2, 2])
    h = net.do("Flatten", h)
    for number, weights in enumerate(left):
        w, b = (net.constant(value) for value in weights)
        h = net.do("Gemm", net.do("Relu", h) if number else h, w, b)
    return [h]


MODELS: Mapping[str, Callable[[Network, Workload, Sequence[str]], Sequence[str]]] = {
    "call": _call,
    "gelu": _gelu,
    "black_scholes": _black_scholes,
    "chain": _chain,
    "softmax": _softmax,
    "logsumexp0": _logsumexp0,
    "columns": _columns,
    "layer_norm": _layer_norm,
    "gemm_bias_relu": _gemm_bias_relu,
    "attention": _attention,
    "convolution": _convolution,
    "vgg": _vgg,
}
