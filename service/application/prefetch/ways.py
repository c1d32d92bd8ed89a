"""The ways to where CRLs are: the origin for URLs out of certificates, the operator's places for everything else.

Rules it keeps: a URL that is mapped is fetched from where it is mapped to, and from nowhere else; a URL that the
operator named is the operator's, whoever asks for it now; only the operator's word leads to a file or a bucket; a host
that fails again and again is left alone for a while; all of it together is no faster than the line may be used.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace

from service.application.breaker import Breakers, host_of
from service.application.origin import Origin, OriginAnswer, OriginError, OriginRequest, OriginStream, UrlTrust
from service.application.origin_headers import OriginHeaders, Validators
from service.application.pace import Pace
from service.application.places import Content, FilePlace, NotModified, Place, PlaceError, Places, parse_place
from service.application.prefetch.url_map import UrlMap, UrlMapError
from service.core.model.attempt import Problem

_UNANSWERED = frozenset({Problem.UNREACHABLE, Problem.TIMED_OUT})
"""What opens a breaker: whoever answers, if only with an error, costs nobody a time-out."""


class SourceOrigin:
    """Fetches CRLs, wherever they are. Implements `Origin`."""

    def __init__(
        self,
        origin: Origin,
        places: Places,
        url_map: UrlMap,
        breakers: Breakers,
        pace: Pace,
        is_operators: Callable[[str], bool],
    ) -> None:
        """Take the ways.

        Args:
            origin: For URLs out of certificates.
            places: For what the operator named.
            url_map: Which URLs are elsewhere.
            breakers: Of all hosts.
            pace: For the limit of bandwidth.
            is_operators: Whether a URL is one that the operator named.
        """
        self._origin = origin
        self._places = places
        self._url_map = url_map
        self._breakers = breakers
        self._pace = pace
        self._is_operators = is_operators

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """Fetch a whole body into memory.

        Raises:
            OriginError: for every failure.
        """
        async with self.stream(request) as answer:
            body = b"".join([chunk async for chunk in answer.chunks])
            return OriginAnswer(answer.url, body, not_modified=answer.not_modified)

    def host_of(self, url: str) -> str:
        """Which host a URL leads to, mapped or not."""
        return host_of(led_to(url, self._url_map))

    @asynccontextmanager
    async def stream(self, request: OriginRequest) -> AsyncIterator[OriginStream]:
        """Fetch a body in pieces.

        Raises:
            OriginError: for every failure; UNREACHABLE too for a host that is left alone.
        """
        place = self.place_of(request)
        with nullcontext() if _is_file(place) else self._watched(request.url if place is None else str(place)):
            if place is None:
                async with self._origin.stream(request) as answer:
                    yield replace(answer, chunks=self._pace.limited(answer.chunks))
            else:
                held = (request.validators and request.validators.etag) or ""
                async with self._places.read(place, request.max_bytes, held) as content:
                    yield self._as_stream(place, content)

    def place_of(self, request: OriginRequest) -> Place | None:
        """Which of the operator's places a request leads to; None where it leads to an origin.

        Raises:
            OriginError: it is mapped to what is no place, or is none.
        """
        try:
            place = self._url_map.place_of(request.url)
            if place is None and (request.trust is UrlTrust.OPERATOR or self._is_operators(request.url)):
                place = parse_place(request.url)
        except (UrlMapError, PlaceError) as error:
            raise OriginError(Problem.EGRESS_REFUSED, str(error)) from error
        return place

    def shared_as(self, request: OriginRequest) -> str | None:
        """Where a request leads to from every host: a URL or a bucket; None for files, which each host has its own."""
        try:
            return None if _is_file(self.place_of(request)) else led_to(request.url, self._url_map)
        except OriginError:
            return None

    def _as_stream(self, place: Place, content: Content | NotModified) -> OriginStream:
        match content:
            case Content():
                said = OriginHeaders(Validators(content.version or None), content.max_age_s)
                return OriginStream(str(place), self._pace.limited(content.chunks), said, octets=content.octets)
            case NotModified():
                said = OriginHeaders(max_age_s=content.max_age_s)
                return OriginStream(str(place), _nothing(), said, not_modified=True)

    @contextmanager
    def _watched(self, url: str) -> Iterator[None]:
        """Ask the breaker of a host, and tell it.

        Raises:
            OriginError: UNREACHABLE, where it is open.
        """
        host = host_of(url)
        if not self._breakers.allows(host):
            raise OriginError(Problem.UNREACHABLE, f"{host} failed again and again and is left alone for a while")
        try:
            yield
        except OriginError as error:
            if error.problem in _UNANSWERED:
                self._breakers.failed(host)
            else:
                self._breakers.succeeded(host)
            raise
        self._breakers.succeeded(host)


def led_to(url: str, url_map: UrlMap) -> str:
    """Where a URL leads to, mapped or not: hosts may map one URL to mirrors of their own."""
    try:
        place = url_map.place_of(url)
    except UrlMapError:
        place = None
    return url if place is None else str(place)


def _is_file(place: Place | None) -> bool:
    """Files have no breaker: one directory that is gone says nothing about another."""
    return isinstance(place, FilePlace)


async def _nothing() -> AsyncIterator[bytes]:
    """The body of an answer that has none."""
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
