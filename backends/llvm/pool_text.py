"""The thread pool as LLVM IR: what each machine and system is asked to do, and the text.

One caller at a time has the workers: it takes `busy`, and who finds it taken, be it another thread or a chunk
that asks for chunks, runs all chunks by itself.  So nobody waits for somebody who waits.

A task is published by one word, `job`: its turn (22 bits), the workers that may help (10 bits), and the chunks that
nobody took yet (32 bits).  Workers and caller take chunks by counting the word down, so the caller does the work of
a worker that comes late, and what the task is may be read by whoever took a chunk: the caller stays until the last
chunk is done.  A worker adds what it did to `finished` once, when no chunk is left.

A worker that finds no chunk looks again for `patience` nanoseconds, and then sleeps in the kernel: it says so in its
`asleep` and looks at the word once more, while the caller writes the word and then looks at `asleep`.  All four are
sequentially consistent, so one of the two sees the other.

Linux wakes a thread where the waker runs, and the waker does not stop: whenever the caller is on another CPU than
the last one, the workers are told to run on all CPUs but this.
"""

from string import Template

from graphc.backends.llvm.machine import Machine
from graphc.backends.llvm.pool_systems import ARM, CLOCK, ELSEWHERE, IN_TURN, LINUX, SERIAL, TICKS, X86
from graphc.backends.llvm.pool_workers import SPIN, WORKERS
from graphc.backends.llvm.watch import WATCHES
from graphc.backends.llvm.watch import text as watch_text

__all__ = ["EXPORTS", "MOST_THREADS", "imports", "text"]

MOST_THREADS = 256  # of which one is the caller; `job` has room for 1023
EXPORTS = (
    "graphc_parallel",
    "graphc_pool_configure",
    "graphc_pool_threads",
    "graphc_pool_started",
    "graphc_pool_reset",
    *WATCHES,
)
CPUS = 4096  # on machines with more, the workers are left where they are
SYNCHRONOUS = {"linux": (4, 5, 6, 7, 8, 11), "darwin": (4, 5, 6, 7, 8, 10, 11)}  # signals for what the code itself did


def text(machine: Machine) -> str:
    """The module.  Where there are no POSIX threads, it runs all chunks in the caller."""
    watch = watch_text(machine)
    if not _has_threads(machine):
        return "".join((SERIAL, IN_TURN, watch, TICKS if machine.is_windows else CLOCK)).replace("$monotonic", "1")
    system = "linux" if machine.is_linux else "darwin"
    blocked = (1 << 64) - 1
    for signal in SYNCHRONOUS[system]:
        blocked &= ~(1 << (signal - 1))
    values = {
        "workers": MOST_THREADS,
        "worker_bytes": MOST_THREADS * 128,
        "cpu_words": CPUS // 64,
        "cpu_bytes": CPUS // 8,
        "cpus": CPUS,
        "blocked": blocked,
        "spin": SPIN,
        "set_mask": 2 if machine.is_linux else 3,
        "monotonic": 1 if machine.is_linux else 6,
        "futex": 202 if machine.is_x86 else 98,
    }
    parts = [POOL, WORKERS, CLOCK, IN_TURN, LINUX if machine.is_linux else ELSEWHERE, X86 if machine.is_x86 else ARM]
    return Template("".join(parts)).substitute(values) + watch


def imports(machine: Machine) -> tuple[str, ...]:
    """The functions of the C library that the text calls."""
    if not _has_threads(machine):
        return ("GetTickCount64",) if machine.is_windows else ("clock_gettime",)
    common = ("pthread_create", "pthread_detach", "pthread_sigmask", "clock_gettime")
    if machine.is_linux:
        return (*common, "syscall", "sched_getcpu", "sched_getaffinity", "pthread_setaffinity_np")
    return (*common, "nanosleep")


def _has_threads(machine: Machine) -> bool:
    return not machine.is_windows and (machine.is_x86 or machine.is_aarch64)


