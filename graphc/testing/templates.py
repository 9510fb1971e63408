"""Lines of random programs, with holes in braces where operands and options go.

    {number} {real} {float} {whole} {bool} {complex} {any}   an operand of that kind, with `:2` of at least 2 axes
    {like}     an operand of the kind of the first one, that broadcasts with it; {same}: of the same type
    {mask}     bools that broadcast with the first one, which stands before
    {square}   a float matrix or several; {steep}: far from singular; {definite}: symmetric, with eigenvalues above 0
    {key}      a key of random numbers
    {0}        the first operand again
    {axis} {axes}            of the first operand
    {few}      1, 2 or 3; {value}: a Python float; {flag}: True or False
    a|b|c      in braces: one of these

A line that does not fit what was drawn for its holes is left out.
"""

from collections.abc import Sequence

from graphc.testing.further_templates import FURTHER, lines

__all__ = ["COMMON", "TEMPLATES"]

_ELEMENTWISE = """
gx.abs({number})
gx.acos(gx.tanh({float}))
gx.acosh(1.5 + gx.abs({float}))
gx.add({number}, {like})
gx.angle({complex})
gx.asin(gx.sin({float}) * 0.9)
gx.asinh({float})
gx.atan({float})
gx.atan2({float}, {like})
gx.atanh(0.9 * gx.tanh({float}))
gx.cbrt({float})
gx.ceil({real})
gx.clip({real}, {value}, 2.5)
gx.clip({real}, {same}, None)
gx.complex({float}, {same})
gx.conj({complex})
gx.copysign({float}, {like})
gx.cos({number})
gx.cosh({float})
gx.degrees({float})
gx.digamma(0.5 + gx.abs({float}))
gx.divide({number}, {like})
gx.divide({number}, 0.5 + gx.abs({like}))
{number} / {value}
gx.erf({float})
gx.erfc({float})
gx.erfinv(0.9 * gx.tanh({float}))
gx.exp({number})
gx.exp(-gx.square({float}))
gx.exp2(gx.tanh({float}))
gx.expm1({float})
gx.floor({real})
gx.floordiv({real}, {like})
gx.floordiv({whole}, {few})
gx.fmod({real}, {like})
gx.gelu({float})
gx.heaviside({float}, {value})
gx.hypot({float}, {like})
gx.imag({complex})
gx.lerp({float}, {like}, {value})
gx.lgamma(0.5 + gx.abs({float}))
gx.log({float})
gx.log(0.1 + gx.abs({number}))
gx.log10(0.1 + gx.abs({float}))
gx.log1p({float})
gx.log1p(gx.square({float}))
gx.log2(0.1 + gx.abs({float}))
gx.log_sigmoid({float})
gx.logaddexp({float}, {like})
gx.logaddexp2({float}, {like})
gx.maximum({real}, {like})
gx.maximum({real}, {value|0|1})
gx.minimum({real}, {like})
gx.multiply({number}, {like})
{number} * {value|0|1|-1|2}
{value|0|1} - {number}
gx.nan_to_num({float})
gx.nan_to_num({float}, 0.5, {value}, -1.0)
gx.negative({number})
gx.polygamma({few}, 0.5 + gx.abs({float}))
gx.power(0.1 + gx.abs({float}), {like})
gx.power({number}, {2|3|0|1|-1|0.5|1.5})
gx.power(gx.clip({whole}, -3, 3), {few})
gx.radians({float})
gx.real({complex})
gx.reciprocal({number})
gx.relu({real})
gx.remainder({real}, {like})
gx.remainder({whole}, {few})
gx.round({float})
gx.round({float}, {few})
gx.rsqrt(0.1 + gx.square({float}))
gx.sigmoid({float})
gx.sign({number})
gx.silu({float})
gx.sin({number})
gx.sinc({float})
gx.sinh({float})
gx.softplus({float})
gx.sqrt({number})
gx.sqrt(gx.abs({float}))
gx.square({number})
gx.stop_gradient({any})
gx.subtract({number}, {like})
gx.tan({float})
gx.tanh({number})
gx.trunc({real})
gx.where({bool}, {value}, {value|0|-1})
gx.where({bool}, {0}, {like})
gx.where(x={any}, y={like}, condition={mask})
gx.where({real} > {value}, {0}, {like})
gx.where({number} == {same}, {0}, {value})
gx.where({real} > 0, gx.log({0}), {value})
gx.xlog1py({float}, gx.abs({like}))
gx.xlogy({float}, gx.abs({like}))
gx.astype({number}, "{float16|bfloat16|float32|float64}")
gx.astype({number}, "{complex64|complex128}")
gx.astype({any}, "bool")
gx.astype(gx.clip(gx.nan_to_num({float}), -100, 100), "{int8|int16|int32|int64}")
gx.astype(gx.clip(gx.nan_to_num({float}), 0, 100), "{uint8|uint16|uint32|uint64}")
gx.astype({whole}, "{int8|int16|int32|int64|uint8|uint16|uint32|uint64|float32}")
"""

