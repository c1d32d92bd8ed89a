"""Where the CRLs of distribution points may be had: URLs out of certificates, and how many of them are looked at."""

from collections.abc import Iterable

from service.core.der.certificate_extensions import text_of
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import DistributionPoint
from service.core.model.name import GeneralNameKind

DISTRIBUTION_POINT = "distribution point"
"""The source that attempts name where a distribution point has no URL."""

MAX_DISTRIBUTION_POINTS = 8
"""Distribution points that one extension may make us fetch; certificates and CRLs name one, seldom two."""

MAX_URLS = 4
"""URLs of one distribution point that are tried."""


def fetchable_points(points: Iterable[DistributionPoint]) -> tuple[tuple[str, ...], ...]:
    """The http and https URLs of each distribution point that has one, each set of them once."""
    urls = (tuple(filter(is_http, urls_of(point))) for point in points)
    return tuple(dict.fromkeys(each for each in urls if each))


def skipped_points(points: Iterable[DistributionPoint]) -> tuple[Attempt, ...]:
    """What distribution points name and nobody fetches: `ldap:` most often, and points without a URL."""
    skipped = []
    for point in points:
        urls = urls_of(point)
        if not urls:
            skipped.append(Attempt(DISTRIBUTION_POINT, Problem.UNSUPPORTED, "no URL"))
        skipped.extend(Attempt(url, Problem.UNSUPPORTED_SCHEME) for url in urls if not is_http(url))
    return tuple(skipped)


def urls_of(point: DistributionPoint) -> tuple[str, ...]:
    """The URLs among a distribution point's names."""
    return tuple(text_of(name) for name in point.names if name.kind is GeneralNameKind.URI)


def is_http(url: str) -> bool:
    """Whether a URL is one that CRLs are fetched from."""
    return url.partition(":")[0].lower() in ("http", "https")
