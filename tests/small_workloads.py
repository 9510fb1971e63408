"""The workloads of `benchmarks.native`, so small that they take no time."""

from benchmarks.workloads import elementwise, models, products, rows

__all__ = ["SMALL"]

SMALL = (
    elementwise.call("call", 8),
    elementwise.gelu("gelu", 101),
    elementwise.black_scholes("black_scholes", 33),
    elementwise.chain("chain", 7),
    elementwise.crosswise("crosswise", 5, 7),
    elementwise.pool("pool", 3, 6),
    rows.softmax("softmax", 5, 33),
    rows.softmax_gradient("softmax_gradient", 5, 33),
    rows.layer_norm("layer_norm", 5, 33),
    rows.layer_norm_gradient("layer_norm_gradient", 5, 33),
    rows.logsumexp_of_columns("logsumexp0", 5, 33),
    rows.sums_of_columns("columns", 5, 33),
    rows.batch_norm_training("batch_norm_training", 3, 4, 5),
    rows.cross_entropy("cross_entropy", 5, 7),
    products.gemm("gemm", 5, 6, 7),
    products.gemm_bias_relu("gemm_bias_relu", 5, 6, 7),
    products.attention("attention", 1, 2, 5, 4),
    products.mlp_step("mlp_step", (6, 5, 4), 3),
    products.hessian_vector("hessian_vector", (6, 5, 4), 3),
    products.logistic_step("logistic_step", 20, 3),
    products.lenet_step("lenet_step", 2),
    products.lstm("lstm", 3, 2, 3, 4),
    models.convolution("convolution", 2, 3, 5),
    models.vgg_infer("vgg", ((4,), (6, 8)), (10, 7), 8, 2),
    models.resblock_step("resblock", 3, 4, 5),
    models.transformer_step("transformer", 2, 5, 8, 2, 12),
    models.transformer_training("transformer_training", 2, 5, 8, 2, 12),
)
