"""The valid_policy_graph of RFC 9618 §5.2: which policies the certificates of a path, down to some depth, agree to.

It replaces the tree of RFC 5280, which the owner of one CA can make grow as a power of the path's length. Here each
depth holds a policy once, with all its parents: the size is what the certificates say, and the budget pays for it.

A node is not deleted when it loses its last child (§5.3 (d)(3), §5.4 (b)(3)(ii)): what is asked of the graph starts
at its lowest depth and reaches none of those. Qualifiers are not kept (§5.5 (g)(4)(ii) advises against it).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from service.core.model.budget import Budget
from service.core.model.certificate import ANY_POLICY, PolicyMapping

_FROM_ANY: Final = (ANY_POLICY,)
"""The parents of a child of anyPolicy, which never has another one (RFC 9618 §5.2)."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """The nodes of one depth.

    Attributes:
        parents: For each valid_policy the valid_policy of its parents, one depth higher.
        expected_by: For each policy that is in some node's expected_policy_set the valid_policy of those nodes.
    """

    parents: Mapping[str, tuple[str, ...]]
    expected_by: Mapping[str, tuple[str, ...]]


class PolicyGraph:
    """A graph that grows by a depth with each certificate; made and dropped inside one validation."""

    __slots__ = ("_budget", "_depths")

    def __init__(self, budget: Budget) -> None:
        """Start with the one node of depth zero: anyPolicy, which expects anyPolicy.

        Args:
            budget: Pays for each node and edge.
        """
        self._budget = budget
        self._depths = [_Depth({ANY_POLICY: ()}, {ANY_POLICY: _FROM_ANY})]

    @property
    def is_null(self) -> bool:
        """Whether no policy is left."""
        return not self._depths[-1].parents

    def grow(self, asserted: frozenset[str]) -> None:
        """Add the depth of the next certificate (RFC 9618 §5.3).

        Args:
            asserted: The policies of its certificatePolicies; anyPolicy among them only where it counts. Without one
                the graph becomes NULL.

        Raises:
            BudgetExhaustedError: it grew too large.
        """
        above = self._depths[-1]
        if ANY_POLICY in asserted:
            self._budget.spend_policies(len(asserted) + len(above.expected_by))
            nodes = dict(above.expected_by)  # (d)(2), the parents being those of (d)(1)(i)
        else:
            self._budget.spend_policies(len(asserted))
            nodes = {one: above.expected_by[one] for one in asserted if one in above.expected_by}  # (d)(1)(i)
        if ANY_POLICY in above.parents:
            nodes |= dict.fromkeys(asserted - above.expected_by.keys(), _FROM_ANY)  # (d)(1)(ii)
        self._depths.append(_expecting_themselves(nodes))

    def map(self, mappings: tuple[PolicyMapping, ...]) -> None:
        """Let the lowest depth expect what its policies are mapped to (RFC 9618 §5.4 (b)(1), (2)).

        Args:
            mappings: Those of the last certificate, none of them with anyPolicy.

        Raises:
            BudgetExhaustedError: it grew too large.
        """
        self._budget.spend_policies(len(mappings))
        expected: dict[str, set[str]] = {}
        for mapping in mappings:
            expected.setdefault(mapping.issuer_domain_policy, set()).add(mapping.subject_domain_policy)
        lowest = self._depths[-1].parents
        # (b)(2): a mapped policy for which only anyPolicy stands becomes a sibling of anyPolicy.
        nodes = {**dict.fromkeys(expected, _FROM_ANY), **lowest} if ANY_POLICY in lowest else lowest
        self._budget.spend_policies(len(nodes))
        expected_by: dict[str, list[str]] = {}
        for policy in nodes:
            for one in expected.get(policy, (policy,)):
                expected_by.setdefault(one, []).append(policy)
        self._depths[-1] = _Depth(nodes, {policy: tuple(by) for policy, by in expected_by.items()})

    def remove(self, mappings: tuple[PolicyMapping, ...]) -> None:
        """Delete from the lowest depth what is mapped where mapping is inhibited (RFC 9618 §5.4 (b)(3)(i)).

        Raises:
            BudgetExhaustedError: the graph is too large.
        """
        lowest = self._depths[-1].parents
        self._budget.spend_policies(len(mappings) + len(lowest))
        mapped = {mapping.issuer_domain_policy for mapping in mappings}
        self._depths[-1] = _expecting_themselves({one: by for one, by in lowest.items() if one not in mapped})

    def authority_constrained_policies(self) -> frozenset[str]:
        """The policies of the anchor's own domain that the whole path is good for (RFC 9618 §5.5 (g)(1) to (4))."""
        lowest = self._depths[-1].parents.keys()
        found = {ANY_POLICY} & lowest  # (g)(3)
        reached = lowest - {ANY_POLICY}
        for depth in reversed(self._depths):
            parents = {policy: depth.parents[policy] for policy in reached}
            found |= {policy for policy, by in parents.items() if by == _FROM_ANY}  # (g)(2)
            reached = {parent for by in parents.values() if by != _FROM_ANY for parent in by}
        return frozenset(found)

    def depth_without(self, accepted: AbstractSet[str]) -> int:
        """The first depth without a policy that an accepted one leads to; the lowest where no other is.

        Args:
            accepted: The user-initial-policy-set; anyPolicy in it accepts all.
        """
        good: AbstractSet[str] = self._depths[0].parents.keys() if accepted else frozenset()
        lowest = len(self._depths) - 1
        for number in range(1, lowest):
            parents = self._depths[number].parents
            good = {policy for policy, by in parents.items() if _is_good(policy, by, good, accepted)}
            if not good:
                return number
        return lowest


def _expecting_themselves(nodes: Mapping[str, tuple[str, ...]]) -> _Depth:
    return _Depth(nodes, {policy: (policy,) for policy in nodes})


def _is_good(policy: str, parents: tuple[str, ...], above: AbstractSet[str], accepted: AbstractSet[str]) -> bool:
    if parents == _FROM_ANY and policy != ANY_POLICY and ANY_POLICY not in accepted:
        return policy in accepted
    return not above.isdisjoint(parents)
