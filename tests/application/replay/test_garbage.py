"""Documents of nobody's: refused, or read and decided, whatever is in them."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.replay.case import CaseError, replay
from service.application.replay.document import read_case
from service.core.model.failure import Code
from service.core.model.verdict import Verdict
from tests.application.replay.test_document import Document, document, revoked_by_crl, revoked_by_ocsp

JUNK: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["AA==", "0", "-1", "good"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(value: object, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    match value:
        case dict():
            inner = list(value.items())
        case list():
            inner = list(enumerate(value))
        case _:
            inner = []
    return [way, *(place for key, one in inner for place in _places(one, (*way, key)))]


WHOLE: Final = [document(revoked_by_crl()), document(revoked_by_ocsp())]


@given(st.sampled_from(WHOLE).flatmap(lambda one: st.tuples(st.just(one), st.sampled_from(_places(one)))), JUNK)
def test_junk_in_any_place(where: tuple[Document, tuple[str | int, ...]], junk: object) -> None:
    """It is refused, or comes to some verdict; nothing else happens."""
    whole, way = where
    text = json.dumps(_with(whole, way, junk))
    try:
        outcome: Verdict | None = replay(read_case(text.encode()))
    except CaseError:
        outcome = None
    assert outcome is None or outcome.code in Code


def _with(whole: Document, way: tuple[str | int, ...], junk: object) -> object:
    if not way:
        return junk
    copied: Any = json.loads(json.dumps(whole))
    *steps, last = way
    place = copied
    for step in steps:
        place = place[step]
    place[last] = junk
    return copied


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    """They are no document."""
    with pytest.raises(CaseError):
        read_case(octets)