_LOGIC = """
gx.equal({any}, {like})
gx.not_equal({any}, {like})
gx.greater({real}, {like})
gx.greater_equal({real}, {like})
gx.less({real}, {like})
gx.less_equal({real}, {value})
gx.isfinite({number})
gx.isinf({number})
gx.isnan({number})
gx.logical_and({bool}, {like})
gx.logical_or({bool}, {like})
gx.logical_xor({bool}, {like})
gx.logical_not({bool})
gx.bitwise_and({whole}, {like})
gx.bitwise_or({whole}, {like})
gx.bitwise_xor({bool}, {like})
gx.bitwise_not({whole})
gx.left_shift({whole}, {few})
gx.right_shift({whole}, {few})
gx.all({bool}, axis={axes}, keepdims={flag})
gx.any({bool}, axis={axes}, keepdims={flag})
"""

_MOVEMENT = """
gx.array_split({any:1}, {few}, {axis})[0]
gx.atleast_1d({any})
gx.atleast_2d({any})
gx.atleast_3d({any})
gx.broadcast_to({any}, (2, *{0}.shape))
gx.concat(({any:1}, {same}), {axis})
gx.concat(({any:1}, {0}[1:], {0}[:2]), 0)
gx.diag({any:1}, {0|1|-1})
gx.diagonal({any:2}, {0|1|-1})
gx.dstack(({any:1}, {same}))
gx.expand_dims({any}, {0|-1})
gx.flip({any:1}, {axis})
gx.flip({any:1})
gx.hstack(({any:1}, {same}))
gx.matrix_transpose({any:2})
gx.meshgrid(gx.ravel({any:1})[:3], gx.ravel({same})[:2])[1]
gx.moveaxis({any:2}, 0, -1)
gx.pad({number:1}, [(1, 0)] + [(0, 0)] * ({0}.ndim - 1))
gx.pad({number:1}, 1, mode="{reflect|edge|wrap|symmetric}")
gx.pad({number:1}, [(0, 2)] * {0}.ndim, {value})
gx.ravel({any})
gx.repeat({any:1}, {few}, {axis})
gx.reshape({any}, -1)
gx.reshape({any:2}, ({0}.shape[-1], -1))
gx.roll({any:1}, {few}, {axis})
gx.rot90({any:2}, {few})
gx.split({any:1}, 1, {axis})[0]
gx.squeeze({any:1}[:1], 0)
gx.stack(({any}, {same}), {0|-1})
gx.swapaxes({any:2}, 0, -1)
gx.tile({any:1}, {few}, {axis})
gx.transpose({any})
gx.tril({any:2}, {0|1|-1})
gx.triu({any:2}, {0|1|-1})
gx.vstack(({any:1}, {same}))
gx.unstack(gx.stack(({any}, {same}), 0), 0)[1]
{any:1}[::{2|-1|-2}]
{any:1}[1:]
{any:1}[:-1]
{any:1}[..., :2]
{any:1}[..., ::-1]
{any:1}[0:0]
{any:1}[:3]
{any:2}[:, 1:3]
{any:1}[-1]
{any:2}[:, 0]
{any:1}[..., None]
"""

