"""What RFC 5280 forbids a certificate to be, beyond the steps of §6.1, and what no use has been seen of in earnest.

Such a certificate is legible, and refused by name: a CA that writes it does not know what it says. What the RFC demands
of CAs and the world ignores (key identifiers, criticality that adds to a certificate's weight, serial numbers above
zero) is no fault here. `docs/reading.md` has the whole list.
"""

from service.core.model.certificate import Certificate, Extensions, KeyUsage
from service.core.model.failure import Irregular
from service.core.model.key import KeyKind
from service.core.names.syntax import syntax_fault

_NEVER_CRITICAL = {
    "2.5.29.35": "a critical authorityKeyIdentifier (RFC 5280 §4.2.1.1)",
    "2.5.29.14": "a critical subjectKeyIdentifier (RFC 5280 §4.2.1.2)",
    "2.5.29.46": "a critical freshestCRL (RFC 5280 §4.2.1.15)",
    "1.3.6.1.5.5.7.1.1": "a critical authorityInfoAccess (RFC 5280 §4.2.2.1)",
    "1.3.6.1.5.5.7.1.11": "a critical subjectInfoAccess (RFC 5280 §4.2.2.2)",
    "2.5.29.56": "a critical noRevAvail (RFC 9608 §2)",
}
_SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"


def check_regular(certificate: Certificate) -> Irregular | None:
    """The first thing about a certificate that its RFC forbids, or None; an anchor is asked like any other."""
    extensions = certificate.extensions
    fault = (
        _names(certificate) or _alternative_names(extensions) or _criticality(extensions) or _extensions(certificate)
    )
    return None if fault is None else Irregular(certificate, fault)


def check_end_entity(certificate: Certificate) -> Irregular | None:
    """Whether the certificate in question, which issued nothing on this path, says that it signs certificates."""
    usage, constraints = certificate.extensions.key_usage, certificate.extensions.basic_constraints
    is_ca = constraints is not None and constraints.ca
    if is_ca or usage is None or KeyUsage.KEY_CERT_SIGN not in usage:
        return None
    return Irregular(certificate, "keyCertSign in a certificate that is no CA's (RFC 5280 §4.2.1.3, §4.2.1.9)")


def _names(certificate: Certificate) -> str | None:
    if certificate.issuer.is_empty:
        return "an empty issuer name (RFC 5280 §4.1.2.4)"
    if not certificate.subject.is_empty:
        return None
    extensions = certificate.extensions
    if extensions.basic_constraints is not None and extensions.basic_constraints.ca:
        return "an empty subject, though it is a CA's (RFC 5280 §4.1.2.6)"
    if _SUBJECT_ALTERNATIVE_NAME in extensions.critical:
        return None
    return "an empty subject without a critical subjectAltName (RFC 5280 §4.1.2.6)"


def _alternative_names(extensions: Extensions) -> str | None:
    faults = filter(None, map(syntax_fault, extensions.subject_alternative_names))
    return next((f"{fault} (RFC 5280 §4.2.1.6)" for fault in faults), None)


def _criticality(extensions: Extensions) -> str | None:
    if extensions.critical.isdisjoint(_NEVER_CRITICAL):
        return None
    return next(fault for identifier, fault in _NEVER_CRITICAL.items() if identifier in extensions.critical)


def _extensions(certificate: Certificate) -> str | None:
    extensions = certificate.extensions
    usage, constraints = extensions.key_usage, extensions.basic_constraints
    if extensions.lacks_alternative_names:
        return "a subjectAltName without a name (RFC 5280 §4.2.1.6)"
    if usage is not None and not usage:
        return "a keyUsage without a use (RFC 5280 §4.2.1.3)"
    if constraints is not None and constraints.path_length is not None and not constraints.ca:
        return "a pathLenConstraint, though it is no CA's (RFC 5280 §4.2.1.9)"
    if certificate.public_key.kind is KeyKind.ML_DSA and usage is not None and usage & KeyUsage.KEY_ESTABLISHMENT:
        return "a keyUsage for establishing keys with a key that only signs (RFC 9881 §5)"
    return _no_rev_avail(extensions) if extensions.no_rev_avail else None


def _no_rev_avail(extensions: Extensions) -> str | None:
    """RFC 9608 §3: a relying party MUST consider a certificate invalid that has one of these beside noRevAvail."""
    if extensions.basic_constraints is not None and extensions.basic_constraints.ca:
        return "noRevAvail, though it is a CA's (RFC 9608 §3)"
    if extensions.crl_distribution_points or extensions.freshest_crl or extensions.ocsp_responders:
        return "noRevAvail beside a place to ask for its revocation (RFC 9608 §3)"
    return None
