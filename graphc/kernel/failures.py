"""The errors of failed checks, worded once for every backend."""

from graphc.errors import IndexRangeError, ShapeError, StepLimitError
from graphc.kernel.outline import Limit
from graphc.kernel.provenance import LINES_SHOWN, origins_behind
from graphc.kernel.steps import Check, IndexInRange, SizesAgree
from graphc.origin import Origin, place_of
from graphc.sizes import Size, maximum

__all__ = ["index_outside", "places", "sizes_differ", "too_many_steps"]


def sizes_differ(check: Check, left: int, right: int) -> ShapeError:
    """The error of a check that found two sizes to be `left` and `right`."""
    assert isinstance(check.condition, SizesAgree), check
    sizes = check.condition
    if maximum(sizes.left, sizes.right) == sizes.right:  # which is the least that the left one may be
        found = _measured(sizes.left, left)
    elif maximum(sizes.left, sizes.right) == sizes.left:
        found = f"{left} and {_measured(sizes.right, right)}"
    else:
        found = f"{_measured(sizes.left, left)} and {_measured(sizes.right, right)}"
    return ShapeError(f"{check.because}, {found}", hint=check.hint).located(places(check.origins))


def index_outside(check: Check, index: int, extent: int) -> IndexRangeError:
    """The error of a check that found `index` where an index into `extent` elements should be."""
    assert isinstance(check.condition, IndexInRange), check
    least = -extent if check.condition.negative else 0
    allowed = f"not in {least} .. {extent - 1}" if extent else "an index into nothing"
    return IndexRangeError(f"{check.because}, {index} is {allowed}", hint=check.hint).located(places(check.origins))


def too_many_steps(limit: Limit, most: int) -> StepLimitError:
    """The error of a loop whose condition still holds after the most steps that it may make."""
    problem = f"while_loop: the condition still holds after {_measured(limit.length or most, most)} steps"
    return StepLimitError(problem, hint="raise max_steps, or let the condition fail").located(places(limit.origins))


def places(origins: tuple[Origin, ...]) -> list[str]:
    found = list(dict.fromkeys(origin._replace(derived_from=(), called="") for origin in origins_behind(origins)))
    lines = [line for origin in found[:LINES_SHOWN] for line in place_of(origin)]
    return lines if len(found) <= LINES_SHOWN else [*lines, f"  and {len(found) - LINES_SHOWN} more"]


def _measured(size: Size, value: int) -> str:
    return str(value) if isinstance(size, int) else f"{size} = {value}"
