"""What an origin says about its answer."""

import pytest

from service.application.origin_headers import (
    MAX_AGE_S,
    MAX_VALIDATOR_LENGTH,
    OriginHeaders,
    Validators,
    read_headers,
)

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param((), OriginHeaders(), id="nothing"),
        pytest.param(
            (("etag", '"a"'), ("last-modified", DATE), ("cache-control", "public, max-age=60")),
            OriginHeaders(Validators('"a"', DATE), 60),
            id="all of it",
        ),
        pytest.param((("etag", 'W/"a"'),), OriginHeaders(Validators('W/"a"')), id="weak"),
        pytest.param((("etag", '""'),), OriginHeaders(Validators('""')), id="an empty tag is one"),
        pytest.param((("etag", "*"),), OriginHeaders(), id="any version"),
        pytest.param((("etag", '"a", "b"'),), OriginHeaders(), id="a list"),
        pytest.param((("etag", "a"),), OriginHeaders(), id="without quotes"),
        pytest.param((("etag", '"a b"'),), OriginHeaders(), id="with a space"),
        pytest.param((("etag", '"\u00e4"'),), OriginHeaders(), id="not ASCII"),
        pytest.param((("last-modified", "yesterday"),), OriginHeaders(), id="no date"),
        pytest.param((("last-modified", "Saturday, 21-Nov-26 10:00:00 GMT"),), None, id="an old form of date"),
    ],
)
def test_validators(headers: tuple[tuple[str, str], ...], expected: OriginHeaders | None) -> None:
    """What is well formed goes back as it came, and nothing else does."""
    assert (expected or OriginHeaders(Validators(None, headers[0][1]))) == read_headers(headers)


@pytest.mark.parametrize(
    ("date", "is_kept"),
    [
        ("Sat, 21 Nov 2026 10:00:01 GMT", True),
        (DATE, False),
        ("Sat, 21 Nov 2026 09:59:59 GMT", False),
        ("now", True),
        ("Sat, 21 Nov 2026 10:00:00 -0000", True),
        ("Sat, 99 Nov 2026 10:00:00 GMT", True),
        ("Sat, 21 Nov 2026 10:00:00 -0000 GMT", True),
        ("Sat, 21 Nov 99999999999999999999 10:00:00 GMT", True),
    ],
)
def test_a_date_does_not_tell_versions_of_one_second_apart(date: str, is_kept: bool) -> None:
    """What was modified in the second in which it was sent may have been modified again in that second."""
    headers = [("etag", '"a"'), ("last-modified", DATE), ("date", date)]
    assert Validators('"a"', DATE if is_kept else None) == read_headers(headers).validators


@pytest.mark.parametrize(
    "modified", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 -0000 GMT"]
)
def test_a_date_that_there_cannot_be(modified: str) -> None:
    """One of which nobody can tell when it is goes back to nobody, where it would have to be compared."""
    assert Validators() == read_headers([("last-modified", modified), ("date", DATE)]).validators


@pytest.mark.parametrize(("length", "is_kept"), [(MAX_VALIDATOR_LENGTH, True), (MAX_VALIDATOR_LENGTH + 1, False)])
def test_a_long_validator(length: int, is_kept: bool) -> None:
    """A validator is kept up to its limit."""
    etag = f'"{"a" * (length - 2)}"'
    assert (etag if is_kept else None) == read_headers([("etag", etag)]).validators.etag


@pytest.mark.parametrize(
    ("cache_control", "age", "expected"),
    [
        ("max-age=60", None, 60),
        ("MAX-AGE=60", None, 60),
        ('max-age="60"', None, 60),
        ("max-age=60, max-age=10", None, 60),
        ("max-age=60", "25", 35),
        ("max-age=60", "90", 0),
        ("max-age=60", "young", 60),
        ("max-age=0", None, 0),
        ("max-age=-1", None, 0),
        ("max-age=soon", None, 0),
        ("max-age", None, 0),
        ("max-age=9999999999999", None, MAX_AGE_S),
        ("max-age=60, no-cache", None, 0),
        ("no-store", None, 0),
        ("s-maxage=60", None, None),
        ("public", None, None),
        ("", None, None),
    ],
)
def test_max_age(cache_control: str, age: str | None, expected: int | None) -> None:
    """Seconds that are left; what cannot be read leaves none."""
    headers = [("cache-control", cache_control), *([] if age is None else [("age", age)])]
    assert expected == read_headers(headers).max_age_s


def test_a_header_that_comes_twice() -> None:
    """Two of Cache-Control are one list (RFC 9110 §5.3); of others the last one counts."""
    headers = [("cache-control", "public"), ("cache-control", "max-age=5"), ("etag", '"a"'), ("etag", '"b"')]
    assert OriginHeaders(Validators('"b"'), 5) == read_headers(headers)


def test_conditions() -> None:
    """Both validators are sent, since an origin may know only one of them."""
    assert (("If-None-Match", '"a"'), ("If-Modified-Since", DATE)) == Validators('"a"', DATE).conditions
    assert () == Validators().conditions
