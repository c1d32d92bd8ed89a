"""Places in S3, and in what speaks its language.

Credentials, region and endpoint are found as every AWS tool finds them: the environment (`AWS_ENDPOINT_URL_S3` among
it), the shared configuration, the role of a container or an instance.

Rules it keeps: boto3 waits, so that it runs in threads, of which there are few; every wait has an end, and the time of
one call covers the waiting for a thread too; nothing but `OriginError` and cancellation leaves; what went wrong is told
by S3's own code, without anything that it repeats of the request.

What it does not do: proxies of the environment (nothing here uses them), or notice a change by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any, Final, Protocol, TypeVar

import boto3
from botocore import exceptions
from botocore.config import Config

from service.application.origin import OriginError
from service.application.places import MAX_OBJECTS, Content, NotModified, Place, PlaceObject, S3Place, is_wanted
from service.core.model.attempt import Problem

MAX_CALLS: Final = 8
"""At a time, each with a thread and a connection: S3 gives some 90 MB/s on each, which is more than is verified."""

CONNECT_TIMEOUT_S: Final = 3.0
"""For a connection: one packet may be lost, which is sent again after a second."""

READ_TIMEOUT_S: Final = 10.0
"""Without an octet: S3 answers in a tenth of a second. It also bounds how long a thread outlives a call given up."""

MAX_ATTEMPTS: Final = 3
"""Of one call, with back-off: S3 asks that 500 and 503 be tried again."""

PIECE_BYTES: Final = 2**20
"""Read at once: each piece costs a change of threads, some 50 microseconds."""

MAX_LISTED: Final = 10 * MAX_OBJECTS
"""Objects below a prefix, wanted or not: a hundred pages."""

Result = TypeVar("Result")

_NOT_MODIFIED: Final = 304
_TIMEOUTS: Final = (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError, TimeoutError)
_CREDENTIALS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
)
_NOT_REACHED: Final = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.ResponseStreamingError,
    exceptions.IncompleteReadError,
    OSError,
)
_MAX_REASON: Final = 240


class _Body(Protocol):
    """The body of an object."""

    def read(self, amt: int) -> bytes:
        """Read so many octets, fewer at the end."""

    def close(self) -> None:
        """Give up the connection."""


class _Paginator(Protocol):
    """What turns pages."""

    def paginate(self, **parameters: str) -> Iterable[Mapping[str, Any]]:
        """Ask for one page after the other."""


class S3Client(Protocol):
    """What is used of boto3's client."""

    def get_object(self, **parameters: str) -> Mapping[str, Any]:
        """Begin to read an object."""

    def get_paginator(self, operation_name: str) -> _Paginator:
        """Turn the pages of a listing."""

    def close(self) -> None:
        """Close the connections that nobody uses."""


