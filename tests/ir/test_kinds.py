"""Every op keeps the contract of its kinds."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import graphc.ops
from graphc.ir.node import Op


def every_op(kind: type[Op] = Op) -> Iterator[type[Op]]:
    for below in kind.__subclasses__():
        yield below
        yield from every_op(below)


def test_no_final_op_leaves_a_method_abstract() -> None:
    for module in iter_modules(graphc.ops.__path__, "graphc.ops."):
        import_module(module.name)
    final = [op for op in every_op() if getattr(op, "__final__", False)]
    assert len(final) > 90
    for op in final:
        left = [name for name in dir(op) if getattr(getattr(op, name), "__isabstractmethod__", False)]
        assert not left, f"{op.__name__} has no {', '.join(left)}"
