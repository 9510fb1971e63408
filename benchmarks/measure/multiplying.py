"""How many multiplications and additions of float32 this machine makes: on registers alone, nothing is loaded."""

import ctypes
from dataclasses import dataclass

from benchmarks.measure.race import Side
from graphc.backends.llvm.code import link, object_code
from graphc.backends.llvm.machine import Machine, host
from graphc.backends.llvm.pool import pool

__all__ = ["Multiplying", "multiplying"]

SUMS = 12  # vectors in flight: two units take a new one each cycle, and each result takes four or five
TURNS = 20_000

_FRAME = """
declare void @graphc_parallel(ptr, ptr, i64, i64, ptr)
declare {type} @llvm.fmuladd.{suffix}({type}, {type}, {type})
define void @multiply(ptr %context, i64 %chunk) {{
entry:
  br label %loop
loop:
  %turn = phi i64 [ 0, %entry ], [ %next, %loop ]
{phis}
{steps}
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, {turns}
  br i1 %more, label %loop, label %end
end:
{ends}
  %place = getelementptr {type}, ptr %context, i64 %chunk
  store {type} %end{last}, ptr %place, align 4
  ret void
}}
define void @run(ptr %room, i64 %threads) {{
  call void @graphc_parallel(ptr @multiply, ptr %room, i64 %threads, i64 %threads, ptr null)
  ret void
}}
"""


@dataclass(frozen=True, eq=False)
class Multiplying:
    """A call that makes so many operations, two for each multiplication and addition."""

    call: Side
    operations: int


def multiplying(threads: int) -> Multiplying:
    """By so many threads of the pool, each on a chunk of its own."""
    machine = host()
    code = link([object_code(text(machine), machine)], {"graphc_parallel": pool().address}, ["run"])
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
    room = (ctypes.c_float * (machine.lanes(4) * threads))()
    operations = 2 * SUMS * TURNS * machine.lanes(4) * threads
    return Multiplying(lambda: function(code["run"])(ctypes.addressof(room), threads), operations)  # it keeps the code


def text(machine: Machine) -> str:
    """The loop: sums that wait for nothing but themselves."""
    lanes = machine.lanes(4)
    type, suffix = f"<{lanes} x float>", f"v{lanes}f32"
    half = "<" + ", ".join(["float 0.5"] * lanes) + ">"
    phis = [f"  %x{k} = phi {type} [ zeroinitializer, %entry ], [ %y{k}, %loop ]" for k in range(SUMS)]
    steps = [
        f"  %y{k} = call {type} @llvm.fmuladd.{suffix}({type} %x{k}, {type} {half}, {type} {half})" for k in range(SUMS)
    ]
    ends = [f"  %end{k} = fadd {type} {'zeroinitializer' if k == 0 else f'%end{k - 1}'}, %y{k}" for k in range(SUMS)]
    return _FRAME.format(
        type=type,
        suffix=suffix,
        turns=TURNS,
        phis="\n".join(phis),
        steps="\n".join(steps),
        ends="\n".join(ends),
        last=SUMS - 1,
    )
