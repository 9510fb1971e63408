"""Layers, losses and initialisers: plain graph code."""

from graphc.nn.dropout import Dropout
from graphc.nn.initial import Initialiser, glorot_normal, glorot_uniform, he_normal, he_uniform
from graphc.nn.layer import Layer
from graphc.nn.linear import Linear
from graphc.nn.losses import binary_cross_entropy, mean_squared_error, softmax_cross_entropy
from graphc.nn.sequential import Sequential, mlp
from graphc.signatures import offered

__all__ = [
    "Dropout",
    "Initialiser",
    "Layer",
    "Linear",
    "Sequential",
    "binary_cross_entropy",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "mean_squared_error",
    "mlp",
    "softmax_cross_entropy",
]

globals().update(offered(__name__, globals(), __all__))