class S3Places:
    """Implements `service.application.places.Places` for `S3Place`."""

    def __init__(self, timeout_s: float) -> None:
        """Begin without a client: making one reads files and costs a tenth of a second.

        Args:
            timeout_s: Seconds for one listing, and for one object to its last octet.
        """
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="s3")
        self._closing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3-closing")
        self._making = Lock()
        self._client: S3Client | None = None

    async def list(self, place: Place) -> tuple[PlaceObject, ...]:
        """Every object below a prefix that is a CRL by its name, or the one that is named.

        Raises:
            OriginError: for every failure.
        """
        s3 = _s3(place)
        if not s3.is_prefix:
            return (PlaceObject(s3),)
        with _as_origin_errors(s3):
            async with asyncio.timeout(self._timeout_s):
                return await self._call(self._listed, s3)

    @asynccontextmanager
    async def read(self, place: Place, max_bytes: int, held: str = "") -> AsyncIterator[Content | NotModified]:
        """Read an object in pieces.

        Raises:
            OriginError: for every failure, on entering and on taking a piece.
        """
        s3 = _s3(place)
        if s3.is_prefix:
            raise OriginError(Problem.MALFORMED, f"{s3} is a prefix and no object")
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        with _as_origin_errors(s3):
            async with asyncio.timeout_at(deadline):
                # Where it is given up, the answer comes to nobody and is closed as it is collected.
                answer = await self._call(self._opened, s3, held)
        if answer is None:
            yield NotModified()
            return
        body: _Body = answer["Body"]
        try:
            octets: int | None = answer.get("ContentLength")
            if (octets or 0) > max_bytes:
                raise _too_large(s3, max_bytes)
            yield Content(_version(answer), self._pieces(s3, body, max_bytes, deadline), octets=octets)
        finally:
            # A read that was given up may still hold it: closing it waits in a thread, and nobody waits for that.
            with suppress(RuntimeError):  # closed as a whole meanwhile
                self._closing.submit(body.close)

    def close(self) -> None:
        """End without waiting for what is under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._closing.shutdown(wait=False)  # what is to be closed is, whatever else was to be done
        if self._client is not None:
            self._client.close()

    async def _pieces(self, place: S3Place, body: _Body, max_bytes: int, deadline: float) -> AsyncIterator[bytes]:
        received = 0
        while True:
            with _as_origin_errors(place):
                async with asyncio.timeout_at(deadline):
                    piece = await self._call(body.read, PIECE_BYTES)
            if not piece:
                return
            received += len(piece)
            if received > max_bytes:
                raise _too_large(place, max_bytes)
            yield piece

    async def _call(self, function: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *arguments))

    def _connected(self) -> S3Client:
        with self._making:
            if self._client is None:
                self._client = _client()
            return self._client

    def _opened(self, place: S3Place, held: str) -> Mapping[str, Any] | None:
        """Begin to read an object; None where what is held is the current version."""
        parameters = {"Bucket": place.bucket, "Key": place.key}
        if place.version_id is not None:
            parameters["VersionId"] = place.version_id
        if held:
            parameters["IfNoneMatch"] = held
        try:
            return self._connected().get_object(**parameters)
        except exceptions.ClientError as error:
            if held and _status(error) == _NOT_MODIFIED:
                return None
            raise

    def _listed(self, place: S3Place) -> tuple[PlaceObject, ...]:
        pages = self._connected().get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
        found: list[PlaceObject] = []
        looked_at = 0
        for page in pages:
            objects = page.get("Contents", ())
            looked_at += len(objects)
            wanted = [one for one in objects if is_wanted(one["Key"])]
            found += [PlaceObject(S3Place(place.bucket, one["Key"]), _version(one)) for one in wanted]
            if looked_at > MAX_LISTED or len(found) > MAX_OBJECTS:
                raise OriginError(Problem.TOO_LARGE, f"{place} has more than {MAX_OBJECTS} objects")
        return tuple(sorted(found, key=lambda one: one.key))


def _client() -> S3Client:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
        max_pool_connections=MAX_CALLS,
        proxies={},
    )
    client: S3Client = boto3.session.Session().client("s3", config=config)
    return client


def _s3(place: Place) -> S3Place:
    if not isinstance(place, S3Place):
        raise OriginError(Problem.UNSUPPORTED_SCHEME, f"{place} is not in S3")
    return place


def _version(answer: Mapping[str, Any]) -> str:
    """The ETag, which a listing gives as well; a version id, which it does not, would make two versions of one."""
    return str(answer.get("ETag", ""))


def _too_large(place: S3Place, max_bytes: int) -> OriginError:
    return OriginError(Problem.TOO_LARGE, f"{place} is larger than the limit of {max_bytes} bytes")


@contextmanager
def _as_origin_errors(place: S3Place) -> Iterator[None]:
    try:
        yield
    except OriginError:
        raise
    except Exception as error:
        problem, reason = _told(error)
        raise OriginError(problem, f"{place}: {reason}") from error


def _told(error: Exception) -> tuple[Problem, str]:
    if isinstance(error, exceptions.ClientError):
        # Its message may repeat the request; the code says which of the documented errors it is.
        return Problem.HTTP_STATUS, f"S3 answered {_status(error)} {_printable(error.response['Error'].get('Code'))}"
    if isinstance(error, _TIMEOUTS):
        return Problem.TIMED_OUT, "no answer in the time allowed"
    if isinstance(error, _CREDENTIALS):
        return Problem.UNREACHABLE, f"there are no usable AWS credentials: {_printable(error)}"
    if isinstance(error, exceptions.ParamValidationError):
        return Problem.MALFORMED, "S3 has no such names"
    if isinstance(error, _NOT_REACHED):
        return Problem.UNREACHABLE, _printable(error)
    return Problem.INTERNAL, _printable(error)


def _status(error: exceptions.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _printable(text: object) -> str:
    return str(text).encode("unicode_escape").decode("ascii")[:_MAX_REASON]
