"""The same computations twice: declared for graphc, and written by hand in NumPy."""
