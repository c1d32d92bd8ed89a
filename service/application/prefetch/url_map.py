"""Where the CRL of a distribution point really is, where that is not what the certificate says.

A private bucket of AWS Private CA is the usual case: `http://…` in the certificate, `s3://…` in fact.
"""

from collections.abc import Iterable

from service.application.places import Place, PlaceError, parse_place


class UrlMapError(ValueError):
    """A URL begins like one that is mapped, and there is no place for it: it is fetched from nowhere else."""


class UrlMap:
    """Prefixes of URLs, and the places that stand for them: the longest prefix counts.

    A prefix ends in `/`; what does not is one whole URL. Otherwise `http://crl.example` would be the beginning of
    `http://crl.example.org/`, and a stranger's host would have what the operator gives to his own.
    """

    def __init__(self, places: Iterable[tuple[str, str]] = ()) -> None:
        """Take them.

        Args:
            places: Prefixes or URLs, compared octet by octet, and the place of each; what follows the prefix in a URL
                is added to the place. A directory may be a path.
        """
        self._places = tuple(
            (prefix, _as_url(place)) for prefix, place in sorted(places, key=lambda pair: (-len(pair[0]), pair[0]))
        )

    def place_of(self, url: str) -> Place | None:
        """The place that stands for a URL; None where the URL stands for itself.

        Raises:
            UrlMapError: what follows the prefix leads out of the place, or is no part of one: a URL out of a
                certificate chooses no other folder of the operator's.
        """
        for prefix, place in self._places:
            if url == prefix or (prefix.endswith("/") and url.startswith(prefix)):
                rest = url[len(prefix) :]
                if _climbs(rest) or ("?" in rest and not place.startswith("http")):
                    raise UrlMapError(f"it leads out of {place}")
                try:
                    return parse_place(place + rest)
                except PlaceError as error:
                    raise UrlMapError(f"below {place}, {error.reason}") from error
        return None


def _climbs(rest: str) -> bool:
    """Whether what follows a prefix has a segment that leads upwards, percent-encoded or not."""
    plain = rest
    for escaped, character in (("%2e", "."), ("%2E", "."), ("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\")):
        plain = plain.replace(escaped, character)
    return "\\" in plain or ".." in plain.partition("?")[0].split("/")


def _as_url(place: str) -> str:
    """A directory's path as a URL: what is added to it is escaped as URLs are."""
    if "://" in place:
        return place
    url = str(parse_place(place))
    return url + "/" if place.endswith("/") and not url.endswith("/") else url
