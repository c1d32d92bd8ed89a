"""The port to traces: what of one request took how long.

Rules it keeps: nothing in a trace names a certificate, neither its subject nor its serial number; a trace decides
nothing and keeps nobody waiting. What is timed here happens only where nothing was decided before: an answer that is
given again passes none of it.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Final, Protocol

from service.application.crl_fetcher import CrlFetcher
from service.application.origin import Origin
from service.core.model.evidence import Wanted


class Tracing(StrEnum):
    """Where traces go: the operator's choice."""

    OFF = "off"
    OTLP = "otlp"
    """To a collector, by OpenTelemetry's protocol over HTTP."""


class RequestTracer(Protocol):
    """Begins the trace of a request, or goes on with that of its caller."""

    def request(self, method: str, route: str, parent: str | None) -> AbstractContextManager[Callable[[int], None]]:
        """Time a request until the block is left; in it, the answer's status is told by calling what is given.

        Args:
            method: Of the request; anything that the client likes.
            route: Which of the service's paths, without what varies.
            parent: What the caller says of its own trace (`traceparent`, W3C Trace Context); None where it has none.
        """


class Tracer(Protocol):
    """Times the steps of a decision. Must not raise and must not wait."""

    def decide(self) -> AbstractContextManager[object]:
        """Time a decision until the block is left."""

    def gather(self, wanted: Collection[Wanted], spent: int) -> AbstractContextManager[object]:
        """Time the gathering of evidence.

        Args:
            wanted: Which.
            spent: How many rounds there were before.
        """

    def verify(self) -> AbstractContextManager[object]:
        """Time a look at the chain and what is at hand: paths are built, signatures verified, evidence is judged."""

    def origin(self, origin: Origin) -> Origin:
        """A way out on which each fetch of an OCSP answer is timed."""

    def crl_fetcher(self, fetcher: CrlFetcher) -> CrlFetcher:
        """Who fetches CRLs, and is timed."""


_NOTHING: Final = nullcontext()


class NullTracer:
    """Times nothing. Implements `Tracer`."""

    def decide(self) -> AbstractContextManager[object]:
        """Do nothing."""
        return _NOTHING

    def gather(self, wanted: Collection[Wanted], spent: int) -> AbstractContextManager[object]:
        """Do nothing."""
        del wanted, spent
        return _NOTHING

    def verify(self) -> AbstractContextManager[object]:
        """Do nothing."""
        return _NOTHING

    def origin(self, origin: Origin) -> Origin:
        """The same."""
        return origin

    def crl_fetcher(self, fetcher: CrlFetcher) -> CrlFetcher:
        """The same."""
        return fetcher
