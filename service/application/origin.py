"""The port through which everything is fetched from a certificate authority."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from service.application.origin_headers import OriginHeaders, Validators, read_headers
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
        validators: Of a version that is here: a GET asks for anything but that one (RFC 9110 §13.1). None asks for
            whatever there is.
    """

    url: str
    trust: UrlTrust
    max_bytes: int
    timeout_s: float
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    validators: Validators | None = None


@dataclass(frozen=True, slots=True)
class OriginAnswer:
    """A complete answer: status 200, or 304 where validators were sent.

    Attributes:
        url: Where it finally came from, after redirects.
        body: The decoded body; empty where nothing was modified.
        headers: Response headers with lower-case names.
        not_modified: The version of the validators is still the current one.
    """

    url: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    not_modified: bool = False

    @property
    def said(self) -> OriginHeaders:
        """What the origin says about it."""
        return read_headers(self.headers)


@dataclass(frozen=True, slots=True)
class OriginStream:
    """An answer whose body is being read: status 200, or 304 where validators were sent.

    Attributes:
        url: Where it finally came from, after redirects.
        chunks: The decoded body in pieces; none where nothing was modified.
        headers: What the origin says about it.
        not_modified: The version of the validators is still the current one.
        octets: How many the body has, where the origin says so before it comes; a hint, which nobody holds it to here.
    """

    url: str
    chunks: AsyncIterator[bytes] = field(repr=False)
    headers: OriginHeaders = field(default_factory=OriginHeaders)
    not_modified: bool = False
    octets: int | None = None


class OriginError(Exception):
    """Nothing could be had from the origin.

    Attributes:
        problem: Which of the closed set of problems.
        detail: For a person; names the address, status or limit. Never contains credentials.
        status: What the origin answered with, where that is the problem and it is known.
    """

    def __init__(self, problem: Problem, detail: str, status: int | None = None) -> None:
        """Keep the problem, its detail and the status."""
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail
        self.status = status


class Origin(Protocol):
    """Fetches from origins; the only way out of the service."""

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Fetch a whole body into memory.

        Raises:
            OriginError: for every failure; no other exception leaves this port.
        """

    def stream(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginStream]:
        """Fetch a body in pieces, for what is too large to hold; same limits, same errors as `fetch`."""
