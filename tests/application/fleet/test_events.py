"""Events: what is written is read, and what is no event is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.fleet.events import (
    BlockEvent,
    CrlEvent,
    EventError,
    FleetEventMessage,
    TrustStoreEvent,
    decode_event,
    encode_event,
)

EVENTS = st.one_of(
    st.builds(CrlEvent, st.text()), st.builds(BlockEvent, st.text(), st.binary()), st.builds(TrustStoreEvent, st.text())
)


@given(EVENTS)
def test_what_is_written_is_read(event: FleetEventMessage) -> None:
    """Every event comes back as it was."""
    assert decode_event(encode_event(event)) == event


@given(st.binary())
def test_octets_are_no_event(content: bytes) -> None:
    """Whatever else comes is refused, and nothing worse."""
    with pytest.raises(EventError):
        decode_event(content)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"what":"crl"}',
        b'{"what":"crl","url":1}',
        b'{"what":"blocks","id":"1","envelope":"not base64"}',
        b'{"what":"blocks","id":1,"envelope":""}',
        b'{"what":"trust-store","name":null}',
        b'{"what":"another"}',
        b"[" * 100_000,
    ],
)
def test_other_shapes_are_no_event(content: bytes) -> None:
    """Fields that are missing, of another type, or of a later version."""
    with pytest.raises(EventError):
        decode_event(content)
