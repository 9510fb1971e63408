"""Formulas as users write them that lose all their digits in floats, and points at which they do.

Each is written without a thought about rounding; what the compiler makes of it has to agree with mpmath, value and
gradient.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath as m

import graphc as gx
from benchmarks.stability_formulas import (
    Row,
    binary,
    covariance,
    cross_entropy,
    divergence,
    entropy,
    exact_binary,
    exact_covariance,
    exact_cross_entropy,
    exact_divergence,
    exact_entropy,
    exact_log_softmax,
    exact_logsumexp,
    exact_norm,
    exact_softmax,
    exact_unit,
    exact_variance,
    indexed,
    labelled,
    normalised,
    picked,
    shifted_softmax,
    sigmoid,
    softmax,
    softplus,
    spelt_binary,
    spelt_log_softmax,
    spelt_loss,
    summed_variance,
    turned_softmax,
    variance,
    variance_slopes,
)
from graphc import Node

__all__ = ["CASES", "TARGETS", "Case"]

Exact: TypeAlias = Callable[..., Row]
Points: TypeAlias = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Case:
    """A formula, and what it means.

    label      the formula, as in Python; the same one may stand in several rows, at other points
    runs       what is computed instead, in a few words
    build      the formula, of nodes of shape [rows, n]
    exact      the same of one row, in mpmath
    points     for each operand the rows it is looked at
    ulps       how far the compiled value may be from the exact one, in units of its last place
    gradient   the same of the gradient
    scaled     errors are in units of the largest element of the row, not of each
    dtype      of the operands
    because    why a bound is above 4, or why the row is scaled
    slopes     the derivatives of the one result by each element of the one operand, where numerical ones take long
    """

    label: str
    runs: str
    build: Callable[..., Node]
    exact: Exact
    points: Sequence[Points]
    ulps: float = 4.0
    gradient: float = 4.0
    scaled: bool = False
    dtype: str = "float32"
    because: str = ""
    slopes: Exact | None = None

    @property
    def key(self) -> str:
        return self.label if self.dtype == "float32" else f"{self.label} in {self.dtype}"


def each(function: Callable[..., Any]) -> Exact:
    """A function of numbers as one of rows."""
    return lambda *rows: [function(*point) for point in zip(*rows, strict=True)]


def column(*numbers: float) -> Points:
    """Rows of one element."""
    return [[number] for number in numbers]


# Points.


def around(mean: float, n: int) -> Sequence[float]:
    """A row of n elements about a mean, with a deviation of about 1."""
    return [mean + 2**0.5 * math.sin(k * k) for k in range(n)]


LOGITS = (
    [0.0, 1.0, -2.5, 3.0, 0.25],
    [1000.0, 999.0, 990.5, -1000.0, 1001.0],
    [-500.0, -501.0, -503.5, -500.25, -520.0],
)
CERTAIN = ([0.0, 5.0, 0.5], [0.0, 10.0, 0.5], [0.25, 14.0, -3.0], [0.0, 20.0, 0.5], [990.0, 1050.0, 0.0])
OTHERS = ([10.0, -10.0, 0.5, 200.0, 3.0], [90.0, 89.0, 89.5, -90.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0])
WIDE = column(-800.0, -100.0, -90.0, -20.0, -3.0, -1e-5, 0.0, 1e-5, 0.75, 3.0, 20.0, 40.0, 90.0, 100.0, 800.0)
TAIL = column(-3.0, -0.5, 0.5, 3.0, 12.0, 17.0, 20.0, 40.0, 85.0)
SMALL = column(1e-30, -1e-12, 1e-8, -3e-8, 1e-5, 1e-3, 0.1, -0.4, 2.0)
TARGETS = ([0.0, 1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0])
LENGTHS = ([3e-25, 4e-25, 0.0, 1e-26], [3e25, -4e25, 1e20, 0.0], [1e-3, -2.0, 3.0, 5.0], [2e30, 1e30, -1e30, 7e29])
FAR = ([10000.0, 10001.0, 10002.5, 9998.0], [-3e4, -3e4 + 1, -3e4, -3e4 + 0.5], [0.1, 0.25, 0.4, -0.3])
TEN, MANY = (around(1e3, 10), around(1e4, 10), around(-3e4, 10)), (around(1e3, 200), around(1e4, 200))
PROBABILITIES = ([1e-20, 3e-30, 2e-15, 0.5], [1e20, 5e25, 1e-3, 7e12], [0.5, 0.25, 0.1, 0.9])

_TWO_SIGMOIDS = "two sigmoids, of 2.3 ulp each"
_AS_ONE = "log_softmax is as exact as its largest part"
_FROM_THE_MEAN = "distances from the mean, of the size of the largest"
_OF_GAPS = "differences of softmax and target: of the size of the row"

CASES = (
    Case("log(softmax(x))", "log_softmax", lambda x: gx.log(gx.softmax(x)), exact_log_softmax, (LOGITS,),
         scaled=True, because=_AS_ONE),
    Case("log(exp(x) / sum(exp(x)))", "log_softmax", lambda x: gx.log(softmax(x)), exact_log_softmax, (LOGITS,),
         scaled=True, because=_AS_ONE),
    Case("log(exp(x - max(x)) / sum(...))", "log_softmax", lambda x: gx.log(shifted_softmax(x)), exact_log_softmax,
         (LOGITS,), scaled=True, because=_AS_ONE),
    Case("exp(x) / sum(exp(x))", "softmax", softmax, exact_softmax, (LOGITS,), gradient=8, scaled=True,
         because=_OF_GAPS),
    Case("(exp(x).T / sum(exp(x), axis=1)).T", "softmax", turned_softmax, exact_softmax, (LOGITS,), gradient=8,
         scaled=True, because=_OF_GAPS),
    Case("log(sum(exp(x)))", "logsumexp", lambda x: gx.log(gx.sum(gx.exp(x), axis=-1)), exact_logsumexp, (LOGITS,)),
    Case("-sum(t * log(softmax))", "log_softmax; softmax - t", cross_entropy, exact_cross_entropy,
         (LOGITS, TARGETS), scaled=True, because=_OF_GAPS),
    Case("-log(softmax(x))[:, 1]", "log_softmax; softmax - t", labelled,
         lambda row: [-exact_log_softmax(row)[1]], (LOGITS,), scaled=True, because=_OF_GAPS),
    Case("-log(take_along_axis(softmax, i))", "log_softmax; softmax - t", picked,
         lambda row: [-exact_log_softmax(row)[1]], (LOGITS,), scaled=True, because=_OF_GAPS),
    Case("-log(take_along_axis(softmax, i)), almost certain", "log1p of what the others have; that itself", picked,
         lambda row: [-exact_log_softmax(row)[1]], (CERTAIN,)),
    Case("-log(softmax(x))[np.arange(n), i], almost certain", "log1p of what the others have; that itself",
         indexed, lambda row: [-exact_log_softmax(row)[1]], (CERTAIN,)),
    Case("-log(softmax(x))[:, 1], almost certain", "log1p of what the others have; that itself", labelled,
         lambda row: [-exact_log_softmax(row)[1]], (CERTAIN,)),
    Case("log(sum(exp(x))) - x[i], almost certain", "log1p of what the others have; that itself", spelt_loss,
         lambda row: [-exact_log_softmax(row)[1]], (CERTAIN,)),
    Case("log(sigmoid(x))", "-softplus(-x)", lambda x: gx.log(gx.sigmoid(x)), each(lambda x: -softplus(-x)), (WIDE,)),
    Case("log(1 / (1 + exp(-x)))", "-softplus(-x)", lambda x: gx.log(1 / (1 + gx.exp(-x))),
         each(lambda x: -softplus(-x)), (WIDE,)),
    Case("log(exp(x) / (1 + exp(x)))", "-softplus(-x)", lambda x: gx.log(gx.exp(x) / (1 + gx.exp(x))),
         each(lambda x: -softplus(-x)), (WIDE,)),
    Case("log(1 - sigmoid(x))", "-softplus(x)", lambda x: gx.log(1 - gx.sigmoid(x)),
         each(lambda x: -softplus(x)), (WIDE,)),
    Case("1 / (1 + exp(-x))", "sigmoid", lambda x: 1 / (1 + gx.exp(-x)), each(sigmoid), (WIDE,), gradient=8,
         because=_TWO_SIGMOIDS),
    Case("exp(x) / (exp(x) + 1)", "sigmoid", lambda x: gx.exp(x) / (gx.exp(x) + 1), each(sigmoid), (WIDE,), gradient=8,
         because=_TWO_SIGMOIDS),
    Case("1 - sigmoid(x)", "sigmoid(-x)", lambda x: 1 - gx.sigmoid(x), each(lambda x: sigmoid(-x)), (TAIL,),
         gradient=8, because=_TWO_SIGMOIDS),
    Case("-sigmoid(x) + 1", "sigmoid(-x)", lambda x: -gx.sigmoid(x) + 1, each(lambda x: sigmoid(-x)), (TAIL,),
         gradient=8, because=_TWO_SIGMOIDS),
    Case("1 - 1 / (1 + exp(-x))", "sigmoid(-x)", lambda x: 1 - 1 / (1 + gx.exp(-x)),
         each(lambda x: sigmoid(-x)), (WIDE,), gradient=8, because=_TWO_SIGMOIDS),
    Case("log(1 + exp(x))", "softplus", lambda x: gx.log(1 + gx.exp(x)), each(softplus), (WIDE,)),
    Case("log1p(exp(x))", "softplus", lambda x: gx.log1p(gx.exp(x)), each(softplus), (WIDE,)),
    Case("log(1 + x)", "log1p", lambda x: gx.log(1 + x), each(m.log1p), (SMALL,)),
    Case("log(x + 1)", "log1p", lambda x: gx.log(x + 1), each(m.log1p), (SMALL,)),
    Case("log(1 - x)", "log1p", lambda x: gx.log(1 - x), each(lambda x: m.log1p(-x)),
         (column(1e-30, -1e-12, 1e-8, 0.4),)),
    Case("log2(1 + x)", "log1p(x) / log(2)", lambda x: gx.log2(1 + x), each(lambda x: m.log1p(x) / m.log(2)), (SMALL,)),
    Case("exp(x) - 1", "expm1", lambda x: gx.exp(x) - 1, each(m.expm1), (SMALL,)),
    Case("1 - exp(-x)", "-expm1(-x)", lambda x: 1 - gx.exp(-x), each(lambda x: -m.expm1(-x)), (SMALL,)),
    Case("log(1 - exp(x))", "log(-expm1(x)), log1p(-exp(x))", lambda x: gx.log(1 - gx.exp(x)),
         each(lambda x: m.log(-m.expm1(x))), (column(-1e-10, -1e-4, -0.5, -0.8, -3.0, -20.0, -60.0),)),
    Case("log(exp(x) + exp(y))", "logaddexp", lambda x, y: gx.log(gx.exp(x) + gx.exp(y)),
         each(lambda x, y: m.log(m.exp(x) + m.exp(y))),
         (column(1000.0, -300.0, 1.0, 90.0), column(999.0, -301.5, 2.0, -90.0))),
    Case("exp(x) / exp(y)", "exp(x - y)", lambda x, y: gx.exp(x) / gx.exp(y), each(lambda x, y: m.exp(x - y)),
         (column(1000.0, -300.0, 1.0, 90.0), column(999.0, -301.5, 2.0, 89.0))),
    Case("(exp(x) - exp(-x)) / 2", "sinh", lambda x: (gx.exp(x) - gx.exp(-x)) / 2, each(m.sinh), (SMALL,)),
    Case("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", "tanh",
         lambda x: (gx.exp(x) - gx.exp(-x)) / (gx.exp(x) + gx.exp(-x)), each(m.tanh), (WIDE,), gradient=8,
         because=_TWO_SIGMOIDS),
    Case("(exp(2 * x) - 1) / (exp(2 * x) + 1)", "tanh",
         lambda x: (gx.exp(2 * x) - 1) / (gx.exp(2 * x) + 1), each(m.tanh), (WIDE,), gradient=8, because=_TWO_SIGMOIDS),
    Case("1 - cos(x)", "2 sin(x / 2)^2", lambda x: 1 - gx.cos(x), each(lambda x: 2 * m.sin(x / 2) ** 2), (SMALL,)),
    Case("x / sqrt(sum(x * x))", "squares of x / max|x|", normalised, exact_unit, (LENGTHS,), gradient=8, scaled=True,
         because="differences of the size of the row"),
    Case("x / norm(x)", "squares of x / max|x|", lambda x: x / gx.linalg.norm(x, axis=-1, keepdims=True), exact_unit,
         (LENGTHS,), gradient=8, scaled=True, because="differences of the size of the row"),
    Case("sqrt(sum(x**2))", "squares of x / max|x|", lambda x: gx.sqrt(gx.sum(x**2, axis=-1)), exact_norm, (LENGTHS,)),
    Case("sqrt(x * x)", "abs", lambda x: gx.sqrt(x * x), each(abs), (column(1e-30, -1e30, 2.0, -3e-25),)),
    Case("sqrt(x**2)", "abs", lambda x: gx.sqrt(x**2), each(abs), (column(1e-30, -1e30, 2.0, -3e-25),)),
    Case("sqrt(x * x + y * y)", "hypot", lambda x, y: gx.sqrt(x * x + y * y), each(m.hypot),
         (column(3e-30, -3e30, 2.0, 1e25), column(4e-30, 4e30, -3.0, -3e20))),
    Case("log(x * y)", "log|x| + log|y|", lambda x, y: gx.log(x * y), each(lambda x, y: m.log(x * y)),
         (column(1e-30, 1e30, -1e-25, 2.0), column(3e-30, 1e25, -1e-30, 3.0))),
    Case("log(x**2)", "2 log|x|", lambda x: gx.log(x**2), each(lambda x: 2 * m.log(abs(x))),
         (column(1e-30, -1e20, 2.0, -3e-25),)),
    Case("log(x**3)", "3 log(x)", lambda x: gx.log(x**3), each(lambda x: 3 * m.log(x)), (column(1e-30, 1e25, 2.0),)),
    Case("log(x * y * x)", "2 log|x| + log(y)", lambda x, y: gx.log(x * y * x),
         each(lambda x, y: m.log(x * y * x)), (column(1e-30, 1e30, -1e-25, 2.0), column(3e-30, 1e25, 1e-30, 3.0))),
    Case("log10(x * y)", "log10|x| + log10|y|", lambda x, y: gx.log10(x * y), each(lambda x, y: m.log10(x * y)),
         (column(1e-30, 1e30, -1e-25, 2.0), column(3e-30, 1e25, -1e-30, 3.0))),
    Case("log(1 / (x * y))", "-log|x| - log|y|", lambda x, y: gx.log(1 / (x * y)), each(lambda x, y: -m.log(x * y)),
         (column(1e-30, 1e30, -1e-25, 2.0), column(3e-30, 1e25, -1e-30, 3.0))),
    Case("log(sqrt(x * y))", "(log|x| + log|y|) / 2", lambda x, y: gx.log(gx.sqrt(x * y)),
         each(lambda x, y: m.log(x * y) / 2), (column(1e-30, 1e30, -1e-25, 2.0), column(3e-30, 1e25, -1e-30, 3.0))),
    Case("log((1 + x)**2)", "2 log1p(max(x, -2 - x))", lambda x: gx.log((1 + x) ** 2),
         each(lambda x: 2 * m.log(abs(1 + x))), (column(1e-30, -1e-12, 1e-8, 0.4, 1e20, -3.0),)),
    Case("log(sqrt(1 + x))", "log1p(x) / 2", lambda x: gx.log(gx.sqrt(1 + x)), each(lambda x: m.log1p(x) / 2),
         (SMALL,)),
    Case("log(x - -1)", "log1p", lambda x: gx.log(x - -1), each(m.log1p), (SMALL,)),
    Case("log(prod(x))", "sum(log|x|)", lambda x: gx.log(gx.prod(x, axis=-1)), lambda row: [m.fsum(map(m.log, row))],
         (PROBABILITIES,)),
    Case("mean(x * x) - mean(x)**2", "mean((x - mean(x))**2)", variance, exact_variance, (FAR,)),
    Case("sum(x**2) / n - (sum(x) / n)**2", "mean((x - mean(x))**2)", summed_variance, exact_variance, (FAR,)),
    Case("mean(x * x) - mean(x)**2, rows of 10", "mean((x - mean(x))**2)", variance, exact_variance, (TEN,),
         scaled=True, because=_FROM_THE_MEAN),
    Case("mean(x * x) - mean(x)**2, rows of 200", "mean((x - mean(x))**2)", variance, exact_variance, (MANY,),
         scaled=True, because=_FROM_THE_MEAN, slopes=variance_slopes),
    Case("sum(x**2) / n - (sum(x) / n)**2, rows of 10", "mean((x - mean(x))**2)", summed_variance, exact_variance,
         (TEN,), scaled=True, because=_FROM_THE_MEAN),
    Case("mean(x**2) - mean(x) * mean(x), rows of 200", "mean((x - mean(x))**2)",
         lambda x: gx.mean(x**2, axis=-1) - gx.mean(x, axis=-1) * gx.mean(x, axis=-1), exact_variance, (MANY,),
         scaled=True, because=_FROM_THE_MEAN, slopes=variance_slopes),
    Case("sqrt(mean(x * x) - mean(x)**2), rows of 10", "the root of mean((x - mean(x))**2)",
         lambda x: gx.sqrt(variance(x)), lambda row: [m.sqrt(*exact_variance(row))], (TEN,),
         scaled=True, because=_FROM_THE_MEAN),
    Case("-(t * log(p) + (1 - t) * log(1 - p)), p = sigmoid(x)", "softplus", binary, each(exact_binary),
         (column(-100.0, -20.0, -1.0, 0.5, 20.0, 100.0, 90.0), column(0.0, 0.25, 1.0, 0.75, 1.0, 0.0, 0.5))),
    Case("-(t * log(p) + (1 - t) * log(1 - p)), p = 1 / (1 + exp(-x))", "softplus", spelt_binary, each(exact_binary),
         (column(-100.0, -20.0, -1.0, 0.5, 20.0, 100.0, 90.0), column(0.0, 0.25, 1.0, 0.75, 1.0, 0.0, 0.5))),
    Case("x - log(sum(exp(x)))", "log_softmax", spelt_log_softmax, exact_log_softmax, (LOGITS,), gradient=8,
         because=_OF_GAPS),
    Case("log(sum(exp(x))) - x", "-log_softmax",
         lambda x: gx.log(gx.sum(gx.exp(x), axis=-1, keepdims=True)) - x,
         lambda row: [-y for y in exact_log_softmax(row)], (LOGITS,), gradient=8, because=_OF_GAPS),
    Case("-sum(t * (x - log(sum(exp(x)))))", "log_softmax; softmax - t",
         lambda x, t: -gx.sum(t * spelt_log_softmax(x), axis=-1), exact_cross_entropy, (LOGITS, TARGETS), scaled=True,
         because=_OF_GAPS),
    Case("x - log(1 + exp(x))", "-softplus(-x)", lambda x: x - gx.log(1 + gx.exp(x)), each(lambda x: -softplus(-x)),
         (WIDE,)),
    Case("log(1 + exp(x)) - x", "softplus(-x)", lambda x: gx.log(1 + gx.exp(x)) - x, each(lambda x: softplus(-x)),
         (WIDE,)),
    Case("x - softplus(x)", "-softplus(-x)", lambda x: x - gx.softplus(x), each(lambda x: -softplus(-x)), (WIDE,)),
    Case("log(mean(exp(x)))", "logsumexp", lambda x: gx.log(gx.mean(gx.exp(x), axis=-1)),
         lambda row: [exact_logsumexp(row)[0] - m.log(len(row))], (LOGITS,)),
    Case("-sum(p * log(p)), p = exp(x) / sum(exp(x))", "log_softmax", entropy, exact_entropy, (LOGITS,), scaled=True,
         gradient=8, because=_OF_GAPS),
    Case("sum(p * log(p / q)), both softmax", "log_softmax", divergence, exact_divergence, (LOGITS, OTHERS),
         scaled=True, gradient=8, because=_OF_GAPS),
    Case("x / (1 + exp(-x))", "x * sigmoid(x)", lambda x: x / (1 + gx.exp(-x)), each(lambda x: x * sigmoid(x)),
         (column(-800.0, -85.0, -20.0, -1.5, -1e-5, 0.0, 0.75, 20.0, 90.0, 800.0),), gradient=8, because=_TWO_SIGMOIDS),
    Case("log(exp(x) + exp(-x))", "softplus(2 * x) - x", lambda x: gx.log(gx.exp(x) + gx.exp(-x)),
         each(lambda x: m.log(m.exp(x) + m.exp(-x))), (WIDE,)),
    Case("log(cosh(x))", "log1p(2 sinh(x / 2)^2), |x| + log1p(...)", lambda x: gx.log(gx.cosh(x)),
         each(lambda x: m.log(m.cosh(x))), (WIDE,)),
    Case("1 - erf(x)", "erfc", lambda x: 1 - gx.erf(x), each(m.erfc), (column(-2.0, 0.5, 3.0, 5.0, 8.0),),
         gradient=64, because="e^-x² of a rounded square"),
    Case("x * (1 + erf(x / sqrt(2))) / 2", "erfc", lambda x: x * (1 + gx.erf(x / 2**0.5)) / 2,
         each(lambda x: x * m.erfc(-x / m.sqrt(2)) / 2), (column(-8.0, -5.0, -3.0, 0.5, 3.0),),
         ulps=128, gradient=128, because="the steep tail of a rounded operand"),
    Case("x * x - y * y", "(x - y) * (x + y)", lambda x, y: x * x - y * y, each(lambda x, y: (x - y) * (x + y)),
         (column(1e4, 1e30, 3.0), column(1e4 + 1, 1e30, -2.0))),
    Case("log((1 + x) / (1 - x)) / 2", "atanh", lambda x: gx.log((1 + x) / (1 - x)) / 2, each(m.atanh),
         (column(1e-30, -1e-12, 1e-8, 1e-3, -0.4, 0.9),)),
    Case("mean(x * y) - mean(x) * mean(y)", "mean((x - mean(x)) * (y - mean(y)))", covariance, exact_covariance,
         (FAR, FAR[1:] + FAR[:1])),
    Case("mean(x * y) - mean(x) * mean(y), rows of 10", "mean((x - mean(x)) * (y - mean(y)))", covariance,
         exact_covariance, (TEN, [(*row[1:], row[0]) for row in TEN]), scaled=True, because=_FROM_THE_MEAN),
    Case("log(exp(x) / sum(exp(x)))", "log_softmax", lambda x: gx.log(softmax(x)), exact_log_softmax, (LOGITS,),
         scaled=True, dtype="float64", because=_AS_ONE),
    Case("-sum(t * log(softmax))", "log_softmax; softmax - t", cross_entropy, exact_cross_entropy, (LOGITS, TARGETS),
         scaled=True, dtype="float64", because=_OF_GAPS),
    Case("log(1 + exp(x))", "softplus", lambda x: gx.log(1 + gx.exp(x)), each(softplus), (WIDE,), dtype="float64"),
    Case("1 - 1 / (1 + exp(-x))", "sigmoid(-x)", lambda x: 1 - 1 / (1 + gx.exp(-x)), each(lambda x: sigmoid(-x)),
         (WIDE,), gradient=8, dtype="float64", because=_TWO_SIGMOIDS),
    Case("exp(x) - 1", "expm1", lambda x: gx.exp(x) - 1, each(m.expm1), (SMALL,), dtype="float64"),
    Case("x / sqrt(sum(x * x))", "squares of x / max|x|", normalised, exact_unit,
         (([3e-200, 4e-200, 0.0, 1e-201], [3e200, -4e200, 1e195, 0.0]),), gradient=8, scaled=True, dtype="float64",
         because="differences of the size of the row"),
    Case("mean(x * x) - mean(x)**2", "mean((x - mean(x))**2)", variance, exact_variance,
         ([[1e9, 1e9 + 1, 1e9 + 2.5, 1e9 - 2]],), dtype="float64"),
)  # fmt: skip
