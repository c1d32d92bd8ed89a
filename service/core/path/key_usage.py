"""keyUsage of issuers (RFC 5280 §6.1.4 (n)), extendedKeyUsage of everybody, and the leaf's keyUsage (§4.2.1.12)."""

from service.core.model.certificate import ANY_EXTENDED_KEY_USAGE, Certificate, KeyUsage
from service.core.model.failure import KeyPurposeForbidden, KeyUsageForbidsIssuing, KeyUsageForbidsPurpose
from service.core.model.policy import KeyPurpose, Policy

_PURPOSES = {
    KeyPurpose.CLIENT: "1.3.6.1.5.5.7.3.2",  # id-kp-clientAuth
    KeyPurpose.SERVER: "1.3.6.1.5.5.7.3.1",  # id-kp-serverAuth
}

_CONSISTENT = {
    KeyPurpose.CLIENT: KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_AGREEMENT | KeyUsage.KEY_CERT_SIGN,
    KeyPurpose.SERVER: (
        KeyUsage.DIGITAL_SIGNATURE | KeyUsage.KEY_ENCIPHERMENT | KeyUsage.KEY_AGREEMENT | KeyUsage.KEY_CERT_SIGN
    ),
}
"""The bits that a purpose may be consistent with (RFC 5280 §4.2.1.12), and a CA's; one of them is enough."""


def check_may_sign_certificates(certificate: Certificate) -> KeyUsageForbidsIssuing | None:
    """Why a CA's key may not sign certificates, or None; an absent keyUsage forbids nothing."""
    # RFC 5280 §6.1.4 (n)
    usage = certificate.extensions.key_usage
    return None if usage is None or KeyUsage.KEY_CERT_SIGN in usage else KeyUsageForbidsIssuing(certificate)


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


def check_usage_fits_purpose(leaf: Certificate, policy: Policy) -> KeyUsageForbidsPurpose | None:
    """Why the certificate in question cannot serve its purpose with the uses of its key, or None.

    Whoever has both extensions is used only for what is consistent with both (RFC 5280 §4.2.1.12), and TLS says the
    same of a client whose extendedKeyUsage is absent (RFC 5246 §7.4.6). keyCertSign passes: a CA may be the certificate
    in question (§4.2.1.9), and its key could certify one with any use.
    """
    usage = leaf.extensions.key_usage
    if policy.key_purpose is KeyPurpose.ANY or usage is None:
        return None
    return None if usage & _CONSISTENT[policy.key_purpose] else KeyUsageForbidsPurpose(leaf, policy.key_purpose)
