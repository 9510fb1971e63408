"""Programs as LLVM IR, which becomes machine code in this process."""
