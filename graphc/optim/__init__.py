"""Optimisers and schedules: pure functions from gradients to updates."""

from graphc.optim.clipping import clip_by_global_norm, global_norm
from graphc.optim.descent import SGD, Adam, Momentum
from graphc.optim.optimiser import Optimiser
from graphc.optim.scaling import LossScale
from graphc.optim.schedules import (
    Schedule,
    constant,
    cosine_decay,
    exponential_decay,
    linear_warmup,
    step_decay,
)
from graphc.signatures import offered

__all__ = [
    "Adam",
    "LossScale",
    "Momentum",
    "Optimiser",
    "SGD",
    "Schedule",
    "clip_by_global_norm",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "global_norm",
    "linear_warmup",
    "step_decay",
]

globals().update(offered(__name__, globals(), __all__))
