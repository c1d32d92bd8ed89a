"""What readers return: values that nobody changes, and that say little of what they hold when they are printed."""

from dataclasses import FrozenInstanceError, fields
from typing import Final

import pytest

from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.der.crl_entry import EntryExtensions
from service.core.der.extension import Extension
from service.core.der.name import Attribute, read_rdns
from service.core.der.ocsp import read_ocsp_response
from service.core.der.signature import SignatureScheme, signature_scheme
from tests.core.der.signing import identifier
from tests.pki import Authority, oids

CA: Final = Authority.root("CA")
LEAF: Final = CA.issue("leaf")
REVOKED: Final = dict.fromkeys(range(1, 100))


@pytest.mark.parametrize(
    "value",
    [
        read_crl(CA.crl()),
        EntryExtensions(),
        Extension(critical=True, start=0, stop=1),
        read_rdns(CA.subject)[0][0],
        signature_scheme(identifier(oids.ED25519)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_frozen(value: EntryExtensions | Extension | Attribute | SignatureScheme) -> None:
    """Every value is frozen and has no room for more than its fields."""
    assert not hasattr(value, "__dict__")
    for name in (*(field.name for field in fields(value)), "other"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(value, name, None)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (read_certificate(LEAF.der), LEAF.der),
        (read_crl(CA.crl(revoked=REVOKED)), CA.crl(revoked=REVOKED)),
        (read_ocsp_response(CA.ocsp(LEAF, responder=CA.ocsp_responder("responder"))), LEAF.der),
    ],
    ids=["certificate", "CRL", "OCSP response"],
)
def test_printing_shows_no_encoding(value: object, secret: bytes) -> None:
    """Full certificates never reach a log by way of a `repr`, nor whole lists."""
    assert len(repr(value)) < 1500
    assert repr(secret[20:60])[2:-1] not in repr(value)
