"""The workloads in PyTorch, as written or compiled.  Imported only where it is installed."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.measure.race import Side
from benchmarks.peers import recurrent
from benchmarks.peers import torch_formulas as formulas
from benchmarks.workloads.plain import ALIKE
from benchmarks.workloads.products import ADAM, LENET, LOGISTIC
from benchmarks.workloads.workload import Workload

__all__ = ["COMPILED", "EAGER"]

torch: Any = import_module("torch")  # Any: it need not be installed where types are checked

Tensor: TypeAlias = Any
Formula: TypeAlias = Callable[..., Any]
Wrap: TypeAlias = Callable[[Formula], Formula]  # leaves a function as it is, or compiles it


def _of(formula: Formula) -> Callable[[Workload, Wrap], Side]:
    """Values alone."""

    def build(work: Workload, wrap: Wrap) -> Side:
        f, tensors = wrap(formula), _tensors([*work.arrays, *work.fixed])

        def run() -> Any:
            with torch.no_grad():
                return f(*tensors)

        return run

    return build


def _with_gradients(formula: Formula) -> Callable[[Workload, Wrap], Side]:
    """The value, and the cotangents of all operands; the last array of the workload is the cotangent of the value."""

    def build(work: Workload, wrap: Wrap) -> Side:
        f = wrap(formula)
        *operands, back = _tensors(work.arrays)
        leaves = [operand.requires_grad_() for operand in operands]

        def run() -> Any:
            y = f(*leaves)
            return y, *torch.autograd.grad(y, leaves, back)

        return run

    return build


def _cross_entropy(work: Workload, wrap: Wrap) -> Side:
    z, labels = _tensors(work.arrays)
    z.requires_grad_()
    f = wrap(torch.nn.functional.cross_entropy)

    def run() -> Any:
        loss = f(z, labels)
        return loss, *torch.autograd.grad(loss, [z])

    return run


def _hessian_vector(work: Workload, wrap: Wrap) -> Side:
    x, labels, *rest = _tensors(work.arrays)
    count = len(rest) // 2
    params, vectors = tuple(rest[:count]), tuple(rest[count:])

    def product(params: Sequence[Tensor], vectors: Sequence[Tensor], x: Tensor, labels: Tensor) -> Any:
        slopes = torch.func.grad(formulas.perceptron)
        return torch.func.jvp(lambda *p: slopes(p, x, labels), tuple(params), tuple(vectors))[1]

    def twice(params: Sequence[Tensor], vectors: Sequence[Tensor], x: Tensor, labels: Tensor) -> Any:
        leaves = [p.requires_grad_() for p in params]
        slopes = torch.autograd.grad(formulas.perceptron(leaves, x, labels), leaves, create_graph=True)
        return torch.autograd.grad(slopes, leaves, vectors)

    f = twice if wrap is _as_it_is else wrap(product)
    return lambda: f(params, vectors, x, labels)


def _step(
    loss: Formula, optimiser: Callable[[Sequence[Tensor]], Any], update: Formula, slots: int
) -> Callable[[Workload, Wrap], Side]:
    """Training: by an optimiser of PyTorch, or compiled as a whole, where `update` sets weights and `slots` of each."""

    def build(work: Workload, wrap: Wrap) -> Side:
        arrays, params = _tensors(work.arrays), [torch.tensor(a) for a in work.start]
        if wrap is _as_it_is:
            leaves = [p.requires_grad_() for p in params]
            steps = optimiser(leaves)

            def run() -> Any:
                steps.zero_grad()
                value = loss(leaves, *arrays)
                value.backward()
                steps.step()
                return value

            return run
        kept = [[torch.zeros_like(p) for _ in range(slots)] for p in params]
        time = torch.zeros(1)  # of one element: 0-d ones are sometimes not updated when compiled

        def whole(params: Sequence[Tensor], kept: Sequence[Any], time: Tensor, *arrays: Tensor) -> Any:
            slopes, value = torch.func.grad_and_value(loss)(params, *arrays)
            time.add_(1)
            for p, g, slot in zip(params, slopes, kept, strict=True):
                update(p, g, slot, time)
            return value

        f = wrap(whole)
        return lambda: f(params, kept, time, *arrays)

    return build


def _adam_alone(work: Workload, wrap: Wrap) -> Side:
    """The next values of parameters, for a gradient that is given: by the optimiser of PyTorch, or compiled."""
    p, g = _tensors([work.start[0].copy(), work.arrays[0]])
    if wrap is _as_it_is:
        p.grad = g
        steps = torch.optim.Adam([p], ADAM, fused=True)
        return lambda: (steps.step(), ())[1]
    slots, time = [torch.zeros_like(p) for _ in range(2)], torch.zeros(1)

    def whole(p: Tensor, g: Tensor, slots: Sequence[Tensor], time: Tensor) -> None:
        time.add_(1)
        _adam(p, g, slots, time)

    f = wrap(whole)
    return lambda: (f(p, g, slots, time), ())[1]


def _adam(p: Tensor, g: Tensor, slots: Sequence[Tensor], time: Tensor) -> None:
    m, v = slots
    m.mul_(0.9).add_(g, alpha=0.1)
    v.mul_(0.999).addcmul_(g, g, value=0.001)
    p.sub_(ADAM / (1 - 0.9**time) * m / (torch.sqrt(v / (1 - 0.999**time)) + 1e-8))


def _momentum(p: Tensor, g: Tensor, slots: Sequence[Tensor], time: Tensor) -> None:
    (v,) = slots
    v.mul_(0.9).add_(g)
    p.sub_(LENET * v)


def _descent(p: Tensor, g: Tensor, slots: Sequence[Tensor], time: Tensor) -> None:
    p.sub_(LOGISTIC * g)


def _loss_and_gradients(formula: Callable[[Any], Formula]) -> Callable[[Workload, Wrap], Side]:
    """A loss of the first array, a target and weights, and its gradients by all but the target."""

    def build(work: Workload, wrap: Wrap) -> Side:
        f = wrap(formula(work.structure))
        tensors = _tensors(work.arrays)
        leaves = [tensor.requires_grad_() for number, tensor in enumerate(tensors) if number != 1]

        def run() -> Any:
            loss = f(*tensors)
            return loss, *torch.autograd.grad(loss, leaves)

        return run

    return build


def _transformer_training(work: Workload, wrap: Wrap) -> Side:
    block = formulas.transformer(work.structure)
    return _step(lambda params, x, target: block(x, target, *params), _fused_adam, _adam, 2)(work, wrap)


def _fused_adam(params: Sequence[Tensor]) -> Any:
    return torch.optim.Adam(params, ADAM, fused=True)


def _vgg(work: Workload, wrap: Wrap) -> Side:
    return _of(formulas.vgg(work.structure))(work, wrap)


def _lstm(work: Workload, wrap: Wrap) -> Side:
    xs, *weights = work.arrays
    run = recurrent.in_torch(weights, reads_states=False)
    return lambda: run(xs)


def _tensors(arrays: Sequence[Any]) -> list[Tensor]:
    return [_tensor(array) for array in arrays]  # on the device that is the default


def _tensor(array: Any) -> Tensor:
    if array.dtype.name == "bfloat16":  # which is no dtype of NumPy's
        return torch.as_tensor(array.view("int16")).view(torch.bfloat16)
    return torch.as_tensor(array)


def _as_it_is(f: Formula) -> Formula:
    return f


def _compiled(f: Formula) -> Formula:
    compiled: Formula = torch.compile(f, dynamic=False, fullgraph=True)
    return compiled


_BUILDS: Mapping[str, Callable[[Workload, Wrap], Side]] = {
    **{kind: _of(getattr(formulas, kind)) for kind in ALIKE},
    "layer_norm_gradient": _with_gradients(formulas.layer_norm),
    "batch_norm_training": _with_gradients(formulas.batch_norm),
    "cross_entropy": _cross_entropy,
    "softmax_gradient": _with_gradients(formulas.softmax),
    "gemm": _of(torch.matmul),
    "adam": _adam_alone,
    "mlp_step": _step(formulas.perceptron, _fused_adam, _adam, 2),
    "logistic_step": _step(formulas.logistic, lambda params: torch.optim.SGD(params, LOGISTIC), _descent, 0),
    "lenet_step": _step(formulas.lenet, lambda params: torch.optim.SGD(params, LENET, momentum=0.9), _momentum, 1),
    "hessian_vector": _hessian_vector,
    "lstm": _lstm,
    "convolution": _of(formulas.convolution),
    "vgg": _vgg,
    "resblock": _loss_and_gradients(lambda _: formulas.resblock),
    "transformer": _loss_and_gradients(formulas.transformer),
    "transformer_training": _transformer_training,
}


def _sides(wrap: Wrap, kinds: Sequence[str]) -> Mapping[str, Callable[[Workload], Side]]:
    def bound(build: Callable[[Workload, Wrap], Side]) -> Callable[[Workload], Side]:
        return lambda work: build(work, wrap)

    return {kind: bound(_BUILDS[kind]) for kind in kinds}


EAGER = _sides(_as_it_is, list(_BUILDS))
COMPILED = _sides(_compiled, [kind for kind in _BUILDS if kind != "lstm"])  # its LSTM is one operation already
