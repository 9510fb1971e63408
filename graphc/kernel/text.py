"""Programs as text, for people and for tests: the same program gives the same text."""

from collections.abc import Iterator, Mapping, Sequence

from graphc.kernel.affine import AffineIndex
from graphc.kernel.buffer import Buffer
from graphc.kernel.naming import axis_names, let_name, names
from graphc.kernel.program import Program
from graphc.kernel.provenance import lines_behind
from graphc.kernel.scalar import Axis, AxisIndex, Call, Const, Let, Load, SizeValue
from graphc.kernel.steps import (
    Branch,
    Check,
    Contract,
    Effect,
    Extern,
    Fold,
    IndexInRange,
    Kernel,
    Loop,
    Prefix,
    SizesAgree,
    Stage,
    Step,
    Store,
    Total,
    within,
)
from graphc.types import TensorType, short_name

__all__ = ["kernel_text", "let_text", "program_text", "step_text"]

Names = Mapping[Buffer, str]

INDENT = "  "


def program_text(program: Program) -> str:
    """The buffers of a program, with their bytes, and its steps in order, each under the user's lines."""
    named = names(program)
    return "\n".join(_program_lines(program, named)) + "\n"


def step_text(step: Step, named: Names) -> str:
    """One step, under the user's lines."""
    comments = (f"# {line}" for line in lines_behind(step.origins))
    return "\n".join((*comments, *_step_lines(step, named))) + "\n"


def kernel_text(kernel: Kernel, named: Names) -> str:
    """A kernel: its loops, its locals, and stage by stage one line per let with the effects below."""
    return "\n".join(_kernel_lines(kernel, named)) + "\n"


def let_text(let: Let, named: Names, axes: Mapping[Axis, str]) -> str:
    """The right side of a let: `add(v1, v2)`."""
    match let:
        case Const():
            return let.text
        case SizeValue():
            return str(let.size)
        case AxisIndex():
            return axes.get(let.axis, f"axis {let.axis.number}")
        case Load():
            element = f"{_name(let.buffer, named)}{_at(let.index)}"
            if let.guard is None or let.otherwise is None:
                return element
            return f"{element} if {let_name(let.guard)} else {let_name(let.otherwise)}"
        case Call():
            return f"{let.fn.value}({', '.join(map(let_name, let.args))})"


def _program_lines(program: Program, named: Names) -> Iterator[str]:
    yield f"program of {', '.join(program.symbols)}" if program.symbols else "program"
    inside = {buffer for step in program.timeline if isinstance(step, Kernel) for buffer in step.locals}
    for buffer, name in named.items():
        if buffer not in inside:
            base = f", a view of {_name(buffer.base, named)}" if buffer.base is not None else ""
            over = program.aliases.get(buffer)
            written = f", written over {_name(over, named)}" if over is not None else ""
            yield f"{INDENT}{buffer.role.value} {_declared(name, buffer)}{base or _bytes(buffer)}{written}"
    outputs = [_name(output, named) for output in program.outputs]
    for number, step in enumerate(program.steps):
        if number == program.commit:
            yield "commit"
        yield from _numbered(step, program, named)
    yield f"return {', '.join(outputs)}" if outputs else "return"


def _numbered(step: Step, program: Program, named: Names) -> Iterator[str]:
    """A step with its number, under the user's lines, and the steps inside it.  Recursion is over their depth."""
    yield from (f"# {line}" for line in lines_behind(step.origins))
    first, *rest = _step_lines(step, named)
    yield f"step {program.numbers[step]}: {first}"
    yield from (INDENT + line for line in rest)
    for title, steps in zip(_titles(step), within(step), strict=True):
        if steps:
            yield INDENT + title
            for inner in steps:
                yield from (INDENT * 2 + line for line in _numbered(inner, program, named))


def _titles(step: Step) -> Sequence[str]:
    """What the lists of steps inside a step are for."""
    match step:
        case Loop():
            return ("while", "do")
        case Branch():
            return [f"case {number}" for number in range(len(step.parts))]
    return ()


def _loop_lines(loop: Loop, named: Names) -> Iterator[str]:
    """How often, what is carried, and which rows are seen."""
    count = loop.length if loop.count is None else _name(loop.count, named)
    most = "" if loop.length is None else f" at most {loop.length} times"
    times = f" {count} times" if loop.holds is None else f" while {_name(loop.holds, named)}{most}"
    yield f"loop{times}{', from the last row' if loop.reverse else ''}"
    for carry in loop.carries:
        last = "" if carry.last is None else f", last to {_name(carry.last, named)}"
        rows = f"{'rows' if carry.is_kept else 'two rows'} of {_name(carry.rows, named)}"
        pair = f"{_name(carry.before, named)} -> {_name(carry.after, named)}"
        yield f"{INDENT}carry {pair} from {_name(carry.start, named)} in {rows}{last}"
    for held in loop.held:
        yield f"{INDENT}carry {_name(held.buffer, named)} from {_name(held.start, named)}, changed in place"
    for title, listed in (("reads", loop.sequences), ("writes", loop.outputs)):
        for rows_of in listed:
            shift = f" + {rows_of.shift}" if rows_of.shift else ""
            yield f"{INDENT}{title} {_name(rows_of.row, named)} = {_name(rows_of.of, named)}[t{shift}]"


