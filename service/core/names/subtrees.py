"""Subtrees of name constraints (RFC 5280 §4.2.1.10): where names lie in a tree, and which parts of it a list covers.

Every form of name that can be constrained is a path from a root: the labels of a host from the right, relative
distinguished names from the left, the bits of an address. A base is the start of such paths. What a form's names and
bases look like is the business of `dns`, `uri`, `mailbox`, `address` and `directory`.

A list is looked up by the lengths of its bases, so that a name costs the same against one base and against thousands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

Path: TypeAlias = tuple[str, ...] | tuple[bytes, ...] | str
"""Where a name lies: from the root of its form downwards."""

HOST_END = ""
"""Follows the last label where a host is meant, not a domain; no label is empty."""

WILDCARD = "\0*"
"""The label `*` of a wildcard: any one label. No label, and no local part of a mailbox, has a control character."""


class Relation(Enum):
    """How a name lies to the subtrees of one list."""

    INSIDE = auto()
    """Everything that the name stands for is inside one of them."""
    PARTLY = auto()
    """Some of what a wildcard stands for is inside."""
    OUTSIDE = auto()
    UNKNOWN = auto()
    """Nobody can tell: the name or a base is not of its form, or means different things to different readers."""


class Reach(Enum):
    """What of a tree a base covers."""

    ALL = auto()
    """The place itself and everything below."""
    SUBDOMAINS = auto()
    """What lies below, without the place: bases of URI and mail hosts with a leading dot."""
    DISPUTED = auto()
    """Perhaps the place, perhaps what lies below, perhaps nothing: a dNSName base with a leading dot."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """One base of one form."""

    base: Path
    reach: Reach = Reach.ALL


@dataclass(frozen=True, slots=True)
class Subtrees:
    """The subtrees of one form in one list, indexed.

    Attributes:
        reaches: How far each base reaches.
        lengths: Of the bases, the shortest first.
        parents: The bases without their last step: what a wildcard stands right below of.
        is_legible: Whether every base could be read.
    """

    reaches: Mapping[Path, Reach]
    lengths: tuple[int, ...]
    parents: frozenset[Path]
    is_legible: bool

    def relation(self, path: Path | None) -> Relation:
        """How the name with this path lies to them; None is a name that could not be read."""
        if path is None:
            return Relation.UNKNOWN
        found = Relation.OUTSIDE if self.is_legible else Relation.UNKNOWN
        for length in self.lengths:
            reach = self.reaches.get(path[:length])
            if reach is Reach.ALL or (reach is Reach.SUBDOMAINS and _is_below(path, length)):
                return Relation.INSIDE
            if reach is Reach.DISPUTED:
                found = Relation.UNKNOWN
        return Relation.PARTLY if path[-1:] == (WILDCARD,) and path[:-1] in self.parents else found


def _is_below(path: Path, length: int) -> bool:
    """Whether a path goes on with another label."""
    return len(path) > length and path[length] != HOST_END


def index_subtrees(bases: Iterable[Subtree | None]) -> Subtrees:
    """The index of a list of subtrees of one form; None is a base that could not be read."""
    read = list(bases)
    # Where one place has two bases the clear one counts: it reaches at least as far.
    order = (Reach.DISPUTED, Reach.SUBDOMAINS, Reach.ALL)
    subtrees = sorted((one for one in read if one is not None), key=lambda one: order.index(one.reach))
    return Subtrees(
        reaches={one.base: one.reach for one in subtrees},
        lengths=tuple(sorted({len(one.base) for one in subtrees})),
        parents=frozenset(one.base[:-1] for one in subtrees if one.base),
        is_legible=None not in read,
    )
