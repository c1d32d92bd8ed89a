"""Content codings are undone piece by piece."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.http.encoding import MAX_PIECE, decoder
from service.application.origin import OriginError
from service.core.model.attempt import Problem


def _decode(content_encoding: str, *parts: bytes) -> bytes:
    decode = decoder(content_encoding)
    decoded = b"".join(piece for part in parts for piece in decode.feed(part))
    decode.finish()
    return decoded


@pytest.mark.parametrize(
    ("content_encoding", "data"),
    [
        ("", b"a body"),
        ("identity", b"a body"),
        (" , ", b"a body"),
        ("gzip", gzip.compress(b"a body", mtime=0)),
        ("GZIP ", gzip.compress(b"a body", mtime=0)),
        ("x-gzip", gzip.compress(b"a body", mtime=0)),
        ("deflate", zlib.compress(b"a body")),
    ],
)
def test_known_codings(content_encoding: str, data: bytes) -> None:
    """Both codings are undone, whole and byte by byte."""
    assert b"a body" == _decode(content_encoding, data)
    assert b"a body" == _decode(content_encoding, *(bytes([byte]) for byte in data))


@pytest.mark.parametrize("content_encoding", ["br", "zstd", "gzip, gzip", "deflate,gzip", "compress", "\x00"])
def test_other_codings_are_malformed(content_encoding: str) -> None:
    """What was not asked for is not guessed at."""
    with pytest.raises(OriginError) as caught:
        decoder(content_encoding)
    assert Problem.MALFORMED == caught.value.problem


@pytest.mark.parametrize(
    ("content_encoding", "data"),
    [
        ("gzip", b"no gzip"),
        ("gzip", b""),
        ("gzip", gzip.compress(b"a body", mtime=0)[:-1]),
        ("gzip", gzip.compress(b"a body", mtime=0) + b"\0"),
        ("gzip", gzip.compress(b"a body", mtime=0) + gzip.compress(b"another", mtime=0)),
        ("gzip", gzip.compress(b"a body", mtime=0)[:-8] + bytes(8)),
        ("gzip", zlib.compress(b"a body")),
        ("deflate", gzip.compress(b"a body", mtime=0)),
        ("deflate", zlib.compress(b"a body")[2:-4]),
    ],
)
def test_broken_bodies_are_malformed(content_encoding: str, data: bytes) -> None:
    """A body that is not of its coding, is cut off, or goes on, is refused."""
    with pytest.raises(OriginError) as caught:
        _decode(content_encoding, data)
    assert Problem.MALFORMED == caught.value.problem


def test_pieces_are_small_and_made_when_taken() -> None:
    """A bomb costs one piece at a time, and what is not taken is not made."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024), compresslevel=9, mtime=0)
    pieces = decoder("gzip").feed(bomb)
    assert [MAX_PIECE] * 3 == [len(next(pieces)) for _ in range(3)]


@given(
    st.integers(0, 3 * MAX_PIECE),
    st.sampled_from([b"\0", b"abc", bytes(range(256))]),
    st.integers(1, 5000),
    st.sampled_from(["gzip", "deflate"]),
)
def test_nothing_is_lost(length: int, pattern: bytes, step: int, content_encoding: str) -> None:
    """However the bytes are cut, all of them come out."""
    body = (pattern * (length // len(pattern) + 1))[:length]
    data = gzip.compress(body, mtime=0) if content_encoding == "gzip" else zlib.compress(body)
    assert body == _decode(content_encoding, *(data[at : at + step] for at in range(0, len(data), step)))
