"""Blocks as they are written: what was written is read, and what is anything else is refused by name."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.block_text import BlockTextError, read_block, read_tombstone, write_block, write_tombstone
from service.core.model.block import Block, BlockMatch, FingerprintMatch, IssuerSerialMatch, SpkiMatch, Tombstone
from service.core.names.rfc4514 import canonical_of_text

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
ISSUER: Final = "CN=Example\\, Inc.,O=#0c0145,C=DE"
MATCHES: Final[tuple[BlockMatch, ...]] = (
    FingerprintMatch(bytes(range(32))),
    SpkiMatch(b"\xff" * 32),
    IssuerSerialMatch(ISSUER, canonical_of_text(ISSUER), 0x5EED),
    IssuerSerialMatch("", canonical_of_text(""), -(1 << 2000)),
)
FIELDS: Final[dict[str, Any]] = {
    "spki": "ff" * 32,
    "reason": "stolen",
    "created_at": "2026-01-01T00:00:00+00:00",
    "created_by": "admin",
    "until": None,
}


def text(**changed: object) -> bytes:
    """A block with other fields; without those that are Ellipsis."""
    return json.dumps({name: value for name, value in {**FIELDS, **changed}.items() if value is not ...}).encode()


TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MOMENTS: Final = st.datetimes(timezones=st.just(UTC))


@given(st.sampled_from(MATCHES), TEXTS, TEXTS, MOMENTS, st.none() | MOMENTS)
def test_what_is_written_is_read(match: BlockMatch, reason: str, by: str, at: datetime, until: datetime | None) -> None:
    """Field by field."""
    block = Block("b1", match, reason, at, by, until)
    assert block == read_block("b1", write_block(block))
    tombstone = Tombstone("b1", at, by)
    assert tombstone == read_tombstone("b1", write_tombstone(tombstone))


def test_the_form_is_that_of_rows_which_stores_have() -> None:
    """Octet by octet: another one is another format of theirs."""
    assert (
        b'{"issuer":"CN=a","serial":"-5eed","reason":"r","created_at":"2026-01-01T00:00:00+00:00","created_by":"me",'
        b'"until":"2026-01-01T00:00:00.000001+00:00"}'
    ) == write_block(
        Block(
            "b1",
            IssuerSerialMatch("CN=a", canonical_of_text("CN=a"), -0x5EED),
            "r",
            AT,
            "me",
            AT + timedelta(microseconds=1),
        )
    )
    assert b'{"removed_at":"2026-01-01T00:00:00+00:00","removed_by":"me"}' == write_tombstone(Tombstone("b1", AT, "me"))


def test_moments_are_in_utc() -> None:
    """Whatever offset they were written with."""
    east = AT.astimezone(timezone(timedelta(hours=2))).isoformat()
    found = read_block("b1", text(created_at=east, until=east))
    assert (AT, UTC, AT) == (found.created_at, found.created_at.tzinfo, found.until)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"noise",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"1" * 10_000,
        text(spki=...),
        text(spki="ff" * 31),
        text(spki="FF" * 32),
        text(spki="ff " * 31 + "ff"),
        text(spki=1),
        text(fingerprint="zz" * 32),
        text(spki=..., issuer="CN=a"),
        text(spki=..., issuer="CN=a", serial="0x1"),
        text(spki=..., issuer="CN=a", serial="1_0"),
        text(spki=..., issuer="CN=a", serial="1\n"),
        text(spki=..., issuer="CN=a", serial=1),
        text(spki=..., issuer="CN", serial="1"),
        text(reason=...),
        text(reason=None),
        text(reason="\ud800"),
        text(created_by=["me"]),
        text(created_at="2026-01-01T00:00:00"),
        text(created_at="soon"),
        text(created_at="0001-01-01T00:00:00+23:00"),
        text(until=...),
        text(until=""),
        text(until=1),
        text(until="2026-01-01"),
        text(until="9999-12-31T23:59:59-23:00"),
    ],
)
def test_what_is_no_block(damaged: bytes) -> None:
    """Nothing of it is read."""
    with pytest.raises(BlockTextError):
        read_block("b1", damaged)


@pytest.mark.parametrize("damaged", [b"", b"{}", b'{"removed_at":"2026-01-01T00:00:00","removed_by":"me"}', text()])
def test_what_is_no_tombstone(damaged: bytes) -> None:
    """Likewise."""
    with pytest.raises(BlockTextError):
        read_tombstone("b1", damaged)
