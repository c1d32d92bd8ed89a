"""Content codings (RFC 9110 §8.4), undone in small pieces.

What it does: turns the bytes of a body as they come into decoded pieces of at most `MAX_PIECE` bytes, so that the
caller can stop at any size: 10 GB of zeros behind 10 MB of gzip cost one piece of memory.

What it does not do: count (`body.py` does), or undo more than one coding: nobody compresses twice but to multiply.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

from service.application.origin import OriginError
from service.core.model.attempt import Problem

MAX_PIECE = 64 * 1024
"""Bytes of a decoded piece: as much as httpcore reads at once."""

# zlib's `wbits`: 15 is the largest window, which RFC 1952 and RFC 1950 allow; 16 more says gzip.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZLIB_WINDOW = zlib.MAX_WBITS


class Decoder(Protocol):
    """Undoes a content coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode what came, lazily: what the caller does not take is not decoded.

        Raises:
            OriginError: MALFORMED.
        """

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            OriginError: MALFORMED, when the coding has not ended.
        """


class IdentityDecoder:
    """No coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the data back."""
        yield data

    def finish(self) -> None:
        """End anywhere."""


class InflateDecoder:
    """gzip (RFC 1952), or deflate in its zlib form (RFC 1950), which is the one that RFC 9110 §8.4.1.2 names."""

    def __init__(self, name: str, window: int) -> None:
        self._name = name
        self._inflate = zlib.decompressobj(window)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode what came.

        We choose to take one gzip member only (RFC 1952 §2.2 allows several): no server sends more, and an endless
        row of empty ones would be work without output.

        Raises:
            OriginError: MALFORMED, when it is not of this coding or goes on after its end.
        """
        while data:
            try:
                piece = self._inflate.decompress(data, MAX_PIECE)
            except zlib.error as error:
                raise OriginError(Problem.MALFORMED, f"the body is not {self._name}: {error}") from error
            if self._inflate.unused_data:
                raise OriginError(Problem.MALFORMED, f"the body goes on after the end of its {self._name}")
            if piece:
                yield piece
            # What zlib keeps back when the input is all taken comes out with the checksum, which ends both codings.
            data = self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Refuse a coding that is cut off."""
        if not self._inflate.eof:
            raise OriginError(Problem.MALFORMED, f"the body ends before its {self._name} does")


def decoder(content_encoding: str) -> Decoder:
    """Choose the decoder.

    Args:
        content_encoding: The value of Content-Encoding, empty without one; several headers joined with commas.

    Raises:
        OriginError: MALFORMED, for codings that were not asked for and for more than one.
    """
    match [name for item in content_encoding.lower().split(",") if (name := item.strip())]:
        case [] | ["identity"]:
            return IdentityDecoder()
        case ["gzip" | "x-gzip" as name]:
            return InflateDecoder(name, _GZIP_WINDOW)
        case ["deflate" as name]:
            return InflateDecoder(name, _ZLIB_WINDOW)
        case [_]:
            raise OriginError(Problem.MALFORMED, "the body has a content coding other than gzip and deflate")
        case _:
            raise OriginError(Problem.MALFORMED, "the body has more than one content coding")
