"""A test PKI: chains, CRLs and OCSP answers with exactly one thing broken.

What nobody overrides is right, valid at `NOW`, and the same on every run. Every
override is a keyword argument, typed and listed in `CertificateOverrides`, `CrlOverrides` and
`OcspOverrides`; the templates of the same modules say what each one means.

    >>> from tests.pki import NOW, Answer, Authority, IssuingDistributionPoint, days, key
    >>> root = Authority.root("Root")
    >>> sub = root.subordinate("Sub", path_length=0, crl_urls="http://crl.example/root.crl")
    >>> leaf = sub.issue("leaf", key=key("ed25519"), ocsp_urls="http://ocsp.example/")
    >>> leaf.certificate.subject.rfc4514_string()
    'CN=leaf'

One thing broken:

    >>> expired = sub.issue("leaf", not_after=NOW - days(1))
    >>> forged = sub.issue("leaf", corrupt_signature=True)
    >>> not_a_ca = root.subordinate("Sub", ca=False)
    >>> same_name = Authority.root("Root", key=key("p384", 7))

Revocation:

    >>> crl = sub.crl(revoked={leaf.serial: "keyCompromise", expired.serial: None}, number=7)
    >>> stale = sub.crl(next_update=NOW - days(1))
    >>> shard = sub.crl(idp=IssuingDistributionPoint(["http://crl.example/1"], only_user=True))
    >>> answer = sub.ocsp(leaf, status="revoked", reason="superseded", cert_id_hash="sha256")
    >>> delegate = sub.ocsp_responder("OCSP")
    >>> both = sub.ocsp(leaf, Answer(expired, status="unknown"), responder=delegate)

Anything else is spelt out with `der` and `Extension(oid, value, critical)`.
"""

from tests.pki.authority import Authority, bundle
from tests.pki.certificate import (
    AUTHORITY,
    END_ENTITY,
    CertificateOverrides,
    CertificateTemplate,
    Issued,
)
from tests.pki.crl import CrlOverrides, CrlTemplate, Entry, IssuingDistributionPoint
from tests.pki.extensions import DistributionPoint, Extension, KeyIdentifier
from tests.pki.keys import PrivateKey, PublicKey, key, public_key
from tests.pki.moments import (
    NEXT_UPDATE,
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    REVOKED_AT,
    THIS_UPDATE,
    days,
    hours,
)
from tests.pki.ocsp import Answer, OcspOverrides, OcspTemplate, cert_id, ocsp_error
from tests.pki.pem import pem
from tests.pki.signing import algorithm_identifier, sign

__all__ = [
    "AUTHORITY",
    "END_ENTITY",
    "NEXT_UPDATE",
    "NOT_AFTER",
    "NOT_BEFORE",
    "NOW",
    "REVOKED_AT",
    "THIS_UPDATE",
    "Answer",
    "Authority",
    "CertificateOverrides",
    "CertificateTemplate",
    "CrlOverrides",
    "CrlTemplate",
    "DistributionPoint",
    "Entry",
    "Extension",
    "Issued",
    "IssuingDistributionPoint",
    "KeyIdentifier",
    "OcspOverrides",
    "OcspTemplate",
    "PrivateKey",
    "PublicKey",
    "algorithm_identifier",
    "bundle",
    "cert_id",
    "days",
    "hours",
    "key",
    "ocsp_error",
    "pem",
    "public_key",
    "sign",
]
