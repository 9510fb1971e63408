"""The only language that backends speak: scalar formulas, kernels, steps, programs, targets."""
