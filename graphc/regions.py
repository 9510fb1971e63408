"""Regions of which derivatives compute the inside again: who was made in which, and by which derivative.

A derivative belongs to the regions of what it is the derivative of, by a later *generation*.  A value of a region that
is read there by a later generation is computed again for that one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeAlias, final

__all__ = ["Member", "Membership", "Region", "derivative_of", "latest", "members_now", "read_again", "region"]


@final
class Region:
    """One call of a function whose inside is computed again; known by identity."""

    __slots__ = ()


class Member(NamedTuple):
    """Being made in a region: by its function, or by the derivative of that of a generation, the first being 1."""

    region: Region
    generation: int


Membership: TypeAlias = tuple[Member, ...]  # of the regions around one thing, the outermost first

_members: ContextVar[Membership] = ContextVar("members", default=())


def members_now() -> Membership:
    """What is made now belongs to these."""
    return _members.get()


@contextmanager
def region() -> Iterator[None]:
    """What is made inside belongs to a new region.  Regions nest."""
    token = _members.set((*_members.get(), Member(Region(), 0)))
    try:
        yield
    finally:
        _members.reset(token)


def derivative_of(members: Membership, generation: int) -> Membership:
    """What the derivative of something belongs to.  In a region that is open it is one more step of the function."""
    around = _members.get()
    if not members and not around:
        return ()
    if [m.region for m in members[: len(around)]] != [m.region for m in around]:
        return around
    return (*around, *(Member(m.region, generation) for m in members[len(around) :]))


def read_again(reader: Membership, value: Membership) -> Membership:
    """For which regions, the outermost first, a reader has a value computed again; for none if it reads it as it is.

    The last of them is the innermost region that both are in, the reader by a later generation.
    """
    found = 0
    for place, (of, by) in enumerate(zip(reader, value, strict=False), 1):
        if of.region is not by.region:
            break
        if of.generation > by.generation:
            found = place
    return reader[:found]


def latest(many: Sequence[Membership]) -> int:
    """The last generation among some memberships; 0 where there is none."""
    return max([m.generation for members in many for m in members], default=0)
