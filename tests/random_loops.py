"""Random loops and branches: makers of nodes for random graphs, whose bodies are random graphs themselves."""

from collections.abc import Callable, Sequence

import graphc as gx
from graphc.ops.checkpointing import Checkpoint
from tests.random_graphs import MAKERS, Maker, Rng, chosen, is_small, pick

__all__ = ["LOOPS"]

INSIDE = 4  # nodes of a body


def _grown(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node, depth: int) -> list[gx.Node]:
    """Some further nodes, among them loops where `depth` allows."""
    made: list[gx.Node] = []
    makers = [*MAKERS, *(_makers(depth - 1) if depth else ())]
    for _ in range(INSIDE):
        found = chosen(rng, makers)(rng, [*pool, *made], rows)
        if found is not None and found.ndim <= 3 and is_small(found):
            made.append(found.astype(pool[0].dtype))
    return made


def _next(rng: Rng, carry: gx.Node, made: Sequence[gx.Node]) -> gx.Node:
    """What a step makes of a carry: something bounded, in which as much as possible of the step takes part."""
    terms = [x for x in made if x.shape == carry.shape] or [gx.mean(gx.tanh(x)) for x in made[-1:]]
    total = 0.5 * carry
    for x in terms[-2:]:
        total = total + 0.3 * gx.tanh(x)
    shapes: Sequence[Callable[[gx.Node], gx.Node]] = (gx.tanh, lambda x: x * 0.7, gx.sin)
    return chosen(rng, shapes)(total)


def _makers(depth: int) -> Sequence[Maker]:
    def scan(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
        xs = pick(rng, pool, 1)
        carries = [x for x in pool if x.shape == xs.shape[1:]] or [gx.zeros(xs.shape[1:], xs.dtype)]
        start, other = chosen(rng, carries), pick(rng, pool)

        def body(state: tuple[gx.Node, gx.Node], x: gx.Node) -> tuple[tuple[gx.Node, gx.Node], gx.Node]:
            first, second = state
            made = _grown(rng, [*pool, second, x, first], rows, depth)
            after = _next(rng, first, [x, *made]), _next(rng, second, made)
            return after, chosen(rng, [first, after[0], *made])

        segments: Sequence[Checkpoint] = (None, None, None, 2, "sqrt")
        segment = chosen(rng, segments)
        (last, far), stacked = gx.scan(body, (start, other), xs, reverse=rng.random() < 0.3, checkpoint=segment)
        results: Sequence[gx.Node] = (last, far, stacked)
        return chosen(rng, results)

    def branch(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
        x, y = pick(rng, pool), pick(rng, pool)

        def one(x: gx.Node) -> gx.Node:
            return _next(rng, x, _grown(rng, [*pool, x], rows, depth))

        result: gx.Node = gx.cond(gx.mean(gx.sin(9 * y)) > 0, one, one, x)
        return result

    def until(rng: Rng, pool: Sequence[gx.Node], rows: gx.Node) -> gx.Node | None:
        x = gx.tanh(pick(rng, pool))

        def body(state: tuple[gx.Node, gx.Node]) -> tuple[gx.Node, gx.Node]:
            number, x = state
            return number + 1, _next(rng, x, _grown(rng, [*pool, x], rows, 0))

        limit = gx.where(gx.mean(x) > 0, 3, 2)
        result: gx.Node = gx.while_loop(lambda s: s[0] < limit, body, (0, x), max_steps=5)[1]
        return result

    return scan, scan, branch, until


LOOPS = _makers(1)