def _step_lines(step: Step, named: Names) -> Iterator[str]:
    match step:
        case Kernel():
            yield from _kernel_lines(step, named)
        case Contract():
            yield from _contract_lines(step, named)
        case Extern():
            options = [f"{name}={value}" for name, value in step.options]
            operands = ", ".join((*(_name(buffer, named) for buffer in step.reads), *options))
            yield f"{', '.join(_name(buffer, named) for buffer in step.writes)} = {step.routine}({operands})"
        case Loop():
            yield from _loop_lines(step, named)
        case Branch():
            results = ", ".join(_name(buffer, named) for buffer in step.results)
            yield f"{results} = case {_name(step.index, named)} of {len(step.parts)}"
        case Check():
            yield f"check {_condition(step, named)}: {step.because}"


def _kernel_lines(kernel: Kernel, named: Names) -> Iterator[str]:
    axes = axis_names(kernel)
    yield f"kernel{_over(kernel.outer, axes)}"
    for buffer in kernel.locals:
        yield f"{INDENT}local {_declared(_name(buffer, named), buffer)}"
    for stage in kernel.stages:
        yield f"{INDENT}{'last stage' if stage.is_last else 'stage'}{_over(stage.inner, axes)}"
        yield from _stage_lines(stage, named, axes)


def _stage_lines(stage: Stage, named: Names, axes: Mapping[Axis, str]) -> Iterator[str]:
    for number, let in enumerate(stage.lets):
        yield f"{INDENT * 2}{let_name(number)}: {short_name(let.dtype)} = {let_text(let, named, axes)}"
    for effect in stage.effects:
        yield INDENT * 2 + _effect_line(effect, stage, named, axes)


def _effect_line(effect: Effect, stage: Stage, named: Names, axes: Mapping[Axis, str]) -> str:
    value = let_name(effect.value)
    inner = ", ".join(axes[axis] for axis in stage.inner)
    match effect:
        case Store():
            combine = "" if effect.combine is None else effect.combine.value
            return f"{_name(effect.buffer, named)}{_at(effect.index)} {combine}= {value}"
        case Fold():
            results = ", ".join(_name(buffer, named) for buffer in effect.results)
            return f"{results} = {effect.monoid.value} of {value} over {inner}"
        case Prefix():
            monoid = f"running {effect.monoid.value}{' from the last' if effect.reverse else ''}"
            return f"{_name(effect.result, named)} = {monoid} of {value} over {inner}"
        case Total():
            return f"{_name(effect.result, named)}{_at(effect.index)} = {effect.monoid.value} of {value} over all rows"


def _contract_lines(contract: Contract, named: Names) -> Iterator[str]:
    axes = {number: Axis(number, extent) for number, extent in enumerate(contract.extents)}
    letters = axis_names(Kernel(tuple(axes.values()), (), ()))

    def operand(buffer: Buffer, index: Sequence[AffineIndex]) -> str:
        return f"{_name(buffer, named)}[{', '.join(_affine(part, axes, letters) for part in index)}]"

    out, left, right = (
        operand(contract.out, contract.out_index),
        operand(contract.left, contract.left_index),
        operand(contract.right, contract.right_index),
    )
    over = _over(tuple(axes.values()), letters)
    outside = ", 0 outside of operands" if contract.guarded else ""
    yield f"{out} {'adds' if contract.adds else '+='} {left} * {right}{over}{outside}"
    if contract.then is not None:
        own = _letters_of(contract, contract.then, {number: letters[axis] for number, axis in axes.items()})
        yield f"{INDENT}then{_over(contract.then.outer, own)}"
        for stage in contract.then.stages:
            yield from _stage_lines(stage, named, own)


def _letters_of(contract: Contract, then: Kernel, letters: Mapping[int, str]) -> Mapping[Axis, str]:
    """The letters of the axes of an epilogue: those by which the product walks its result."""
    walks = [part.terms[0][0] if len(part.terms) == 1 else None for part in contract.out_index]
    own = dict(axis_names(then))
    for stage in then.stages:
        for let in stage.lets:
            if isinstance(let, Load) and let.buffer is contract.out:
                for number, at in zip(let.index, walks, strict=False):
                    part = stage.lets[number]
                    if isinstance(part, AxisIndex) and at is not None:
                        own[part.axis] = letters[at]
    return own


def _affine(index: AffineIndex, axes: Mapping[int, Axis], letters: Mapping[Axis, str]) -> str:
    """`2*i + k - 1`."""
    parts = [
        letter if coefficient == 1 else f"{_factor(str(coefficient))}*{letter}"
        for letter, coefficient in ((letters[axes[axis]], coefficient) for axis, coefficient in index.terms)
    ]
    if index.offset != 0 or not parts:
        parts.append(str(index.offset))
    return " + ".join(parts).replace("+ -", "- ")


def _factor(text: str) -> str:
    return f"({text})" if " " in text else text


def _condition(check: Check, named: Names) -> str:
    match check.condition:
        case SizesAgree(left=left, right=right):
            return f"{left} == {right}"
        case IndexInRange(index=index, extent=extent, negative=negative):
            least = f"-{_factor(str(extent))}" if negative else "0"
            return f"{least} <= {_name(index, named)} < {extent}"


def _over(axes: Sequence[Axis], letters: Mapping[Axis, str]) -> str:
    return f" over {', '.join(f'{letters[axis]} < {axis.extent}' for axis in axes)}" if axes else ""


def _at(index: Sequence[int]) -> str:
    return f"[{', '.join(map(let_name, index))}]" if index else ""


def _declared(name: str, buffer: Buffer) -> str:
    return f"{name}: {TensorType(buffer.shape, buffer.dtype)}"


def _bytes(buffer: Buffer) -> str:
    return f", {buffer.bytes:,} bytes" if isinstance(buffer.bytes, int) else f", {buffer.bytes} bytes"


def _name(buffer: Buffer, named: Names) -> str:
    """Its name, or what kind of buffer it is where a program that is being checked has none for it."""
    return named.get(buffer, f"unknown {buffer.role.value}")
