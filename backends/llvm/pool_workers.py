"""The workers of the thread pool as LLVM IR: how they are started and wait for work, and how they are waited for."""

__all__ = ["SPIN", "WORKERS"]

#: blocks that look again and again, `$spin` below, until `%patience` has passed since `%start`
SPIN = """\
pause:
  call void @relax()
  %counted = add i64 %count, 1
  %is_short = icmp ult i64 %counted, 64
  br i1 %is_short, label %look, label %clock
clock:
  %time = call i64 @now()
  %passed = sub i64 %time, %start
  %goes_on = icmp slt i64 %passed, %patience
  br i1 %goes_on, label %look, label %sleep"""

WORKERS = """
; Return when the workers have done `theirs` chunks.  Meanwhile signals may come to the run.
define internal void @await(i32 %theirs, ptr %run) nounwind {
  %early = load atomic i32, ptr @finished acquire, align 4
  %is_early = icmp eq i32 %early, %theirs
  br i1 %is_early, label %done, label %begin
begin:
  %start = call i64 @now()
  %whole = load atomic i64, ptr @patience monotonic, align 8
  %patience = lshr i64 %whole, 3
  br label %look
look:
  %count = phi i64 [ 0, %begin ], [ %counted, %pause ], [ 0, %clock ]
  %seen = load atomic i32, ptr @finished acquire, align 4
  %is_done = icmp eq i32 %seen, %theirs
  br i1 %is_done, label %done, label %pause
$spin
sleep:
  store atomic i32 1, ptr @waiting seq_cst, align 4
  %before = load atomic i32, ptr @finished seq_cst, align 4
  %is_all = icmp eq i32 %before, %theirs
  br i1 %is_all, label %done, label %rest
rest:
  %is_watched = icmp ne ptr %run, null
  br i1 %is_watched, label %nap, label %rest_long
rest_long:
  call void @doze(ptr @finished, i32 %before)
  br label %sleep
nap:
  call void @doze_briefly(ptr @finished, i32 %before)
  %is_over = call i1 @graphc_look(ptr %run) ; chunks that have begun end by themselves
  br label %sleep
done:
  ret void
}

define internal ptr @worker(ptr %number) nounwind {
  %index = ptrtoint ptr %number to i64
  %asleep = getelementptr [$workers x %worker], ptr @workers, i64 0, i64 %index
  br label %begin
begin:
  %start = call i64 @now()
  %patience = load atomic i64, ptr @patience monotonic, align 8
  br label %look
look:
  %count = phi i64 [ 0, %begin ], [ %counted, %pause ], [ 0, %clock ]
  %word = load atomic i64, ptr @job acquire, align 8
  %open = call i1 @is_open(i64 %word, i64 %index)
  br i1 %open, label %help, label %pause
$spin
sleep:
  store atomic i32 1, ptr %asleep seq_cst, align 4
  br label %nap
nap:
  %again = load atomic i64, ptr @job seq_cst, align 8
  %is_late = call i1 @is_open(i64 %again, i64 %index)
  br i1 %is_late, label %rise, label %rest
rest:
  call void @doze(ptr %asleep, i32 1)
  %still = load atomic i32, ptr %asleep seq_cst, align 4
  %is_still = icmp eq i32 %still, 1
  br i1 %is_still, label %nap, label %begin
rise:
  store atomic i32 0, ptr %asleep seq_cst, align 4
  br label %help
help:
  %mine = call i32 @work(i64 %index, ptr null)
  %none = icmp eq i32 %mine, 0
  br i1 %none, label %begin, label %tell
tell:
  %before = atomicrmw add ptr @finished, i32 %mine seq_cst, align 4
  %awaited = load atomic i32, ptr @waiting seq_cst, align 4
  %is_awaited = icmp ne i32 %awaited, 0
  br i1 %is_awaited, label %call, label %begin
call:
  call void @wake(ptr @finished)
  br label %begin
}

; Start workers until there are `asked`, or the system gives no more.  Returns how many there are.
define internal i64 @start_workers(i64 %asked) nounwind {
  %blocked = alloca [16 x i64], align 8
  %usual = alloca [16 x i64], align 8
  call void @llvm.memset.p0.i64(ptr %blocked, i8 -1, i64 128, i1 false)
  store i64 $blocked, ptr %blocked, align 8
  call void @look_around()
  %there = load i64, ptr @started, align 8
  %masked = call i32 @pthread_sigmask(i32 $set_mask, ptr %blocked, ptr %usual)
  br label %look
look:
  %count = phi i64 [ %there, %0 ], [ %index, %created ]
  %enough = icmp sge i64 %count, %asked
  br i1 %enough, label %done, label %create
create:
  %index = add i64 %count, 1
  %number = inttoptr i64 %index to ptr
  %thread = getelementptr [$workers x %worker], ptr @workers, i64 0, i64 %index, i32 2
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %number)
  %is_failed = icmp ne i32 %failed, 0
  br i1 %is_failed, label %refused, label %created
created:
  %handle = load i64, ptr %thread, align 8
  %detached = call i32 @pthread_detach(i64 %handle)
  br label %look
refused: ; do not ask each time
  store atomic i64 %index, ptr @threads monotonic, align 8
  br label %done
done:
  %unmasked = call i32 @pthread_sigmask(i32 $set_mask, ptr %usual, ptr null)
  store i64 %count, ptr @started, align 8
  store i32 -1, ptr @cpu, align 4
  ret i64 %count
}
"""
