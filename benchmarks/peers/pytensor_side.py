"""The workloads in PyTensor, compiled by Numba.  Imported only where it is installed.

It has convolutions of single images alone, so what convolves is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from benchmarks.measure.race import Side
from benchmarks.peers import pytensor_formulas as formulas
from benchmarks.workloads.plain import ALIKE
from benchmarks.workloads.products import ADAM, LOGISTIC
from benchmarks.workloads.workload import Workload

__all__ = ["COMPILED"]

pytensor: Any = import_module("pytensor")  # Any: it need not be installed where types are checked
pt: Any = import_module("pytensor.tensor")
pytensor.config.floatX = "float32"  # numbers in formulas take the dtype of what stands beside them

Value: TypeAlias = Any
Formula: TypeAlias = Callable[..., Any]


def _of(formula: Formula) -> Callable[[Workload], Side]:
    """The values of a formula of all arrays."""

    def build(work: Workload) -> Side:
        inputs = _inputs(work)
        return _called(work, inputs, formula(*inputs), {})

    return build


def _with_gradients(formula: Formula) -> Formula:
    """The value, and the cotangents of all operands; the last array is the cotangent of the value."""

    def both(*inputs: Value) -> Any:
        *operands, back = inputs
        y = formula(*operands)
        return [y, *pytensor.gradient.pullback(y, operands, back)]

    return both


def _with_slopes(loss: Formula, without: Sequence[int]) -> Formula:
    """The loss, and its gradients by all operands but those of these numbers."""

    def both(*inputs: Value) -> Any:
        value = loss(*inputs)
        return [value, *pt.grad(value, [x for number, x in enumerate(inputs) if number not in without])]

    return both


def _hessian_vector(x: Value, labels: Value, *rest: Value) -> Any:
    count = len(rest) // 2
    params, vectors = list(rest[:count]), rest[count:]
    slopes = pt.grad(formulas.perceptron(params, x, labels), params)
    return pt.grad(sum(pt.sum(g * v) for g, v in zip(slopes, vectors, strict=True)), params)


def _step(loss: Formula, update: Formula) -> Callable[[Workload], Side]:
    """Training; `update` gives what is set, by variables of a weight and its gradient."""

    def build(work: Workload) -> Side:
        inputs, params = _inputs(work), [pytensor.shared(start.copy(), shape=start.shape) for start in work.start]
        time = pytensor.shared(np.float32(0))
        value = loss(params, *inputs)
        updates = {time: time + 1}
        for p, g in zip(params, pt.grad(value, params), strict=True):
            updates |= update(p, g, time + 1)
        return _called(work, inputs, value, updates)

    return build


def _adam(p: Value, g: Value, time: Value) -> Mapping[Value, Value]:
    m, v = (pytensor.shared(np.zeros_like(p.get_value())) for _ in range(2))
    m1, v1 = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return {m: m1, v: v1, p: p - ADAM / (1 - 0.9**time) * m1 / (pt.sqrt(v1 / (1 - 0.999**time)) + 1e-8)}


def _descent(p: Value, g: Value, time: Value) -> Mapping[Value, Value]:
    return {p: p - pt.constant(LOGISTIC, dtype=p.dtype) * g}


def _inputs(work: Workload) -> Sequence[Value]:
    return [pt.tensor(f"x{k}", dtype=str(a.dtype), shape=a.shape) for k, a in enumerate(work.arrays)]


def _called(work: Workload, inputs: Sequence[Value], outputs: Any, updates: Mapping[Value, Value]) -> Side:
    """Without checks of the arguments, and without copies of them or of results."""
    given = [pytensor.In(x, borrow=True) for x in inputs]
    many = isinstance(outputs, list | tuple)
    taken = [pytensor.Out(y, borrow=True) for y in (outputs if many else [outputs])]
    f = pytensor.function(given, taken if many else taken[0], updates=updates, mode="NUMBA", on_unused_input="ignore")
    f.trust_input = True
    arrays = list(work.arrays)
    return lambda: f(*arrays)


COMPILED: Mapping[str, Callable[[Workload], Side]] = {
    **{kind: _of(getattr(formulas, kind)) for kind in ALIKE},
    "layer_norm_gradient": _of(_with_gradients(formulas.layer_norm)),
    "batch_norm_training": _of(_with_gradients(formulas.batch_norm)),
    "cross_entropy": _of(_with_slopes(formulas.cross_entropy, without=[1])),
    "mlp_step": _step(formulas.perceptron, _adam),
    "logistic_step": _step(formulas.logistic, _descent),
    "hessian_vector": _of(_hessian_vector),
    "lstm": _of(_with_slopes(formulas.lstm, without=[0])),
    "transformer": lambda work: _of(_with_slopes(formulas.transformer(work.structure), without=[1]))(work),
}
