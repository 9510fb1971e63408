"""The workloads of `benchmarks.native`: what is computed, declared for graphc, and on which arrays."""
