"""X-Forwarded-Client-Cert as Envoy writes it: `key=value` pairs with semicolons between them.

| what comes | |
| --- | --- |
| `Cert="…"`: the leaf, percent-encoded PEM | read |
| `Chain="…"`: leaf and intermediates, the same way | read |
| both, where the chain begins with the certificate | read |
| both, where it does not, without `URI` and `DNS` | read: the chain is what follows the leaf |
| the same with `URI` or `DNS`; two certificates in `Cert` | refused |
| neither | refused: Envoy is not told to send them |
| `Hash=…`, a SHA-256, but not that of the certificate | refused |
| `By`, `URI`, `DNS`, any number of them; any other key, once | ignored |
| any key but `By`, `URI` and `DNS` twice, in whatever case | refused |
| more than one element (a comma outside quotes) | refused: `forward_client_cert_details` is not `SANITIZE_SET` |
| a pair without `=`, a quote within a value or one that does not end | refused |

Rules: the certificate is that of the proxy's own client, so there is one element. Envoy writes names out of the
client's certificate (URI, DNS) into the same header without quotes: a name could be chosen to look like more pairs, and
bring somebody else's `Cert` or `Chain`. That is why they are not repeated, and why `Hash`, which Envoy computes itself
and always sends, has to agree. A `Hash` that is no SHA-256 is not Envoy's, and says nothing.
"""

import re
from hashlib import sha256
from typing import Final

from service.api.client_cert.escaped_pem import PemText, pem_text
from service.api.client_cert.presented import HeaderError, Presented

_PAIR: Final = re.compile(
    rb"""([A-Za-z][A-Za-z0-9_-]*+)=(?:"((?:[^"\\]++|\\.)*+)"|([^",;]*+))""",
    re.DOTALL,
)
"""Key, and value with or without quotes. Possessive throughout: nothing is tried twice."""
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_REPEATABLE: Final = frozenset({b"by", b"uri", b"dns"})
"""Keys that Envoy writes once for each name of that kind in a certificate."""
_UNQUOTED: Final = frozenset({b"uri", b"dns"})
"""Keys whose values Envoy takes out of the client's certificate as they are: a second pair may be in them."""
_HASH: Final = re.compile(rb"[0-9A-Fa-f]{64}")


def read_xfcc(value: bytes) -> Presented:
    """Read an X-Forwarded-Client-Cert of one element.

    Raises:
        HeaderError: it has more, is not well-formed, contradicts itself, or has no certificate.
    """
    pairs = _pairs(value)
    pem, *more = _certificates(pairs)
    expected = pairs.get(b"hash")
    if expected is not None and _is_anothers(expected, pem.ders[0]):
        raise HeaderError("Hash is not the SHA-256 of the certificate")
    return Presented(pem.text, tuple(each.text for each in more))


def _pairs(element: bytes) -> dict[bytes, bytes]:
    """The values by key, in lower case."""
    pairs: dict[bytes, bytes] = {}
    at = 0
    while True:
        pair = _PAIR.match(element, at)
        if pair is None:
            raise HeaderError("not pairs of a key and a value with semicolons between them")
        key = pair[1].lower()
        if key in pairs and key not in _REPEATABLE:
            raise HeaderError("a key is there twice")
        quoted = pair[2]
        pairs[key] = pair[3] if quoted is None else _ESCAPE.sub(rb"\1", quoted)
        if pair.end() == len(element):
            return pairs
        _check_separator(element[pair.end() : pair.end() + 1])
        at = pair.end() + 1


def _check_separator(octet: bytes) -> None:
    if octet == b",":
        raise HeaderError("more than one element: Envoy's forward_client_cert_details has to be SANITIZE_SET")
    if octet != b";":
        raise HeaderError("a quote is within a value, or something follows the end of a quoted one")


def _certificates(pairs: dict[bytes, bytes]) -> tuple[PemText, ...]:
    """What begins with the leaf, and what else there is."""
    leaf = _pem("Cert", pairs.get(b"cert"))
    whole = _pem("Chain", pairs.get(b"chain"))
    if leaf is not None and len(leaf.ders) > 1:
        raise HeaderError(f"{len(leaf.ders)} certificates in Cert")
    found = whole or leaf
    if found is None:
        raise HeaderError("neither Cert nor Chain: set_current_client_cert_details of Envoy needs cert or chain")
    if leaf is None or whole is None or leaf.ders[0] == whole.ders[0]:
        return (found,)
    if not _UNQUOTED.isdisjoint(pairs):
        raise HeaderError("Chain does not begin with what is in Cert")
    return leaf, whole


def _is_anothers(text: bytes, der: bytes) -> bool:
    """Whether a text is the SHA-256 of something, and not of this."""
    return _HASH.fullmatch(text) is not None and bytes.fromhex(text.decode("ascii")) != sha256(der).digest()


def _pem(key: str, value: bytes | None) -> PemText | None:
    if value is None:
        return None
    try:
        return pem_text(value)
    except HeaderError as error:
        raise HeaderError(f"{key}: {error.reason}") from None
