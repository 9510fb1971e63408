"""Temporaries of float32 that hold numbers of 16 bits only, as operands of products do that were rounded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Const, Fn, Load
from graphc.kernel.steps import Contract, Kernel, Stage, Step, Store
from graphc.types import FLOAT32, NARROW, DType

__all__ = ["narrow_temporaries"]


def narrow_temporaries(program: Program) -> Mapping[Buffer, DType]:
    """The dtype of 16 bits whose numbers a temporary holds, for those where one store says all that they hold."""
    writers = Counter(buffer.root for step in program.timeline for buffer in step.writes)
    stored: Counter[Buffer] = Counter()
    found: dict[Buffer, DType] = {}
    for step in program.timeline:
        for stage in _stages(step):
            for buffer, dtype in _stores(stage, found):
                stored[buffer] += 1
                if dtype is not None and buffer.role is Role.TEMPORARY and writers[buffer] == 1:
                    found[buffer] = dtype
    return {buffer: dtype for buffer, dtype in found.items() if stored[buffer] == 1}


def _stages(step: Step) -> Sequence[Stage]:
    """What a step stores by formulas: of a product, what follows it."""
    kernel = step.then if isinstance(step, Contract) else step
    return kernel.stages if isinstance(kernel, Kernel) else ()


def _stores(stage: Stage, known: Mapping[Buffer, DType]) -> Iterator[tuple[Buffer, DType | None]]:
    """What a stage stores to, and which narrow numbers alone."""
    narrow: list[DType | None] = []  # of each let
    for let in stage.lets:
        match let:
            case Call(fn=Fn.CAST, args=(value,), dtype=dtype) if dtype == FLOAT32:
                given = stage.lets[value].dtype
                narrow.append(given if given in NARROW else None)
            case Load(buffer=buffer, guard=None):
                narrow.append(known.get(buffer.root))
            case Load(buffer=buffer, otherwise=int() as otherwise) if _is_zero(stage, otherwise):
                narrow.append(known.get(buffer.root))
            case _:
                narrow.append(None)
    for effect in stage.effects:
        if isinstance(effect, Store):
            yield effect.buffer.root, narrow[effect.value] if effect.combine is None else None


def _is_zero(stage: Stage, number: int) -> bool:
    let = stage.lets[number]
    return isinstance(let, Const) and let.value == 0
