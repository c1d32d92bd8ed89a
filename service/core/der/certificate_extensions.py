"""The extensions of certificates (RFC 5280 §4.2), read into the model's types.

One that does not decode makes the certificate unreadable, critical or not. One that could change a verdict and is not
supported is named in `unsupported`; one that is critical and unknown in `unknown_critical`. None is dropped in silence.
"""

import ipaddress
from collections.abc import Mapping

from service.core.der import tlv
from service.core.der.extension import (
    Extension,
    dotted,
    oid,
    only,
    optional,
    read_extensions,
    read_key_identifier,
    unknown_critical,
)
from service.core.der.name import read_general_names, read_name
from service.core.model.certificate import BasicConstraints, DistributionPoint, Extensions, KeyUsage
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons

SUBJECT_KEY_IDENTIFIER = oid("2.5.29.14")
KEY_USAGE = oid("2.5.29.15")
SUBJECT_ALTERNATIVE_NAME = oid("2.5.29.17")
ISSUER_ALTERNATIVE_NAME = oid("2.5.29.18")
BASIC_CONSTRAINTS = oid("2.5.29.19")
NAME_CONSTRAINTS = oid("2.5.29.30")
CRL_DISTRIBUTION_POINTS = oid("2.5.29.31")
CERTIFICATE_POLICIES = oid("2.5.29.32")
POLICY_MAPPINGS = oid("2.5.29.33")
AUTHORITY_KEY_IDENTIFIER = oid("2.5.29.35")
POLICY_CONSTRAINTS = oid("2.5.29.36")
EXTENDED_KEY_USAGE = oid("2.5.29.37")
FRESHEST_CRL = oid("2.5.29.46")
INHIBIT_ANY_POLICY = oid("2.5.29.54")
NO_REV_AVAIL = oid("2.5.29.56")
AUTHORITY_INFORMATION_ACCESS = oid("1.3.6.1.5.5.7.1.1")
SUBJECT_INFORMATION_ACCESS = oid("1.3.6.1.5.5.7.1.11")
OCSP_NO_CHECK = oid("1.3.6.1.5.5.7.48.1.5")
ACCESS_METHOD_OCSP = oid("1.3.6.1.5.5.7.48.1")

UNSUPPORTED: Mapping[bytes, str] = {
    # Ignoring one of these could allow what it forbids, marked critical or not.
    NAME_CONSTRAINTS: "nameConstraints",
    POLICY_MAPPINGS: "policyMappings",
    POLICY_CONSTRAINTS: "policyConstraints",
    INHIBIT_ANY_POLICY: "inhibitAnyPolicy",
}

KNOWN = frozenset({
    SUBJECT_KEY_IDENTIFIER,
    KEY_USAGE,
    SUBJECT_ALTERNATIVE_NAME,
    ISSUER_ALTERNATIVE_NAME,  # informative: nothing to process for a path
    BASIC_CONSTRAINTS,
    CRL_DISTRIBUTION_POINTS,
    CERTIFICATE_POLICIES,
    AUTHORITY_KEY_IDENTIFIER,
    EXTENDED_KEY_USAGE,
    FRESHEST_CRL,  # without delta CRLs the complete one decides (RFC 5280 §6.3.1 (b))
    NO_REV_AVAIL,
    AUTHORITY_INFORMATION_ACCESS,
    SUBJECT_INFORMATION_ACCESS,
    OCSP_NO_CHECK,
    *UNSUPPORTED,
})  # fmt: skip


