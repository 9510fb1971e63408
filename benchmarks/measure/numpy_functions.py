"""The functions of NumPy and SciPy by the names that ours have."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as sp

__all__ = ["IN_NUMPY"]

IN_NUMPY: Mapping[str, Callable[..., Any]] = {  # Any: ufuncs
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt, "power": np.power, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "hypot": np.hypot,
    "degrees": np.degrees, "radians": np.radians, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2, "sigmoid": sp.expit, "log_sigmoid": sp.log_expit, "erf": sp.erf, "erfc": sp.erfc,
    "erfinv": sp.erfinv, "lgamma": sp.gammaln, "digamma": sp.psi, "xlogy": sp.xlogy, "xlog1py": sp.xlog1py,
}  # fmt: skip
