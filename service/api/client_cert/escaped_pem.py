"""PEM in one line of a header: percent-encoded, as load balancers and nginx send it.

| what comes | who sends it | |
| --- | --- | --- |
| PEM, percent-encoded but for `+`, `/` and `=` | ALB | read |
| PEM, percent-encoded but for unreserved characters | nginx `$ssl_client_escaped_cert`, Envoy in XFCC | read |
| PEM in one line with blanks or tabs, not encoded | nginx `$ssl_client_cert`, unfolded on its way | read |
| form encoding: `+` for a blank | nobody; the wrong function of a library | refused |
| percent-encoded twice | two proxies in a row | refused |
| a `%` without two hexadecimal digits behind it | nobody | refused |
| text before, between or after the blocks; another label; a block that does not end | nobody | refused |
| two values put together with a comma | a proxy that merges header lines | refused |
| more than one certificate where the front sends the leaf alone | nobody | refused |

Rules: percent-decoding and nothing else. PEM has no `%`, so decoding leaves what is not encoded as it is, and there is
one reading for all. What the base64 says is not looked at here, but that it is base64.
"""

from dataclasses import dataclass, field
from typing import Final

from service.api.client_cert.encodings import der_of, percent_decoded
from service.api.client_cert.fronts import HandsOver
from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError, Presented

_DASHES: Final = b"-----"
_BEGIN: Final = b"BEGIN CERTIFICATE"
_END: Final = b"END CERTIFICATE"
_BLANKS: Final = b" \t\r\n"
_PERIOD: Final = 4  # pieces between dashes that a block makes: its beginning, its body, its end, and what follows


@dataclass(frozen=True, slots=True)
class PemText:
    """PEM of certificates and nothing else.

    Attributes:
        text: All of it.
        ders: What each of the certificates encodes; there is one at least.
    """

    text: str = field(repr=False)
    ders: tuple[bytes, ...] = field(repr=False)


def read_escaped_pem(value: bytes, hands_over: HandsOver) -> Presented:
    """Read percent-encoded PEM.

    Args:
        value: The header's value, not empty.
        hands_over: Whether there may be more than one certificate.

    Raises:
        HeaderError: it is none, or there is more than one certificate where the leaf alone is sent.
    """
    pem = pem_text(value)
    if hands_over is HandsOver.LEAF and len(pem.ders) > 1:
        raise HeaderError(f"{len(pem.ders)} certificates from a front that sends the client's own alone")
    return Presented(pem.text)


def pem_text(value: bytes) -> PemText:
    """Undo the percent-encoding, and see that what comes out is PEM of certificates.

    Raises:
        HeaderError: it is anything else, or has anything else beside it.
    """
    pem = percent_decoded(value)
    pieces = pem.split(_DASHES)
    if len(pieces) == 1 or len(pieces) % _PERIOD != 1:
        raise HeaderError("not PEM: there is no marker, or one without its counterpart")
    begins, bodies, ends = pieces[1::_PERIOD], pieces[2::_PERIOD], pieces[3::_PERIOD]
    if b"BEGIN+CERTIFICATE" in begins:
        raise HeaderError("a blank is written as +, which stands for itself; %20 is a blank")
    if any(piece.strip(_BLANKS) for piece in pieces[::_PERIOD]):
        raise HeaderError("there is something beside the PEM of certificates")
    if any(piece != _BEGIN for piece in begins) or any(piece != _END for piece in ends):
        raise HeaderError("a marker of the PEM is another than BEGIN CERTIFICATE and END CERTIFICATE in turn")
    if len(bodies) > MAX_CERTIFICATES:
        raise HeaderError(f"more than {MAX_CERTIFICATES} certificates")
    ders = tuple(der_of(body.translate(None, _BLANKS), number) for number, body in enumerate(bodies, 1))
    return PemText(pem.decode("ascii"), ders)