def read_certificate_extensions(data: bytes, start: int, stop: int, issuer: bytes) -> Extensions:
    """The extensions in the content of `SEQUENCE OF Extension`.

    Args:
        data: The certificate.
        start: First offset of the content.
        stop: One past its last.
        issuer: DER of the certificate's issuer, to which a distribution point's relative name is relative.

    Raises:
        MalformedError: one does not decode.
    """
    found = read_extensions(data, start, stop)
    points = found.get(CRL_DISTRIBUTION_POINTS)
    return Extensions(
        basic_constraints=optional(data, found, BASIC_CONSTRAINTS, _basic_constraints),
        key_usage=optional(data, found, KEY_USAGE, _key_usage),
        extended_key_usage=optional(data, found, EXTENDED_KEY_USAGE, _object_identifiers),
        subject_key_identifier=optional(data, found, SUBJECT_KEY_IDENTIFIER, _octets),
        authority_key_identifier=optional(data, found, AUTHORITY_KEY_IDENTIFIER, read_key_identifier),
        crl_distribution_points=() if points is None else _distribution_points(data, points, issuer),
        ocsp_responders=optional(data, found, AUTHORITY_INFORMATION_ACCESS, _ocsp_responders) or (),
        policies=optional(data, found, CERTIFICATE_POLICIES, _policies),
        sans=optional(data, found, SUBJECT_ALTERNATIVE_NAME, _sans) or (),
        freshest_crl=FRESHEST_CRL in found,
        no_check=OCSP_NO_CHECK in found,
        no_rev_avail=NO_REV_AVAIL in found,
        unsupported=tuple(name for identifier, name in UNSUPPORTED.items() if identifier in found),
        unknown_critical=unknown_critical(found, KNOWN),
    )


def _basic_constraints(data: tlv.Buffer, start: int, stop: int) -> BasicConstraints:
    ca = False
    path_length = None
    elements = tlv.children(data, *only(data, start, stop, tlv.SEQUENCE))
    if elements and elements[0][0] == tlv.BOOLEAN:
        _, _, content, after = elements.pop(0)
        ca = tlv.boolean(data, content, after)
    if elements and elements[0][0] == tlv.INTEGER:
        _, _, content, after = elements.pop(0)
        path_length = tlv.integer(data, content, after)
        if path_length < 0:
            raise MalformedError("a negative pathLenConstraint")
    if elements:
        raise MalformedError("basicConstraints with more than it may hold")
    if path_length is not None and not ca:
        # RFC 5280 §4.2.1.9: MUST NOT be there unless cA is asserted.
        raise MalformedError("a pathLenConstraint in a certificate that is no CA's")
    return BasicConstraints(ca, path_length)


def _key_usage(data: tlv.Buffer, start: int, stop: int) -> KeyUsage:
    bits = tlv.named_bits(data, *only(data, start, stop, tlv.BIT_STRING))
    usage = KeyUsage(0)
    if bits & 1 << 0:
        usage |= KeyUsage.DIGITAL_SIGNATURE
    if bits & 1 << 1:
        usage |= KeyUsage.CONTENT_COMMITMENT
    if bits & 1 << 5:
        usage |= KeyUsage.KEY_CERT_SIGN
    if bits & 1 << 6:
        usage |= KeyUsage.CRL_SIGN
    return usage


def _octets(data: tlv.Buffer, start: int, stop: int) -> bytes:
    content, after = only(data, start, stop, tlv.OCTET_STRING)
    return bytes(data[content:after])


