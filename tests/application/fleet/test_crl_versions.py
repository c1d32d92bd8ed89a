"""What is written of a version is read again, and nothing else is."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.fleet.crl_versions import (
    MAX_CONTENT_OCTETS,
    PIECE_OCTETS,
    Body,
    SharedVersion,
    VersionError,
    read_version,
    write_version,
)
from service.application.origin_headers import MAX_AGE_S, MAX_VALIDATOR_LENGTH, OriginHeaders, Validators

DATE: Final = "Thu, 01 Jan 2026 00:00:00 GMT"
LONG_ETAG: Final = '"' + "\\" * (MAX_VALIDATOR_LENGTH - 2) + '"'
OF_A_PLACE: Final = json.dumps(['"a"', DATE])
BODY: Final = Body(bytes(range(32)), 3)


@pytest.mark.parametrize("body", [None, BODY, Body(bytes(32), 10**12)])
@pytest.mark.parametrize("max_age_s", [None, 0, MAX_AGE_S])
@pytest.mark.parametrize(
    "validators",
    [
        Validators(),
        Validators('"a"'),
        Validators('W/"a"', DATE),
        Validators(None, DATE),
        Validators(OF_A_PLACE),
        Validators(json.dumps([None, DATE])),
        Validators(LONG_ETAG, DATE),
        Validators(json.dumps([LONG_ETAG, DATE])),
    ],
)
def test_what_is_written_is_read(body: Body | None, max_age_s: int | None, validators: Validators) -> None:
    """Whatever an origin may say, with the octets and without."""
    version = SharedVersion(OriginHeaders(validators, max_age_s), body)
    assert version == read_version(write_version(version))


@pytest.mark.parametrize(
    "etag",
    [
        "a",
        "*",
        "",
        '"a", "b"',
        '"a"\r\nX: y',
        '"\N{SNOWMAN}"',
        f'"{MAX_VALIDATOR_LENGTH * "a"}"',
        '["*", null]',
        json.dumps(['"a"\r\nX: y', None]),
        json.dumps([None, "yesterday"]),
        '["\\"a\\""]',
        '["\\"a\\"", null, null]',
        "[1, null]",
        "{}",
        "null",
        "[" * 3000,
        1,
        True,
        [],
        ['"a"', None],
    ],
)
def test_what_no_origin_has_said_goes_back_to_none(etag: object) -> None:
    """What is in Redis becomes part of a request only where it might have come from an answer."""
    document = json.loads(write_version(SharedVersion(OriginHeaders())))
    with pytest.raises(VersionError):
        read_version(json.dumps(document | {"etag": etag}).encode())


def test_a_place_has_no_second_validator() -> None:
    """Both of them stand in the first."""
    document = json.loads(write_version(SharedVersion(OriginHeaders(Validators(OF_A_PLACE)))))
    with pytest.raises(VersionError):
        read_version(json.dumps(document | {"last_modified": DATE}).encode())


def test_more_than_a_version_has() -> None:
    """Octets beyond the limit are not even looked at."""
    content = write_version(SharedVersion(OriginHeaders(), BODY))
    assert BODY == read_version(content.ljust(MAX_CONTENT_OCTETS)).body
    with pytest.raises(VersionError):
        read_version(content.ljust(MAX_CONTENT_OCTETS + 1))


@given(st.binary())
def test_nothing_else_is_a_version(content: bytes) -> None:
    """Octets of nobody are refused, and nothing worse."""
    with pytest.raises(VersionError):
        read_version(content)


@given(
    st.dictionaries(
        st.sampled_from(["digest", "octets", "etag", "last_modified", "max_age_s"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3),
    )
)
def test_no_field_has_another_shape(fields: dict[str, Any]) -> None:
    """Whatever is in a field, it is of its shape or all of it is refused."""
    document = json.loads(write_version(SharedVersion(OriginHeaders())))
    try:
        version = read_version(json.dumps(document | fields).encode())
    except VersionError:
        return
    assert version == read_version(write_version(version))


@pytest.mark.parametrize(
    ("octets", "pieces"),
    [
        (1, (1,)),
        (PIECE_OCTETS - 1, (PIECE_OCTETS - 1,)),
        (PIECE_OCTETS, (PIECE_OCTETS,)),
        (PIECE_OCTETS + 1, (PIECE_OCTETS, 1)),
        (3 * PIECE_OCTETS, (PIECE_OCTETS,) * 3),
    ],
)
def test_pieces(octets: int, pieces: tuple[int, ...]) -> None:
    """All are as large as may be, but the last."""
    assert pieces == Body(bytes(32), octets).pieces
