"""The formulas of the workloads in PyTorch.  Imported only where it is installed."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.workloads.plain import Plain
from benchmarks.workloads.rows import EPSILON

__all__ = [
    "attention",
    "batch_norm",
    "black_scholes",
    "call",
    "chain",
    "columns",
    "convolution",
    "crosswise",
    "gelu",
    "gemm_bias_relu",
    "layer_norm",
    "lenet",
    "logistic",
    "logsumexp0",
    "perceptron",
    "pool",
    "resblock",
    "softmax",
    "transformer",
    "vgg",
]

torch: Any = import_module("torch")  # Any: it need not be installed where types are checked
F: Any = torch.nn.functional

Tensor: TypeAlias = Any

_PLAIN = Plain(torch, torch.erf, torch.sigmoid)
call, black_scholes, chain, crosswise = _PLAIN.call, _PLAIN.black_scholes, _PLAIN.chain, _PLAIN.crosswise
columns = _PLAIN.columns


def pool(x: Tensor) -> Any:
    return F.max_pool2d(x, 2)


def gelu(x: Tensor) -> Any:
    return F.gelu(x, approximate="tanh")


def softmax(x: Tensor) -> Any:
    return torch.softmax(x, -1)


def logsumexp0(x: Tensor) -> Any:
    return torch.logsumexp(x, 0)


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Any:
    return F.layer_norm(x, gain.shape, gain, bias, EPSILON)


def batch_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Any:
    return F.batch_norm(x, None, None, gain, bias, training=True, eps=EPSILON)


def gemm_bias_relu(x: Tensor, w: Tensor, b: Tensor) -> Any:
    return torch.relu(torch.addmm(b, x, w))


def attention(q: Tensor, k: Tensor, v: Tensor) -> Any:
    return F.scaled_dot_product_attention(q, k, v)


def perceptron(params: Sequence[Tensor], x: Tensor, labels: Tensor) -> Any:
    h = x
    for number, (w, b) in enumerate(zip(params[::2], params[1::2], strict=True)):
        h = torch.addmm(b, torch.relu(h) if number else h, w)
    return F.cross_entropy(h, labels)


def logistic(params: Sequence[Tensor], x: Tensor, y: Tensor) -> Any:
    w, b = params
    return F.binary_cross_entropy_with_logits(x @ w + b, y)


def lenet(params: Sequence[Tensor], x: Tensor, labels: Tensor) -> Any:
    k1, c1, k2, c2, *dense = params
    h = torch.relu(F.max_pool2d(F.conv2d(x, k1, c1, padding=2), 2))
    h = torch.relu(F.max_pool2d(F.conv2d(h, k2, c2), 2))
    return perceptron(dense, h.reshape(len(x), 400), labels)


def vgg(stages: Sequence[Sequence[int]]) -> Callable[..., Any]:
    """Inference: of an image, weights and biases."""

    def logits(x: Tensor, *params: Tensor) -> Any:
        h, left = x, iter(zip(params[::2], params[1::2], strict=True))
        for stage in stages:
            for _ in stage:
                w, b = next(left)
                h = torch.relu(F.conv2d(h, w, b, padding=1))
            h = F.max_pool2d(h, 2)
        h = h.reshape(len(x), -1)
        for number, (w, b) in enumerate(left):
            h = torch.addmm(b, torch.relu(h) if number else h, w)
        return h

    return logits


def convolution(x: Tensor, k: Tensor) -> Any:
    return F.conv2d(x, k, padding=1)


def resblock(
    x: Tensor, target: Tensor, k1: Tensor, gain1: Tensor, bias1: Tensor, k2: Tensor, gain2: Tensor, bias2: Tensor
) -> Any:
    h = torch.relu(batch_norm(F.conv2d(x, k1, padding=1), gain1, bias1))
    h = batch_norm(F.conv2d(h, k2, padding=1), gain2, bias2)
    return F.mse_loss(torch.relu(h + x), target)


def transformer(heads: int) -> Callable[..., Any]:
    """The loss of a block: of its input, a target and the weights."""

    def loss(x: Tensor, target: Tensor, *weights: Tensor) -> Any:
        gain, bias, joint, joint_bias, out, out_bias, gain2, bias2, wide, wide_bias, back, back_bias = weights
        batch, time, width = x.shape
        h = F.linear(layer_norm(x, gain, bias), joint.T, joint_bias)
        q, k, v = h.reshape(batch, time, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = attention(q, k, v).transpose(1, 2).reshape(batch, time, width)
        x1 = x + F.linear(mixed, out.T, out_bias)
        h = F.gelu(F.linear(layer_norm(x1, gain2, bias2), wide.T, wide_bias))
        return F.mse_loss(x1 + F.linear(h, back.T, back_bias), target)

    return loss
