"""The extensions about certificate policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14).

Sizes and multiplicities of the ASN.1 are kept to; that a CA should have marked one critical is not asked: each counts
as it stands. anyPolicy in a mapping is read: path validation refuses it.
"""

from service.core.der import tlv
from service.core.der.extension import only
from service.core.model.certificate import PolicyConstraints, PolicyMapping
from service.core.model.malformed import MalformedError

MAX_SKIP_OCTETS = 4
"""Of a SkipCerts that says something. RFC 5280 sets no bound; no path has as many certificates as two octets count."""

MANY_CERTIFICATES = 2**31 - 1
"""What a longer SkipCerts is read as: more than any path has, like itself, and as quick to work with as any number."""


def read_policies(data: tlv.Buffer, start: int, stop: int) -> frozenset[str]:
    """CertificatePolicies (§4.2.1.4); qualifiers are for people, and not looked into.

    Raises:
        MalformedError: it does not decode, is empty, or names a policy twice.
    """
    policies = []
    for tag, _, content, after in tlv.children(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag != tlv.SEQUENCE:
            raise MalformedError("certificatePolicies with something other than a policy")
        identifier, qualifiers = tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)
        policies.append(tlv.object_identifier(data, identifier, qualifiers))
        if qualifiers != after:
            only(data, qualifiers, after, tlv.SEQUENCE)
    if not policies or len(set(policies)) != len(policies):
        # RFC 5280 §4.2.1.4: a policy MUST NOT appear more than once.
        raise MalformedError("certificatePolicies that are empty or name a policy twice")
    return frozenset(policies)


def read_policy_mappings(data: tlv.Buffer, start: int, stop: int) -> tuple[PolicyMapping, ...]:
    """PolicyMappings (§4.2.1.5). A pair that is there twice says nothing more.

    Raises:
        MalformedError: it does not decode, or is empty.
    """
    mappings = []
    for tag, _, content, after in tlv.children(data, *only(data, start, stop, tlv.SEQUENCE)):
        pair = tlv.children(data, content, after) if tag == tlv.SEQUENCE else []
        if [one[0] for one in pair] != [tlv.OBJECT_IDENTIFIER] * 2:
            raise MalformedError("policyMappings with something other than pairs of policies")
        issuer, subject = (tlv.object_identifier(data, start, stop) for _, _, start, stop in pair)
        mappings.append(PolicyMapping(issuer, subject))
    if not mappings:
        raise MalformedError("empty policyMappings")
    return tuple(mappings)


def read_policy_constraints(data: tlv.Buffer, start: int, stop: int) -> PolicyConstraints:
    """PolicyConstraints (§4.2.1.11).

    Raises:
        MalformedError: it does not decode, or is empty.
    """
    found: dict[int, int] = {}
    for tag, _, content, after in tlv.fields(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag not in (tlv.context(0, constructed=False), tlv.context(1, constructed=False)):
            raise MalformedError("policyConstraints with an unknown field")
        found[tag] = _skip_certs(data, content, after)
    if not found:
        # RFC 5280 §4.2.1.11: MUST NOT be issued; what a client does about it is left open.
        raise MalformedError("empty policyConstraints")
    return PolicyConstraints(found.get(tlv.context(0, constructed=False)), found.get(tlv.context(1, constructed=False)))


def read_inhibit_any_policy(data: tlv.Buffer, start: int, stop: int) -> int:
    """InhibitAnyPolicy (§4.2.1.14).

    Raises:
        MalformedError: it does not decode.
    """
    return _skip_certs(data, *only(data, start, stop, tlv.INTEGER))


def _skip_certs(data: tlv.Buffer, start: int, stop: int) -> int:
    tlv.check_integer(data, start, stop)
    if data[start] & 0x80:
        raise MalformedError("a negative number of certificates to skip")
    return tlv.integer(data, start, stop) if stop - start <= MAX_SKIP_OCTETS else MANY_CERTIFICATES
