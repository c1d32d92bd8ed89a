"""TLS to a running service: whom the command line believes, and what it presents.

The names are those of the Lambda authorizer and of the sidecar, since all three ask the same service.
"""

import ssl
from collections.abc import Mapping
from typing import Final

CA_BUNDLE: Final = "REVET_CA_BUNDLE"
CLIENT_CERT: Final = "REVET_CLIENT_CERT"
CLIENT_KEY: Final = "REVET_CLIENT_KEY"


class ServiceTlsError(ValueError):
    """The environment names files that cannot be used. The message says which variable."""


def service_tls(environment: Mapping[str, str]) -> ssl.SSLContext:
    """How a service's certificate is verified, and which certificate is shown to it.

    Args:
        environment: `REVET_CA_BUNDLE`: authorities (PEM) in place of the system's; `REVET_CLIENT_CERT` and
            `REVET_CLIENT_KEY`: what to present, the key without a passphrase, or in the same file.

    Raises:
        ServiceTlsError: a file cannot be used, or a key is there without a certificate.
    """
    bundle, certificate, key = (environment.get(name) or None for name in (CA_BUNDLE, CLIENT_CERT, CLIENT_KEY))
    try:
        context = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ServiceTlsError(f"{CA_BUNDLE} cannot be used: {_reason(error)}") from None
    if certificate is None:
        if key is not None:
            raise ServiceTlsError(f"{CLIENT_KEY} is there, and no {CLIENT_CERT}")
        return context
    try:
        # A passphrase that is never asked for: OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise ServiceTlsError(f"{CLIENT_CERT} or {CLIENT_KEY} cannot be used: {_reason(error)}") from None
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not what it should be, or behind a passphrase"
    return error.strerror or type(error).__name__
