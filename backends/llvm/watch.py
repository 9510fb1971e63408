"""How a long run is interrupted, as LLVM IR: what native code calls to learn whether to give up.

A run that has released the GIL in Python's main thread looks, now and then, whether a signal has come: it takes the
GIL, lets Python run the handlers, and gives up where one raises.  What is watched is the table of the run.  Others
look too, as the workers of the pool: they only read whether the run has been given up, and never take the GIL.
A run of another thread, or one that holds the GIL and so is short, is not watched: to look costs it a load or two.
"""

from collections.abc import Iterator
from string import Template

from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.table import LOOKED, STOPPED, THREAD

__all__ = ["PYTHON", "WATCHES", "begun", "ended", "text"]

#: what it exports
WATCHES = ("graphc_look", "graphc_watched", "graphc_set_main")
#: functions of CPython that it calls
PYTHON = ("PyEval_SaveThread", "PyEval_RestoreThread", "PyErr_CheckSignals", "PyThread_get_thread_ident")
PERIOD = 100_000_000  # nanoseconds between two looks for signals: to get the GIL from a busy thread takes 5 ms


def begun(table: str, thread: str) -> Iterator[str]:
    """Instructions that let a run be watched; `thread` is what Python gave for the GIL."""
    yield f"  %watched.at = getelementptr i64, ptr {table}, i64 {THREAD}"
    yield f"  store ptr {thread}, ptr %watched.at, align 8"
    yield f"  %looked.at = getelementptr i64, ptr {table}, i64 {LOOKED}"
    yield "  store i64 0, ptr %looked.at, align 8"


def ended(table: str) -> Iterator[str]:
    """Instructions that stand behind it, in the same function."""
    yield "  store ptr null, ptr %watched.at, align 8"
    yield f"  %stopped.at = getelementptr i64, ptr {table}, i64 {STOPPED}"
    yield "  store atomic i64 0, ptr %stopped.at monotonic, align 8"


def text(machine: Machine) -> str:
    """The functions.  They need `i64 now()`, in nanoseconds."""
    values = {
        "stopped": STOPPED,
        "thread": THREAD,
        "looked": LOOKED,
        "period": PERIOD,
        "begin": "\n".join(begun("%table", "%thread")),
        "end": "\n".join(ended("%table")),
        "long": "i32" if machine.is_windows else "i64",
    }
    return Template(WATCH).substitute(values)


WATCH = """
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i32 @PyErr_CheckSignals()
declare $long @PyThread_get_thread_ident()

@main = internal global i64 0, align 8

; Which thread Python runs its signal handlers in.
define void @graphc_set_main(i64 %thread) nounwind {
  store i64 %thread, ptr @main, align 8
  ret void
}

; function(table), without the GIL and watched.
define i64 @graphc_watched(ptr %function, ptr %table) nounwind {
  %thread = call ptr @PyEval_SaveThread()
$begin
  %status = call i64 %function(ptr %table)
$end
  call void @PyEval_RestoreThread(ptr %thread)
  ret i64 %status
}

; Whether to give up.  Then an exception of Python is set, in the thread of the run.
define i1 @graphc_look(ptr %table) nounwind noinline {
  %stopped_at = getelementptr i64, ptr %table, i64 $stopped
  %stopped = load atomic i64, ptr %stopped_at monotonic, align 8
  %is_stopped = icmp ne i64 %stopped, 0
  br i1 %is_stopped, label %give_up, label %ask
ask:
  %thread_at = getelementptr i64, ptr %table, i64 $thread
  %thread = load ptr, ptr %thread_at, align 8
  %is_watched = icmp ne ptr %thread, null
  br i1 %is_watched, label %who, label %go_on
who:
  %self = call $long @PyThread_get_thread_ident()
  %main = load $long, ptr @main, align 8
  %is_main = icmp eq $long %self, %main ; no worker, and a thread in which Python runs handlers
  br i1 %is_main, label %when, label %go_on
when:
  %looked_at = getelementptr i64, ptr %table, i64 $looked
  %looked = load i64, ptr %looked_at, align 8
  %now = call i64 @now()
  %is_first = icmp eq i64 %looked, 0
  br i1 %is_first, label %begin, label %compare
begin:
  store i64 %now, ptr %looked_at, align 8
  br label %go_on
compare:
  %passed = sub i64 %now, %looked
  %is_due = icmp sgt i64 %passed, $period
  br i1 %is_due, label %signals, label %go_on
signals:
  call void @PyEval_RestoreThread(ptr %thread)
  %raised = call i32 @PyErr_CheckSignals()
  %same = call ptr @PyEval_SaveThread()
  %after = call i64 @now()
  store i64 %after, ptr %looked_at, align 8
  %is_raised = icmp ne i32 %raised, 0
  br i1 %is_raised, label %stop, label %go_on
stop:
  store atomic i64 1, ptr %stopped_at monotonic, align 8
  br label %give_up
give_up:
  ret i1 true
go_on:
  ret i1 false
}
"""
