"""Lines of random programs, as in `templates`: arrays of nothing, linear algebra, transforms, random numbers."""

from collections.abc import Sequence

__all__ = ["FURTHER", "lines"]

_CREATION = """
gx.arange({few}, 6, 2)
gx.arange({any:1}.shape[0])
gx.constant(np.array([{value}, -0.0, 1.5]))
gx.constant({value})
gx.constant(np.array([3, 1, 2], "{int8|uint8|int32|int64|uint32}"))
gx.eye({few}, 3)
gx.identity({few})
gx.full((3,), {value})
gx.full_like({number}, 2)
gx.indices((2, {few}))[0]
gx.iota({any:1}.shape[-1])
gx.linspace({value}, 2.0, 4)
gx.logspace(0.0, {value}, 3)
gx.geomspace(1.0, 8.0, 4)
gx.ones((2, {few}))
gx.ones_like({number})
gx.zeros(({few}, 3), "{float32|float64|int32|bool}")
gx.zeros_like({any})
gx.tri({few}, 3)
gx.fft.fftfreq(4, 0.5)
gx.fft.rfftfreq(5, 0.5)
"""

_LINEAR_ALGEBRA = """
gx.linalg.cholesky({definite})
gx.linalg.cond({steep})
gx.linalg.cross({float:1}[..., :3], {same}[..., :3])
gx.linalg.det({square})
gx.linalg.eig({steep})[0].sum(-1)
gx.linalg.eigh({definite})[0]
gx.linalg.eigvals({steep}).sum(-1)
gx.linalg.eigvalsh({definite})
gx.linalg.expm(0.1 * {square})
gx.linalg.inv({steep})
gx.linalg.lstsq({steep}, {0}[..., 0])
gx.linalg.lu({steep})[2]
gx.linalg.matrix_norm({number:2}, "{fro|nuc}")
gx.linalg.matrix_power({square}, {few})
gx.linalg.matrix_rank({steep})
gx.linalg.multi_dot([{number:2}, {0}.mT, {0}])
gx.linalg.norm({number:1}, {1|2|3}, {axis})
gx.linalg.pinv({steep})
gx.linalg.qr({steep})[1]
(lambda q: q @ q.mT)(gx.linalg.qr({full}, "complete")[0])
gx.linalg.slogdet({steep})[1]
gx.linalg.solve({steep}, {0})
gx.linalg.svd({steep})[1]
gx.linalg.svdvals({number:2})
gx.linalg.tensorinv({steep}, 1)
gx.linalg.tensorsolve({steep}, {0}[..., 0])
gx.linalg.vector_norm({number:1}, 2, {axis})
gx.triangular_solve({steep}, {0}, lower={flag}, transposed={flag})
"""

_TRANSFORMS = """
gx.fft.fft({number:1})
gx.fft.ifft({number:1}, norm="ortho")
gx.fft.rfft({float:1})
gx.fft.irfft({complex:1}, 4)
gx.fft.hfft({complex:1}, 3)
gx.fft.ihfft({float:1})
gx.fft.fft2({number:2})
gx.fft.ifft2({number:2})
gx.fft.rfft2({float:2})
gx.fft.irfft2({complex:2}, (2, 2))
gx.fft.fftn({number:1})
gx.fft.ifftn({number:1})
gx.fft.rfftn({float:1})
gx.fft.irfftn({complex:2}, (2, 3))
gx.fft.fftshift({number:1})
gx.fft.ifftshift({number:1})
"""

_RANDOM = """
gx.random.normal({key}, {any:1}.shape, "{float32|float64|float16}")
gx.random.uniform({key}, (3,), "float64")
gx.random.uniform({key}, (2, 3), low=-1.0, high={few})
gx.random.exponential({key}, (4,))
gx.random.truncated_normal({key}, -1.0, 1.5, (3,))
gx.random.gamma({key}, 0.5 + gx.abs({float}), dtype="float64")
gx.random.beta({key}, 1.5, 2.5, (2,))
gx.random.bernoulli({key}, 0.3, {any:1}.shape)
gx.random.bits({key}, (3,), "{uint8|uint16|uint32|uint64}")
gx.random.categorical({key}, {float:1}, {axis})
gx.random.choice({key}, {any:1}, (2,))
gx.random.permutation({key}, 4)
gx.random.shuffle({key}, {any:1}, {axis})
gx.random.normal(gx.random.split({key}, {few})[0], (2, 2))
gx.random.bits(gx.random.fold_in({key}, {few}))
gx.random.bits(gx.random.keys({key}, (2,))[1])
"""

_LOSSES = """
gx.nn.softmax_cross_entropy({float:2}, gx.zeros(({0}.shape[0],), "int64"))
gx.nn.binary_cross_entropy({float}, gx.sigmoid({same}))
gx.nn.mean_squared_error({float}, {same})
gx.op("wave", lambda x: x * x / (1 + x * x))({float})
"""


def lines(*tables: str) -> tuple[str, ...]:
    """The lines of some tables."""
    return tuple(line for table in tables for line in table.strip().splitlines())


FURTHER: Sequence[str] = lines(_CREATION, _LINEAR_ALGEBRA, _TRANSFORMS, _RANDOM, _LOSSES)
