"""The issuer's name, read before anything else of a CRL."""

import pytest

from service.core.der.crl import read_crl
from service.core.der.crl_issuer import read_crl_issuer
from service.core.model.malformed import MalformedError
from tests.pki import Authority, der

CA = Authority.root("CA of a CRL")


@pytest.mark.parametrize("crl", [CA.crl(revoked=[1, 2]), CA.crl(version=1)], ids=["version 2", "version 1"])
def test_it_is_what_the_whole_crl_says(crl: bytes) -> None:
    """In both versions, from octets and from a memory map."""
    expected = read_crl(crl).meta.issuer
    assert [expected, expected] == [read_crl_issuer(crl), read_crl_issuer(memoryview(crl))]


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", CA.crl()[:-1], CA.crl() + b"\0", der.seq(), der.seq(der.seq()), der.seq(der.seq(der.seq()))],
    ids=["nothing", "html", "cut off", "too long", "empty", "without fields", "without an issuer"],
)
def test_what_is_no_crl(data: bytes) -> None:
    """It has no issuer."""
    with pytest.raises(MalformedError):
        read_crl_issuer(data)
