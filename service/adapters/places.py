"""Every kind of place behind one port.

What it does: gives each place to whoever reads its kind. What speaks to S3 is imported when there is such a place, and
not before: it is an extra, and takes a third of a second and some 30 MB of every process.
"""

from collections.abc import Collection, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, assert_never, cast

from service.adapters.files.places import FilePlaces
from service.application.origin import Origin, OriginError
from service.application.places import Content, FilePlace, NotModified, Place, PlaceObject, Places, S3Place, UrlPlace
from service.application.url_places import UrlPlaces
from service.core.model.attempt import Problem

MISSING_EXTRA = "s3:// needs the extra `aws`: pip install --require-hashes -r requirements/aws.txt, from the checkout"
"""What to do where boto3 is not installed."""


class MissingExtraError(Exception):
    """What an `s3://` place needs is not installed; the message says what to do."""


class _ClosedPlaces(Places, Protocol):
    def close(self) -> None: ...


class EveryPlace:
    """Implements `service.application.places.Places` for every kind."""

    def __init__(self, files: Places, urls: Places, s3: Places | None) -> None:
        """Take a reader for each kind.

        Args:
            files: Of files and directories.
            urls: Of URLs.
            s3: Of S3; None where no setting names it.
        """
        self._files = files
        self._urls = urls
        self._s3 = s3

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """Every object at a place.

        Raises:
            OriginError: for every failure.
        """
        return await self._of(place).list(place)

    def read(self, place: Place, max_bytes: int, held: str = "") -> AbstractAsyncContextManager[Content | NotModified]:
        """Read one object.

        Raises:
            OriginError: for every failure.
        """
        return self._of(place).read(place, max_bytes, held)

    def _of(self, place: Place) -> Places:
        match place:
            case FilePlace():
                return self._files
            case UrlPlace():
                return self._urls
            case S3Place():
                if self._s3 is None:
                    raise OriginError(Problem.UNSUPPORTED_SCHEME, f"{place}: no setting names a place in S3")
                return self._s3
            case _:
                assert_never(place)


def open_places(origin: Origin, wanted: Collection[Place], timeout_s: float, stack: AsyncExitStack) -> EveryPlace:
    """Readers for every kind of place.

    Args:
        origin: The guarded way out, for URLs.
        wanted: The places of the settings: whether S3 is among them.
        timeout_s: Seconds for one listing, and for one object.
        stack: Closes them.

    Raises:
        MissingExtraError: a place is in S3, and boto3 is not installed.
    """
    require_extras(wanted)
    s3 = None
    if any(isinstance(place, S3Place) for place in wanted):
        s3 = _open_s3(timeout_s)
        stack.callback(s3.close)
    return EveryPlace(FilePlaces(), UrlPlaces(origin, timeout_s), s3)


def require_extras(wanted: Iterable[Place]) -> None:
    """Check that what some places need is installed, without importing it.

    Raises:
        MissingExtraError: a place is in S3, and boto3 is not installed.
    """
    if any(isinstance(place, S3Place) for place in wanted) and find_spec("boto3") is None:
        raise MissingExtraError(MISSING_EXTRA)


def _open_s3(timeout_s: float) -> _ClosedPlaces:
    # By name and not at the top: without the extra `aws` there is no such import, and nothing else needs it.
    module = import_module("service.adapters.s3.places")
    return cast("_ClosedPlaces", module.S3Places(timeout_s))
