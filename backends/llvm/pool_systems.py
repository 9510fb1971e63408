"""What the thread pool asks of a system and of a processor, as LLVM IR: to sleep, to wake, to pause, to round alike."""

__all__ = ["ARM", "CLOCK", "ELSEWHERE", "IN_TURN", "LINUX", "SERIAL", "TICKS", "X86"]

LINUX = """
declare i64 @syscall(i64, ...)
declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @pthread_setaffinity_np(i64, i64, ptr)

; Sleep for as long as the number at %place is %value, or shorter.
define internal void @doze(ptr %place, i32 %value) nounwind {
  %result = call i64 (i64, ...) @syscall(i64 $futex, ptr %place, i32 128, i32 %value, ptr null, ptr null, i32 0)
  ret void
}

; The same, for a twentieth of a second at most.
define internal void @doze_briefly(ptr %place, i32 %value) nounwind {
  %time = alloca { i64, i64 }, align 8
  store { i64, i64 } { i64 0, i64 50000000 }, ptr %time, align 8
  %result = call i64 (i64, ...) @syscall(i64 $futex, ptr %place, i32 128, i32 %value, ptr %time, ptr null, i32 0)
  ret void
}

define internal void @wake(ptr %place) nounwind {
  %result = call i64 (i64, ...) @syscall(i64 $futex, ptr %place, i32 129, i32 1, ptr null, ptr null, i32 0)
  ret void
}

; The CPUs that the process may use.  If there are more than fit, none is noted.
define internal void @look_around() nounwind {
  call void @llvm.memset.p0.i64(ptr align 8 @allowed, i8 0, i64 $cpu_bytes, i1 false)
  %failed = call i32 @sched_getaffinity(i32 0, i64 $cpu_bytes, ptr @allowed)
  ret void
}

; Let the workers run on all CPUs but the caller's, if there is another.
define internal void @keep_away(i64 %there) nounwind {
  %mask = alloca [$cpu_words x i64], align 8
  %cpu = call i32 @sched_getcpu()
  %last = load i32, ptr @cpu, align 4
  %same = icmp eq i32 %cpu, %last
  %unknown = icmp uge i32 %cpu, $cpus
  %leave = or i1 %same, %unknown
  br i1 %leave, label %done, label %moved
moved:
  store i32 %cpu, ptr @cpu, align 4
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %mask, ptr align 8 @allowed, i64 $cpu_bytes, i1 false)
  %wide = zext i32 %cpu to i64
  %which = lshr i64 %wide, 6
  %place = getelementptr i64, ptr %mask, i64 %which
  %shift = and i64 %wide, 63
  %bit = shl i64 1, %shift
  %others = xor i64 %bit, -1
  %old = load i64, ptr %place, align 8
  %new = and i64 %old, %others
  store i64 %new, ptr %place, align 8
  br label %count
count:
  %number = phi i64 [ 0, %moved ], [ %number_next, %count ]
  %any = phi i64 [ 0, %moved ], [ %any_next, %count ]
  %at = getelementptr i64, ptr %mask, i64 %number
  %some = load i64, ptr %at, align 8
  %any_next = or i64 %any, %some
  %number_next = add i64 %number, 1
  %counted = icmp eq i64 %number_next, $cpu_words
  br i1 %counted, label %decide, label %count
decide:
  %nowhere = icmp eq i64 %any_next, 0
  br i1 %nowhere, label %done, label %move
move:
  %index = phi i64 [ 1, %decide ], [ %index_next, %move ]
  %thread = getelementptr [$workers x %worker], ptr @workers, i64 0, i64 %index, i32 2
  %handle = load i64, ptr %thread, align 8
  %failed = call i32 @pthread_setaffinity_np(i64 %handle, i64 $cpu_bytes, ptr %mask)
  %index_next = add i64 %index, 1
  %more = icmp sle i64 %index_next, %there
  br i1 %more, label %move, label %done
done:
  ret void
}
"""

