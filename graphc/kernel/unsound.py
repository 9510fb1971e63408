"""What makes no sense, and whose line it is: by whom a check of a form names what it was looking at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from graphc.kernel.steps import Step
from graphc.origin import Origin

__all__ = ["UnsoundError", "about"]


class UnsoundError(AssertionError):
    """A form that makes no sense: the users' lines behind the part of it that does not, and the step, if it is one."""

    def __init__(self, said: str, origins: Sequence[Origin], step: Step | None = None) -> None:
        super().__init__(said)
        self.origins, self.step = origins, step


@contextmanager
def about(origins: Sequence[Origin], step: Step | None = None) -> Iterator[None]:
    """An AssertionError that is raised inside is one of these lines; of several such places the innermost counts."""
    try:
        yield
    except UnsoundError:
        raise
    except AssertionError as error:
        raise UnsoundError(str(error), origins, step) from error
