"""Distribution points, which certificates and CRLs share (RFC 5280 §4.2.1.13, §5.2.5)."""

from service.core.der import tlv
from service.core.der.extension import Extension, only
from service.core.der.name import read_general_names, read_name
from service.core.model.certificate import DistributionPoint
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.reason import ALL_REASONS, Reasons

MAX_POINTS = 256
"""Of one certificate. One or two are usual; each is held against each CRL at hand."""

MAX_NAMES = 256
"""Of one distribution point, or of the issuers of its CRLs."""


def read_distribution_points(data: tlv.Buffer, extension: Extension, issuer: bytes) -> tuple[DistributionPoint, ...]:
    """CRLDistributionPoints, the value of cRLDistributionPoints and of freshestCRL.

    Args:
        data: What the extension is in.
        extension: Where its value lies.
        issuer: DER of the issuer's name, to which a relative name is relative unless the point names one CRL issuer.

    Raises:
        MalformedError: it does not decode.
    """
    start, stop = only(data, extension.start, extension.stop, tlv.SEQUENCE)
    if start == stop:
        raise MalformedError("an empty list of distribution points (RFC 5280 §4.2.1.13)")
    points = tlv.children(data, start, stop)
    if len(points) > MAX_POINTS:
        raise MalformedError("more distribution points than anybody needs")
    return tuple(_distribution_point(data, tag, content, after, issuer) for tag, _, content, after in points)


def _distribution_point(data: tlv.Buffer, tag: int, start: int, stop: int, issuer: bytes) -> DistributionPoint:
    if tag != tlv.SEQUENCE:
        raise MalformedError("a distribution point that is not a SEQUENCE")
    name: tuple[int, int] | None = None
    reasons = ALL_REASONS
    crl_issuer: tuple[GeneralName, ...] = ()
    for field, _, content, after in tlv.fields(data, start, stop):
        if field == tlv.context(0):
            name = content, after
        elif field == tlv.context(1, constructed=False):
            reasons = read_reasons(data, content, after)
        elif field == tlv.context(2):
            crl_issuer = _general_names(data, content, after)
        else:
            raise MalformedError("a distribution point with an unknown field")
    if name is None and not crl_issuer:
        # RFC 5280 §4.2.1.13: either distributionPoint or cRLIssuer MUST be present.
        raise MalformedError("a distribution point with neither a name nor a CRL issuer")
    names = () if name is None else distribution_point_name(data, *name, _crl_issuer(crl_issuer) or issuer)
    return DistributionPoint(names, reasons, crl_issuer)


def _crl_issuer(names: tuple[GeneralName, ...]) -> bytes | None:
    """DER of the one directory name among cRLIssuer; RFC 5280 §4.2.1.13 forbids relative names beside several."""
    found = [name.value for name in names if name.kind is GeneralNameKind.DIRECTORY_NAME]
    return found[0] if len(found) == 1 else None


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
    if len(names) > MAX_NAMES:
        raise MalformedError("a distribution point with more names than anybody needs")
    return names


def _extend(issuer: bytes, rdn: bytes) -> bytes:
    """The name that one more relative distinguished name below `issuer` makes."""
    start, stop = tlv.whole(issuer, tlv.SEQUENCE)
    content = issuer[start:stop] + tlv.encode(tlv.SET, rdn)
    return read_name(tlv.encode(tlv.SEQUENCE, content)).der


def read_reasons(data: tlv.Buffer, start: int, stop: int) -> Reasons:
    """The content of a ReasonFlags; bits without a name are dropped, which can only make the coverage smaller.

    Raises:
        MalformedError: it is none.
    """
    return Reasons(tlv.named_bits(data, start, stop) & ALL_REASONS)
