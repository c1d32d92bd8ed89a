"""The extensions of certificates (RFC 5280 §4.2), read into the model's types.

One that does not decode makes the certificate unreadable, critical or not. One that is critical and unknown is named in
`unknown_critical`, and so is one that is critical and has a part that nobody here knows.
"""

import ipaddress

from service.core.der import tlv
from service.core.der.distribution_points import read_distribution_points
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
from service.core.der.name_constraints import read_name_constraints
from service.core.der.policy_extensions import (
    read_inhibit_any_policy,
    read_policies,
    read_policy_constraints,
    read_policy_mappings,
)
from service.core.model.certificate import BasicConstraints, DistributionPoint, Extensions, KeyUsage
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind

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

KNOWN_QUALIFIERS = frozenset({oid("1.3.6.1.5.5.7.2.1"), oid("1.3.6.1.5.5.7.2.2")})
"""CPS and user notice (RFC 5280 §4.2.1.4): for people, and understood as such."""

_USES = tuple(
    int(use)
    for use in (
        KeyUsage.DIGITAL_SIGNATURE,
        KeyUsage.CONTENT_COMMITMENT,
        KeyUsage.KEY_ENCIPHERMENT,
        KeyUsage.DATA_ENCIPHERMENT,
        KeyUsage.KEY_AGREEMENT,
        KeyUsage.KEY_CERT_SIGN,
        KeyUsage.CRL_SIGN,
        # RFC 5280 §4.2.1.3: without keyAgreement encipherOnly and decipherOnly have no meaning, which is no fault.
        KeyUsage.DATA_ENCIPHERMENT,
        KeyUsage.DATA_ENCIPHERMENT,
    )
)
"""What each bit of keyUsage allows."""

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
    FRESHEST_CRL,
    NO_REV_AVAIL,
    AUTHORITY_INFORMATION_ACCESS,
    SUBJECT_INFORMATION_ACCESS,
    OCSP_NO_CHECK,
    NAME_CONSTRAINTS,
    POLICY_MAPPINGS,
    POLICY_CONSTRAINTS,
    INHIBIT_ANY_POLICY,
})  # fmt: skip

_DOTTED = {identifier: dotted(identifier) for identifier in KNOWN}


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
    alternatives = optional(data, found, SUBJECT_ALTERNATIVE_NAME, _alternative_names)
    return Extensions(
        basic_constraints=optional(data, found, BASIC_CONSTRAINTS, _basic_constraints),
        key_usage=optional(data, found, KEY_USAGE, _key_usage),
        extended_key_usage=optional(data, found, EXTENDED_KEY_USAGE, _object_identifiers),
        subject_key_identifier=optional(data, found, SUBJECT_KEY_IDENTIFIER, _octets),
        authority_key_identifier=optional(data, found, AUTHORITY_KEY_IDENTIFIER, read_key_identifier),
        crl_distribution_points=_points(data, found.get(CRL_DISTRIBUTION_POINTS), issuer),
        ocsp_responders=optional(data, found, AUTHORITY_INFORMATION_ACCESS, _ocsp_responders) or (),
        policies=optional(data, found, CERTIFICATE_POLICIES, read_policies),
        policy_mappings=optional(data, found, POLICY_MAPPINGS, read_policy_mappings) or (),
        policy_constraints=optional(data, found, POLICY_CONSTRAINTS, read_policy_constraints),
        inhibit_any_policy=optional(data, found, INHIBIT_ANY_POLICY, read_inhibit_any_policy),
        name_constraints=optional(data, found, NAME_CONSTRAINTS, read_name_constraints),
        subject_alternative_names=alternatives or (),
        lacks_alternative_names=alternatives == (),
        sans=tuple(map(describe_name, alternatives or ())),
        freshest_crl=_points(data, found.get(FRESHEST_CRL), issuer),
        no_check=optional(data, found, OCSP_NO_CHECK, _flag) or False,
        no_rev_avail=optional(data, found, NO_REV_AVAIL, _flag) or False,
        critical=frozenset(
            _DOTTED.get(identifier) or dotted(identifier)
            for identifier, extension in found.items()
            if extension.critical
        ),
        unknown_critical=unknown_critical(found, KNOWN) + _unknown_qualifiers(data, found.get(CERTIFICATE_POLICIES)),
    )


