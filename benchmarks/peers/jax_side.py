"""The workloads in JAX, each compiled as a whole.  Imported only where it is installed."""

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.measure.race import Side
from benchmarks.peers import recurrent
from benchmarks.workloads.elementwise import RATE
from benchmarks.workloads.products import ADAM, LENET, LOGISTIC
from benchmarks.workloads.rows import EPSILON
from benchmarks.workloads.workload import Workload

__all__ = ["JITTED"]

jax: Any = import_module("jax")  # Any: it need not be installed where types are checked
jnp: Any = jax.numpy
jax.config.update("jax_enable_x64", True)  # one workload is of float64

Value: TypeAlias = Any
Formula: TypeAlias = Callable[..., Any]


def _call(a: Value, b: Value, c: Value, d: Value, e: Value) -> Any:
    return a + b + c + d + e


def _gelu(x: Value) -> Any:
    return jax.nn.gelu(x, approximate=True)


def _black_scholes(spot: Value, strike: Value, years: Value, volatility: Value) -> Any:
    spread = volatility * jnp.sqrt(years)
    first = (jnp.log(spot / strike) + (RATE + 0.5 * volatility * volatility) * years) / spread
    present = strike * jnp.exp(-RATE * years)
    up, down = (0.5 + 0.5 * jax.scipy.special.erf(d * math.sqrt(0.5)) for d in (first, first - spread))
    value = spot * up - present * down
    return value, value - spot + present


def _chain(a: Value, b: Value, c: Value, d: Value) -> Any:
    return jnp.tanh(a * b + c) * jax.nn.sigmoid(d) + jnp.sqrt(jnp.abs(a - c)) / (1 + d * d)


def _softmax(x: Value) -> Any:
    return jax.nn.softmax(x, -1)


def _logsumexp0(x: Value) -> Any:
    return jax.nn.logsumexp(x, 0)


def _normalised(x: Value, gain: Value, bias: Value, axes: int | tuple[int, ...]) -> Any:
    d = x - jnp.mean(x, axes, keepdims=True)
    return d * jax.lax.rsqrt(jnp.mean(d * d, axes, keepdims=True) + EPSILON) * gain + bias


def _layer_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain, bias, -1)


def _batch_norm(x: Value, gain: Value, bias: Value) -> Any:
    return _normalised(x, gain.reshape(-1, 1, 1), bias.reshape(-1, 1, 1), (0, 2, 3))


def _gemm_bias_relu(x: Value, w: Value, b: Value) -> Any:
    return jax.nn.relu(x @ w + b)


def _attention(q: Value, k: Value, v: Value) -> Any:
    return jax.nn.softmax(q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])) @ v


def _cross_entropy(z: Value, labels: Value) -> Any:
    return jnp.mean(jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, labels[:, None], 1)[:, 0])


def _perceptron(params: Sequence[Value], x: Value, labels: Value) -> Any:
    h = x
    for number, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        h = (jax.nn.relu(h) if number else h) @ w + b
    return _cross_entropy(h, labels)


def _logistic(params: Sequence[Value], x: Value, y: Value) -> Any:
    w, b = params
    z = x @ w + b
    return jnp.mean(jax.nn.softplus(z) - y * z)


def _lenet(params: Sequence[Value], x: Value, labels: Value) -> Any:
    """Channels last, which is what its convolutions are faster at."""
    k1, c1, k2, c2, *dense = params

    def layer(h: Value, k: Value, c: Value, padding: str) -> Any:
        y = jax.lax.conv_general_dilated(h, k, (1, 1), padding, dimension_numbers=("NHWC", "OIHW", "NHWC")) + c
        y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return jax.nn.relu(y)

    h = layer(x.transpose(0, 2, 3, 1), k1, c1, "SAME")
    h = layer(h, k2, c2, "VALID").transpose(0, 3, 1, 2)
    return _perceptron(dense, h.reshape(len(x), 400), labels)


def _with_gradients(formula: Formula) -> Formula:
    """The value, and the cotangents of all operands; the last array is the cotangent of the value."""

    def both(*arrays: Value) -> Any:
        *operands, back = arrays
        y, pull = jax.vjp(formula, *operands)
        return y, *pull(back)

    return both


def _hessian_vector(x: Value, labels: Value, *rest: Value) -> Any:
    count = len(rest) // 2
    slopes = jax.grad(_perceptron)
    return jax.jvp(lambda p: slopes(p, x, labels), (list(rest[:count]),), (list(rest[count:]),))[1]


def _of(formula: Formula) -> Callable[[Workload], Side]:
    def build(work: Workload) -> Side:
        f, arrays = jax.jit(formula), _arrays(work.arrays)
        return lambda: jax.block_until_ready(f(*arrays))

    return build


def _step(loss: Formula, update: Formula, slots: int) -> Callable[[Workload], Side]:
    """Training; `update` gives the next value of a weight and of its `slots`, and all memory is donated."""

    def whole(state: tuple[Any, Any, Any], *arrays: Value) -> Any:
        params, kept, time = state
        value, slopes = jax.value_and_grad(loss)(params, *arrays)
        moved = [update(p, g, slot, time + 1) for p, g, slot in zip(params, slopes, kept, strict=True)]
        return ([p for p, _ in moved], [slot for _, slot in moved], time + 1), value

    def build(work: Workload) -> Side:
        f, arrays, params = jax.jit(whole, donate_argnums=0), _arrays(work.arrays), _arrays(work.start)
        state = params, [[jnp.zeros_like(p) for _ in range(slots)] for p in params], jnp.zeros((), "float32")

        def run() -> Any:
            nonlocal state
            state, value = f(state, *arrays)
            jax.block_until_ready(state)
            return value

        return run

    return build


def _adam(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    m, v = slots
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return p - ADAM / (1 - 0.9**time) * m / (jnp.sqrt(v / (1 - 0.999**time)) + 1e-8), [m, v]


def _momentum(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    v = 0.9 * slots[0] + g
    return p - LENET * v, [v]


def _descent(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    return p - LOGISTIC * g, []


def _lstm(work: Workload) -> Side:
    xs, *weights = _arrays(work.arrays)
    run = recurrent.in_jax(weights)
    return lambda: run(xs)


def _arrays(given: Sequence[Any]) -> list[Value]:
    return [jnp.array(a, "int32" if a.dtype.kind == "i" else a.dtype) for a in given]


JITTED: Mapping[str, Callable[[Workload], Side]] = {
    "call": _of(_call),
    "gelu": _of(_gelu),
    "black_scholes": _of(_black_scholes),
    "chain": _of(_chain),
    "softmax": _of(_softmax),
    "logsumexp0": _of(_logsumexp0),
    "layer_norm": _of(_layer_norm),
    "layer_norm_gradient": _of(_with_gradients(_layer_norm)),
    "batch_norm_training": _of(_with_gradients(_batch_norm)),
    "cross_entropy": _of(jax.value_and_grad(_cross_entropy)),
    "gemm_bias_relu": _of(_gemm_bias_relu),
    "attention": _of(_attention),
    "mlp_step": _step(_perceptron, _adam, 2),
    "logistic_step": _step(_logistic, _descent, 0),
    "lenet_step": _step(_lenet, _momentum, 1),
    "hessian_vector": _of(_hessian_vector),
    "lstm": _lstm,
}
