"""Random chains of elementwise ops and movements over one array.

`python -m tests.passes.random_chains --seeds 200` says how many of them are one kernel, and which are not.
"""

import argparse
from collections.abc import Callable, Sequence
from math import prod
from random import Random
from typing import NamedTuple, TypeAlias

import graphc as gx
from tests.passes.one_kernel import kernels

__all__ = ["MOVES", "RandomChain", "random_chain"]

Draw: TypeAlias = Callable[[Random, gx.Node], tuple[str, gx.Node]]

LARGEST = 1 << 18  # elements of what a chain makes, at most
POINTWISE: Sequence[tuple[str, Callable[[gx.Node], gx.Node]]] = (
    ("exp", gx.exp),
    ("tanh", gx.tanh),
    ("*2", lambda y: y * 2),
    ("+1", lambda y: y + 1),
    ("relu", gx.relu),
)


class RandomChain(NamedTuple):
    """What a seed makes: the input, the result, and the calls in between as text."""

    x: gx.Node
    y: gx.Node
    text: str


def random_chain(seed: int) -> RandomChain:
    """From two to six moves over an array of one to three axes, some with something elementwise behind them."""
    rng = Random(seed)
    shape = [rng.choice([4, 6, 30, 40]) for _ in range(rng.randint(1, 3))]
    x = gx.input("x", tuple(shape), "float32")
    y: gx.Node = x
    text = [f"x{shape}"]
    if rng.random() < 0.5:
        name, of = rng.choice(POINTWISE)
        y = of(y)
        text.append(name)
    for _ in range(rng.randint(2, 6)):
        what, moved = rng.choice(MOVES)(rng, y)
        if moved.size == 0 or _extent(moved) > LARGEST:
            continue
        y = moved
        text.append(what)
        if rng.random() < 0.4:
            name, of = rng.choice(POINTWISE)
            y = of(y)
            text.append(name)
    return RandomChain(x, y, " ".join(text))


def _fixed(y: gx.Node) -> list[int]:
    return [int(n) for n in y.shape]


def _extent(y: gx.Node) -> int:
    return prod(_fixed(y))


def _transpose(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    order = list(range(y.ndim))
    rng.shuffle(order)
    return f"transpose{order}", gx.transpose(y, tuple(order))


def _reshape(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    """The same elements under one to three axes, cut wherever their number can be."""
    total = _extent(y)
    cuts = sorted(rng.sample([n for n in range(1, total + 1) if total % n == 0], 1))
    if rng.random() < 0.5:
        rest = total // cuts[0]
        further = rng.choice([n for n in range(1, rest + 1) if rest % n == 0])
        shape = [cuts[0], further, rest // further]
    else:
        shape = [cuts[0], total // cuts[0]]
    return f"reshape{shape}", gx.reshape(y, tuple(shape))


def _slice(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis = rng.randrange(y.ndim)
    n = _fixed(y)[axis]
    start, step = rng.randrange(max(n // 2, 1)), rng.choice([1, 1, 2, -1, -2])
    part = slice(start, None, step) if step > 0 else slice(None, start or None, step)
    return f"[{axis}:{part.start}:{part.step}]", y[(slice(None),) * axis + (part,)]


def _flip(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis = rng.randrange(y.ndim)
    return f"flip{axis}", gx.flip(y, axis)


def _pad(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    widths = [(rng.randint(0, 2), rng.randint(0, 2)) for _ in range(y.ndim)]
    return f"pad{widths}", gx.pad(y, tuple(widths), rng.choice([0.0, 1.5]))


def _concat(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis = rng.randrange(y.ndim)
    return f"concat{axis}", gx.concat([y, gx.tanh(y)] if rng.random() < 0.5 else [y * 2, y], axis)


def _stack(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis = rng.randint(0, y.ndim)
    return f"stack{axis}", gx.stack([y, gx.exp(y)], axis)


def _roll(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis = rng.randrange(y.ndim)
    by = rng.randint(1, 3)
    return f"roll{axis}by{by}", gx.roll(y, by, axis)


def _broadcast(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    times = rng.choice([2, 5, 40])
    return f"broadcast{times}", gx.broadcast_to(y, (times, *y.shape))


def _tile(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    times = tuple([rng.choice([1, 2, 3]) for _ in range(y.ndim)])
    return f"tile{list(times)}", gx.tile(y, times)


def _repeat(rng: Random, y: gx.Node) -> tuple[str, gx.Node]:
    axis, times = rng.randrange(y.ndim), rng.choice([2, 3, 12])
    return f"repeat{axis}x{times}", gx.repeat(y, times, axis)


MOVES: Sequence[Draw] = (
    _transpose,
    _transpose,
    _reshape,
    _reshape,
    _slice,
    _flip,
    _pad,
    _concat,
    _stack,
    _roll,
    _broadcast,
    _tile,
    _repeat,
)


def main() -> None:
    """Print the chains that are more than one kernel, and the share of those that are one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--backend", choices=["numpy", "llvm"], default="llvm")
    given = parser.parse_args()
    one = 0
    for seed in range(given.seeds):
        chain = random_chain(seed)
        count = len(kernels(gx.compile(chain.x, chain.y, backend=given.backend)))
        one += count <= 1
        if count > 1:
            print(f"{seed:5d}: {count} kernels: {chain.text}")
    print(f"{one} of {given.seeds} chains are one kernel")


if __name__ == "__main__":
    main()
