"""Whether a product is made by the kernel of the program or by a library: what took less time, once, is remembered."""

from collections.abc import Callable

from graphc.backends.cuda.device import Device
from graphc.backends.cuda.host import Multiply
from graphc.backends.cuda.multiplication import Matrices, Multiplication, Multiplier
from graphc.backends.cuda.places import ALIGNMENT, Places
from graphc.backends.cuda.products import LEAST_WORK, Matrix, Product
from graphc.cache import Cache

__all__ = ["addresses", "chosen", "matrices_of"]

OWN = b"the kernel of the program"
GAIN = 0.97  # of the time of the kernel: a library that takes more is not worth it


def chosen(
    step: Multiply, places: Places, cache: Cache, own: Callable[[], None], following: Callable[[], None]
) -> Multiplication | None:
    """The way of a library, where it is faster with these sizes; None where the kernel of the program is.

    own        makes the product, with what follows it, by the kernel of the program; may be done again
    following  does what follows alone
    Where nothing can be remembered, nothing is measured: the next process would choose anew, and round otherwise.
    """
    device, multiplier = places.device, places.device.multiplier
    matrices = matrices_of(step.product, places)
    if multiplier is None or matrices is None or cache.folder is None or not _is_aligned(step.product, places):
        return None
    key = repr(("product", device.name, multiplier.version, matrices, step.text)).encode()
    kept = cache.get(key)
    if kept is not None:
        return None if kept == OWN else multiplier.again(matrices, kept)
    found = _measured(device, multiplier, matrices, addresses(step.product, places), own, following)
    cache.put(key, OWN if found is None else found.kept)
    return found


def _measured(
    device: Device,
    multiplier: Multiplier,
    matrices: Matrices,
    at: tuple[int, int, int],
    own: Callable[[], None],
    following: Callable[[], None],
) -> Multiplication | None:
    """The way of the library if it takes less time."""
    found = multiplier.planned(matrices)
    if found is None:
        return None

    def other() -> None:
        found.run(*at)
        following()

    return found if device.seconds(other) < GAIN * device.seconds(own) else None


def matrices_of(product: Product, places: Places) -> Matrices | None:
    """A product with numbers for its sizes; None where it is small, or no library takes it."""
    number = places.number
    rows, columns, sums, count = map(number, (product.rows, product.columns, product.sums, product.count))
    left, right, out = product.left, product.right, product.out
    leading = (number(left.leading), number(right.leading), number(out.leading))
    steps = (number(left.step), number(right.step), number(out.step))
    least = (sums if product.left.is_turned else rows, columns if product.right.is_turned else sums, rows)
    if rows * columns * sums * count < LEAST_WORK or any(x < y for x, y in zip(leading, least, strict=True)):
        return None
    turned = (product.left.is_turned, product.right.is_turned)
    dtypes = (left.buffer.dtype.name, out.buffer.dtype.name)
    return Matrices(*dtypes, rows, columns, sums, count, leading, steps, turned)


def addresses(product: Product, places: Places) -> tuple[int, int, int]:
    """Of the first elements, now."""

    def first(side: Matrix) -> int:
        return places.address(side.buffer) + places.number(side.first) * side.buffer.dtype.itemsize

    return first(product.left), first(product.right), first(product.out)


def _is_aligned(product: Product, places: Places) -> bool:
    return not any(address % ALIGNMENT for address in addresses(product, places))
