"""Optimisers and schedules: pure functions from gradients to updates."""
