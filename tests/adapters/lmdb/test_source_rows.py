"""What is remembered of sources: what was written is read back, and what is damaged is nobody's."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.source_rows import decode_source, encode_source
from service.adapters.lmdb.store import Store
from service.application.crl_fetcher import CrlSigner
from service.application.evidence_store import StoreError
from service.application.origin_headers import Validators
from service.application.prefetch.source_record import (
    MAX_RECORD_SIGNER_OCTETS,
    MAX_RECORD_SIGNERS,
    GivenCrl,
    Phase,
    PlaceRecord,
    Progress,
    SourceRecord,
    bounded_signers,
)
from service.core.model.attempt import Problem
from service.core.prefetch.inventory import Source, SourceKind, SourceState, Window
from tests.adapters.lmdb.values import AT

pytestmark = pytest.mark.anyio

LATER: Final = AT + timedelta(days=1, microseconds=1)
PLAIN: Final = SourceRecord(SourceState(Source("a", ("a",), SourceKind.CONFIGURED), AT))
FULL: Final = SourceRecord(
    SourceState(
        Source("http://a/ü", ("http://a/ü", "http://b/"), SourceKind.LEARNED),
        used_at=AT,
        tried_at=LATER,
        succeeded_at=AT,
        failures=3,
        window=Window(AT, LATER),
        fresh_until=LATER,
        asked_at=AT,
        known_since=AT,
    ),
    signers=(CrlSigner(bytes(32), b"\x30\x59", (b"\x30", b"\x31"), frozenset({bytes(32), b"d" * 32})),),
    validators=Validators('"etag"', "Sat, 21 Nov 2026 12:00:00 GMT"),
    served_by="http://b/",
    given=(GivenCrl(bytes(32), b"d" * 32, "CN=A", 2**160, AT, None, 5, 600, LATER, stalled=True),),
    pending=(b"p" * 32,),
    problem=Problem.ROLLED_BACK,
    detail="older",
    version="v1",
    progress=Progress(Phase.INGESTING, 5, 10, AT, 2, 4),
)
PLACES: Final = (PlaceRecord("file:///a", AT, 3), PlaceRecord("s3://b/", None, 0, "unreachable: nobody"))


@pytest.mark.parametrize("record", [PLAIN, FULL, replace(FULL, progress=Progress(Phase.DOWNLOADING, 1, None, AT))])
def test_what_is_written_is_read(record: SourceRecord) -> None:
    """Every field of it, the paths of signers too, which no comparison of signers sees."""
    found = decode_source(encode_source(record))
    assert record == found
    assert [one.path for one in record.signers] == [one.path for one in found.signers]
    assert [one.authorities for one in record.signers] == [one.authorities for one in found.signers]


@pytest.mark.parametrize("name", json.loads(encode_source(FULL)))
@pytest.mark.parametrize("value", [{}, -1.5])
def test_a_damaged_field(name: str, value: object) -> None:
    """Each field is looked at."""
    with pytest.raises(StoreError, match="damaged"):
        decode_source(json.dumps({**json.loads(encode_source(FULL)), name: value}).encode())


@pytest.mark.parametrize("name", json.loads(encode_source(FULL)))
def test_a_missing_field(name: str) -> None:
    """Each field is there."""
    document = json.loads(encode_source(FULL))
    del document[name]
    with pytest.raises(StoreError, match="damaged"):
        decode_source(json.dumps(document).encode())


async def test_a_store_keeps_them(path: Path) -> None:
    """Through a restart; a newer record replaces the older, and what is forgotten is gone."""
    with Store.open(path, Role.INGESTER) as store:
        await store.put_sources((PLAIN, FULL))
        await store.put_sources((replace(PLAIN, version="v2"),))
        await store.put_places(PLACES)
    with Store.open(path, Role.WORKER) as store:
        assert {replace(PLAIN, version="v2"), FULL} == set(store.sources())
        assert set(PLACES) == set(store.places())
    with Store.open(path, Role.INGESTER) as store:
        await store.forget_sources(("a", "nobody"))
        await store.put_places(PLACES[1:])
        assert ((FULL,), PLACES[1:]) == (store.sources(), store.places())


async def test_a_damaged_row_is_left_out(store: Store) -> None:
    """The others are read; the source is learned again."""
    await store.put_sources((PLAIN, FULL))
    with store._hot.begin_writing() as transaction, transaction.cursor(db=store._sources._sources) as cursor:  # noqa: SLF001 - damage
        cursor.first()
        cursor.put(cursor.key(), b"{}")
    assert 1 == len(store.sources())


def test_signers_are_bounded() -> None:
    """In number, and their certificates in octets, the first ones first."""
    many = tuple(CrlSigner(bytes(32), bytes([number])) for number in range(MAX_RECORD_SIGNERS + 1))
    assert many[:-1] == bounded_signers(many)
    long = tuple(CrlSigner(bytes([number]), b"", (bytes(MAX_RECORD_SIGNER_OCTETS // 2),)) for number in range(3))
    kept = bounded_signers(long)
    assert (long, [1, 1, 0]) == (kept, [len(one.path) for one in kept])
