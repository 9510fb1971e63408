"""CUDA C++ on a CPU: the kernels that are emitted, run thread by thread."""
