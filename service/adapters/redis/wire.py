"""What Redis sends, read within limits: `redis`'s own reader takes whatever length a server announces.

Rules it keeps: nothing is read into memory that is longer than an answer of the fleet's cache may be, whoever sends it
and however it is nested; what is no RESP2 breaks the connection, and so does every limit, since what follows on that
connection answers nothing any more.
"""

from typing import Any, Final, TypeAlias

from redis._parsers.resp2 import _AsyncRESP2Parser
from redis.exceptions import ConnectionError, InvalidResponse  # noqa: A004 - `redis`'s own

Answer: TypeAlias = "bytes | int | list[Answer] | Exception | None"
"""What Redis answers: a text, a number, several, an error, or nothing."""

MAX_VALUE_OCTETS: Final = 2**20
"""Of one value: twice a piece of a CRL, and four times the longest OCSP response that a host keeps."""

MAX_ANSWER_OCTETS: Final = 16 * 2**20
"""Of one answer: 500 fields of a hash, or 1,000 events, of 16 KiB each, which is twice the header of an envelope."""

MAX_ITEMS: Final = 20_000
"""Of one answer, nested ones included: a thousand events have five thousand, a cluster's map of 1,000 nodes as many."""

MAX_DEPTH: Final = 8
"""Of what is nested in one answer: events are four deep, a cluster's map with its metadata too."""

_DIGITS: Final = 20  # of a signed number of 64 bits, its sign included


class BoundedParser(_AsyncRESP2Parser):
    """Reads RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/), and not more than there may be."""

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002 - redis'
        """Read one answer; an error in it is an exception that is given back, as `redis` does it.

        Raises:
            InvalidResponse: it is no answer, or too long.
            ConnectionError: there is no whole one; `redis`'s own.
        """
        self._buffer, self._pos = b"", 0
        self._chunks.clear()
        self._octets, self._items = MAX_ANSWER_OCTETS, MAX_ITEMS
        try:
            return await self._answer(MAX_DEPTH)
        except ValueError:  # a line without an end: asyncio keeps 64 KiB of it
            raise InvalidResponse("a line that has no end") from None
        finally:
            self._chunks.clear()

    async def _answer(self, depth: int) -> Answer:
        line = await self._readline()
        self._chunks.clear()  # `redis` keeps what was read for another attempt, of which there is none
        self._spend(len(line))
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest
            case b"-":
                return self._error(rest)
            case b":":
                return _number(rest)
            case b"$":
                length = _number(rest)
                return None if length == -1 else await self._value(length)
            case b"*":
                length = _number(rest)
                return None if length == -1 else await self._list(length, depth - 1)
            case _:
                raise InvalidResponse("this is not Redis' protocol")

    async def _value(self, length: int) -> bytes:
        if not 0 <= length <= MAX_VALUE_OCTETS:
            raise InvalidResponse(f"a value of {length} octets; the limit is {MAX_VALUE_OCTETS}")
        self._spend(length)
        value = await self._read(length)
        self._chunks.clear()
        return value

    async def _list(self, length: int, depth: int) -> list[Answer]:
        self._items -= length
        if length < 0 or self._items < 0:
            raise InvalidResponse(f"an answer of more than {MAX_ITEMS} items")
        if depth <= 0:
            raise InvalidResponse(f"an answer that is nested more than {MAX_DEPTH} deep")
        return [await self._answer(depth) for _ in range(length)]

    def _spend(self, octets: int) -> None:
        self._octets -= octets
        if self._octets < 0:
            raise InvalidResponse(f"an answer of more than {MAX_ANSWER_OCTETS} octets")

    def _error(self, text: bytes) -> Exception:
        try:
            error: Exception = self.parse_error(text.decode("utf-8", "replace"))  # type: ignore[no-untyped-call] # redis
        except (ValueError, IndexError):  # MOVED without a place to go to
            raise InvalidResponse("a redirection to nowhere") from None
        if isinstance(error, ConnectionError):  # one after which nobody is answered on this connection
            raise error
        return error


def _number(text: bytes) -> int:
    digits = text.removeprefix(b"-")
    if not digits.isdigit() or len(text) > _DIGITS:
        raise InvalidResponse("a number is none")
    return int(text)
