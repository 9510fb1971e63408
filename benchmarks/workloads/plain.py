"""Formulas that read alike everywhere: graphc and its peers give them their own functions."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

__all__ = ["ALIKE", "RATE", "Plain"]

RATE = 0.02  # interest, of Black and Scholes

#: kinds of workloads that are one formula of their arrays, which each peer has under this name
ALIKE = (
    "call",
    "gelu",
    "black_scholes",
    "chain",
    "crosswise",
    "pool",
    "columns",
    "softmax",
    "logsumexp0",
    "layer_norm",
    "gemm_bias_relu",
    "attention",
)

Value: TypeAlias = Any  # an array or a node, of whom the functions are


@final
@dataclass(frozen=True)
class Plain:
    """The formulas by the functions of a module, and by those that it has under another name or in another place."""

    functions: Any
    erf: Any
    sigmoid: Any

    def call(self, a: Value, b: Value, c: Value, d: Value, e: Value) -> Value:
        """A little work."""
        return a + b + c + d + e

    def gelu(self, x: Value) -> Value:
        """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))"""
        return 0.5 * x * (1 + self.functions.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))

    def black_scholes(self, spot: Value, strike: Value, years: Value, volatility: Value) -> tuple[Value, Value]:
        """The prices of calls and puts."""
        f = self.functions
        spread = volatility * f.sqrt(years)
        first = (f.log(spot / strike) + (RATE + 0.5 * volatility * volatility) * years) / spread
        present = strike * f.exp(-RATE * years)
        up, down = (0.5 + 0.5 * self.erf(d * math.sqrt(0.5)) for d in (first, first - spread))
        value = spot * up - present * down
        return value, value - spot + present

    def chain(self, a: Value, b: Value, c: Value, d: Value) -> Value:
        """Twelve operations."""
        f = self.functions
        return f.tanh(a * b + c) * self.sigmoid(d) + f.sqrt(f.abs(a - c)) / (1 + d * d)

    def crosswise(self, a: Value, b: Value) -> Value:
        """A matrix and another one transposed."""
        return a + b.T

    def pool(self, x: Value) -> Value:
        """The largest of each 2 x 2 of the last axes, whose extents are even."""
        most = self.functions.maximum
        above, below = x[..., ::2, :], x[..., 1::2, :]
        rows = most(above, below)
        return most(rows[..., ::2], rows[..., 1::2])

    def columns(self, x: Value) -> Value:
        """The sum of each column."""
        return x.sum(0)
