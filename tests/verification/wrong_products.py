"""Passes for products, loops of them and places in arrays that are wrong: those that only some backends ask for."""

from dataclasses import replace

import numpy as np

import graphc as gx
from graphc.backends.numpy.backend import NumpyBackend
from graphc.ir.apply import apply
from graphc.ir.arithmetic import Add, Neg, Sub
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.kernel.buffer import Role
from graphc.kernel.scalar import Let, Load
from graphc.kernel.steps import Contract, Loop, Stage, Step, Store
from graphc.kernel.target import Target
from graphc.ops.contraction import Contraction
from graphc.ops.placement import Slice
from graphc.types import BFLOAT16, FLOAT32
from tests.verification.models import recurrent
from tests.verification.mutants import Model, Mutant, Spoiled
from tests.verification.wrong_programs import lets, stages, steps, wrong

__all__ = ["COMPILED", "TILED", "WRONG_PRODUCTS"]

#: what native code asks for, in chunks so small that small arrays have several
TILED: Target = replace(
    NumpyBackend.target,
    tiled=(FLOAT32,),
    products=0.0,
    reads_narrow=True,
    reads_outside=True,
    chunk_bytes=1 << 12,
)

#: where calls cost nothing
COMPILED: Target = replace(TILED, let=0.0)


def attention() -> Model:
    """Several heads, whose weights are together larger than a chunk."""
    q, k, v = (gx.input(name, (16, 20, 8)) for name in "qkv")
    return Model([q, k, v], [gx.softmax(q @ k.mT) @ v])


def narrow() -> Model:
    """A product of narrow floats that is made in wide ones."""
    x, w = gx.input("x", (4, 4), "bfloat16"), gx.param("w", np.linspace(-1, 1, 16, dtype="float32").reshape(4, 4))
    return Model([x], [x.astype("float32") @ w])


def digits() -> Model:
    """Places that are digits of others."""
    x, y = gx.input("x", (4, 12)), gx.input("y", (2, 3, 2))
    return Model([x, y], [gx.exp(x) + gx.reshape(gx.transpose(y, (1, 0, 2)), (12,))])


def images() -> Model:
    """A convolution that is made in tiles."""
    x, w = gx.input("x", (2, 3, 5, 6)), gx.input("w", (2, 3, 3, 3))
    return Model([x, w], [gx.conv2d(x, w, padding=1)])


def strided() -> Model:
    """A convolution whose windows reach outside of the images."""
    x, w = gx.input("x", (2, 3, 5, 6)), gx.input("w", (2, 3, 3, 3))
    return Model([x, w], [gx.conv2d(x, w, padding=1, stride=2)])


def side_by_side() -> Model:
    """Parts of an array that share what they are made of."""
    x = gx.input("x", (4, 6))
    y = gx.exp(x)
    return Model([x], [gx.stack([y, y + 1, y * 2], 1)])


def backwards_again(form: Graph) -> Graph:
    """Rows of steps from the last to the first are read from the first to the last."""

    def changed(node: Node) -> Node:
        if not isinstance(node.op, Contraction):
            return node
        first, second = node.inputs
        return apply(node.op, first.inputs[0] if isinstance(first.op, Slice) else first, second)

    assert any(isinstance(x.op, Slice) for node in form.nodes if isinstance(node.op, Contraction) for x in node.inputs)
    return form.map(changed)


def added_instead(form: Graph) -> Graph:
    """The first difference of elements of a tile is their sum."""
    first = next(node for node in form.nodes if isinstance(node.op, Sub))
    return form.map(lambda node: apply(Add(), *node.inputs) if node is first else node)


def not_flipped(form: Graph) -> Graph:
    """What is read from the last element to the first is read from the first to the last."""
    return form.map(lambda node: node.inputs[0] if isinstance(node.op, Slice) else node)


def taken_away(form: Graph) -> Graph:
    """A sum of products that a loop made is subtracted."""
    last = [node for node in form.nodes if isinstance(node.op, Contraction)][-1]
    return form.map(lambda node: apply(Neg(), node) if node is last else node)


def turned_twice(step: Step) -> Step | None:
    """A product that reads the copy of a matrix as it read the matrix."""
    if not isinstance(step, Contract) or step.right.role is not Role.TEMPORARY or step.right.shape != (3, 3):
        return None
    return replace(step, right_index=tuple(reversed(step.right_index)))


def rows_of_another(step: Step) -> Step | None:
    """A loop over chunks, of which two arrays are taken for each other."""
    if not isinstance(step, Loop):
        return None
    first, second, *others = step.sequences
    return replace(step, sequences=(replace(first, of=second.of), replace(second, of=first.of), *others))


def without_last_chunk(step: Step) -> Step | None:
    if not isinstance(step, Loop):
        return None
    assert step.length is not None, step
    return replace(step, length=step.length - 1)


def columns_of_narrow(step: Step) -> Step | None:
    """A product that reads a narrow matrix along its columns."""
    if not isinstance(step, Contract) or step.left.dtype != BFLOAT16:
        return None
    return replace(step, left_index=tuple(reversed(step.left_index)))


def laid_down() -> Model:
    """The adjoint of a convolution, which is not cut."""
    y, w = gx.input("y", (2, 3, 5, 6)), gx.input("w", (3, 2, 3, 3))
    return Model([y, w], [gx.conv_transpose2d(y, w)])


def one_further(step: Step) -> Step | None:
    """A product whose windows begin one element too far."""
    if not isinstance(step, Contract) or not step.guarded:
        return None
    *others, last = step.left_index
    return replace(step, left_index=(*others, last._replace(offset=last.offset + 1)))


def each_in_place_of_the_other(stage: Stage) -> Stage | None:
    """A stage, of which two values are taken for each other."""
    if len(stage.effects) < 2:
        return None
    first, second, *others = stage.effects
    assert isinstance(first, Store), first
    assert isinstance(second, Store), second
    exchanged = replace(first, value=second.value), replace(second, value=first.value)
    return replace(stage, effects=(*exchanged, *others))


def other_digits(let: Let) -> Let | None:
    """An array read at one digit in place of another."""
    if not isinstance(let, Load) or len(let.index) < 3:
        return None
    return replace(let, index=(*let.index[:-2], let.index[-3], let.index[-1]))


_OF_TILED = (
    wrong("rows backwards", "sink", lambda step: Spoiled(step, backwards_again), recurrent),
    wrong("a sum that is taken away", "sink", lambda step: Spoiled(step, taken_away), recurrent),
    wrong("a copy read crosswise", "turn", steps(turned_twice), recurrent),
    wrong("the rows of another array", "chunks", steps(rows_of_another), attention),
    wrong("no last chunk", "chunks", steps(without_last_chunk), attention),
    wrong("a sum for a difference", "winograd", lambda step: Spoiled(step, added_instead), images),
    wrong("columns of narrow numbers", "narrow", steps(columns_of_narrow), narrow),
    wrong("windows that begin elsewhere", "unpadded", steps(one_further), strided),
    wrong("a kernel that is not flipped", "gather", lambda step: Spoiled(step, not_flipped), laid_down),
    wrong("other digits", "split", steps(lets(other_digits)), digits),
)
_OF_COMPILED = (wrong("parts exchanged", "stages", steps(stages(each_in_place_of_the_other)), side_by_side),)

WRONG_PRODUCTS: tuple[Mutant, ...] = (
    *[replace(mutant, target=TILED) for mutant in _OF_TILED],
    *[replace(mutant, target=COMPILED) for mutant in _OF_COMPILED],
)