# Systems whose ways to sleep on a word are not public: who sleeps looks again by itself.
ELSEWHERE = """
declare i32 @nanosleep(ptr, ptr)

define internal void @doze(ptr %place, i32 %value) nounwind {
  %time = alloca { i64, i64 }, align 8
  store { i64, i64 } { i64 0, i64 100000 }, ptr %time, align 8
  %result = call i32 @nanosleep(ptr %time, ptr null)
  ret void
}

define internal void @doze_briefly(ptr %place, i32 %value) nounwind {
  call void @doze(ptr %place, i32 %value)
  ret void
}

define internal void @wake(ptr %place) nounwind {
  ret void
}

define internal void @look_around() nounwind {
  ret void
}

define internal void @keep_away(i64 %there) nounwind {
  ret void
}
"""

X86 = """
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

define internal void @relax() nounwind alwaysinline {
  call void @llvm.x86.sse2.pause()
  ret void
}

define internal i64 @get_modes() nounwind {
  %place = alloca i64, align 8
  store i64 0, ptr %place, align 8
  call void @llvm.x86.sse.stmxcsr(ptr %place)
  %modes = load i64, ptr %place, align 8
  ret i64 %modes
}

define internal void @set_modes(i64 %modes) nounwind {
  %place = alloca i64, align 8
  store i64 %modes, ptr %place, align 8
  call void @llvm.x86.sse.ldmxcsr(ptr %place)
  ret void
}
"""

# `isb` waits about as long as x86's pause; `yield` takes no time at all on most processors.
ARM = """
declare void @llvm.aarch64.isb(i32)
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal void @relax() nounwind alwaysinline {
  call void @llvm.aarch64.isb(i32 15)
  ret void
}

define internal i64 @get_modes() nounwind {
  %modes = call i64 @llvm.aarch64.get.fpcr()
  ret i64 %modes
}

define internal void @set_modes(i64 %modes) nounwind {
  call void @llvm.aarch64.set.fpcr(i64 %modes)
  ret void
}
"""

# The whole of it where there are no POSIX threads.
SERIAL = """\
define void @graphc_parallel(ptr %body, ptr %context, i64 %chunks, i64 %threads, ptr %run) nounwind {
  call void @in_turn(ptr %body, ptr %context, i64 %chunks, ptr %run)
  ret void
}

define void @graphc_pool_configure(i64 %threads, i64 %patience) nounwind {
  ret void
}

define i64 @graphc_pool_threads() nounwind {
  ret i64 1
}

define i64 @graphc_pool_started() nounwind {
  ret i64 0
}

define void @graphc_pool_reset() nounwind {
  ret void
}
"""

# All chunks in the caller.
IN_TURN = """
define internal void @in_turn(ptr %body, ptr %context, i64 %chunks, ptr %run) nounwind {
  %is_watched = icmp ne ptr %run, null
  %is_some = icmp sgt i64 %chunks, 0
  br i1 %is_some, label %begin, label %done
begin:
  %chunk = phi i64 [ 0, %0 ], [ %next, %more ], [ %next, %ask ]
  call void %body(ptr %context, i64 %chunk)
  %next = add i64 %chunk, 1
  %is_left = icmp slt i64 %next, %chunks
  br i1 %is_left, label %more, label %done
more:
  br i1 %is_watched, label %ask, label %begin
ask:
  %is_over = call i1 @graphc_look(ptr %run)
  br i1 %is_over, label %done, label %begin
done:
  ret void
}
"""

# What time it is, in nanoseconds.
CLOCK = """
declare i32 @clock_gettime(i32, ptr)

define internal i64 @now() nounwind {
  %time = alloca { i64, i64 }, align 8
  %failed = call i32 @clock_gettime(i32 $monotonic, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %fraction = getelementptr i8, ptr %time, i64 8
  %nanoseconds = load i64, ptr %fraction, align 8
  %scaled = mul i64 %seconds, 1000000000
  %sum = add i64 %scaled, %nanoseconds
  ret i64 %sum
}
"""

TICKS = """
declare i64 @GetTickCount64()

define internal i64 @now() nounwind {
  %ticks = call i64 @GetTickCount64()
  %time = mul i64 %ticks, 1000000
  ret i64 %time
}
"""
