"""Certificate policies (RFC 5280 §6.1.3 (d), (e), (f)) of paths without mappings and constraints.

Without mappings the valid policy graph of RFC 9618 is, at each depth, no more than a set. Mappings, constraints and
policy inputs other than the defaults are refused by name before this is asked.
"""

from service.core.model.certificate import ANY_POLICY, Certificate
from service.core.model.failure import UnsupportedFeature
from service.core.model.policy import PolicyInputs


def check_policy_inputs(inputs: PolicyInputs) -> UnsupportedFeature | None:
    """The policy input that this version refuses, or None."""
    return None if inputs == PolicyInputs() else UnsupportedFeature(None, "policies")


def authorized_policies(certificates: tuple[Certificate, ...]) -> frozenset[str]:
    """The policies that every certificate below the anchor agrees to; empty where they agree to none.

    Args:
        certificates: From the anchor's side to the leaf.
    """
    agreed = frozenset({ANY_POLICY})
    for certificate in certificates:
        asserted = certificate.extensions.policies
        if asserted is None:
            return frozenset()  # RFC 5280 §6.1.3 (e)
        # RFC 5280 §6.1.3 (d)(1): a policy stays that was expected, or that an anyPolicy above allows.
        kept = asserted - {ANY_POLICY} if ANY_POLICY in agreed else asserted & agreed - {ANY_POLICY}
        # RFC 5280 §6.1.3 (d)(2): anyPolicy continues everything that was expected.
        agreed = kept | agreed if ANY_POLICY in asserted else kept
    return agreed
