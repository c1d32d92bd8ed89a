"""The problems of proxies alone: what they may show to clients, who are told nothing that they could do."""

from http import HTTPStatus

from service.api.problems import RETRY_LATER, Problem


def unauthenticated_proxy(*, token_given: bool) -> Problem:
    """A proxy without its token, or with one that nobody gave out.

    RFC 9110 §11.6.1 wants a challenge. Proxies pass it on to clients, who have no such token: it names a scheme of our
    own, for which no client has an answer, and not `Bearer`, for which many have one that is meant for somebody else.
    """
    challenge = b'RevetToken realm="revet"'
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated-proxy",
        "The proxy's token is needed",
        "The token of X-Revet-Token is not known here." if token_given else "X-Revet-Token and a token are needed.",
        headers=((b"www-authenticate", challenge + b', error="invalid_token"' if token_given else challenge),),
    )


def no_certificate() -> Problem:
    """A client that has presented no certificate to the proxy; nobody has registered a scheme for those in TLS."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "no-certificate",
        "A client certificate is needed",
        "The proxy has handed over none.",
        headers=((b"www-authenticate", b'ClientCertificate realm="revet"'),),
    )


def unreadable_header(reason: str) -> Problem:
    """A header that is there twice, or holds something else than its front sends."""
    detail = f"{reason[:1].upper()}{reason[1:]}."
    return Problem(HTTPStatus.BAD_REQUEST, "unreadable-header", "The certificate's header cannot be read", detail)


def unknown_front() -> Problem:
    """A path that names no front, or one that the operator has not named."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "unknown-front",
        "There is no such front",
        "The path is /v1/authorize/ and the name of a front, as it stands in the documentation and the settings.",
    )


def undecided() -> Problem:
    """Our own fault, told to a proxy: it takes this for a refusal; what it was stands in the log."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "undecided",
        "Nothing can be decided",
        "Something is wrong here, not with the request; the log says more.",
        headers=RETRY_LATER,
    )