def _object_identifiers(data: tlv.Buffer, start: int, stop: int) -> frozenset[str]:
    found = set()
    for tag, _, content, after in tlv.children(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag != tlv.OBJECT_IDENTIFIER:
            raise MalformedError("an extendedKeyUsage with something other than a purpose")
        found.add(tlv.object_identifier(data, content, after))
    if not found:
        raise MalformedError("an empty extendedKeyUsage")
    return frozenset(found)


def _policies(data: tlv.Buffer, start: int, stop: int) -> frozenset[str]:
    policies = []
    for tag, _, content, after in tlv.children(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag != tlv.SEQUENCE:
            raise MalformedError("certificatePolicies with something other than a policy")
        policies.append(tlv.object_identifier(data, *tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)))
    if not policies or len(set(policies)) != len(policies):
        # RFC 5280 §4.2.1.4: a policy MUST NOT appear more than once.
        raise MalformedError("certificatePolicies that are empty or name a policy twice")
    return frozenset(policies)


def _ocsp_responders(data: tlv.Buffer, start: int, stop: int) -> tuple[str, ...]:
    found = []
    for tag, _, content, after in tlv.children(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag != tlv.SEQUENCE:
            raise MalformedError("an authorityInfoAccess with something other than a description")
        method_start, method_stop = tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)
        locations = read_general_names(data, method_stop, after)
        if len(locations) != 1:
            raise MalformedError("an access description without exactly one location")
        if bytes(data[method_start:method_stop]) == ACCESS_METHOD_OCSP:
            # A responder that is no URL is declared all the same: an answer is needed, though nobody can be asked.
            is_url = locations[0].kind is GeneralNameKind.URI
            found.append(text_of(locations[0]) if is_url else _san(locations[0]))
    return tuple(found)


def _distribution_points(data: bytes, extension: Extension, issuer: bytes) -> tuple[DistributionPoint, ...]:
    start, stop = only(data, extension.start, extension.stop, tlv.SEQUENCE)
    return tuple(
        _distribution_point(data, tag, content, after, issuer)
        for tag, _, content, after in tlv.children(data, start, stop)
    )


def _distribution_point(data: bytes, tag: int, start: int, stop: int, issuer: bytes) -> DistributionPoint:
    if tag != tlv.SEQUENCE:
        raise MalformedError("a distribution point that is not a SEQUENCE")
    names: tuple[GeneralName, ...] = ()
    reasons = ALL_REASONS
    crl_issuer: tuple[GeneralName, ...] = ()
    for field, _, content, after in tlv.fields(data, start, stop):
        if field == tlv.context(0):
            names = distribution_point_name(data, content, after, issuer)
        elif field == tlv.context(1, constructed=False):
            reasons = read_reasons(data, content, after)
        elif field == tlv.context(2):
            crl_issuer = _general_names(data, content, after)
        else:
            raise MalformedError("a distribution point with an unknown field")
    return DistributionPoint(names, reasons, crl_issuer)


def distribution_point_name(data: tlv.Buffer, start: int, stop: int, issuer: bytes) -> tuple[GeneralName, ...]:
    """The names of a DistributionPointName; a relative one is made whole (RFC 5280 §4.2.1.13).

    Raises:
        MalformedError: it is none.
    """
    tag, content, after = tlv.read(data, start, stop)
    if after != stop:
        raise MalformedError("octets after a distribution point's name")
    if tag == tlv.context(0):
        return _general_names(data, content, after)
    if tag != tlv.context(1):
        raise MalformedError("a distribution point's name of no known form")
    return (GeneralName(GeneralNameKind.DIRECTORY_NAME, _extend(issuer, bytes(data[content:after]))),)


def _general_names(data: tlv.Buffer, start: int, stop: int) -> tuple[GeneralName, ...]:
    """GeneralNames in a distribution point, where a list without any would read like a field that is absent."""
    names = read_general_names(data, start, stop)
    if not names:
        raise MalformedError("a distribution point with an empty list of names")
    return names


def _extend(issuer: bytes, rdn: bytes) -> bytes:
    """The name that one more relative distinguished name below `issuer` makes."""
    start, stop = tlv.whole(issuer, tlv.SEQUENCE)
    content = issuer[start:stop] + encode(tlv.SET, rdn)
    return read_name(encode(tlv.SEQUENCE, content)).der


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - the short form (X.690 §8.1.3.4)
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def read_reasons(data: tlv.Buffer, start: int, stop: int) -> Reasons:
    """The content of a ReasonFlags; bits without a name are dropped, which can only make the coverage smaller.

    Raises:
        MalformedError: it is none.
    """
    return Reasons(tlv.named_bits(data, start, stop) & ALL_REASONS)


def text_of(name: GeneralName) -> str:
    """The text of a URI, DNS name or mail address; what is not ASCII is kept visible."""
    return name.value.decode("ascii", "backslashreplace")


def _sans(data: tlv.Buffer, start: int, stop: int) -> tuple[str, ...]:
    return tuple(_san(name) for name in read_general_names(data, *only(data, start, stop, tlv.SEQUENCE)))


def _san(name: GeneralName) -> str:
    match name.kind:
        case GeneralNameKind.DNS_NAME:
            return f"DNS:{text_of(name)}"
        case GeneralNameKind.URI:
            return f"URI:{text_of(name)}"
        case GeneralNameKind.RFC822_NAME:
            return f"email:{text_of(name)}"
        case GeneralNameKind.IP_ADDRESS if len(name.value) in (4, 16):
            return f"IP:{ipaddress.ip_address(name.value)}"
        case GeneralNameKind.DIRECTORY_NAME:
            return f"DirName:{read_name(name.value).text}"
        case GeneralNameKind.REGISTERED_ID:
            return f"RID:{dotted(name.value)}"
        case _:
            return f"{name.kind.name.lower()}:{name.value.hex()}"
