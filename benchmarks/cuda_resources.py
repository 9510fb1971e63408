"""What the CUDA kernels of common models take: registers, shared memory, local memory.  No GPU is needed.

python -m benchmarks.cuda_resources [sm_80 sm_90 ...]
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

import graphc as gx
from graphc.backends.cuda.nvrtc import compiled_for

__all__ = ["MODELS", "main"]

Build = Callable[[], tuple[list[gx.Node], object]]


def _elementwise() -> tuple[list[gx.Node], object]:
    x = gx.input("x", ("n",))
    return [x], 0.5 * x * (1 + gx.erf(x * 0.7071067811865476))


def _softmax() -> tuple[list[gx.Node], object]:
    x = gx.input("x", ("n", 1000))
    return [x], gx.softmax(x)


def _layer_norm() -> tuple[list[gx.Node], object]:
    x, gain, bias = gx.input("x", ("n", 768)), gx.input("gain", (768,)), gx.input("bias", (768,))
    shifted = x - gx.mean(x, axis=-1, keepdims=True)
    y = shifted / gx.sqrt(gx.mean(shifted * shifted, axis=-1, keepdims=True) + 1e-5) * gain + bias
    return [x, gain, bias], [y, *gx.grad(gx.sum(gx.square(y)), [x, gain, bias])]


def _cross_entropy() -> tuple[list[gx.Node], object]:
    x, t = gx.input("x", ("n", 1000)), gx.input("t", ("n",), "int64")
    loss = gx.nn.softmax_cross_entropy(x, t)
    return [x, t], [loss, gx.grad(loss, x)]


def _product() -> tuple[list[gx.Node], object]:
    x, w, b = gx.input("x", (1024, 1024)), gx.input("w", (1024, 1024)), gx.input("b", (1024,))
    return [x, w, b], gx.relu(x @ w + b)


def _convolution() -> tuple[list[gx.Node], object]:
    x, w = gx.input("x", ("n", 64, 56, 56)), gx.input("w", (64, 64, 3, 3))
    return [x, w], gx.relu(gx.conv2d(x, w, padding="same"))


def _dropout() -> tuple[list[gx.Node], object]:
    x = gx.input("x", ("n", 1024))
    key = gx.random.key(np.uint64(1))
    return [x], gx.where(gx.random.uniform(key, x.shape) < 0.5, x * 2, 0.0)


MODELS: Mapping[str, Build] = {
    "gelu": _elementwise,
    "softmax": _softmax,
    "layer norm and gradients": _layer_norm,
    "cross-entropy and gradient": _cross_entropy,
    "product, bias, relu": _product,
    "convolution, relu": _convolution,
    "dropout": _dropout,
}


def main(architectures: Sequence[str] = ("sm_80", "sm_90")) -> None:
    """Print a line for each kernel, or why there is none."""
    try:
        compiled_for("", architectures[0])
    except gx.UnsupportedError as error:
        print(error)
        return
    print(f"{'model':28}{'kernel':12}{'target':9}{'registers':>10}{'shared':>9}{'local':>8}{'spilled':>9}")
    for name, build in MODELS.items():
        inputs, outputs = build()
        source = gx.compile(inputs, outputs, backend="cuda").source
        for architecture in architectures:
            for kernel, used in sorted(compiled_for(source, architecture).resources.items()):
                row = f"{used.registers:>10}{used.shared:>9}{used.stack:>8}{used.spilled:>9}"
                print(f"{name:28}{kernel:12}{architecture:9}{row}")


if __name__ == "__main__":
    main(sys.argv[1:] or ("sm_80", "sm_90"))
