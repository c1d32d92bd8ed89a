"""`GET /dashboard` and `GET /dashboard/{name}`: the page and what it consists of.

Rules it keeps: nothing of it is anybody's secret, so that it needs no token: the page asks for one, and what it shows
it asks for itself, as any caller does. It loads nothing from elsewhere, runs nothing but its own files, and turns no
text into markup (Trusted Types): what is shown are names that strangers have put into certificates. A browser asks each
time whether a file is still the one that it has, so that a page never runs the script of another version.
"""

from collections.abc import Mapping
from typing import Final

from starlette.types import Receive, Scope

from service.api.dashboard.files import INDEX, Asset
from service.api.problems import ProblemError, not_found
from service.api.reply import DATA_POLICY, Header, Headers, Reply, values_of

NAME: Final = "name"
"""What the path calls the name of a file."""

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)

_COMMON: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""Of every file: a browser may keep it, and asks before it uses it."""

_PAGE: Final[tuple[Header, ...]] = (
    *_COMMON,
    (b"content-security-policy", _POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"x-frame-options", b"DENY"),
)
"""Of the page: what it may do, and that no window of somebody else's has a hand on it."""

_FILE: Final[tuple[Header, ...]] = (*_COMMON, DATA_POLICY)
"""Of every other file: looked at by itself, it does nothing."""


class Dashboard:
    """Handlers of both paths."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        """Take the files, the page among them.

        Raises:
            KeyError: it is not.
        """
        self._index = assets[INDEX]
        self._assets = {name: asset for name, asset in assets.items() if name != INDEX}

    async def page(self, scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /dashboard`."""
        return _answer(self._index, scope["headers"], _PAGE)

    async def file(self, scope: Scope, _receive: Receive) -> Reply:
        """Handle `GET /dashboard/{name}`.

        Raises:
            ProblemError: there is none of that name (404).
        """
        asset = self._assets.get(scope["path_params"][NAME])
        if asset is None:
            raise ProblemError(not_found())
        return _answer(asset, scope["headers"], _FILE)


def _answer(asset: Asset, headers: Headers, common: tuple[Header, ...]) -> Reply:
    """The file, or that the caller has it (RFC 9110 §15.4.5)."""
    tag = (b"etag", asset.tag)
    if _has(asset.tag, headers):
        return Reply(304, b"", asset.media_type, (tag,), common)
    return Reply(200, asset.body, asset.media_type, (tag,), common)


def _has(tag: bytes, headers: Headers) -> bool:
    """Whether a caller says that he has this version; a proxy that packs answers makes weak tags of ours (§8.8.3)."""
    given = b",".join(values_of(headers, b"if-none-match")).split(b",")
    return any(one.strip().removeprefix(b"W/") in {tag, b"*"} for one in given)
