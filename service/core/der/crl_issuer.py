"""Whose CRL it claims to be, read from its first octets: before anybody walks over its entries or verifies anything."""

from service.core.der import tlv
from service.core.der.name import read_name
from service.core.model.name import Name


def read_crl_issuer(data: tlv.Buffer) -> Name:
    """The issuer's name (RFC 5280 §5.1.2.3).

    Raises:
        MalformedError: it is no CRL as far as its issuer; what comes after it was not looked at.
    """
    start, stop = tlv.whole(data, tlv.SEQUENCE)
    position, stop = tlv.expect(data, start, stop, tlv.SEQUENCE)
    tag, _, after = tlv.read(data, position, stop)
    if tag == tlv.INTEGER:  # the version, which CRLs of version 1 leave out
        position = after
    _, position = tlv.expect(data, position, stop, tlv.SEQUENCE)
    _, after = tlv.expect(data, position, stop, tlv.SEQUENCE)
    return read_name(bytes(data[position:after]))
