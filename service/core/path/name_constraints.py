"""Name constraints along a path (RFC 5280 §6.1.3 (b), (c), §6.1.4 (g)).

Every certificate below one that constrains is held against its constraints, one by one: a name that lies in the
permitted subtrees of each lies in their intersection, and one in no excluded subtree of any in none of their union.
Constraints are enforced whether their extension is critical or not, those of the anchor too (RFC 5937 §3.2).
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import TypeAlias, assert_never

from service.core.der.certificate_extensions import describe_name
from service.core.model.budget import Budget
from service.core.model.certificate import Certificate, NameConstraints
from service.core.model.failure import Irregular, NameNotAllowed, NameNotComparable
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.names.comparison import same_name
from service.core.names.constraints import (
    ConstraintIndex,
    Permission,
    PresentedName,
    common_names,
    cost,
    index_constraints,
    judge,
    presented_names,
)
from service.core.path.basic_constraints import check_is_authority
from service.core.path.certification_path import CertificationPath

MAX_CACHED_OCTETS = 16_384
"""The constraints of larger certificates are read each time; 64 of the others are kept: some MiB at most."""

_UNCONSTRAINED = NameConstraints((), ())

_Constrainer: TypeAlias = tuple[Certificate, ConstraintIndex]

NameFailure: TypeAlias = NameNotAllowed | NameNotComparable | Irregular


def check_name_constraints(path: CertificationPath, budget: Budget) -> NameFailure | None:
    """Why the names of a path are not what the certificates above them allow, or None.

    Args:
        path: The path; one whose leaf is the anchor has nothing above it.
        budget: Pays for names and constraints.

    Returns:
        The first name that is not allowed or cannot be compared, from the anchor down; or a leaf that constrains names
        and is no CA.

    Raises:
        BudgetExhaustedError: there are more names and constraints than one verdict may cost.
    """
    if path.leaf_is_anchor or not _is_constrained(path):
        return None
    above = _constrainers(path.anchor, budget)
    for certificate in reversed(path.certificates[1:]):
        # RFC 5280 §6.1.3 (b), (c): self-issued certificates are exempt, but for the last one.
        if above and not same_name(certificate.subject, certificate.issuer):
            failure = _first_failure(certificate, _names(certificate, above, budget), above)
            if failure is not None:
                return failure
        above += _constrainers(certificate, budget)  # §6.1.4 (g)
    return _check_leaf(path.leaf, above, budget)


def _is_constrained(path: CertificationPath) -> bool:
    return path.anchor.extensions.name_constraints is not None or any(
        certificate.extensions.name_constraints is not None for certificate in path.certificates
    )


def _check_leaf(leaf: Certificate, above: tuple[_Constrainer, ...], budget: Budget) -> NameFailure | None:
    failure = _first_failure(leaf, _names(leaf, above, budget, _leaf_names), above)
    if failure is not None or leaf.extensions.name_constraints is None or check_is_authority(leaf) is None:
        return failure
    return Irregular(leaf, "nameConstraints in a certificate that is no CA's (RFC 5280 §4.2.1.10)")


def _constrainers(certificate: Certificate, budget: Budget) -> tuple[_Constrainer, ...]:
    """The certificate with its constraints; nothing where it has none."""
    constraints = certificate.extensions.name_constraints
    if constraints is None:
        return ()
    budget.spend_names(cost(constraints.permitted) + cost(constraints.excluded))
    index = _cached_index if len(certificate.der) <= MAX_CACHED_OCTETS else _index
    return ((certificate, index(certificate)),)


def _index(certificate: Certificate) -> ConstraintIndex:
    return index_constraints(certificate.extensions.name_constraints or _UNCONSTRAINED)


_cached_index = lru_cache(maxsize=64)(_index)


def _leaf_names(leaf: Certificate, kinds: AbstractSet[GeneralNameKind]) -> Iterator[PresentedName]:
    yield from presented_names(leaf, kinds)
    yield from common_names(leaf, kinds)


def _names(
    certificate: Certificate,
    above: tuple[_Constrainer, ...],
    budget: Budget,
    read: Callable[[Certificate, AbstractSet[GeneralNameKind]], Iterator[PresentedName]] = presented_names,
) -> list[PresentedName]:
    """The names of a certificate of all the forms that are constrained above it."""
    subject = GeneralName(GeneralNameKind.DIRECTORY_NAME, certificate.subject.der)
    budget.spend_names(cost((subject, *certificate.extensions.subject_alternative_names)))
    kinds = frozenset(kind for _, index in above for kind in index.kinds)
    names = list(read(certificate, kinds))
    budget.spend_names(len(names) * sum(index.steps for _, index in above))
    return names


def _first_failure(
    certificate: Certificate, names: Iterable[PresentedName], above: tuple[_Constrainer, ...]
) -> NameNotAllowed | NameNotComparable | None:
    """The first name that a constraint above does not let pass, constraints nearest to the anchor first."""
    for constrainer, index in above:
        for name in names:
            match judge(name, index):
                case Permission.GRANTED:
                    continue
                case Permission.DENIED:
                    return NameNotAllowed(certificate, constrainer, describe_name(name.source))
                case Permission.UNDECIDABLE:
                    return NameNotComparable(certificate, constrainer, describe_name(name.source))
                case never:
                    assert_never(never)
    return None
