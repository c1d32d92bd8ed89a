"""Settings that are places: what is one, and what is refused for which reason."""

from pathlib import Path

import pytest

from tests.settings.given import load, problems_of

PIN = "a" * 64


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a file in it, where the service is started."""
    (tmp_path / "cas.pem").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "place",
    [
        "cas.pem",
        "{here}",
        "{here}/cas.pem",
        "file://{here}/cas.pem",
        "s3://bucket/cas.pem",
        "s3://a.bucket-2/a/b?versionId=3.xyz_-",
        "https://ca.example/cas.pem",
        "https://ca.example:8443/cas.pem?key=value",
        f"https://ca.example/cas.pem#sha256={PIN}",
        f"https://ca.example/cas.pem#sha256={PIN.upper()}",
        "HTTPS://ca.example/cas.pem",
        "https://[::1]/cas.pem",
    ],
)
def test_trust_stores(here: Path, place: str) -> None:
    """Files, directories, S3, https; what is given is what is shown."""
    text = place.format(here=here)
    assert text == load(TRUST_STORE=text).trust_store


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("/nowhere.pem", "/nowhere.pem does not exist"),
        ("file:///nowhere.pem", "/nowhere.pem does not exist"),
        ("http://ca.example/cas.pem", "anybody on the way can change what comes over http: give https"),
        ("ftp://ca.example/cas.pem", "ftp:// is not understood: give a path, s3:// or https://"),
        ("s3://bucket/prefix/", "s3:// needs the key of an object: a prefix is no trust store"),
        ("s3://bucket/key?version=1", "after ? only versionId= is understood"),
        ("https://user:pa55@ca.example/cas.pem", "credentials in a URL end up in logs"),
        ("https://ca.example/cas.pem#sha256=00", "after # only sha256= and 64 hexadecimal digits are understood"),
        ("cas\0pem", "a path, s3://bucket/key or https://host/path is needed"),
    ],
)
def test_what_is_no_trust_store(place: str, problem: str) -> None:
    """Each with its reason."""
    (found,) = problems_of(TRUST_STORE=place)
    assert problem in found
    assert "pa55" not in found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cas.pem,{here}", ("cas.pem", "{here}")),
        (
            "s3://bucket/crls/, https://crl.example/a.crl,http://crl.example/b.crl",
            ("s3://bucket/crls/", "https://crl.example/a.crl", "http://crl.example/b.crl"),
        ),
        ("s3://bucket", ("s3://bucket",)),
        ("s3://bucket/one.crl?versionId=1", ("s3://bucket/one.crl?versionId=1",)),
    ],
)
def test_sources_of_crls(here: Path, given: str, expected: tuple[str, ...]) -> None:
    """Several, separated by commas."""
    assert tuple(one.format(here=here) for one in expected) == load(CRL_SOURCES=given.format(here=here)).crl_sources


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("/nowhere", "/nowhere does not exist"),
        ("ldap://ca.example/cn=x", "ldap:// is not understood"),
        ("https://crl.example/a.crl#sha256=" + PIN, "after # nothing is understood here"),
        ("https://user@crl.example/a.crl", "credentials in a URL end up in logs"),
        ("s3://B/", "s3:// needs a bucket's name"),
    ],
)
def test_what_is_no_source_of_crls(given: str, problem: str) -> None:
    """Each with its reason."""
    (found,) = problems_of(CRL_SOURCES=given)
    assert problem in found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://crl.example/=s3://bucket/crl/", [("http://crl.example/", "s3://bucket/crl/")]),
        (
            "http://a.example/x.crl=https://b.example/y.crl, https://c.example/=/srv/crls/",
            [("http://a.example/x.crl", "https://b.example/y.crl"), ("https://c.example/", "/srv/crls/")],
        ),
        ("http://a.example/?ca=1=s3://bucket/one", [("http://a.example/?ca=1", "s3://bucket/one")]),
        ("http://a.example/=file:///srv/crls/", [("http://a.example/", "file:///srv/crls/")]),
    ],
)
def test_where_crls_are_in_fact(given: str, expected: list[tuple[str, str]]) -> None:
    """Pairs, in the order in which they are tried."""
    assert expected == list(load(CRL_MAP=given).crl_map)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("http://crl.example/", "is not of the form http://from/=s3://to/"),
        ("http://crl.example/=bucket", "is not of the form http://from/=s3://to/"),
        ("s3://bucket/=s3://other/", "is not of the form http://from/=s3://to/"),
        ("http://crl.example/=ftp://x/", "is not of the form http://from/=s3://to/"),
        ("http://crl.example/=s3://bucket/crl", "either both end in /, or none does"),
        ("http://crl.example=s3://bucket/crl/", "either both end in /, or none does"),
        ("http://crl.example=https://mirror.internal", "'https://mirror.internal': both need a / at the end"),
        ("http://crl.example/=s3://B/", "s3:// needs a bucket's name"),
        ("http://crl.example/=https://user@b.example/", "credentials in a URL end up in logs"),
        ("http://a/=s3://bucket/x/,http://a/=s3://bucket/y/", "'http://a/' is mapped twice"),
    ],
)
def test_what_maps_nothing(given: str, problem: str) -> None:
    """Each with its reason."""
    (found,) = problems_of(CRL_MAP=given)
    assert problem in found
