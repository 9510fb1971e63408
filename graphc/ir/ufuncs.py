"""What ops are called that NumPy's functions of arrays do."""

from collections.abc import Mapping

__all__ = ["OPERATORS"]

#: NumPy's names of operators, for an array on the left
OPERATORS: Mapping[str, str] = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "floor_divide": "floordiv",
    "remainder": "mod", "power": "pow", "matmul": "matmul", "equal": "eq", "not_equal": "ne", "less": "lt",
    "less_equal": "le", "greater": "gt", "greater_equal": "ge", "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor", "left_shift": "left_shift", "right_shift": "right_shift",
}  # fmt: skip
