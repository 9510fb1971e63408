"""Linear algebra: functions of vectors and matrices; the matrices are along the last two axes, others are a batch.

In float32, float64 and complex numbers of both widths; float16 and bfloat16 are computed in float32 and rounded once,
integers as float32.  Where NumPy raises for a singular matrix or one that is not finite, the result is inf or nan.
"""

from graphc.ops.cholesky import cholesky, triangular_solve
from graphc.ops.diagonal import diagonal, trace
from graphc.ops.eigenvalues import eig, eigvals
from graphc.ops.exponential import expm, matrix_power, multi_dot
from graphc.ops.lu import lu
from graphc.ops.movement import matrix_transpose
from graphc.ops.norms import cond, matrix_norm, norm, vector_norm
from graphc.ops.orthogonal import qr
from graphc.ops.products import cross, matmul, outer, tensordot, vecdot
from graphc.ops.spectrum import eigh, eigvalsh, lstsq, matrix_rank, pinv, svd, svdvals
from graphc.ops.systems import det, inv, slogdet, solve, tensorinv, tensorsolve
from graphc.signatures import offered

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "lu",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "triangular_solve",
    "vecdot",
    "vector_norm",
]

globals().update(offered(__name__, globals(), __all__))
