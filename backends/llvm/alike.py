"""Steps of a loop that was unrolled: they read rows 0, 1, 2 ..., and are alike where they are given the row."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import final

from graphc.backends.llvm.placing import with_rows
from graphc.dataclass import dataclass
from graphc.kernel.buffer import Buffer
from graphc.kernel.form import Form
from graphc.kernel.nesting import all_steps
from graphc.kernel.pattern import opened, opened_kernel, pattern_of
from graphc.kernel.program import Program
from graphc.kernel.steps import Contract, Kernel
from graphc.sizes import Size, name_of

__all__ = ["Alike"]

UNROLLED = 4  # steps that differ in places alone: of fewer each knows its own


@final
@dataclass(eq=False)
class Alike:
    """The steps of a program, as far as they differ in the places that they read.

    Where several differ in these alone, each gets symbols for its fixed places, and is told what they stand for.

    owner  the buffer whose bytes another has
    """

    program: Program
    owner: Callable[[Buffer], Buffer]
    _kernels: dict[Kernel, tuple[Kernel, dict[Size, int]]] = field(default_factory=dict)
    _products: dict[Contract, tuple[Contract, dict[Size, int]]] = field(default_factory=dict)

    def kernel(self, kernel: Kernel) -> tuple[Kernel, Mapping[str, Size]]:
        """A kernel with symbols, and what they stand for; as it is where it is alone."""
        found, places = self._opened_kernel(kernel)
        return (found, _by_name(places)) if self._has_others(found, places) else (kernel, {})

    def product(self, contract: Contract) -> tuple[Contract, Mapping[str, Size]]:
        """The same of a product, with its epilogue."""
        found, places = self._opened_product(contract)
        return (found, _by_name(places)) if self._has_others(found, places) else (contract, {})

    def _has_others(self, step: Kernel | Contract, places: Mapping[Size, int]) -> bool:
        return bool(places) and self._counts[pattern_of(step)[0]] >= UNROLLED

    @cached_property
    def _forms(self) -> Counter[Form | None]:
        """How many kernels there are of each form that is known."""
        steps = list(all_steps(self.program.steps))
        kernels = [step.then if isinstance(step, Contract) else step for step in steps]
        return Counter([part.form for part in kernels if isinstance(part, Kernel) and part.form is not None])

    @cached_property
    def _counts(self) -> Counter[Hashable]:
        """How many steps there are of each pattern with fixed places."""
        found: Counter[Hashable] = Counter()
        for step in all_steps(self.program.steps):
            opened: list[tuple[Kernel | Contract, dict[Size, int]]] = []
            match step:
                case Kernel():
                    opened += map(self._opened_kernel, with_rows(step, self.owner))
                case Contract():
                    opened.append(self._opened_product(step))
                    if step.then is not None:
                        opened += map(self._opened_kernel, with_rows(step.then, self.owner))
            found.update(pattern_of(changed)[0] for changed, places in opened if places)
        return found

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


def _by_name(places: Mapping[Size, int]) -> Mapping[str, Size]:
    return {str(name_of(symbol)): place for symbol, place in places.items()}
