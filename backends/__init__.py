"""How a program is written down, and what loads it.  Backends know the kernel language and nothing above it."""
