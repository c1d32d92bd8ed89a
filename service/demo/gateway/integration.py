"""What an API does with a request that may pass: answers it by itself, or hands it to a backend.

Rules: no backend is spoken to whose certificate was not verified. API Gateway has a setting with which it takes a
certificate that no authority vouches for (tlsConfig.insecureSkipVerification); here, the very certificate has to be
handed in instead, and no other one is taken. The client's headers are handed on as they are, but for those that
requestParameters set.
"""

import http.client
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from service.demo.gateway.authorization import Permission
from service.demo.gateway.model import Reply, Request
from service.demo.gateway.parameters import SetHeader, replaced, set_headers

Integration = Callable[[Request, Permission], Reply]
"""Answers a request that may pass.

Raises:
    IntegrationError: the backend gave no answer.
"""

TIMEOUT_S: Final = 29.0
"""API Gateway's own for integrations, unless it is asked for more."""

_OWN: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"})
"""Headers of one connection, or made anew for the next one."""


class IntegrationError(Exception):
    """A backend that cannot be reached, or is not trusted."""


def no_content(_request: Request, _permission: Permission) -> Reply:
    """Answer 204, as an integration of type MOCK."""
    return Reply(HTTPStatus.NO_CONTENT)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An integration of type http_proxy.

    Attributes:
        url: Of the backend, without a path.
        context: What verifies the backend of an `https://` URL.
        pinned: The one certificate that is taken, where it is known beforehand.
        headers: What is set to what the authorizer says.
    """

    url: str
    context: ssl.SSLContext | None = None
    pinned: x509.Certificate | None = None
    headers: tuple[SetHeader, ...] = ()

    @classmethod
    def verified(cls, url: str, authorities: bytes) -> "Proxy":
        """A backend that authorities vouch for: PEM of what API Gateway would take for public ones.

        Raises:
            ssl.SSLError: they do not parse.
        """
        return cls(url, ssl.create_default_context(cadata=authorities.decode()))

    @classmethod
    def pinning(cls, url: str, certificate: x509.Certificate) -> "Proxy":
        """A backend with a self-signed certificate, where the user has chosen insecureSkipVerification.

        What API Gateway still looks at then is looked at here too: validity and the host's name.
        """
        context = ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode())
        # OpenSSL looks for an IP address in the subject alternative names alone, and such a certificate has it in its
        # common name: `_check_pinned` compares both the name and all octets of the certificate.
        context.check_hostname = False
        return cls(url, context, certificate)

    def mapping(self, request_parameters: Mapping[str, str]) -> "Proxy":
        """The same with `requestParameters`.

        Raises:
            ValueError: they say more than which headers are set to what the authorizer says.
        """
        return replace(self, headers=set_headers(request_parameters))

    def __call__(self, request: Request, permission: Permission) -> Reply:
        """Hand the request on, with the headers that are set.

        Raises:
            IntegrationError: the backend gave no answer.
        """
        parts = urlsplit(self.url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S, context=self.context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
        try:
            connection.connect()
            self._check_pinned(connection, parts.hostname or "")
            target = f"{request.path}?{request.query}" if request.query else request.path
            connection.request(request.method, target, request.body, self._headers(request, permission))
            return _reply(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            raise IntegrationError(str(error)) from error
        finally:
            connection.close()

    def _headers(self, request: Request, permission: Permission) -> dict[str, str]:
        handed_on = ((name, value) for name, value in request.headers if name.lower() not in _OWN)
        return dict(replaced(handed_on, self.headers, permission.context))

    def _check_pinned(self, connection: http.client.HTTPConnection, host: str) -> None:
        if self.pinned is None:
            return
        if not isinstance(connection.sock, ssl.SSLSocket):
            raise IntegrationError("a certificate was chosen for a backend without TLS")
        shown = connection.sock.getpeercert(binary_form=True)
        if shown != self.pinned.public_bytes(Encoding.DER) or host not in _names(self.pinned):
            raise IntegrationError("the backend shows another certificate than the one that was chosen")


def _names(certificate: x509.Certificate) -> set[str]:
    names = {str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    return (
        names
        | set(extension.get_values_for_type(x509.DNSName))
        | {str(one) for one in extension.get_values_for_type(x509.IPAddress)}
    )


def _reply(response: http.client.HTTPResponse) -> Reply:
    headers = tuple((name, value) for name, value in response.getheaders() if name.lower() not in _OWN)
    return Reply(response.status, headers, response.read())
