"""keyUsage of issuers (RFC 5280 §6.1.4 (n)) and extendedKeyUsage of everybody (§4.2.1.12)."""

from service.core.model.certificate import ANY_EXTENDED_KEY_USAGE, Certificate, KeyUsage
from service.core.model.failure import KeyPurposeForbidden, KeyUsageForbidsIssuing
from service.core.model.policy import KeyPurpose, Policy

_PURPOSES = {
    KeyPurpose.CLIENT: "1.3.6.1.5.5.7.3.2",  # id-kp-clientAuth
    KeyPurpose.SERVER: "1.3.6.1.5.5.7.3.1",  # id-kp-serverAuth
}


def check_may_sign_certificates(certificate: Certificate) -> KeyUsageForbidsIssuing | None:
    """Why a CA's key may not sign certificates, or None; an absent keyUsage forbids nothing."""
    # RFC 5280 §6.1.4 (n)
    usage = certificate.extensions.key_usage
    return None if usage is None or usage & KeyUsage.KEY_CERT_SIGN else KeyUsageForbidsIssuing(certificate)


def check_key_purpose(certificate: Certificate, policy: Policy) -> KeyPurposeForbidden | None:
    """Why a certificate is not good for the purpose asked for, or None.

    An absent extendedKeyUsage passes, anyExtendedKeyUsage counts, and a CA's constrains what it issues, as every TLS
    library has it.
    """
    purposes = certificate.extensions.extended_key_usage
    if policy.key_purpose is KeyPurpose.ANY or purposes is None:
        return None
    accepted = {_PURPOSES[policy.key_purpose], ANY_EXTENDED_KEY_USAGE}
    return KeyPurposeForbidden(certificate, policy.key_purpose) if purposes.isdisjoint(accepted) else None
