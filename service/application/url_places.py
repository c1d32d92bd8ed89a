"""Places that are URLs, fetched through the origin as what they are: the operator's word."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.application.origin import Origin, OriginError, OriginRequest, UrlTrust
from service.application.origin_headers import Validators
from service.application.places import Content, NotModified, Place, PlaceObject, UrlPlace
from service.core.model.attempt import Problem


class UrlPlaces:
    """Implements `service.application.places.Places` for `UrlPlace`."""

    def __init__(self, origin: Origin, timeout_s: float) -> None:
        """Take the way out.

        Args:
            origin: The guarded origin.
            timeout_s: Seconds for each object: name, connection, redirects, the last byte.
        """
        self._origin = origin
        self._timeout_s = timeout_s

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """The URL itself.

        Raises:
            OriginError: UNSUPPORTED_SCHEME.
        """
        return (PlaceObject(UrlPlace(_url(place))),)

    @asynccontextmanager
    async def read(self, place: Place, max_bytes: int, held: str = "") -> AsyncIterator[Content | NotModified]:
        """Ask for anything but the version that is held.

        Raises:
            OriginError: for every failure.
        """
        validators = _validators(held)
        request = OriginRequest(_url(place), UrlTrust.OPERATOR, max_bytes, self._timeout_s, validators=validators)
        async with self._origin.stream(request) as answer:
            if answer.not_modified:
                yield NotModified(answer.headers.max_age_s)
            else:
                said = answer.headers
                yield Content(_version(said.validators), answer.chunks, said.max_age_s, answer.octets)


def _url(place: Place) -> str:
    if not isinstance(place, UrlPlace):
        raise OriginError(Problem.UNSUPPORTED_SCHEME, f"{place} is no URL")
    return place.url


def _version(validators: Validators) -> str:
    if not validators.conditions:
        return ""
    return json.dumps([validators.etag, validators.last_modified])


def _validators(version: str) -> Validators | None:
    """The validators that a version was made of; none of what is no such version, so that all is read."""
    try:
        found = json.loads(version)
    except ValueError:
        return None
    match found:
        case [str() | None as etag, str() | None as last_modified]:
            return Validators(etag, last_modified)
        case _:
            return None
