"""All workloads by name, at the sizes that have goals.  The arrays are made when one is asked for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from benchmarks.workloads import elementwise, models, products, rows
from benchmarks.workloads.workload import Workload

__all__ = ["WORKLOADS", "named"]

Make: TypeAlias = Callable[[str], Workload]  # of a name

GEMMS = ((32, 128, 64), (128, 1024, 784), (1024, 1024, 1024))

WORKLOADS: Mapping[str, Make] = {
    "call_overhead": partial(elementwise.call, n=8),
    "ew_gelu": partial(elementwise.gelu, n=10_000_000),
    "ew_gelu_small": partial(elementwise.gelu, n=10_000),
    "ew_blackscholes": partial(elementwise.black_scholes, n=1_000_000),
    "ew_chain": partial(elementwise.chain, n=2048),
    "ew_crosswise": partial(elementwise.crosswise, n=2048, m=2048),
    "ew_crosswise_odd": partial(elementwise.crosswise, n=2000, m=1000),
    "ew_pool": partial(elementwise.pool, n=64, side=224),
    "red_softmax": partial(rows.softmax, n=4096, m=1024),
    "red_layernorm": partial(rows.layer_norm, n=4096, m=1024),
    "red_layernorm_grad": partial(rows.layer_norm_gradient, n=4096, m=1024),
    "red_logsumexp0": partial(rows.logsumexp_of_columns, n=4096, m=1024),
    "red_columns": partial(rows.sums_of_columns, n=1000, m=10_000),
    "red_batchnorm_train": partial(rows.batch_norm_training, n=128, c=64, h=16),
    "red_xent": partial(rows.cross_entropy, n=512, m=10_000),
    **{f"gemm_bias_relu_{n}x{m}x{k}": partial(products.gemm_bias_relu, n=n, m=m, k=k) for n, m, k in GEMMS},
    "mlp_small_step": partial(products.mlp_step, widths=(64, 128, 10), batch=32),
    "mlp_step": partial(products.mlp_step, widths=(784, 1024, 1024, 10), batch=128),
    "logreg_step": partial(products.logistic_step, n=10_000, m=100),
    "hvp_mlp": partial(products.hessian_vector, widths=(64, 128, 10), batch=32),
    "lenet_step": partial(products.lenet_step, batch=64),
    "conv_channels": partial(models.convolution, batch=1, channels=256, size=56),
    "conv_batch": partial(models.convolution, batch=16, channels=64, size=32),
    "vgg_a_infer": partial(models.vgg_infer, stages=models.VGG_A[0], dense=models.VGG_A[1], size=224, batch=1),
    "resblock_step": partial(models.resblock_step, batch=16, channels=64, size=32),
    "lstm_step": partial(products.lstm, steps=64, batch=32, inputs=128, width=256),
    "lstm_small_step": partial(products.lstm, steps=32, batch=8, inputs=32, width=64),
    "transformer_step": partial(models.transformer_step, batch=8, time=128, width=256, heads=4, inner=1024),
    "attention_fwd": partial(products.attention, batch=4, heads=8, time=512, width=64),
}


def named(name: str) -> Workload:
    """The workload of this name."""
    return WORKLOADS[name](name)
