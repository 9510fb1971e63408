"""What CUDA kernels take: registers, shared memory, local memory; and the occupancy that is left.  No GPU is needed.

python -m benchmarks.cuda_resources [sm_80 sm_90 ...] [model.cu ...]

Of the texts that `f.save_source("model.cu")` wrote, or of common models where there is none.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

import graphc as gx
from benchmarks.measure.occupancy import occupancy
from graphc.backends.cuda.nvrtc import Resources, compiled_for

__all__ = ["ARCHITECTURES", "MODELS", "Row", "main", "report", "rows_of"]

ARCHITECTURES = ("sm_80", "sm_90")
COLUMNS = ("registers", "shared", "local", "spilled")  # of a thread, a block, a thread, a thread
_HEAD = re.compile(r"__launch_bounds__\((\d+), \d+\) (\w+)\(")

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


def _narrow_product() -> tuple[list[gx.Node], object]:
    x, w = gx.input("x", (1024, 1024), "bfloat16"), gx.input("w", (1024, 1024), "bfloat16")
    return [x, w], x @ w


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
    "product of bfloat16": _narrow_product,
    "convolution, relu": _convolution,
    "dropout": _dropout,
}


@final
@dataclass(frozen=True)
class Row:
    """A kernel of a text, on an architecture, in blocks of so many threads."""

    text: str
    kernel: str
    architecture: str
    used: Resources
    threads: int

    @property
    def occupancy(self) -> float | None:
        """The part of the warps of a multiprocessor that it may have at a time."""
        return occupancy(self.architecture, self.used, self.threads)


def rows_of(texts: Mapping[str, str], architectures: Iterable[str] = ARCHITECTURES) -> Iterator[Row]:
    """What each kernel of some texts takes, by their names."""
    for name, text in texts.items():
        threads = {kernel: int(count) for count, kernel in _HEAD.findall(text)}
        for architecture in architectures:
            resources = compiled_for(text, architecture).resources
            for kernel in sorted(resources, key=lambda kernel: int(kernel.rpartition("_")[2])):
                yield Row(name, kernel, architecture, resources[kernel], threads[kernel])


def report(rows: Sequence[Row]) -> str:
    """A line for each kernel, and which of them takes most of each resource."""
    lines = [_line("", "kernel", "target", (*COLUMNS, "occupancy"))]
    lines += [_line(x.text, x.kernel, x.architecture, (*_amounts(x), _shown(x.occupancy))) for x in rows]
    for place, name in enumerate(COLUMNS):
        amount, most = max(((_amounts(row)[place], -number) for number, row in enumerate(rows)), default=(0, 0))
        of = f", {_place(rows[-most])}" if amount else ""
        lines.append(f"most {name}: {amount}{of}")
    parts = [(row.occupancy, number) for number, row in enumerate(rows) if row.occupancy is not None]
    if parts:
        part, number = min(parts)
        lines.append(f"least occupancy: {_shown(part)}, {_place(rows[number])}")
    return "\n".join(lines)


def _place(row: Row) -> str:
    return f"{row.text}, {row.kernel}, {row.architecture}"


def _shown(part: float | None) -> str:
    return "unknown" if part is None else f"{part:.0%}"


def _amounts(row: Row) -> tuple[int, ...]:
    """In the order of COLUMNS."""
    used = row.used
    return used.registers, used.shared, used.stack, used.spilled


def _line(text: str, kernel: str, architecture: str, amounts: Sequence[object]) -> str:
    return f"{text[:27]:28}{kernel:12}{architecture:9}" + "".join(f"{amount:>10}" for amount in amounts)


def _sources() -> Iterator[tuple[str, str]]:
    for name, build in MODELS.items():
        inputs, outputs = build()
        yield name, gx.compile(inputs, outputs, backend="cuda").source


def main(arguments: Sequence[str] = ()) -> None:
    """Print the report, or why there is none."""
    files = [Path(argument) for argument in arguments if argument.endswith(".cu")]
    architectures = [argument for argument in arguments if not argument.endswith(".cu")] or ARCHITECTURES
    texts = {path.name: path.read_text(encoding="utf-8") for path in files} or dict(_sources())
    try:
        print(report(list(rows_of(texts, architectures))))
    except gx.UnsupportedError as error:
        print(error)


if __name__ == "__main__":
    main(sys.argv[1:])
