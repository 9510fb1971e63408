"""Steps of a loop that was unrolled: they read rows 0, 1, 2 ..., and are alike where they are given the row."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import final

from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.form import Form
from graphc.kernel.nesting import all_steps
from graphc.kernel.pattern import opened, opened_kernel, pattern_of
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract, Kernel
from graphc.sizes import Size

__all__ = ["Alike"]

UNROLLED = 4  # steps that differ in places alone: of fewer each knows its own


@final
@dataclass(eq=False)
class Alike:
    """The steps of a program, as far as they differ in the places that they read.

    Where several differ in these alone, each gets symbols for its fixed places, and is told what they stand for.

    owner  the buffer whose bytes another has
    parts  the kernels that a backend makes of one, if it does
    """

    program: Program
    owner: Callable[[Buffer], Buffer]
    parts: Callable[[Kernel], Iterable[Kernel]] = lambda kernel: (kernel,)
    _kernels: dict[Kernel, tuple[Kernel, dict[Size, int]]] = field(default_factory=dict)
    _products: dict[Contract, tuple[Contract, dict[Size, int]]] = field(default_factory=dict)

    def kernel(self, kernel: Kernel) -> tuple[Kernel, Mapping[Size, int]]:
        """A kernel with symbols, and what they stand for; as it is where it is alone."""
        found, places = self._opened_kernel(kernel)
        has_others = places and self._of_kernels[pattern_of(found)[0]] >= UNROLLED
        return (found, places) if has_others else (kernel, {})

    def product(self, contract: Contract) -> tuple[Contract, Mapping[Size, int]]:
        """The same of a product, with its epilogue."""
        found, places = self._opened_product(contract)
        has_others = places and self._of_products[pattern_of(found)[0]] >= UNROLLED
        return (found, places) if has_others else (contract, {})

    @cached_property
    def _forms(self) -> Counter[Form | None]:
        """How many kernels there are of each form that is known."""
        steps = list(all_steps(self.program.steps))
        kernels = [step.then if isinstance(step, Contract) else step for step in steps]
        return Counter([part.form for part in kernels if isinstance(part, Kernel) and part.form is not None])

    @cached_property
    def _of_kernels(self) -> Counter[Hashable]:
        """How many kernels there are of each pattern with fixed places."""
        steps = all_steps(self.program.steps)
        kernels = [step.then if isinstance(step, Contract) else step for step in steps]
        opened = [self._opened_kernel(part) for x in kernels if isinstance(x, Kernel) for part in self.parts(x)]
        return Counter([pattern_of(kernel)[0] for kernel, places in opened if places])

    @cached_property
    def _of_products(self) -> Counter[Hashable]:
        """The same of products, with their epilogues."""
        steps = all_steps(self.program.steps)
        opened = [self._opened_product(step) for step in steps if isinstance(step, Contract)]
        return Counter([pattern_of(product)[0] for product, places in opened if places])

    def _opened_kernel(self, kernel: Kernel) -> tuple[Kernel, dict[Size, int]]:
        if self._forms[kernel.form] >= UNROLLED:  # they are alike as they are
            return kernel, {}
        found = self._kernels.get(kernel)
        if found is None:
            places: dict[Size, int] = {}
            found = self._kernels[kernel] = opened_kernel(kernel, self.owner, places), places
        return found

    def _opened_product(self, contract: Contract) -> tuple[Contract, dict[Size, int]]:
        found = self._products.get(contract)
        if found is None:
            product, places = opened(contract)
            if product.then is not None:
                product = replace(product, then=opened_kernel(product.then, self.owner, places))
            found = self._products[contract] = product, places
        return found
