"""The port through which everything is fetched from a certificate authority."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from service.core.model.attempt import Problem


class UrlTrust(Enum):
    """Who named a URL: it decides which addresses may be reached."""

    CERTIFICATE = "certificate"
    """It stands in a certificate: public addresses and the operator's allow list only."""
    OPERATOR = "operator"
    """The operator configured it: any address; but its redirects are held to the rule for certificates."""


@dataclass(frozen=True, slots=True)
class OriginRequest:
    """One request to an origin.

    Attributes:
        url: Absolute http or https URL.
        trust: Who named it.
        max_bytes: Limit for the body, counted before and after decompression.
        timeout_s: Seconds for everything: name, connection, every redirect, the last byte.
        body: POST body; None makes it a GET.
        headers: Extra request headers.
    """

    url: str
    trust: UrlTrust
    max_bytes: int
    timeout_s: float
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OriginAnswer:
    """A complete answer with status 200.

    Attributes:
        url: Where it finally came from, after redirects.
        body: The decoded body.
        headers: Response headers with lower-case names.
    """

    url: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


class OriginError(Exception):
    """Nothing could be had from the origin.

    Attributes:
        problem: Which of the closed set of problems.
        detail: For a person; names the address, status or limit. Never contains credentials.
    """

    def __init__(self, problem: Problem, detail: str) -> None:
        """Keep the problem and its detail."""
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail


class Origin(Protocol):
    """Fetches from origins; the only way out of the service."""

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Fetch a whole body into memory.

        Raises:
            OriginError: for every failure; no other exception leaves this port.
        """

    def stream(self, request: OriginRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Fetch a body in pieces, for what is too large to hold; same limits, same errors as `fetch`."""
