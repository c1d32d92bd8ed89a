"""X-Forwarded-Tls-Client-Cert as Traefik's passTLSClientCert writes it: PEM without markers and line ends.

| what comes | who sends it | |
| --- | --- | --- |
| base64, several with commas between them, leaf first | Traefik from 2.9.4 on, 3 | read |
| the same, each percent-encoded (`%2B`, `%2F`, `%3D`), the commas not | Traefik before 2.9.4 | read |
| the same with the commas percent-encoded as well | who encodes the whole value | read |
| markers of PEM, blanks (after a comma too), an empty element | nobody; a proxy that merges header lines | refused |
| percent-encoded twice, a `%` without two hexadecimal digits behind it | nobody | refused |

Rules: the two escapings cannot be taken for each other, since base64 has neither `%` nor a comma; in both `+` is `+`.
What the base64 says is not looked at here.
"""

from service.api.client_cert.encodings import der_of, percent_decoded
from service.api.client_cert.header import MAX_CERTIFICATES
from service.api.client_cert.presented import HeaderError, Presented


def read_traefik(value: bytes) -> Presented:
    """Read what Traefik sends.

    Args:
        value: The header's value, not empty.

    Raises:
        HeaderError: it is anything else.
    """
    leaf, *others = percent_decoded(value).split(b",")
    if len(others) >= MAX_CERTIFICATES:
        raise HeaderError(f"more than {MAX_CERTIFICATES} certificates")
    for number, each in enumerate((leaf, *others), 1):
        der_of(each, number)
    return Presented(leaf.decode("ascii"), tuple(each.decode("ascii") for each in others))
