"""The valid_policy_tree of RFC 5280 §6.1, as it stands there: the peer of the graph that replaced it.

Rules: the text is followed word by word, whatever that costs, and nothing of the service is asked; short paths only. Of
the anchor §6.1.4 (i) and (j) are done; that is the one rule here that the RFC does not have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.core.model.policy import PolicyInputs
from tests.core.path.policy_paths import ANY, NOTHING, Says


@dataclass(eq=False)
class Node:
    """A node of the tree, without its qualifiers (§6.1.2 (a))."""

    valid_policy: str
    expected: set[str]
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)

    def grow(self, valid_policy: str, expected: set[str]) -> None:
        """Give it one more child."""
        self.children.append(Node(valid_policy, expected, self))

    def at_depth(self, depth: int) -> Iterator["Node"]:
        """The nodes so far below this one."""
        if depth == 0:
            yield self
        else:
            for child in self.children:
                yield from child.at_depth(depth - 1)

    def everything(self) -> Iterator["Node"]:
        """It and all below it."""
        yield self
        for child in self.children:
            yield from child.everything()

    def delete(self) -> None:
        """Take it, and with it everything below, out of the tree."""
        assert self.parent is not None, "the root is deleted with the tree"
        self.parent.children.remove(self)

    def pruned(self, depth: int) -> "Node | None":
        """The tree without nodes above `depth` that lead nowhere; None where the root is one (§6.1.3 (d)(3))."""
        for number in reversed(range(1, depth)):
            for node in list(self.at_depth(number)):
                if not node.children:
                    node.delete()
        return self if depth == 0 or self.children else None

    def copy(self, parent: "Node | None" = None) -> "Node":
        """The same tree again."""
        twin = Node(self.valid_policy, set(self.expected), parent)
        twin.children = [child.copy(twin) for child in self.children]
        return twin


class Validation:
    """The state variables of one validation, and what became of it.

    Attributes:
        mapped: The number of the certificate that maps anyPolicy, once one was met.
        blamed: The first certificate whose policies, down to it, the caller would have had nothing of.
        succeeded: The last sentence of §6.1.5.
        policies: The policies of the user's, or anchor's, own domain (§6.1.6, X.509 §12.2).
    """

    def __init__(self, certificates: Sequence[Says], inputs: PolicyInputs, anchor: Says = NOTHING) -> None:
        """Validate a path."""
        self.length = len(certificates)
        self.accepted = inputs.initial_policy_set
        self.tree: Node | None = Node(ANY, {ANY})
        self.explicit_policy = 0 if inputs.require_explicit_policy else self.length + 1
        self.inhibit_any_policy = 0 if inputs.inhibit_any_policy else self.length + 1
        self.policy_mapping = 0 if inputs.inhibit_policy_mapping else self.length + 1
        self.mapped: int | None = None
        self.blamed: int | None = None
        self.succeeded = False
        self.policies: frozenset[str] = frozenset()
        self._constrain(anchor)
        self._run(certificates)

    def _run(self, certificates: Sequence[Says]) -> None:
        for number, certificate in enumerate(certificates, start=1):
            self._process(number, certificate)
            if self.explicit_policy == 0 and self.tree is None:  # §6.1.3 (f)
                self._blame(number)
                return
            if any(ANY in pair for pair in certificate.mappings):  # §6.1.4 (a), and §4.2.1.5 where none follows
                self.mapped = number
                return
            if number < self.length:
                self._prepare(number, certificate)
            self._blame(number)
        self._wrap_up(certificates[-1])

    def _process(self, number: int, certificate: Says) -> None:
        """§6.1.3 (d), (e)."""
        if certificate.policies is None:
            self.tree = None
        if self.tree is None or certificate.policies is None:
            return
        above = list(self.tree.at_depth(number - 1))
        for policy in certificate.policies - {ANY}:  # (d)(1)
            expecting = [node for node in above if policy in node.expected]
            for node in expecting or [node for node in above if node.valid_policy == ANY]:
                node.grow(policy, {policy})
        exempt = number < self.length and certificate.self_issued
        if ANY in certificate.policies and (self.inhibit_any_policy > 0 or exempt):  # (d)(2)
            for node in above:
                for policy in node.expected - {child.valid_policy for child in node.children}:
                    node.grow(policy, {policy})
        self.tree = self.tree.pruned(number)  # (d)(3)

    def _prepare(self, number: int, certificate: Says) -> None:
        """§6.1.4 (b), (h), (i), (j)."""
        for policy in {issuer for issuer, _ in certificate.mappings}:
            if self.tree is not None:
                self._map(number, policy, {subject for issuer, subject in certificate.mappings if issuer == policy})
        if not certificate.self_issued:  # (h)
            self.explicit_policy -= self.explicit_policy != 0
            self.policy_mapping -= self.policy_mapping != 0
            self.inhibit_any_policy -= self.inhibit_any_policy != 0
        self._constrain(certificate)

    def _map(self, number: int, policy: str, subjects: set[str]) -> None:
        assert self.tree is not None, "asked before"
        nodes = [node for node in self.tree.at_depth(number) if node.valid_policy == policy]
        if self.policy_mapping > 0:  # (b)(1)
            for node in nodes:
                node.expected = set(subjects)
            for node in [] if nodes else list(self.tree.at_depth(number)):
                if node.valid_policy == ANY:
                    assert node.parent is not None, "it is not the root"
                    node.parent.grow(policy, set(subjects))
        else:  # (b)(2)
            for node in nodes:
                node.delete()
            self.tree = self.tree.pruned(number)

    def _constrain(self, certificate: Says) -> None:
        """§6.1.4 (i), (j)."""
        if (
            certificate.require_explicit_policy is not None
            and certificate.require_explicit_policy < self.explicit_policy
        ):
            self.explicit_policy = certificate.require_explicit_policy
        if certificate.inhibit_policy_mapping is not None and certificate.inhibit_policy_mapping < self.policy_mapping:
            self.policy_mapping = certificate.inhibit_policy_mapping
        if certificate.inhibit_any_policy is not None and certificate.inhibit_any_policy < self.inhibit_any_policy:
            self.inhibit_any_policy = certificate.inhibit_any_policy

    def _wrap_up(self, last: Says) -> None:
        """§6.1.5 (a), (b), (g)."""
        self.explicit_policy -= self.explicit_policy != 0
        if last.require_explicit_policy == 0:
            self.explicit_policy = 0
        self.tree = self._intersection(self.length)
        self.succeeded = self.explicit_policy > 0 or self.tree is not None
        self.policies = frozenset() if self.tree is None else _own_domain(self.tree, self.length)

    def _blame(self, number: int) -> None:
        if self.blamed is None and self._intersection(number) is None:
            self.blamed = number

    def _intersection(self, depth: int) -> Node | None:
        """§6.1.5 (g), for a path that ends at this depth."""
        if self.tree is None or ANY in self.accepted:  # (g)(i), (ii)
            return self.tree
        tree = self.tree.copy()
        node_set = [node for node in tree.everything() if node.parent is not None and node.parent.valid_policy == ANY]
        for node in node_set:  # (g)(iii)(2)
            if node.valid_policy != ANY and node.valid_policy not in self.accepted:
                node.delete()
        for node in list(tree.at_depth(depth)):  # (g)(iii)(3)
            if node.valid_policy == ANY:
                assert node.parent is not None, "the path has a certificate"
                for policy in self.accepted - {one.valid_policy for one in node_set}:
                    node.parent.grow(policy, {policy})
                node.delete()
        return tree.pruned(depth)  # (g)(iii)(4)


def _own_domain(tree: Node, depth: int) -> frozenset[str]:
    """The policies that a child of anyPolicy stands for, and anyPolicy where it reaches the end."""
    own = {
        node.valid_policy for node in tree.everything() if node.parent is not None and node.parent.valid_policy == ANY
    }
    return frozenset(own - {ANY} | {node.valid_policy for node in tree.at_depth(depth) if node.valid_policy == ANY})
