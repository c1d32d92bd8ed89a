"""Reading the text of a setting as a place."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.places import (
    MAX_KEY_BYTES,
    MAX_TEXT,
    FilePlace,
    PinnedPlace,
    Place,
    PlaceError,
    PlaceObject,
    S3Place,
    UrlPlace,
    is_wanted,
    parse_place,
    parse_trust_place,
)

PIN = "ab" * 32


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/etc/revet/crls", FilePlace(Path("/etc/revet/crls"))),
        ("file:///etc/a%20b.crl", FilePlace(Path("/etc/a b.crl"))),
        ("FILE:///a", FilePlace(Path("/a"))),
        ("s3://bucket", S3Place("bucket", "")),
        ("s3://bucket/", S3Place("bucket", "")),
        ("s3://bucket/prefix/", S3Place("bucket", "prefix/")),
        ("s3://my.bucket_1-x/a/b.crl", S3Place("my.bucket_1-x", "a/b.crl")),
        ("s3://bucket/a.pem?versionId=3L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", None),
        ("s3://bucket/a%3Fb%23%25%20%C3%A9.crl", S3Place("bucket", "a?b#% \u00e9.crl")),
        ("s3://bucket/a+b.crl", S3Place("bucket", "a+b.crl")),
        ("https://ca.example/a.crl?x=%41&y", UrlPlace("https://ca.example/a.crl?x=%41&y")),
        ("http://ca.example:8080/a.crl", UrlPlace("http://ca.example:8080/a.crl")),
    ],
)
def test_places(text: str, place: Place | None) -> None:
    """Each kind has its form."""
    assert (place or S3Place("bucket", "a.pem", "3L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")) == parse_place(text)


def test_a_path_begins_at_the_working_directory() -> None:
    """As the shell has it; what is absolute stays where it is."""
    assert FilePlace(Path.cwd() / "crls/a.crl") == parse_place("crls/a.crl")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is needed"),
        ("/a\0b", "is needed"),
        ("https://ca.example/" + "a" * MAX_TEXT, "is needed"),
        ("ftp://ca.example/a.crl", "ftp:// is not understood"),
        ("ldap://ca.example/cn=a", "ldap:// is not understood"),
        ("file://etc/a.crl", "absolute"),
        ("file:///a%00b", "absolute"),
        ("s3:///a.crl", "bucket's name"),
        ("s3://b/a.crl", "bucket's name"),
        ("s3://user@bucket/a.crl", "bucket's name"),
        ("s3://bucket/a.crl#b", "write %23"),
        ("s3://bucket/a b.crl", "write %20"),
        ("s3://bucket/100%.crl", "write %25"),
        ("s3://bucket/%ff.crl", "UTF-8"),
        ("s3://bucket/" + "a" * (MAX_KEY_BYTES + 1), "octets"),
        ("s3://bucket/a.crl?versionId=", "only versionId="),
        ("s3://bucket/a.crl?version=1", "only versionId="),
        ("s3://bucket/a.crl?", "only versionId="),
        ("s3://bucket/prefix/?versionId=1", "only of an object"),
        ("https:///a.crl", "no host"),
        ("https://ca.example:0/a.crl", "no host"),
        ("https://ca.example:port/a.crl", "cannot be read"),
        ("https://[ca.example/a.crl", "cannot be read"),
        ("https://user:secret@ca.example/a.crl", "credentials"),
        ("https://ca.example/a.crl#b", "after #"),
        ("https://ca.example/a b.crl", "blank"),
        ("https://ca.example/a\nb.crl", "control"),
    ],
)
def test_no_places(text: str, reason: str) -> None:
    """Everything else is refused, with what is wrong, and without what is secret in it."""
    with pytest.raises(PlaceError, match=reason) as caught:
        parse_place(text)
    assert "secret" not in caught.value.reason


@given(bucket=st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True), key=st.text(max_size=99))
def test_every_key_reads_back(bucket: str, key: str) -> None:
    """What is written for an object, whatever it is called, is read as that object."""
    try:
        place = S3Place(bucket, key.encode("utf-8", "replace").decode())
    except UnicodeEncodeError:
        return
    assert place == parse_place(str(place))


@given(path=st.binary(min_size=1, max_size=99))
def test_every_path_reads_back(path: bytes) -> None:
    """Names of files need not be UTF-8."""
    place = FilePlace(Path("/") / os.fsdecode(path.replace(b"\0", b"0").lstrip(b"/")))
    assert place == parse_place(str(place))


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        ("/etc/cas.pem", PinnedPlace(FilePlace(Path("/etc/cas.pem")))),
        ("/etc/cas#1.pem", PinnedPlace(FilePlace(Path("/etc/cas#1.pem")))),
        ("https://ca.example/cas.pem", PinnedPlace(UrlPlace("https://ca.example/cas.pem"))),
        (f"https://ca.example/cas.pem#sha256={PIN}", None),
        (f"https://ca.example/cas.pem#sha256={PIN.upper()}", None),
        ("s3://bucket/cas.pem", PinnedPlace(S3Place("bucket", "cas.pem"))),
        (
            f"s3://bucket/cas.pem?versionId=1#sha256={PIN}",
            PinnedPlace(S3Place("bucket", "cas.pem", "1"), bytes.fromhex(PIN)),
        ),
    ],
)
def test_places_of_trust_stores(text: str, pinned: PinnedPlace | None) -> None:
    """The same, and a pin for what is remote."""
    expected = pinned or PinnedPlace(UrlPlace("https://ca.example/cas.pem"), bytes.fromhex(PIN))
    assert expected == parse_trust_place(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://ca.example/cas.pem", "give https"),
        (f"http://ca.example/cas.pem#sha256={PIN}", "give https"),
        ("HTTP://ca.example/cas.pem", "give https"),
        ("s3://bucket", "prefix"),
        ("s3://bucket/prefix/", "prefix"),
        ("https://ca.example/cas.pem#", "64 hexadecimal"),
        ("https://ca.example/cas.pem#sha256=", "64 hexadecimal"),
        (f"https://ca.example/cas.pem#sha256={PIN}0", "64 hexadecimal"),
        (f"https://ca.example/cas.pem#sha1={PIN}", "64 hexadecimal"),
        (f"https://ca.example/cas.pem#sha256={PIN}#", "64 hexadecimal"),
        (f"file:///etc/cas.pem#sha256={PIN}", "is for s3"),
        ("", "is needed"),
    ],
)
def test_no_places_of_trust_stores(text: str, reason: str) -> None:
    """A pin that cannot be read is refused: without it, anything would be taken."""
    with pytest.raises(PlaceError, match=reason):
        parse_trust_place(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.crl", True),
        ("A.CRL", True),
        ("a.pem", True),
        ("dir/a.der", True),
        (".crl", False),
        ("dir/.a.crl", False),
        (".dir/a.crl", True),
        ("a.crt", False),
        ("acrl", False),
        ("dir.crl/", False),
    ],
)
def test_names(name: str, expected: bool) -> None:
    """Which objects of a directory or below a prefix are CRLs."""
    assert expected == is_wanted(name)


def test_keys() -> None:
    """An object is called as its place is written."""
    assert "s3://bucket/a.pem?versionId=1" == PlaceObject(S3Place("bucket", "a.pem", "1")).key