_REDUCTIONS = """
gx.argmax({real:1}, {axis})
gx.argmin({real:1}, {axis}, keepdims={flag})
gx.average({float:1}, {axis})
gx.average({float:1}, {axis}, weights=0.5 + gx.square({same}))
gx.count_nonzero({any:1}, {axis})
gx.cummax({real:1}, {axis})
gx.cummin({real:1}, {axis}, reverse={flag})
gx.cumprod({float:1}, {axis}, reverse={flag})
gx.cumsum({number:1}, {axis}, reverse={flag})
gx.diff({number:1}, axis={axis})
gx.logcumsumexp({float:1}, {axis})
gx.logsumexp({float}, {axes}, keepdims={flag})
gx.log_softmax({float:1}, {axis})
gx.max({real}, {axes}, keepdims={flag})
gx.max({float}, {axes}, initial=-1.0)
gx.max_with_index({real:1}, {axis})[0]
gx.max_with_index({real:1}, {axis})[1]
gx.mean({number}, {axes}, keepdims={flag})
gx.mean({float}, {axes}, where={mask})
gx.median({float}, {axes})
gx.min({real}, {axes}, keepdims={flag})
gx.min_with_index({real:1}, {axis})[0]
gx.nanmax({float}, {axes})
gx.nanmean({float}, {axes})
gx.nanmedian({float}, {axes})
gx.nanmin({float}, {axes})
gx.nanprod({float}, {axes})
gx.nanquantile({float}, 0.3, {axes})
gx.nanstd({float}, {axes})
gx.nansum({float}, {axes})
gx.nanvar({float}, {axes})
gx.percentile({float}, 40, {axes})
gx.prod({number}, {axes}, keepdims={flag})
gx.ptp({real}, {axes})
gx.quantile({float}, 0.7, {axes})
gx.softmax({float:1}, {axis})
gx.std({float}, {axes}, keepdims={flag})
gx.sum({number}, {axes}, keepdims={flag})
gx.sum({number}, {axes}, where={mask})
gx.sum({any}, {axes}, initial=1)
gx.trace({number:2})
gx.trapezoid({float:1}, axis={axis})
gx.var({float}, {axes}, keepdims={flag})
"""

_PRODUCTS = """
gx.dot({number:1}, {same})
{number:2} @ {0}.mT
{number:2}.mT @ {same}
{number:1} @ gx.ones(({0}.shape[-1], 2), {0}.dtype)
gx.matmul({number:1}, {like})
gx.einsum("i,j->ij", gx.ravel({number}), gx.ravel({like}))
gx.einsum("...i,...i->...", {number:1}, {same})
gx.einsum("ij,kj,k->i", {number:2}, {same}, {0}[:, 0])
gx.inner({number:1}, {same})
gx.kron({number}[:2], {same}[:2])
gx.outer(gx.ravel({number}), gx.ravel({like}))
gx.tensordot({number:2}, {same}, ((0,), (0,)))
gx.vdot({number}, {same})
gx.vecdot({number:1}, {same})
gx.conv1d(gx.reshape({float}, (1, 1, -1)), gx.reshape({value} * {0}, (1, 1, -1))[..., :2], padding=1)
gx.conv2d({float:2}[None, None], gx.ones((2, 1, 2, 2), {0}.dtype), padding="same", stride={1|2})
gx.conv3d({float:2}[None, None, None], gx.full((1, 1, 1, 2, 1), 0.5, {0}.dtype))[0, 0]
gx.conv_transpose1d(gx.reshape({float}, (1, 1, -1)), gx.full((1, 2, 2), 0.5, {0}.dtype), stride=2)
gx.conv_transpose2d({float:2}[None, None], gx.full((1, 1, 2, 2), 0.5, {0}.dtype))
gx.conv_transpose3d({float:2}[None, None, None], gx.full((1, 1, 1, 1, 2), 0.5, {0}.dtype))[0, 0]
gx.avg_pool({float:2}, 2, stride=1, padding={0|1})
gx.max_pool({real:2}, 2, stride={1|2})
gx.lp_pool({float:2}, 3, 1)
gx.adaptive_avg_pool({float:2}, 1)
gx.adaptive_max_pool({float:2}, 1)
gx.global_avg_pool({float:2})
gx.global_max_pool({real:2})
gx.unfold({float:2}[None, None], 2, padding=1)
gx.fold(gx.unfold({float:2}[None, None], (2, 1)), {0}.shape[-2:], (2, 1))
gx.windows({number:1}, (2,))
gx.interpolate({float:2}[None, None], scale=2)
gx.interpolate({float:2}[None, None], (2, 3), mode="bilinear")
"""

