"""Certificate policies (RFC 5280 §6.1 with the updates of RFC 9618): the state variables and the steps, in their order.

The answer is the user-constrained policy set, or why the path is not valid. It is never an error that a path has no
policy unless the caller, the anchor or a certificate of the path requires one.

Rules of this file that RFC 5280 leaves open:

- Of an anchor policyConstraints and inhibitAnyPolicy count, as if it were certificate 0 of the path; its
  certificatePolicies and policyMappings do not: it is no certificate of the path (§6.1). RFC 5937 §3.2 would narrow the
  user-initial-policy-set to its policies; roots name their own there, which their subordinates do not assert.
- A leaf that is an anchor is the one certificate of its path: what it asserts is what it is good for.
- A mapping from or to anyPolicy is refused wherever it stands (§4.2.1.5: MUST NOT), also in an anchor, and in the last
  certificate, whose mappings concern nobody.
- anyPolicy in the user-initial-policy-set accepts every policy, whatever else is in the set.
"""

from service.core.model.budget import Budget
from service.core.model.certificate import ANY_POLICY, Certificate
from service.core.model.failure import AnyPolicyMapped, NoAcceptablePolicy
from service.core.model.policy import PolicyInputs
from service.core.names.comparison import same_name
from service.core.path.certification_path import CertificationPath
from service.core.path.policy_graph import PolicyGraph

PolicyFailure = NoAcceptablePolicy | AnyPolicyMapped


def check_policies(path: CertificationPath, inputs: PolicyInputs, budget: Budget) -> frozenset[str] | PolicyFailure:
    """Take the certificates of a path, from the anchor's side, through every step about policies.

    Args:
        path: The path.
        inputs: What the caller accepts and requires.
        budget: Pays for the graph.

    Returns:
        The user-constrained policy set (RFC 9618 §5.6), or the failure; where no policy is left, with the certificate
        that left none.

    Raises:
        BudgetExhaustedError: the graph grew too large.
    """
    if _maps_any_policy(path.anchor):
        return AnyPolicyMapped(path.anchor)
    *issuers, last = path.certificates[::-1]
    state = _State(len(path.certificates), inputs, budget)
    if not path.leaf_is_anchor:
        # RFC 5937 §3.2 takes policyConstraints and inhibitAnyPolicy of an anchor for flags, in force at once. Here they
        # count from the anchor: that is the same where they skip no certificate, it is what they say where they skip
        # some, and flags would not always be stricter: where mapping is inhibited, a mapped policy stands for itself.
        state.constrain(path.anchor)
    for certificate in issuers:
        is_self_issued = same_name(certificate.subject, certificate.issuer)
        state.grow(certificate, is_exempt=is_self_issued)
        if state.lacks_policy:
            return _no_policy(path, inputs, state)
        if _maps_any_policy(certificate):
            return AnyPolicyMapped(certificate)  # §6.1.4 (a)
        state.map(certificate)
        if not is_self_issued:
            state.count_down()
        state.constrain(certificate)
    state.grow(last, is_exempt=False)
    if state.lacks_policy:
        return _no_policy(path, inputs, state)
    return AnyPolicyMapped(last) if _maps_any_policy(last) else _wrap_up(path, inputs, state)


class _State:
    """The state variables (a), (d), (e), (f) of RFC 5280 §6.1.2; of a count, 0 means that it has taken effect."""

    __slots__ = ("explicit_policy", "graph", "inhibit_any_policy", "policy_mapping")

    def __init__(self, length: int, inputs: PolicyInputs, budget: Budget) -> None:
        """Initialize them for a path of `length` certificates."""
        self.graph = PolicyGraph(budget)
        self.explicit_policy = 0 if inputs.require_explicit_policy else length + 1
        self.inhibit_any_policy = 0 if inputs.inhibit_any_policy else length + 1
        self.policy_mapping = 0 if inputs.inhibit_policy_mapping else length + 1

    @property
    def lacks_policy(self) -> bool:
        """Whether a policy is required and none is left (RFC 9618 §5.3 (f))."""
        return self.explicit_policy == 0 and self.graph.is_null

    def grow(self, certificate: Certificate, *, is_exempt: bool) -> None:
        """Hold what a certificate asserts against what is expected (RFC 9618 §5.3 (d), (e)).

        Args:
            certificate: The next one.
            is_exempt: Whether it is self-issued and another one follows, so that its anyPolicy is never inhibited.
        """
        if self.graph.is_null:
            return
        asserted = certificate.extensions.policies or frozenset()  # (e): without the extension none is left
        counts = self.inhibit_any_policy > 0 or is_exempt  # (d)(2)
        self.graph.grow(asserted if counts else asserted - {ANY_POLICY})

    def map(self, certificate: Certificate) -> None:
        """Apply policy mappings (RFC 9618 §5.4 (b))."""
        mappings = certificate.extensions.policy_mappings
        if not mappings or self.graph.is_null:
            return
        if self.policy_mapping > 0:
            self.graph.map(mappings)
        else:
            self.graph.remove(mappings)

    def count_down(self) -> None:
        """Count a certificate that is not self-issued (RFC 5280 §6.1.4 (h))."""
        self.explicit_policy = max(self.explicit_policy - 1, 0)
        self.policy_mapping = max(self.policy_mapping - 1, 0)
        self.inhibit_any_policy = max(self.inhibit_any_policy - 1, 0)

    def constrain(self, certificate: Certificate) -> None:
        """Let a certificate tighten the counts for those below it (RFC 5280 §6.1.4 (i), (j))."""
        extensions = certificate.extensions
        constraints = extensions.policy_constraints
        if constraints is not None:
            if constraints.require_explicit_policy is not None:
                self.explicit_policy = min(self.explicit_policy, constraints.require_explicit_policy)
            if constraints.inhibit_policy_mapping is not None:
                self.policy_mapping = min(self.policy_mapping, constraints.inhibit_policy_mapping)
        if extensions.inhibit_any_policy is not None:
            self.inhibit_any_policy = min(self.inhibit_any_policy, extensions.inhibit_any_policy)


def _maps_any_policy(certificate: Certificate) -> bool:
    return any(
        ANY_POLICY in (mapping.issuer_domain_policy, mapping.subject_domain_policy)
        for mapping in certificate.extensions.policy_mappings
    )


def _wrap_up(path: CertificationPath, inputs: PolicyInputs, state: _State) -> frozenset[str] | NoAcceptablePolicy:
    """The wrap-up procedure (RFC 5280 §6.1.5 (a), (b); RFC 9618 §5.5)."""
    constraints = path.leaf.extensions.policy_constraints
    # (a) counts the last certificate, self-issued or not; (b)
    is_required = state.explicit_policy <= 1 or (constraints is not None and constraints.require_explicit_policy == 0)
    policies = _user_constrained_policies(state.graph, inputs.initial_policy_set)
    return _no_policy(path, inputs, state) if is_required and not policies else policies


def _user_constrained_policies(graph: PolicyGraph, accepted: frozenset[str]) -> frozenset[str]:
    """The user_constrained_policy_set (RFC 9618 §5.5 (g)(5), (6))."""
    policies = frozenset() if graph.is_null else graph.authority_constrained_policies()
    if ANY_POLICY in accepted:
        return policies
    return accepted if ANY_POLICY in policies else policies & accepted


def _no_policy(path: CertificationPath, inputs: PolicyInputs, state: _State) -> NoAcceptablePolicy:
    """The failure, with the certificate that is to blame: below it the rest of the path could not change anything."""
    return NoAcceptablePolicy(path.certificates[-state.graph.depth_without(inputs.initial_policy_set)])
