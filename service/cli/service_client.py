"""Asking a running service over HTTP, as any caller would."""

import base64
import os

import httpx

from service.cli.rendering import Answer
from service.cli.service_tls import ServiceTlsError, service_tls

TIMEOUT_S = 10.0
"""Longer than the service's own deadline, whatever it is set to."""


class AskError(Exception):
    """The service could not be asked, or did not understand.

    Attributes:
        reason: For a person.
        problem: What the service answered instead of what was asked for; an empty object where it answered nothing.
    """

    def __init__(self, reason: str, problem: Answer | None = None) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
        self.problem: Answer = problem or {}


def call_service(
    method: str, url: str, path: str, body: Answer | None, token: str | None, timeout_s: float = TIMEOUT_S
) -> Answer:
    """The JSON object that a service answers with; an empty one where it says that it has none to give (204).

    For https, `service_tls` says who is believed and what is presented.

    Args:
        method: The HTTP method.
        url: Where the service is.
        path: Of the operation.
        body: What is sent as JSON; None for nothing.
        token: The caller's, where the service asks for one.
        timeout_s: Seconds until it is given up.

    Raises:
        AskError: it could not be asked, or answered with a problem.
    """
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(verify=service_tls(os.environ), trust_env=False, timeout=timeout_s) as client:
            answer = client.request(method, f"{url.rstrip('/')}{path}", json=body, headers=headers)
    except ServiceTlsError as error:
        raise AskError(f"{url} was not asked: {error}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AskError(f"{url} could not be asked: {error}") from error
    return read_answer(url, answer)


def read_answer(url: str, answer: httpx.Response) -> Answer:
    """The JSON object of an answer; an empty one where it has none to give (204).

    Args:
        url: Where the service is, for the complaint.
        answer: What it answered.

    Raises:
        AskError: it answered with a problem, or with no JSON object.
    """
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        document = answer.json()
    except ValueError:
        raise AskError(f"{url} answered {answer.status_code} with something that is not JSON") from None
    if not isinstance(document, dict):
        raise AskError(f"{url} answered {answer.status_code} with JSON that is no object")
    if not answer.is_success:
        reason = f"{url} answered {answer.status_code}: {document.get('detail') or document.get('title')}"
        raise AskError(reason, document)
    return document


def as_text(certificate: bytes) -> str:
    """A certificate file's content as a request carries it: PEM as it is, DER in base64."""
    return (
        certificate.decode("ascii", "replace")
        if b"-----BEGIN" in certificate
        else base64.b64encode(certificate).decode()
    )
