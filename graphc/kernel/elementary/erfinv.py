"""The inverse of the error function.

Giles: Approximating the erfinv function, 2010: y / x in powers of w = -log(1 - x^2), or of its root far out.
"""

from math import inf, nan

from graphc.kernel import functions as k
from graphc.kernel.elementary.logarithms import log
from graphc.kernel.elementary.pieces import F32, Coefficients, choose, fma, in_double, polynomial, signed_like
from graphc.kernel.scalar import Scalar

__all__ = ["erfinv"]

_CENTRE = 3.125  # of the first polynomial, for w from 0 to twice that
_MIDDLE, _FAR = 3.25, 5.0  # of the others, in the root of w
_END = 4.0  # of the second

#: erfinv(x) / x in powers of w - 3.125, off by 2^-56 of itself
_NEAR: Coefficients = (
    1.6536545626831027, 0.2401581824255883, -0.006033670871427195, -0.0007407025341544612, 0.00018673420802114805,
    -1.3882523394360294e-05, -1.3654691781570677e-06, 4.2347881726523e-07, -2.907038917527487e-08,
    -4.1126607175895105e-09, 1.0512222084863971e-09, -5.41429221736607e-11, -1.297838784870197e-11,
    2.630498429870686e-12, -8.081825624137249e-14, -4.001521327937792e-14, 6.53707604216076e-15,
    -3.993780135537499e-17, -1.2381603384750834e-16, 1.5548374013037618e-17, 7.187636486512881e-19,
    -3.4885517625642214e-19, 1.569942848297984e-20, 3.2203546734163577e-21, -2.867316453715852e-22,
)  # fmt: skip
#: in powers of root(w) - 3.25, for roots from 2.5 to 4, off by 2^-55
_FARTHER: Coefficients = (
    3.0838856104922208, 1.0052589676941655, 0.005370914553543766, -0.0037512085082302533, 0.002491442098381197,
    -0.001688275535303804, 0.0009532893342580644, -0.0003550378156301819, 2.403158230322807e-05, 6.82871305987649e-05,
    -4.732107651260381e-05, 1.2464971312406663e-05, 2.933992927122492e-06, -3.985555218219575e-06,
    1.4784060672963487e-06, -2.785720745577624e-08, -2.410820852399632e-07, 1.3179749925761886e-07,
    -2.4334620930442992e-08, -1.5383885126813842e-08, 8.81549100857588e-09,
)  # fmt: skip
#: in powers of root(w) - 5, for roots from 4 to 6.1, off by 2^-55
_FARTHEST: Coefficients = (
    4.849906401408584, 1.0103004648645457, -0.00013871931838091228, -0.00021503011984589713, 7.599527805382654e-05,
    -1.9681770449068174e-05, 4.526053250716662e-06, -9.930309441397374e-07, 2.290482911210375e-07,
    -6.75510748045939e-08, 2.9033092469997495e-08, -1.526459712009556e-08, 7.795542233287682e-09,
    -3.4612470811897132e-09, 1.3423853126229065e-09, -4.4321136331264434e-10, 5.528070605322356e-11,
    4.4169506409745416e-11, -1.7200497172617842e-11,
)  # fmt: skip

#: the first two, off by 2^-27, the second of which is for all roots from 2.5 that float32 has
_NEAR_SHORT: Coefficients = (
    1.6536545710700494, 0.24015817411389068, -0.006033729447110533, -0.000740687595583285, 0.00018679943668630569,
    -1.3891501147948806e-05, -1.3919125152513208e-06, 4.2631744669125027e-07, -2.4212643355854958e-08,
    -4.639037360374091e-09, 6.379202574548561e-10,
)  # fmt: skip
_FARTHER_SHORT: Coefficients = (
    3.0838856000906176, 1.0052588710554082, 0.005371627588277212, -0.0037489225767881936, 0.0024831724774860412,
    -0.0017019935326683213, 0.0009888802112337947, -0.0003270246885195866, -4.2382994807433555e-05,
    5.5822401421573074e-05,
)  # fmt: skip


def erfinv(x: Scalar) -> Scalar:
    """The number whose erf is x; of float32 in float64."""
    if x.dtype == F32:
        return _erfinv(in_double(x), _NEAR_SHORT, _FARTHER_SHORT, None).cast(F32)
    return _erfinv(x, _NEAR, _FARTHER, _FARTHEST)


def _erfinv(x: Scalar, near: Coefficients, farther: Coefficients, farthest: Coefficients | None) -> Scalar:
    w = -log((1.0 - x) * (1.0 + x))
    root = k.sqrt(w)
    series = _series(root - _MIDDLE, farther)
    if farthest is not None:
        is_nearer = root < _END
        series = [
            choose(is_nearer, one, other) for one, other in zip(series, _series(root - _FAR, farthest), strict=True)
        ]
    is_near = w < 2 * _CENTRE
    first, away, slope = (choose(is_near, *both) for both in zip(_series(w - _CENTRE, near), series, strict=True))
    ratio = fma(away, slope, first)
    size = k.abs(x)
    lost = 0.0 if farthest is None else size * fma(away, slope, first - ratio)  # when the ratio was rounded
    return signed_like(choose(size < 1.0, fma(size, ratio, lost), choose(size == 1.0, x.of(inf), nan)), x)


def _series(away: Scalar, coefficients: Coefficients) -> list[Scalar]:
    """A polynomial: its first coefficient, how far it is from its centre, and what that is multiplied by."""
    first, *rest = coefficients
    return [away.of(first), away, polynomial(away, rest)]
