"""The workloads in JAX, each compiled as a whole.  Imported only where it is installed."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.measure.race import Side
from benchmarks.peers import jax_formulas as formulas
from benchmarks.peers import recurrent
from benchmarks.workloads.plain import ALIKE
from benchmarks.workloads.products import ADAM, LENET, LOGISTIC
from benchmarks.workloads.workload import Workload

__all__ = ["JITTED", "QUEUED"]

jax: Any = import_module("jax")  # Any: it need not be installed where types are checked
jnp: Any = jax.numpy
jax.config.update("jax_enable_x64", True)  # one workload is of float64

Value: TypeAlias = Any
Formula: TypeAlias = Callable[..., Any]


def _with_gradients(formula: Formula) -> Formula:
    """The value, and the cotangents of all operands; the last array is the cotangent of the value."""

    def both(*arrays: Value) -> Any:
        *operands, back = arrays
        y, pull = jax.vjp(formula, *operands)
        return y, *pull(back)

    return both


def _hessian_vector(x: Value, labels: Value, *rest: Value) -> Any:
    count = len(rest) // 2
    slopes = jax.grad(formulas.perceptron)
    return jax.jvp(lambda p: slopes(p, x, labels), (list(rest[:count]),), (list(rest[count:]),))[1]


def _of(formula: Formula) -> Callable[[Workload], Side]:
    def build(work: Workload) -> Side:
        f, arrays = jax.jit(formula), _arrays([*work.arrays, *work.fixed])
        return lambda: f(*arrays)

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
            return value

        return run

    return build


def _adam_alone(work: Workload) -> Side:
    """The next values of parameters, for a gradient that is given."""

    def whole(state: tuple[Any, Any, Any], g: Value) -> Any:
        p, slots, time = state
        p, slots = _adam(p, g, slots, time + 1)
        return p, slots, time + 1

    f, (p, g) = jax.jit(whole, donate_argnums=0), _arrays([work.start[0], work.arrays[0]])
    state = p, [jnp.zeros_like(p) for _ in range(2)], jnp.zeros((), "float32")

    def run() -> Any:
        nonlocal state
        state = f(state, g)
        return ()

    return run


def _transformer_training(work: Workload) -> Side:
    block = formulas.transformer(work.structure)
    return _step(lambda params, x, target: block(x, target, *params), _adam, 2)(work)


def _adam(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    m, v = slots
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return p - ADAM / (1 - 0.9**time) * m / (jnp.sqrt(v / (1 - 0.999**time)) + 1e-8), [m, v]


def _momentum(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    v = 0.9 * slots[0] + g
    return p - LENET * v, [v]


def _descent(p: Value, g: Value, slots: Sequence[Value], time: Value) -> Any:
    return p - LOGISTIC * g, []


def _loss_and_gradients(formula: Callable[[Any], Formula]) -> Callable[[Workload], Side]:
    """A loss of the first array, a target and weights, and its gradients by all but the target."""

    def build(work: Workload) -> Side:
        numbers = [number for number in range(len(work.arrays)) if number != 1]
        slopes = jax.value_and_grad(formula(work.structure), numbers)

        def both(*arrays: Value) -> Any:
            value, found = slopes(*arrays)
            return value, *found

        return _of(both)(work)

    return build


def _lstm(work: Workload) -> Side:
    xs, *weights = _arrays(work.arrays)
    run = recurrent.in_jax(weights, reads_states=False)
    return lambda: run(xs)


def _arrays(given: Sequence[Any]) -> list[Value]:
    return [jnp.array(a, "int32" if a.dtype.kind == "i" else a.dtype) for a in given]


def _waited(build: Callable[[Workload], Side]) -> Callable[[Workload], Side]:
    """The same, where each call waits for its results."""

    def built(work: Workload) -> Side:
        side = build(work)
        return lambda: jax.block_until_ready(side())

    return built


#: calls may return before they are done: who takes their time waits for the last one
QUEUED: Mapping[str, Callable[[Workload], Side]] = {
    **{kind: _of(getattr(formulas, kind)) for kind in ALIKE},
    "layer_norm_gradient": _of(_with_gradients(formulas.layer_norm)),
    "batch_norm_training": _of(_with_gradients(formulas.batch_norm)),
    "softmax_gradient": _of(_with_gradients(formulas.softmax)),
    "gemm": _of(jnp.matmul),
    "adam": _adam_alone,
    "cross_entropy": _of(jax.value_and_grad(formulas.cross_entropy)),
    "mlp_step": _step(formulas.perceptron, _adam, 2),
    "logistic_step": _step(formulas.logistic, _descent, 0),
    "lenet_step": _step(formulas.lenet, _momentum, 1),
    "hessian_vector": _of(_hessian_vector),
    "lstm": _lstm,
    "convolution": _of(formulas.convolution),
    "vgg": lambda work: _of(formulas.vgg(work.structure))(work),
    "resblock": _loss_and_gradients(lambda _: formulas.resblock),
    "transformer": _loss_and_gradients(formulas.transformer),
    "transformer_training": _transformer_training,
}

JITTED: Mapping[str, Callable[[Workload], Side]] = {kind: _waited(build) for kind, build in QUEUED.items()}