POOL = """\
%worker = type { i32, [60 x i8], i64, [56 x i8] } ; asleep, and the thread, on lines of their own

@job = internal global i64 0, align 128
@task = internal global { ptr, ptr, i64, i64 } zeroinitializer, align 128 ; body, context, chunks, modes
@finished = internal global i32 0, align 128
@waiting = internal global i32 0, align 128
@busy = internal global i32 0, align 128
@threads = internal global i64 1, align 128
@started = internal global i64 0, align 8
@patience = internal global i64 0, align 8
@cpu = internal global i32 -1, align 8
@allowed = internal global [$cpu_words x i64] zeroinitializer, align 8
@workers = internal global [$workers x %worker] zeroinitializer, align 128

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; Run body(context, chunk) for each chunk below `chunks`, once, by at most `threads` threads.  Where `run` says so,
; the table of a run that is watched, chunks that nobody has begun are given up.
define void @graphc_parallel(ptr %body, ptr %context, i64 %chunks, i64 %threads, ptr %run) nounwind {
  %size = load atomic i64, ptr @threads monotonic, align 8
  %some = call i64 @llvm.smin.i64(i64 %threads, i64 %size)
  %most = call i64 @llvm.smin.i64(i64 %some, i64 %chunks)
  %helpful = icmp sgt i64 %most, 1
  %countable = icmp slt i64 %chunks, 2147483648
  %worthwhile = and i1 %helpful, %countable
  br i1 %worthwhile, label %take, label %alone
take:
  %held = cmpxchg ptr @busy, i32 0, i32 1 acquire monotonic
  %is_ours = extractvalue { i32, i1 } %held, 1
  br i1 %is_ours, label %enlist, label %alone
alone:
  call void @in_turn(ptr %body, ptr %context, i64 %chunks, ptr %run)
  ret void
enlist:
  %asked = sub i64 %most, 1
  %ready = load i64, ptr @started, align 8
  %too_few = icmp slt i64 %ready, %asked
  br i1 %too_few, label %start, label %enlisted
start:
  %grown = call i64 @start_workers(i64 %asked)
  br label %enlisted
enlisted:
  %there = phi i64 [ %ready, %enlist ], [ %grown, %start ]
  %helpers = call i64 @llvm.smin.i64(i64 %asked, i64 %there)
  %nobody = icmp slt i64 %helpers, 1
  br i1 %nobody, label %give_up, label %publish
give_up:
  store atomic i32 0, ptr @busy release, align 4
  br label %alone
publish:
  call void @keep_away(i64 %there)
  %modes = call i64 @get_modes()
  store ptr %body, ptr @task, align 8
  store ptr %context, ptr getelementptr (i8, ptr @task, i64 8), align 8
  store i64 %chunks, ptr getelementptr (i8, ptr @task, i64 16), align 8
  store i64 %modes, ptr getelementptr (i8, ptr @task, i64 24), align 8
  store atomic i32 0, ptr @finished monotonic, align 4
  store atomic i32 0, ptr @waiting monotonic, align 4
  %last = load atomic i64, ptr @job monotonic, align 8
  %turn = lshr i64 %last, 42
  %next = add i64 %turn, 1
  %high = shl i64 %next, 42
  %middle = shl i64 %helpers, 32
  %upper = or i64 %high, %middle
  %word = or i64 %upper, %chunks
  store atomic i64 %word, ptr @job seq_cst, align 8
  br label %rouse
rouse:
  %index = phi i64 [ 1, %publish ], [ %index_next, %roused ]
  %asleep = getelementptr [$workers x %worker], ptr @workers, i64 0, i64 %index
  %is_asleep = load atomic i32, ptr %asleep seq_cst, align 4
  %awake = icmp eq i32 %is_asleep, 0
  br i1 %awake, label %roused, label %shake
shake:
  %was = atomicrmw xchg ptr %asleep, i32 0 seq_cst, align 4
  call void @wake(ptr %asleep)
  br label %roused
roused:
  %index_next = add i64 %index, 1
  %more = icmp sle i64 %index_next, %helpers
  br i1 %more, label %rouse, label %help
help:
  %mine = call i32 @work(i64 0, ptr %run)
  %all = trunc i64 %chunks to i32
  %theirs = sub i32 %all, %mine
  call void @await(i32 %theirs, ptr %run)
  store atomic i32 0, ptr @busy release, align 4
  ret void
}

; Whether worker `index` may take a chunk of the task that the word speaks of.  The caller is number 0.
define internal i1 @is_open(i64 %word, i64 %index) nounwind alwaysinline {
  %left = and i64 %word, 4294967295
  %is_left = icmp ne i64 %left, 0
  %upper = lshr i64 %word, 32
  %helpers = and i64 %upper, 1023
  %is_asked = icmp ule i64 %index, %helpers
  %open = and i1 %is_left, %is_asked
  ret i1 %open
}

; Take chunks until there are none.  Returns how many were done here, or given up.  `run` is null in a worker.
define internal i32 @work(i64 %index, ptr %run) nounwind {
  br label %look
look:
  %count = phi i32 [ 0, %0 ], [ %counted, %begin ]
  %read = load atomic i64, ptr @job acquire, align 8
  br label %try
try:
  %word = phi i64 [ %read, %look ], [ %changed, %take ]
  %open = call i1 @is_open(i64 %word, i64 %index)
  br i1 %open, label %choose, label %done
choose:
  %is_watched = icmp ne ptr %run, null
  %is_later = icmp ne i32 %count, 0
  %asks = and i1 %is_watched, %is_later
  br i1 %asks, label %ask, label %take
ask:
  %is_over = call i1 @graphc_look(ptr %run)
  br i1 %is_over, label %give_up, label %take
take:
  %less = sub i64 %word, 1
  %tried = cmpxchg ptr @job, i64 %word, i64 %less acq_rel acquire
  %changed = extractvalue { i64, i1 } %tried, 0
  %taken = extractvalue { i64, i1 } %tried, 1
  br i1 %taken, label %prepare, label %try
prepare:
  %is_worker = icmp ne i64 %index, 0
  %is_first = icmp eq i32 %count, 0
  %is_new = and i1 %is_worker, %is_first
  br i1 %is_new, label %adopt, label %begin
adopt: ; the caller's way of rounding, so that all chunks round alike
  %modes = load i64, ptr getelementptr (i8, ptr @task, i64 24), align 8
  call void @set_modes(i64 %modes)
  br label %begin
begin:
  %body = load ptr, ptr @task, align 8
  %context = load ptr, ptr getelementptr (i8, ptr @task, i64 8), align 8
  %chunks = load i64, ptr getelementptr (i8, ptr @task, i64 16), align 8
  %left = and i64 %word, 4294967295
  %chunk = sub i64 %chunks, %left
  call void %body(ptr %context, i64 %chunk)
  %counted = add i32 %count, 1
  br label %look
give_up: ; nobody takes what is left
  %last = load atomic i64, ptr @job acquire, align 8
  br label %drop
drop:
  %seen = phi i64 [ %last, %give_up ], [ %found, %drop ]
  %unbegun = and i64 %seen, 4294967295
  %none = sub i64 %seen, %unbegun
  %dropped = cmpxchg ptr @job, i64 %seen, i64 %none acq_rel acquire
  %found = extractvalue { i64, i1 } %dropped, 0
  %is_dropped = extractvalue { i64, i1 } %dropped, 1
  br i1 %is_dropped, label %give, label %drop
give:
  %fewer = trunc i64 %unbegun to i32
  %both = add i32 %count, %fewer
  br label %done
done:
  %all = phi i32 [ %count, %try ], [ %both, %give ]
  ret i32 %all
}

; How many threads may take part, the caller included, and how long a worker without work stays awake.
define void @graphc_pool_configure(i64 %threads, i64 %patience) nounwind {
  store atomic i64 %threads, ptr @threads monotonic, align 8
  store atomic i64 %patience, ptr @patience monotonic, align 8
  ret void
}

define i64 @graphc_pool_threads() nounwind {
  %threads = load atomic i64, ptr @threads monotonic, align 8
  ret i64 %threads
}

define i64 @graphc_pool_started() nounwind {
  %started = load i64, ptr @started, align 8
  ret i64 %started
}

; In the child of a fork: there are no workers, and nobody else who asks for them.
define void @graphc_pool_reset() nounwind {
  store i64 0, ptr @job, align 8
  store i32 0, ptr @finished, align 4
  store i32 0, ptr @waiting, align 4
  store i64 0, ptr @started, align 8
  call void @llvm.memset.p0.i64(ptr align 8 @workers, i8 0, i64 $worker_bytes, i1 false)
  store atomic i32 0, ptr @busy seq_cst, align 4
  ret void
}
"""