_INDEXING = """
gx.take({any:1}, gx.remainder({whole}, 2), 0, mode="{raise|clip|wrap}")
gx.take({any:1}, {whole}, {axis}, mode="{clip|wrap}")
gx.take_along_axis({any:1}, gx.argsort({0}, {axis}), {axis})
{any:1}[gx.remainder(gx.ravel({whole}), 2)]
gx.embedding({float:2}, gx.remainder({whole}, 2))
gx.gather_nd({any:1}, gx.remainder(gx.reshape({whole}, (-1, 1)), 2))
gx.one_hot(gx.remainder({whole}, 3), 3)
gx.one_hot(gx.argmax({float:1}, -1), {0}.shape[-1], {0}.dtype) @ gx.ones(({0}.shape[-1], 2), {0}.dtype)
gx.scatter_add({number:1}, gx.remainder(gx.ravel({whole}), 2), 1, 0)
gx.scatter_nd(gx.reshape(gx.remainder(gx.ravel({whole})[:2], 3), (-1, 1)), {value} * gx.ones((2,)), (3,))
gx.at({number:1})[0].{set|add|multiply|max|min}(2)
gx.at({real:1})[gx.remainder(gx.ravel({whole}), 2)].{set|add|max|min}(1)
gx.at({number:1})[::2].{set|add|multiply}({0}[::2] * 2)
gx.at({any:1})[{mask}].set(1)
gx.at({float:1})[gx.remainder(gx.ravel({whole}), 2)].multiply(1.5)
gx.segment_sum({number:1}, gx.zeros(({0}.shape[0],), "int64"), 2)
gx.segment_max({float:1}, gx.arange({0}.shape[0]) // 2, {0}.shape[0])
gx.segment_min({float:1}, gx.arange({0}.shape[0]) // 2, {0}.shape[0])
gx.segment_mean({float:1}, gx.zeros(({0}.shape[0],), "int64"), 1)
gx.bincount(gx.remainder(gx.ravel({whole}), 3), 3)
gx.bincount(gx.remainder(gx.ravel({whole}), 3), 3, weights=gx.ravel(gx.cos({0})))
gx.searchsorted(gx.sort(gx.ravel({float})), {like}, "{left|right}")
gx.sort({real:1}, {axis}, descending={flag})
gx.argsort({real:1}, {axis}, descending={flag})
gx.partition({real:1}, 0, {axis})
gx.argpartition({real:1}, 0, {axis})
gx.topk({real:1}, 1, {axis})[0]
gx.topk({real:1}, 1, {axis})[1]
gx.nonzero({any}, size=4)[0]
gx.unique({real}, size=4)
gx.unique_counts({real}, size=3)[1]
gx.unique_inverse({whole}, size=4)[1]
"""


#: what fusion, rules and memory are mostly about
COMMON: Sequence[str] = lines(_ELEMENTWISE, _MOVEMENT, _REDUCTIONS, _PRODUCTS)
TEMPLATES: Sequence[str] = (*COMMON, *lines(_LOGIC, _INDEXING), *FURTHER)
