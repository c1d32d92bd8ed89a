"""Slots and watermarks as they are stored."""

import json
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.lmdb.generation import Generation
from service.adapters.lmdb.record import (
    SlotRecord,
    decode_slot,
    decode_watermark,
    encode_slot,
    encode_watermark,
)
from service.application.evidence_store import HeldCrl, StoreError
from service.core.model.certificate import DistributionPoint
from service.core.model.crl import CrlMeta, CrlSlot, IssuingDistributionPoint, Watermark
from service.core.model.name import GeneralName, GeneralNameKind, Name
from service.core.model.reason import Reasons
from tests.adapters.lmdb.values import AT, held

# Offsets of minutes, as ISO 8601 writes them: a moment in a zone that repeats an hour equals none in another zone.
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(timezones=st.just(UTC) | offsets)
names = st.builds(Name, der=st.binary(), text=st.text())
reasons = st.integers(0, 0x1FF).map(Reasons)
general_names = st.lists(
    st.builds(GeneralName, kind=st.sampled_from(GeneralNameKind), value=st.binary()), max_size=4
).map(tuple)
points = st.builds(
    IssuingDistributionPoint,
    names=general_names,
    only_contains_user_certs=st.booleans(),
    only_contains_ca_certs=st.booleans(),
    only_contains_attribute_certs=st.booleans(),
    only_some_reasons=st.none() | reasons,
    indirect_crl=st.booleans(),
)
metas = st.builds(
    CrlMeta,
    digest=st.binary(min_size=32, max_size=32),
    issuer=names,
    algorithm=st.binary(),
    this_update=moments,
    next_update=st.none() | moments,
    crl_number=st.none() | st.integers(),
    authority_key_identifier=st.none() | st.binary(),
    issuing_distribution_point=st.none() | points,
    base_crl_number=st.none() | st.integers(),
    freshest_crl=st.lists(
        st.builds(DistributionPoint, names=general_names, reasons=reasons, crl_issuer=general_names), max_size=2
    ).map(tuple),
    unsupported=st.lists(st.text()).map(tuple),
    entries=st.integers(min_value=0),
    size=st.integers(min_value=0),
)
slots = st.builds(
    CrlSlot, key=st.binary(min_size=32, max_size=32), issuer=st.binary(), points=st.frozensets(st.binary())
)
records = st.builds(
    SlotRecord,
    held=st.builds(
        HeldCrl,
        slot=slots,
        meta=metas,
        signer_spki=st.binary(),
        source=st.text(),
        fetched_at=moments,
        signer_paths=st.lists(st.lists(st.binary(), max_size=4).map(tuple), max_size=4).map(tuple),
    ),
    generation=st.builds(
        Generation,
        name=st.binary(min_size=16, max_size=16).map(bytes.hex),
        rows=st.integers(min_value=0),
        size=st.integers(min_value=0),
    ),
)

SLOT = encode_slot(SlotRecord(held(7), Generation("00" * 16, 3, 8192)))


@given(records)
def test_slot_round_trip(record: SlotRecord) -> None:
    """Everything that is known of a CRL comes back as it was."""
    found = decode_slot(encode_slot(record))

    assert record == found
    assert record.held.meta.issuer.text == found.held.meta.issuer.text


@given(st.builds(Watermark, crl_number=st.none() | st.integers(), this_update=moments, digest=st.binary()))
def test_watermark_round_trip(watermark: Watermark) -> None:
    """A watermark comes back as it was."""
    assert watermark == decode_watermark(encode_watermark(watermark))


def test_number_of_any_size() -> None:
    """A CRL number beyond Python's limit on decimal digits is kept."""
    watermark = Watermark(1 << 20_000, AT + timedelta(microseconds=1), b"digest")

    assert watermark == decode_watermark(encode_watermark(watermark))


@pytest.mark.parametrize("name", ["crl_number", "this_update", "digest"])
def test_each_field_of_a_watermark_is_read(name: str) -> None:
    """One that is absent is an error, and never a watermark that refuses less."""
    document = json.loads(encode_watermark(Watermark(1, AT, b"digest")))
    del document[name]

    with pytest.raises(StoreError, match=f"damaged.*{name}"):
        decode_watermark(json.dumps(document).encode())


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"\xff", b"null", SLOT[:-1]])
def test_no_record(damaged: bytes) -> None:
    """What is not a JSON object is an error, never an empty record."""
    with pytest.raises(StoreError, match="damaged"):
        decode_slot(damaged)


def _paths(document: object, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(document, dict):
        return []
    return [found for key, value in document.items() for found in ((*above, key), *_paths(value, (*above, key)))]


@pytest.mark.parametrize("path", _paths(json.loads(SLOT)), ids=".".join)
@pytest.mark.parametrize("wrong", ["absent", "another type"])
def test_each_field_is_read(path: tuple[str, ...], wrong: str) -> None:
    """A field that is absent or of another type is an error, whichever it is."""
    document = json.loads(SLOT)
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if wrong == "absent":
        del inner[path[-1]]
    else:
        inner[path[-1]] = 0.5

    with pytest.raises(StoreError, match="damaged"):
        decode_slot(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("generation", "../../../etc/passwd"),
        ("generation", "00" * 16 + "\n"),
        ("rows", -1),
        ("rows", True),
        ("issuer", "0"),
        ("points", ["zz"]),
        ("fetched_at", "yesterday"),
        ("certificates", ["zz"]),
    ],
)
def test_field_out_of_range(name: str, value: object) -> None:
    """A value that was never written is an error; a generation's name cannot lead out of the directory."""
    document = {**json.loads(SLOT), "signer_paths": [{"certificates": []}]}
    place = document["signer_paths"][0] if name == "certificates" else document
    place[name] = value

    with pytest.raises(StoreError, match=f"damaged.*{name}"):
        decode_slot(json.dumps(document).encode())


@pytest.mark.parametrize("value", ["", "0x10", "1_0", "--1", " 1"])
def test_number_out_of_form(value: str) -> None:
    """A number is read only in the form in which it is written."""
    document = json.loads(encode_watermark(Watermark(1, AT, b"digest")))

    with pytest.raises(StoreError, match="crl_number"):
        decode_watermark(json.dumps({**document, "crl_number": value}).encode())


@pytest.mark.parametrize("name", ["names", "reasons", "crl_issuer"])
def test_each_field_of_a_distribution_point_is_read(name: str) -> None:
    """Where deltas are is not guessed."""
    document = json.loads(SLOT)
    whole: dict[str, object] = {"names": [], "reasons": 1, "crl_issuer": []}
    document["meta"]["freshest_crl"] = [{key: value for key, value in whole.items() if key != name}]

    with pytest.raises(StoreError, match=f"damaged.*{name}"):
        decode_slot(json.dumps(document).encode())


def test_unknown_kind_of_name() -> None:
    """A general name of a kind that does not exist is an error."""
    document = json.loads(SLOT)
    point = {
        "names": [{"kind": 9, "value": ""}],
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_contains_attribute_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
    }
    document["meta"]["issuing_distribution_point"] = point

    with pytest.raises(StoreError, match="kind"):
        decode_slot(json.dumps(document).encode())
