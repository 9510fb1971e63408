"""Epilogues: what is done with each element of a product is done where the product is made."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer, Role
from graphc.kernel.epilogue import home_of, objection_to
from graphc.kernel.pattern import Pattern, formed, on_buffers, pattern_of_both
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract, Kernel, Step
from graphc.passes.pipeline import Log
from graphc.passes.places import exchanged
from graphc.passes.step_lists import numbers_of, over_lists

__all__ = ["join_epilogues"]


def join_epilogues(program: Program, log: Log) -> Program:
    """Let a kernel that follows a product element by element be its epilogue: bias, activation, residual.

    The product is then made where the kernel puts its result, and has no room of its own; where others read the
    product, or the kernel puts it nowhere, it keeps its room.
    """

    def joined(steps: Sequence[Step], outside: Collection[Buffer]) -> Sequence[Step]:
        has_products = any(isinstance(step, Contract) for step in steps)
        return _Joining.of(steps, outside).run(log) if has_products else steps

    return over_lists(program, joined)


@dataclass(frozen=True)
class _Joining:
    """Steps in order, and the numbers of those that touch each array.

    outside   arrays that steps elsewhere read or write
    touching  owner of bytes -> the steps that read or write it
    writing   owner of bytes -> the steps that write it
    shown     arrays that are seen under another shape
    joints    what was found for pairs of steps, by their pattern and whether the product need not keep its room
    """

    steps: Sequence[Step]
    outside: Collection[Buffer]
    touching: Mapping[Buffer, Sequence[int]]
    writing: Mapping[Buffer, Sequence[int]]
    shown: Collection[Buffer]
    joints: "dict[tuple[Pattern, bool], _Joint | None]" = field(default_factory=dict)

    @staticmethod
    def of(steps: Sequence[Step], outside: Collection[Buffer]) -> "_Joining":
        shown = {x.base for step in steps for x in (*step.reads, *step.writes) if x.base is not None}
        return _Joining(steps, outside, *numbers_of(steps), shown)

    def run(self, log: Log) -> list[Step]:
        """The steps, with each kernel that can be an epilogue as that of the last product that it reads."""
        products = {step.out: number for number, step in enumerate(self.steps) if isinstance(step, Contract)}
        changed: dict[int, Step | None] = {}
        for number, step in enumerate(self.steps):
            if not isinstance(step, Kernel):
                continue
            made = [products[buffer] for buffer in step.reads if buffer in products]
            if not made or max(made) in changed:
                continue
            contract = self._joined(max(made), number, step)
            if contract is not None:
                changed[max(made)], changed[number] = None, contract
                log.note("done where the product is made", step.origins[0])
        found = [changed.get(number, step) for number, step in enumerate(self.steps)]
        return [step for step in found if step is not None]

    def _joined(self, at: int, number: int, kernel: Kernel) -> Contract | None:
        """The product at `at` with its epilogue, at the place of the kernel; None where that cannot be."""
        product = self.steps[at]
        assert isinstance(product, Contract), product
        out = product.out
        touched = self.touching[out.base or out]
        if touched[:2] != [at, number]:
            return None
        operands = (product.left.root, product.right.root)
        if any(at < later < number for operand in operands for later in self.writing.get(operand, ())):
            return None
        pattern, buffers = pattern_of_both(product, kernel)
        is_its_own = out.role is Role.TEMPORARY and out.base is None and out not in self.shown
        moves = is_its_own and len(touched) == 2 and out not in self.outside
        key = (pattern, moves)
        if key not in self.joints:
            self.joints[key] = _joint(product, kernel, buffers, moves=moves)
        joint = self.joints[key]
        if joint is None:
            return None
        origins = tuple(dict.fromkeys((*product.origins, *kernel.origins)))
        if joint.moved is None:
            return product.followed(kernel, out, origins)
        exchange = dict(zip(joint.buffers, buffers, strict=True))
        return product.followed(on_buffers(joint.moved, exchange, kernel.origins), exchange[joint.home], origins)


@dataclass(frozen=True)
class _Joint:
    """A product and its epilogue, the first of a pattern.

    buffers  of both, as the pattern counts them
    home     the one that the product is made in
    moved    the epilogue that reads the product there; None where it stays where it is
    """

    buffers: Sequence[Buffer]
    home: Buffer
    moved: Kernel | None


def _joint(product: Contract, kernel: Kernel, buffers: Sequence[Buffer], *, moves: bool) -> _Joint | None:
    """A pair of steps as one; None where a kernel like this cannot be an epilogue."""
    if objection_to(kernel, product) is not None:
        return None
    home = home_of(product, kernel) if moves else None
    if home is None:
        return _Joint(buffers, product.out, None)
    return _Joint(buffers, home, formed(exchanged(kernel, {product.out: home})))
