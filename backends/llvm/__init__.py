"""Programs as native code: LLVM IR that is written, compiled and linked in this process."""
