"""Narrow operands: products read float16 and bfloat16 as they are, not as the float32 they are added up in."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.program import Program
from graphc.kernel.scalar import Call, Fn, Load
from graphc.kernel.steps import Contract, Kernel, Step, Store, buffers_of
from graphc.passes.places import shown
from graphc.passes.step_lists import over_lists
from graphc.types import NARROW

__all__ = ["read_narrow"]


def read_narrow(program: Program) -> Program:
    """Let products read narrow floats that a kernel widens for them alone: where they are, or where it leaves them."""
    return over_lists(program, _narrowed)


@final
@dataclass(frozen=True)
class _Widened:
    """An array of float32 that step `by` writes, as the only one, by the effect `effect` of one of its stages.

    source   the narrow array that it is a copy of, if it is one; else it is to be one of `value`, which is narrow
    """

    wide: Buffer
    by: int
    stage: int
    effect: int
    value: int
    source: Buffer | None


def _narrowed(steps: Sequence[Step], outside: Collection[Buffer]) -> Sequence[Step]:
    if not any(isinstance(step, Contract) for step in steps):
        return steps
    touching: dict[Buffer, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        for buffer in buffers_of(step):
            touching[buffer.root].append(number)
    changed = list(steps)
    gone: set[int] = set()
    for number, step in enumerate(steps):
        if not isinstance(step, Kernel):
            continue
        for found in _widened(step, number):
            wide = found.wide
            readers = [place for place in touching[wide] if place != number]
            is_free = wide not in outside and wide not in step.reads
            if not (is_free and readers and all(_only_multiplies(steps[place], wide) for place in readers)):
                continue
            own = _source(found, step, steps, max(readers))
            if own is None:
                own = Buffer(Role.TEMPORARY, step.stages[found.stage].lets[found.value].dtype, wide.shape)
                kernel = changed[number]
                assert isinstance(kernel, Kernel), kernel
                changed[number] = _storing(kernel, found, own)
            else:
                gone.add(number)
            for place in readers:
                contract = changed[place]
                assert isinstance(contract, Contract), contract
                changed[place] = _reading(contract, wide, own)
    return [step for number, step in enumerate(changed) if number not in gone]


def _widened(kernel: Kernel, by: int) -> Sequence[_Widened]:
    """What a kernel widens on the way to temporaries of float32."""
    found: dict[Buffer, list[_Widened]] = defaultdict(list)
    for place, stage in enumerate(kernel.stages):
        for number, effect in enumerate(stage.effects):
            if not isinstance(effect, Store):
                continue
            wide, let = effect.buffer, stage.lets[effect.value]
            value, source = -1, None
            if effect.combine is None and isinstance(let, Call) and let.fn is Fn.CAST:
                given = stage.lets[let.args[0]]
                if given.dtype in NARROW:
                    value = let.args[0]
                    is_copy = isinstance(given, Load) and given.guard is None and given.index == effect.index
                    source = given.buffer if is_copy and isinstance(given, Load) else None
            found[wide].append(_Widened(wide, by, place, number, value, source))
    return [
        listed[0]
        for wide, listed in found.items()
        if len(listed) == 1 and listed[0].value >= 0 and wide.role is Role.TEMPORARY and wide.base is None
    ]


def _only_multiplies(step: Step, wide: Buffer) -> bool:
    """Whether a step reads an array as an operand of a product, and in no other way."""
    if not isinstance(step, Contract) or step.out.root is wide:
        return False
    return step.then is None or wide not in [buffer.root for buffer in step.then.reads]


def _source(found: _Widened, kernel: Kernel, steps: Sequence[Step], last: int) -> Buffer | None:
    """The array that products may read instead: it stays as it is until the last of them, and no kernel is left."""
    source = found.source
    if source is None or source.shape != found.wide.shape or len(kernel.writes) > 1:
        return None
    written = {buffer.root for step in steps[found.by : last + 1] for buffer in step.writes}
    return None if source.root in written or source.root.role is Role.LOCAL else source


def _storing(kernel: Kernel, found: _Widened, own: Buffer) -> Kernel:
    """The kernel that leaves the numbers before they are widened."""
    stages = list(kernel.stages)
    stage = stages[found.stage]
    effects = list(stage.effects)
    effect = effects[found.effect]
    assert isinstance(effect, Store), effect
    effects[found.effect] = Store(own, effect.index, found.value)
    stages[found.stage] = replace(stage, effects=tuple(effects))
    return Kernel(kernel.outer, tuple(stages), kernel.origins)


def _reading(contract: Contract, wide: Buffer, own: Buffer) -> Contract:
    """The product that reads another array, under the shapes under which it reads the wide one."""
    left, right = (
        buffer if buffer.root is not wide else shown(own, buffer.shape) for buffer in (contract.left, contract.right)
    )
    return replace(contract, left=left, right=right)