def _points(data: bytes, extension: Extension | None, issuer: bytes) -> tuple[DistributionPoint, ...]:
    return () if extension is None else read_distribution_points(data, extension, issuer)


def _unknown_qualifiers(data: tlv.Buffer, policies: Extension | None) -> tuple[str, ...]:
    """certificatePolicies, where they are critical and have a qualifier that nobody here knows (RFC 5280 §4.2.1.4)."""
    if policies is None or not policies.critical:
        return ()
    for _, _, start, stop in tlv.children(data, *only(data, policies.start, policies.stop, tlv.SEQUENCE)):
        _, qualifiers = tlv.expect(data, start, stop, tlv.OBJECT_IDENTIFIER)
        if qualifiers != stop:
            for _, _, content, after in tlv.children(data, *only(data, qualifiers, stop, tlv.SEQUENCE)):
                identifier_start, identifier_stop = tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)
                if bytes(data[identifier_start:identifier_stop]) not in KNOWN_QUALIFIERS:
                    return (dotted(CERTIFICATE_POLICIES),)
    return ()


def _flag(data: tlv.Buffer, start: int, stop: int) -> bool:
    """An extension that says all it says by being there; its value is NULL (RFC 6960 §4.2.2.2.1, RFC 9608 §2)."""
    content, after = only(data, start, stop, tlv.NULL)
    if content != after:
        raise MalformedError("a NULL with content")
    return True


def _alternative_names(data: tlv.Buffer, start: int, stop: int) -> tuple[GeneralName, ...]:
    """None at all is read, and refused on a path: a public CA's OCSP responders have had such certificates."""
    return read_general_names(data, *only(data, start, stop, tlv.SEQUENCE))


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
    return BasicConstraints(ca, path_length)


def _key_usage(data: tlv.Buffer, start: int, stop: int) -> KeyUsage:
    bits = tlv.named_bits(data, *only(data, start, stop, tlv.BIT_STRING))
    usage = 0
    for number, use in enumerate(_USES):
        if bits & 1 << number:
            usage |= use
    return KeyUsage(usage)


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


def _ocsp_responders(data: tlv.Buffer, start: int, stop: int) -> tuple[str, ...]:
    found = []
    descriptions = tlv.children(data, *only(data, start, stop, tlv.SEQUENCE))
    if not descriptions:
        raise MalformedError("an empty authorityInfoAccess (RFC 5280 §4.2.2.1)")
    for tag, _, content, after in descriptions:
        if tag != tlv.SEQUENCE:
            raise MalformedError("an authorityInfoAccess with something other than a description")
        method_start, method_stop = tlv.expect(data, content, after, tlv.OBJECT_IDENTIFIER)
        locations = read_general_names(data, method_stop, after)
        if len(locations) != 1:
            raise MalformedError("an access description without exactly one location")
        if bytes(data[method_start:method_stop]) == ACCESS_METHOD_OCSP:
            # A responder that is no URL is declared all the same: an answer is needed, though nobody can be asked.
            is_url = locations[0].kind is GeneralNameKind.URI
            found.append(text_of(locations[0]) if is_url else describe_name(locations[0]))
    return tuple(found)


def text_of(name: GeneralName) -> str:
    """The text of a URI, DNS name or mail address; what is not ASCII is kept visible."""
    return name.value.decode("ascii", "backslashreplace")


def describe_name(name: GeneralName) -> str:
    """A general name for people: `DNS:…`, `URI:…`."""
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
