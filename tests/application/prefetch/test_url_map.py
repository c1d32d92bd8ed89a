"""Where the CRL of a distribution point really is."""

from pathlib import Path
from typing import Final

import pytest

from service.application.places import FilePlace, Place, S3Place, UrlPlace
from service.application.prefetch.url_map import UrlMap, UrlMapError

MAP: Final = UrlMap(
    (
        ("http://crl.x/", "s3://bucket/all/"),
        ("http://crl.x/special/", "/srv/crls/"),
        ("http://web.x/", "https://mirror.y/a/"),
        ("http://one.x/root.crl", "file:///srv/root.crl"),
        ("http://whole.x", "https://mirror.y"),
    )
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://crl.x/crl/1.crl", S3Place("bucket", "all/crl/1.crl")),
        ("http://crl.x/a%20b.crl", S3Place("bucket", "all/a b.crl")),
        ("http://crl.x/special/1.crl", FilePlace(Path("/srv/crls/1.crl"))),
        ("http://crl.x/special/a%20b.crl", FilePlace(Path("/srv/crls/a b.crl"))),
        ("http://web.x/1.crl?x=1", UrlPlace("https://mirror.y/a/1.crl?x=1")),
        ("http://one.x/root.crl", FilePlace(Path("/srv/root.crl"))),
        ("http://one.x/root.crl.old", None),
        ("http://one.x/root.crl/x", None),
        ("http://whole.x", UrlPlace("https://mirror.y")),
        ("http://whole.x.stranger.y/1.crl", None),
        ("http://whole.x:8443/1.crl", None),
        ("http://crl.y/1.crl", None),
        ("HTTP://crl.x/1.crl", None),
    ],
)
def test_the_longest_prefix_counts(url: str, expected: Place | None) -> None:
    """What follows it is added to its place; what has none, or only begins like a URL, stands for itself."""
    assert expected == MAP.place_of(url)


@pytest.mark.parametrize(
    "rest",
    ["../x", "a/../x", "%2e%2e/x", "%2E./x", "..%2fx", "..%2Fx", "a%5c..%5cx", "a\\..\\x", "a?b", "%00", "a b"],
)
def test_nothing_leads_out_of_a_place(rest: str) -> None:
    """Or is anything else than a name below it."""
    with pytest.raises(UrlMapError):
        MAP.place_of(f"http://crl.x/special/{rest}")


def test_dots_that_lead_nowhere() -> None:
    """They are part of a name."""
    assert FilePlace(Path("/srv/crls/a..b.crl")) == MAP.place_of("http://crl.x/special/a..b.crl")
